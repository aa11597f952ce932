"""``retention check``: a quick verdict on a fine-tune, on a fixed random part of the suite that fits its base."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from harness.cli.gating import Gate, gate
from harness.cli.options import data_dir, evaluation_options, margin

if TYPE_CHECKING:
    from harness.api import Check, Evaluation, PlannedCheck
    from harness.evaluation import Sizes


@click.command(name="check")
@click.argument("base")
@click.argument("tuned", nargs=-1, required=True)
@click.option("--target", help="The task family that was trained, e.g. math; without it only forgetting is measured.")
@click.option("--items", type=click.IntRange(1), default=100, show_default=True, help="Most items of each task.")
@click.option("--suite", help="A shipped suite or a YAML file.  [default: the one that fits BASE]")
@data_dir
@evaluation_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a TUNED in place of text.")
@margin
@gate
def command(base: str, tuned: tuple[str, ...], fail_on_error: float, as_json: bool, gate: Gate, **options: Any) -> None:
    """Check quickly what each TUNED forgot of what BASE could.

    No suite is needed: core-vl, core-text or core-base is taken by whether BASE has an image processor and a chat
    template, and nano-1 or nano-2 for the nano checkpoints. Of each task the first --items are asked, a random part
    that is the same every time. What they can show is printed first; then come the verdict, the report, and what to run
    next.

    \b
    Examples:
      retention check nano:base nano:sft
      retention check nano:base nano:sft --target jigsaw --items 50
      retention check Qwen/Qwen2.5-1.5B-Instruct ./tuned ./lora --target math
      retention check ./base ./tuned --items 20 --json
      retention check ./base ./tuned --fail-if "any forgot" --markdown comment.md   # exit 1 where a loss is shown
    """
    from harness.cli.progress import RichWatcher

    settings = {name: value for name, value in options.items() if value is not None}
    gate.check(settings.get("target"), as_json=as_json)
    quiet = as_json or gate.takes_stdout
    found: Iterable[Evaluation]
    with RichWatcher() as watcher:
        watcher.stage("starting")
        from harness.api import Check, EvaluationFailedError, plan_check

        said = partial(click.echo, err=quiet)
        planned = plan_check(base, tuned, progress=said, stage=watcher.stage, **settings)
        gate.check_suite(planned.plan.suite)
        if not quiet:
            _print_sizes(planned)
        failed: EvaluationFailedError | None = None
        try:
            found = planned.run(watcher, fail_on_error=fail_on_error)
        except EvaluationFailedError as error:
            failed, found = error, error.evaluations
    for each in (each for each in found if isinstance(each, Check) and not gate.takes_stdout):
        click.echo(json.dumps(_document(each)) if as_json else f"\n{each.summary()}")
    gate.finish([each.scorecard for each in found], quiet=as_json, failed=failed)
    if failed is not None:
        raise failed


def _print_sizes(planned: "PlannedCheck") -> None:
    """What will be asked, and the smallest losses that it can show."""
    from harness.cli.columns import echo_columns
    from harness.scoring import per_cent

    sizes = planned.sizes
    rows = [
        [each.task, each.family + ", target" * each.is_target, str(each.items), per_cent(each.smallest_loss)]
        for each in sizes.tasks
    ]
    echo_columns(("task", "family", "items", "detectable"), rows, ("task", "family"))
    click.echo(_what_it_shows(sizes))


def _what_it_shows(sizes: "Sizes") -> str:
    from harness.scoring import per_cent

    mean = sizes.smallest_mean_loss
    over_all = "" if mean is None else f", {per_cent(mean)} on the mean of the prior tasks"
    return (
        f"{sizes.items:,} items a checkpoint. Detectable: the smallest loss in points that is found with 80 % power on "
        f"one task if {100 * sizes.churn:g} % of the items change{over_all}."
    )


def _document(found: "Check") -> dict[str, Any]:
    """One check as JSON: the suite with the reason, the sizes, the verdict, where all of it is, and the scorecard."""
    from harness.scoring import wording

    return {
        "suite": found.choice.suite,
        "reason": found.choice.reason,
        "missing": dict(found.choice.missing),
        "sizes": asdict(found.sizes),
        "verdict": list(map(wording.plain, found.verdict)),
        "folder": str(found.folder),
        "report": str(found.report),
        "next": found.next,
        "scorecard": found.scorecard.model_dump(mode="json"),
    }
