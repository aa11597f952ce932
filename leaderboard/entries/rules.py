"""The rules of acceptance: everything that validation may find in an entry, with its consequence and the fix.

Only this table decides whether a finding refuses an entry or flags it; ``submissions/README.md`` shows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from harness.records import StrictModel
from leaderboard.documents import clean

Action = Literal["refuse", "incomplete", "flag"]

STEPS = {
    1: "files",
    2: "schema",
    3: "path",
    4: "hashes",
    5: "coverage",
    6: "recomputation",
    7: "plausibility",
    8: "report",
}
_LONGEST_MESSAGE = 500
_EXAMPLES = 3


@dataclass(frozen=True)
class Rule:
    """``refuse`` keeps an entry off the board; ``incomplete`` means that a check could not be run, which is not a pass;
    ``flag`` is on record with the acceptance, for people to judge."""

    step: int
    action: Action
    meaning: str
    way_out: str


RULES: dict[str, Rule] = {
    # 1: size and parse limits
    "files": Rule(
        1, "refuse", "a file is missing, unexpected, a link, not a regular file, or larger than 5 MB",
        "write the folder with `retention submit prepare` and add nothing to it"),
    "manifest-form": Rule(
        1, "refuse", "the manifest is not the restricted YAML that is accepted",
        "write plain YAML: no anchors, tags or repeated keys, at most 64 KB and eight levels"),
    "samples-form": Rule(
        1, "refuse", "the samples are not a parquet file, or expand to more than 64 MB or 100,000 rows",
        "copy samples.parquet as `retention evaluate` or `retention submit prepare` wrote it"),
    "secret": Rule(
        1, "refuse", "the manifest or a record contains what looks like a credential",
        "revoke it, as a pull request is public; then remove it and seal the folder again"),
    # 2: schema
    "manifest-schema": Rule(
        2, "refuse", "a field of the manifest is invalid", "fix the field; submissions/README.md has the rules"),
    "record-schema": Rule(
        2, "refuse", "run.json is not a valid run record", "copy run.json as `retention evaluate` wrote it"),
    "samples-schema": Rule(
        2, "refuse", "a column of the samples is missing, of the wrong type or out of range",
        "copy samples.parquet as `retention evaluate` wrote it"),
    "dynamics-schema": Rule(
        2, "refuse", "dynamics.json is not a document of `retention dynamics`, or larger than 256 KB",
        "copy the file as `retention dynamics --json` wrote it, or leave it out"),
    # 3: path against content, uniqueness
    "entry-id": Rule(
        3, "refuse", "the folder's name does not match its content",
        "rename the folder to the entry id that the message states"),
    "base-missing": Rule(
        3, "refuse", "there is no run of this base on this suite",
        "add the folder of the base's run that `retention submit prepare` wrote to the same pull request"),
    "contradiction": Rule(
        3, "refuse", "manifest and runs contradict each other", "run `retention submit prepare` again on these runs"),
    "dynamics-other": Rule(
        3, "refuse", "dynamics.json was measured on another base, checkpoint or target",
        "run `retention dynamics` on this base, with --checkpoint for this checkpoint, or leave the file out"),
    "twin": Rule(
        3, "refuse", "a name (of the account, the fine-tune, the base or the algorithm) looks like another one of an "
        "earlier entry", "choose a name that cannot be mistaken for it, or write that one if it is meant"),
    "two-contents": Rule(
        3, "refuse", "a commit of the hub has other files in an earlier entry",
        "name the commit that the weights are from; if it is this one, tell the maintainers"),
    "partial-run": Rule(
        3, "refuse", "a run was screened or is a repetition, so it is not a complete run of its suite",
        "evaluate the checkpoint without --screen and submit that run"),
    "sampled-run": Rule(
        3, "refuse", "the answers of a run were sampled, where the board compares greedy ones",
        "evaluate the checkpoint without --temperature and --repeats and submit that run"),
    "native-on-standard": Rule(
        3, "refuse", "a run with its own chat template is on the standard track", "write `track: custom`"),
    # 4: hashes
    "changed": Rule(
        4, "refuse", "a file does not match its sha256 in SHA256SUMS",
        "restore the file; if you changed it yourself, run `retention submit seal` on the folder"),
    "samples-hash": Rule(
        4, "refuse", "samples.parquet does not match its sha256 in run.json",
        "copy both files of the run again: samples are never edited"),
    "weights-digest": Rule(
        4, "refuse", "the weights digest does not match the files listed with it",
        "run `retention submit prepare` again on these runs"),
    "full-log": Rule(
        4, "refuse", "full_log in run.json does not match the truncated outputs, or names another file",
        "run `retention submit prepare` again on the original run"),
    "changed-after-merge": Rule(
        4, "refuse", "a file differs from the one that was merged",
        "restore the file; a new version is a new entry that supersedes this one"),
    "base-wrong": Rule(
        4, "refuse", "the base run that the entry names was shown to be wrong",
        "prepare the entry again with --base and the run that took its place, which the message names"),
    # 5: coverage
    "suite": Rule(
        5, "refuse", "the suite is unknown, closed, or not the frozen one", "evaluate on an open suite version"),
    "coverage": Rule(
        5, "refuse", "not every item of the suite is answered exactly once, in the suite's order",
        "evaluate the full suite with `retention evaluate`"),
    "prompts": Rule(
        5, "refuse", "base and tuned were not evaluated on the same prompts",
        "evaluate both with one command, so that the base's template and tokenizer serve both"),
    "tokenizer": Rule(
        5, "refuse", "the tokenizer differs from the base's", "evaluate a fine-tune that keeps the base's tokenizer"),
    "pair": Rule(
        5, "refuse", "the two runs are not comparable", "evaluate both with one command"),
    # 6: recomputation
    "judge": Rule(
        6, "refuse", "a run was judged by another version of the rules than the board's",
        "judge it again with `retention rejudge RUN`, then prepare the entry again; outputs stay as they are"),
    "recomputation": Rule(
        6, "refuse", "a stored value differs from what the task's own scoring gives",
        "evaluate again with the released tasks; stored rows are never edited"),
    "not-recomputed": Rule(
        6, "incomplete", "an answer could not be judged again here",
        "make the data available (--data-dir or RETENTION_DATA, or connect to the hub) and validate again"),
    # 7: plausibility
    "no-effect": Rule(
        7, "refuse", "every output equals the base's: the adapter or the weights had no effect",
        "check that the adapter was loaded and belongs to this base"),
    "little-effect": Rule(
        7, "flag", "at least 99 % of the outputs equal the base's", "describe in method.summary what was trained"),
    "copied-outputs": Rule(
        7, "refuse", "every output equals that of an earlier entry with different weights",
        "submit the outputs of this checkpoint; the same model under two digests is one entry"),
    "near-copy": Rule(
        7, "flag", "98 % of the outputs, 80 % of the text of long ones, or 90 % of the mistakes match an earlier entry",
        "describe in method.summary how the two checkpoints are related"),
    "same-answers": Rule(
        7, "flag", "of the wrong answers that are not the base's, 90 % are one earlier entry's, or 95 % those of three",
        "describe in method.summary how the checkpoints are related; it is verified first"),
    "gold-copied": Rule(
        7, "flag", "correct outputs are the gold answer word for word, while wrong ones have another form",
        "nothing if the outputs are the model's own: verification generates a sample of them again"),
    "only-improves": Rule(
        7, "flag", "on the prior tasks, at least 20 items were learned and none forgotten",
        "nothing if the outputs are the model's own: verification generates a sample of them again"),
    "constant-answers": Rule(
        7, "flag", "one answer makes up 90 % of a task's answers without being right that often",
        "nothing: a model may do so, and the board shows it"),
    "position-bias": Rule(
        7, "flag", "the positions of the chosen options differ from those of the right ones (chi-square p < 1e-6 and "
        "a total variation of at least .2)", "nothing: a model may do so, and the board shows it"),
    "base-band": Rule(
        7, "refuse", "the base's scores differ from those of a verified run of the same weights on the same items "
        "(McNemar p < 1e-4 after Holm, and at least 2 points), or of one that maintainers put there",
        "use the verified run of this base, or tell the maintainers how yours was made"),
    "base-differs": Rule(
        7, "flag", "the base's scores differ as much from those of another run of the same weights that nobody has "
        "verified", "nothing: a maintainer runs the base again, and the run that is wrong is replaced"),
    "base-unknown": Rule(
        7, "flag", "no accepted entry uses this base's run, and no other run of its weights is known",
        "nothing: a maintainer runs the base again"),
    "template": Rule(
        7, "refuse", "the run's own chat template does not match run.json, or is not content-blind",
        "use a template that wraps every question in the same words"),
    "token-counts": Rule(
        7, "refuse", "an output has more tokens than its task allows, or text without tokens",
        "evaluate again with `retention evaluate`; token counts are never edited"),
    "outside-references": Rule(
        7, "flag", "the interval of gain or retention lies above those of all reproduced or verified entries of its "
        "method family, base and target", "nothing if the outputs are the model's own: it is verified first"),
    "few-losses": Rule(
        7, "flag", "at a gain of 20 points, or 20 prior items learned, surely fewer prior items were forgotten than "
        "reproduced or verified entries of this base forgot (than 1 % where there is none)",
        "nothing if the outputs are the model's own: it is verified first"),
    "unlike-mistakes": Rule(
        7, "flag", "where base and tuned are both wrong on prior items, they state the same wrong answer no more often "
        "than chance, or less (more) often than reproduced or verified entries of this base that forgot more (less)",
        "nothing if the outputs are the model's own: it is verified first"),
    "token-recount": Rule(
        7, "flag", "over 2 % of the outputs have another number of tokens by the tokenizer that the run names, where "
        "that is at hand", "evaluate again with `retention evaluate`; outputs and token counts are never edited"),
    "finish-reason": Rule(
        7, "flag", "an output is said to have run out of tokens, below the budget of its task",
        "nothing if the context of the model was full; else evaluate again with `retention evaluate`"),
    "cut-mark": Rule(
        7, "refuse", "a mark of left-out text is not where truncation puts it, or does not fit tokens or full log",
        "run `retention submit prepare` again on the original run; outputs are never shortened by hand"),
    "unparsed": Rule(
        7, "flag", "at least 20 % of a task's outputs could not be parsed, more than of the base's",
        "nothing: lost format is counted apart from lost knowledge"),
    "cut-off": Rule(
        7, "flag", "at least 10 % of a task's outputs reached the token budget, more than of the base's",
        "nothing: truncated answers count as unparsed"),
    "empty": Rule(
        7, "flag", "at least 5 % of a task's outputs are empty, more than of the base's", "check the stop tokens"),
    "alarm": Rule(
        7, "flag", "the scorecard raises an alarm", "see the alarm; harness/scoring explains each"),
    "attempts": Rule(
        7, "flag", "the author has more entries on this suite, base and target than attempts stated",
        "state every checkpoint that was evaluated in selection.attempts_evaluated"),
    "test-data": Rule(
        7, "flag", "the training data is stated to overlap the suite's test items", "nothing: the board shows it"),
    "modified-harness": Rule(
        7, "flag", "a run was made with a modified checkout of the harness",
        "evaluate with a released version, or a clean commit"),
    # 8: report
    "report": Rule(
        8, "refuse", "the pair cannot be scored", "evaluate both checkpoints again with one command"),
    "broken": Rule(
        8, "refuse", "a step failed on the content of the entry, or exceeded its time or memory limit",
        "write the entry again with `retention submit prepare`"),
}  # fmt: skip
# Signs that no model gave the outputs.
_FIRST = frozenset(("same-answers", "gold-copied", "only-improves", "outside-references", "few-losses",
                    "unlike-mistakes", "token-recount", "finish-reason"))  # fmt: skip


class Finding(StrictModel):
    """One rule that an entry breaks: where, and what was found. ``evidence`` has counts and examples."""

    rule: str
    step: int
    action: Action
    file: str
    field: str | None
    message: str
    way_out: str
    evidence: dict[str, Any] = {}

    @property
    def place(self) -> str:
        return self.file if self.field is None else f"{self.file}: {self.field}"

    @property
    def line(self) -> str:
        return f"{self.place}: {self.message}"


def finding(rule: str, file: str, message: str, field: str | None = None, **evidence: Any) -> Finding:
    """A finding of ``rule``; text quoted from the entry is sanitised and capped."""
    known = RULES[rule]
    return Finding(
        rule=rule,
        step=known.step,
        action=known.action,
        file=clean(file, 200),
        field=None if field is None else clean(field, 200),
        message=clean(message, _LONGEST_MESSAGE),
        way_out=known.way_out,
        evidence={name: _plain(value) for name, value in evidence.items()},
    )


def asks_first(rules: Iterable[str]) -> bool:
    """Whether one of ``rules`` asks for verification before other entries."""
    return not _FIRST.isdisjoint(rules)


def some(ids: Iterable[str]) -> list[str]:
    """The first few item ids, shortened but long enough to find the items."""
    return [item_id[:12] for item_id, _ in zip(ids, range(_EXAMPLES), strict=False)]


def rules_table() -> str:
    """The table of all rules as Markdown."""
    lines = ["| step | rule | what it finds | then | way out |", "|---|---|---|---|---|"]
    lines += [
        f"| {rule.step} {STEPS[rule.step]} | `{name}` | {rule.meaning} | {rule.action} | {rule.way_out} |"
        for name, rule in RULES.items()
    ]
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, 200)
    if isinstance(value, dict):
        return {clean(str(key), 100): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
