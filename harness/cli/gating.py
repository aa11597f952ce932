"""Gating: the options of a gate, and what a command does with them after its pairs are scored."""

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from harness.errors import RetentionError

if TYPE_CHECKING:
    from harness.records import Draft, Suite
    from harness.scoring import Rule, RuleResult, Scorecard

Command = TypeVar("Command", bound=Callable[..., Any])

_DEFAULT = "any forgot"


@dataclass(frozen=True)
class Gate:
    """Rules that fail a command, and files that say so."""

    rules: "tuple[Rule, ...]" = ()
    strict: bool = False
    markdown: str | None = None
    junit: str | None = None

    @property
    def takes_stdout(self) -> bool:
        """Whether a report goes to stdout, so that nothing else may."""
        return "-" in (self.markdown, self.junit)

    def check(self, target: str | None, *, as_json: bool = False) -> None:
        """Refuse what cannot be done before anything runs: a rule about a target that is not named, two documents in
        one place, a file that cannot be written."""
        for rule in self.rules:
            if rule.needs_target and target is None:
                raise RetentionError(f"rule {str(rule)!r} is about the target: name it (--target FAMILY)")
        if [self.markdown, self.junit, "-" if as_json else None].count("-") > 1:
            raise RetentionError("--markdown -, --junit - and --json all write to stdout: give the others a file")
        if self.markdown == self.junit is not None:
            raise RetentionError(f"--markdown and --junit: both write to {self.junit}; give each a file of its own")
        for name in (self.markdown, self.junit):
            if name not in (None, "-"):
                _check_place(Path(name))

    def check_suite(self, suite: "Suite | Draft") -> None:
        """Refuse a rule about a task, group or family that ``suite`` does not have, before anything runs."""
        from harness.scoring import check_scopes

        places = suite.tasks.values()
        check_scopes(self.rules, [*suite.tasks, *(each.group for each in places), *(each.family for each in places)])

    def refuse_screening(self) -> None:
        """Refuse a gate on pairs that are left early."""
        if self.rules:
            raise RetentionError("--screen leaves pairs early, so that their intervals are optimistic: gate whole runs")

    def finish(
        self, cards: "Sequence[Scorecard]", *, quiet: bool = False, failed: RetentionError | None = None
    ) -> None:
        """Write the files, print one line a rule, and leave with the exit code where that is not 0.

        ``quiet`` keeps stdout for JSON; after a ``failed`` evaluation the caller says so and ends.
        """
        from harness.report import render_junit, render_pair_markdown
        from harness.scoring import apply_rules, exit_code

        judged = [(card, apply_rules(self.rules, card)) for card in cards]
        if self.markdown is not None:
            parts = [render_pair_markdown(card, results, strict=self.strict) for card, results in judged]
            _write(self.markdown, "\n".join(parts))
        if self.junit is not None:
            _write(self.junit, render_junit(judged, strict=self.strict))
        self._say(judged, quiet or self.takes_stdout)
        code = exit_code([each for _, results in judged for each in results], strict=self.strict)
        if code and failed is None:
            click.get_current_context().exit(code)

    def _say(self, judged: "Sequence[tuple[Scorecard, list[RuleResult]]]", quiet: bool) -> None:
        from harness.scoring import printable

        for card, results in judged:
            name = f"{printable(card.tuned.name)}: " if len(judged) > 1 else ""
            for result in results:
                word, _, said = result.line(strict=self.strict).partition(" ")
                click.echo(f"{word} {name}{said}", err=quiet)


_OPTIONS = (
    click.option("--fail-if", "fail_if", multiple=True, metavar="RULE",
                 help='Exit 1 where the interval shows RULE: "retention < 95", "forgetting[math] > 5", "any forgot". '
                 "May be given several times."),
    click.option("--min-gain", metavar="POINTS", help='As --fail-if "gain < POINTS".'),
    click.option("--strict-gate", is_flag=True,
                 help=f'Exit 1 unless the opposite of each rule is shown; without a rule, of "{_DEFAULT}".'),
    click.option("--markdown", metavar="FILE", help="Also write a comment for a pull request; - is stdout."),
    click.option("--junit", metavar="FILE", help="Also write JUnit XML, a test a rule and a prior task; - is stdout."),
)  # fmt: skip


def gate(command: Command) -> Command:
    """``--fail-if``, ``--min-gain``, ``--strict-gate``, ``--markdown`` and ``--junit``, as the argument ``gate``."""

    @functools.wraps(command)
    def with_gate(
        *args: Any,
        fail_if: tuple[str, ...],
        min_gain: str | None,
        strict_gate: bool,
        markdown: str | None,
        junit: str | None,
        **options: Any,
    ) -> Any:
        chosen = Gate(_rules(fail_if, min_gain, strict_gate), strict_gate, markdown, junit)
        return command(*args, gate=chosen, **options)

    for option in reversed(_OPTIONS):
        with_gate = option(with_gate)
    return cast(Command, with_gate)


def _rules(fail_if: Sequence[str], min_gain: str | None, strict: bool) -> "tuple[Rule, ...]":
    from harness.scoring import parse_rule

    texts = [*fail_if, *([] if min_gain is None else [f"gain < {min_gain}"])]
    return tuple(dict.fromkeys(parse_rule(text) for text in texts or ([_DEFAULT] if strict else [])))


def _check_place(path: Path) -> None:
    """Refuse what cannot be a file to write, so that hours of evaluation do not end in it."""
    if path.is_dir() or not path.parent.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise RetentionError(f"{path}: cannot be written; name a file in an existing folder")


def _write(name: str, text: str) -> None:
    from harness.cli.compare import write_text

    if name == "-":
        click.echo(text, nl=False)
    else:
        write_text(Path(name), text)
