"""``retention evaluate``: run a base and its fine-tunes on a suite, score each pair, print and keep the scorecards."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from harness.cli.gating import Gate, gate
from harness.cli.options import data_dir, evaluation_options, margin, sampling

if TYPE_CHECKING:
    from harness.api import Evaluation


@click.command(name="evaluate")
@click.argument("base")
@click.argument("tuned", nargs=-1, required=True)
@click.option("--suite", help="A shipped suite (nano-1) or a YAML file; without it, the one that fits BASE is named.")
@data_dir
@click.option("--target", help="The task family that was trained, e.g. jigsaw; without it only forgetting is measured.")
@evaluation_options
@sampling
@click.option("--screen", is_flag=True, help="Stop each TUNED early once its gain is decided; not for submission.")
@click.option("--dry-run", is_flag=True, help="Say what it would cost and could show, run nothing.")
@click.option("--calibrate", is_flag=True, help="With --dry-run: answer for at most 30 s to estimate the time.")
@click.option("--json", "as_json", is_flag=True, help="Print the scorecards as JSON lines instead of tables.")
@margin
@gate
def command(
    base: str,
    tuned: tuple[str, ...],
    suite: str | None,
    target: str | None,
    fail_on_error: float,
    screen: bool,
    dry_run: bool,
    calibrate: bool,
    as_json: bool,
    margin: float,
    gate: Gate,
    **settings: Any,
) -> None:
    """Run BASE and each TUNED checkpoint on a suite and score every pair.

    A checkpoint is a local folder, a hub id owner/name[@revision], a PEFT adapter (folder or id), or a shipped
    nano:NAME. The same command again reuses every stored answer and finishes what is missing.

    --screen is for sorting many checkpoints: the gain on the target is looked at after 20, 40, 60, 80 and 100 % of the
    items by a rule fixed beforehand (O'Brien and Fleming, two-sided 5 %), and a checkpoint is left once it is decided.

    --repeats K --temperature T draws K answers to each item, with the same seeds for every checkpoint, and prints
    pass@k beside the mean. The item stays the unit of all intervals and tests. Options that are compared by their
    probability are compared once. Sampled runs are not for the board, whose rule is greedy answers.

    --dry-run says beforehand how many items, tokens and images there are, what is stored already, which memory is
    needed, how long it takes where that was measured, and which losses would be found.

    With --fail-if it is a gate: exit 0 where no rule is shown, 1 where one is, 2 where a number is not defined. What
    counts is the 95 % interval, so that noise does not fail a build; all files are written first.

    \b
    Examples:
      retention evaluate nano:base nano:sft --suite nano-1 --target jigsaw
      retention evaluate nano:base nano:sft --suite nano-1 --target jigsaw --dry-run --calibrate
      retention evaluate nano:base nano:sft --suite nano-1
      retention evaluate ./base ./tuned-a ./tuned-b --suite nano-1 --target math --engine transformers
      retention evaluate Qwen/Qwen2.5-VL-7B-Instruct your/model --suite core-vl-1 --target jigsaw --json
      retention evaluate ./base ./tuned --suite nano-1 --target math --fail-if "retention < 95" --fail-if "any forgot"
      retention evaluate ./base ./lora-a ./lora-b --suite nano-1 --target math --adapters lora
      retention evaluate ./base ./tuned --suite nano-1 --target math --executor ray --workers 8
      retention evaluate ./base ./tuned --suite nano-1 --target math --repeats 8 --temperature 0.7
    """
    gate.check(target, as_json=as_json)
    arguments: dict[str, Any] = {"suite": suite, "target": target, **settings}
    if calibrate and not dry_run:
        raise click.UsageError("--calibrate: belongs to --dry-run, which is missing")
    if dry_run:
        _plan_and_print(base, tuned, calibrate, as_json, arguments)
        return
    if screen:
        gate.refuse_screening()
    if suite is not None and any(rule.scope is not None for rule in gate.rules):
        from harness.records import read_suite

        gate.check_suite(read_suite(suite))
    call = _screen if screen else partial(evaluate, fail_on_error=fail_on_error, margin=margin)
    run_and_print(partial(call, base, tuned, **arguments), as_json=as_json, gate=gate, settings=settings)


def _plan_and_print(
    base: str, tuned: tuple[str, ...], calibrate: bool, as_json: bool, arguments: dict[str, Any]
) -> None:
    from harness.cli.progress import RichWatcher

    with RichWatcher() as watcher:
        watcher.stage("starting")
        from harness.api import plan
        from harness.cli.planning import print_estimate

        found = plan(base, tuned, calibrate=calibrate, watcher=watcher, **arguments)
    print_estimate(found, as_json=as_json)


def evaluate(*arguments: Any, **settings: Any) -> "Sequence[Evaluation]":
    """As ``harness.api.evaluate_pairs``, which is imported when it is called."""
    from harness.api import evaluate_pairs

    return evaluate_pairs(*arguments, **settings)


def _screen(*arguments: Any, **settings: Any) -> "Sequence[Evaluation]":
    from harness.api import screen_pairs

    return screen_pairs(*arguments, **settings)


def run_and_print(
    call: "Callable[..., Sequence[Evaluation]]",
    *,
    as_json: bool = False,
    gate: Gate | None = None,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Make ``call`` with a progress display and print its pairs, also where others failed; then apply ``gate``.

    ``settings`` are the engine's, of which something may have to be said beforehand.
    """
    from harness.cli.progress import RichWatcher

    with RichWatcher() as watcher:
        # Before anything that takes long to import.
        watcher.stage("starting")
        from harness.api import EvaluationFailedError, engine_note

        if note := engine_note(**(settings or {})):
            click.echo(note, err=True)

        failed: EvaluationFailedError | None = None
        try:
            found = call(watcher=watcher)
        except EvaluationFailedError as error:
            failed, found = error, error.evaluations
    quiet = gate is not None and gate.takes_stdout
    for each in () if quiet else found:
        _print(each, as_json=as_json)
    if not as_json and not quiet:
        _print_screening([each for each in found if each.screened])
    if gate is not None:
        gate.finish([each.scorecard for each in found], quiet=as_json, failed=failed)
    if failed is not None:
        raise failed


def _print(evaluation: "Evaluation", *, as_json: bool) -> None:
    from rich.console import Console

    from harness.report import render_pair

    if as_json:
        click.echo(evaluation.scorecard.model_dump_json())
    else:
        render_pair(evaluation.scorecard, Console())
        click.echo(f"Report: {evaluation.report}\n")


def _print_screening(found: "Sequence[Evaluation]") -> None:
    """What was screened, by gain, and where each was left."""
    from harness.cli.columns import echo_columns
    from harness.scoring import MINUS, point_interval, points

    rows = []
    for each in sorted(found, key=lambda each: -each.scorecard.learned.gain):
        stopped, learned = each.screened, each.scorecard.learned
        if stopped is not None:
            numbers = [points(learned.gain), point_interval(learned.gain_ci), f"{stopped.z:+.2f}".replace("-", MINUS)]
            look = f"{stopped.look} of {stopped.looks}"
            decided = "decided" if stopped.decided else "not decided"
            name = each.scorecard.tuned.name
            rows.append([name, *numbers, f"{stopped.boundary:.2f}", look, f"{100 * each.asked:.0f} %", decided])
    if rows:
        target = found[0].scorecard.learned.family
        click.echo(f"Screened by the gain on {target}: not for submission; published numbers come from complete runs.")
        header = ("checkpoint", "gain", "95 %", "Z", "boundary", "look", "items", "")
        echo_columns(header, rows, ("checkpoint", "95 %", ""))
