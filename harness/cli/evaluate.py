"""``retention evaluate``: run a base and its fine-tunes on a suite, score each pair, print and keep the scorecards."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import data_dir, template_arguments

if TYPE_CHECKING:
    from harness.api import Evaluation


@click.command(name="evaluate")
@click.argument("base")
@click.argument("tuned", nargs=-1, required=True)
@click.option("--suite", required=True, help="A shipped suite (nano-1) or a YAML file.")
@data_dir
@click.option("--target", required=True, help="The task family the tuned models were trained for, e.g. jigsaw.")
@click.option("--name", "names", multiple=True, help="What to call a TUNED in records; once each, in order.")
@click.option("--engine", help="vllm, transformers, openai (a server), or lm-eval:NAME.  [default: vllm if installed]")
@click.option("--dtype", type=click.Choice(["float32", "bfloat16", "float16"]), help="Default: float32 on a CPU.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where runs go.")
@click.option(
    "--max-model-len",
    type=click.IntRange(1),
    help="Longest prompt plus answer, in tokens.  [default: what suite and model need]",
)
@click.option("--batch", default=256, show_default=True, help="Requests in the engine at once.")
@click.option("--threads", default=1, show_default=True, help="CPU threads of the engine; more was slower on 2 cores.")
@click.option(
    "--adapters",
    type=click.Choice(["auto", "merge", "lora"]),
    default="auto",
    show_default=True,
    help="Merge adapters into a copy of the base, or apply them next to it in one engine; auto: merge on a CPU.",
)
@click.option(
    "--processor",
    type=click.Choice(["base", "tuned"]),
    default="base",
    show_default=True,
    help="Whose image processor a TUNED is given: the base's, or its own (custom track).",
)
@click.option(
    "--prompt",
    type=click.Choice(["chat", "plain", "native"]),
    help="In the base's chat template, in none, or each in its own (custom track).  [default: the suite's]",
)
@click.option(
    "--chat-template", metavar="tuned|FILE", help="Ask both in TUNED's chat template, or a file's (custom track)."
)
@click.option(
    "--template-arg",
    "template_args",
    multiple=True,
    metavar="NAME=VALUE",
    callback=template_arguments,
    help="Tell the chat template, e.g. enable_thinking=false (custom track).",
)
@click.option("--tensor-parallel", default=1, show_default=True, help="GPUs that share one model (vllm).")
@click.option("--server", help="Address of an OpenAI-compatible server, for --engine openai.")
@click.option(
    "--model", "models", multiple=True, help="Name a checkpoint is served under; once a checkpoint, in order."
)
@click.option(
    "--executor", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="ray: many workers."
)
@click.option("--address", help="Ray cluster to join, e.g. auto.  [default: start one on this machine]")
@click.option("--workers", type=click.IntRange(1), help="Ray workers.  [default: one a GPU, or one a CPU]")
@click.option(
    "--fail-on-error",
    type=click.FloatRange(0),
    default=0,
    show_default=True,
    help="Failed items to tolerate in a run: a count, or below 1 a fraction.",
)
@click.option(
    "--time-limit", type=click.FloatRange(0, min_open=True), help="Seconds for one item; it then fails alone."
)
@click.option("--screen", is_flag=True, help="Stop each TUNED early once its gain is decided; not for submission.")
@click.option("--json", "as_json", is_flag=True, help="Print the scorecards as JSON lines instead of tables.")
def command(
    base: str,
    tuned: tuple[str, ...],
    suite: str,
    target: str,
    fail_on_error: float,
    screen: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Run BASE and each TUNED checkpoint on a suite and score every pair.

    A checkpoint is a local folder, a hub id owner/name[@revision], a PEFT adapter (folder or id), or a shipped
    nano:NAME. The same command again reuses every stored answer and finishes what is missing.

    --screen is for sorting many checkpoints: the gain on the target is looked at after 20, 40, 60, 80 and 100 % of the
    items by a rule fixed beforehand (O'Brien and Fleming, two-sided 5 %), and a checkpoint is left once it is decided.

    \b
    Examples:
      retention evaluate nano:base nano:sft --suite nano-1 --target jigsaw
      retention evaluate ./base ./tuned-a ./tuned-b --suite nano-1 --target math --engine transformers
      retention evaluate Qwen/Qwen2.5-VL-7B-Instruct your/model --suite nano-1 --target jigsaw --json
      retention evaluate ./base ./lora-a ./lora-b --suite nano-1 --target math --adapters lora
      retention evaluate ./base ./tuned --suite nano-1 --target math --executor ray --workers 8
    """
    arguments: dict[str, Any] = {"suite": suite, "target": target, **settings}
    call = _screen if screen else partial(evaluate, fail_on_error=fail_on_error)
    run_and_print(partial(call, base, tuned, **arguments), as_json=as_json)


def evaluate(*arguments: Any, **settings: Any) -> "Sequence[Evaluation]":
    """As ``harness.api.evaluate_pairs``, which is imported when it is called."""
    from harness.api import evaluate_pairs

    return evaluate_pairs(*arguments, **settings)


def _screen(*arguments: Any, **settings: Any) -> "Sequence[Evaluation]":
    from harness.api import screen_pairs

    return screen_pairs(*arguments, **settings)


def run_and_print(call: "Callable[..., Sequence[Evaluation]]", *, as_json: bool = False) -> None:
    """Make ``call`` with a progress display and print its pairs, also where others failed."""
    from harness.cli.progress import RichWatcher

    with RichWatcher() as watcher:
        # Before anything that takes long to import.
        watcher.stage("starting")
        from harness.api import EvaluationFailedError

        failed: EvaluationFailedError | None = None
        try:
            found = call(watcher=watcher)
        except EvaluationFailedError as error:
            failed, found = error, error.evaluations
    for each in found:
        _print(each, as_json=as_json)
    if not as_json:
        _print_screening([each for each in found if each.screened])
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
    from harness.scoring import point_interval, points

    rows = []
    for each in sorted(found, key=lambda each: -each.scorecard.learned.gain):
        stopped, learned = each.screened, each.scorecard.learned
        if stopped is not None:
            numbers = [points(learned.gain), point_interval(learned.gain_ci), f"{stopped.z:+.2f}"]
            look = f"{stopped.look} of {stopped.looks}"
            decided = "decided" if stopped.decided else "not decided"
            name = each.scorecard.tuned.name
            rows.append([name, *numbers, f"{stopped.boundary:.2f}", look, f"{100 * each.asked:.0f}", decided])
    if rows:
        target = found[0].scorecard.learned.family
        click.echo(f"Screened by the gain on {target}: not for submission; published numbers come from complete runs.")
        header = ("checkpoint", "gain", "95 %", "Z", "boundary", "look", "items %", "")
        echo_columns(header, rows, ("checkpoint", "95 %", ""))
