"""``retention evaluate``: run a base and its fine-tunes on a suite, score each pair, print and keep the scorecards."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import data_dir

if TYPE_CHECKING:
    from harness.engines import EngineSettings
    from harness.evaluation import Plan
    from harness.records import Run
    from harness.scoring import Scorecard


@click.command(name="evaluate")
@click.argument("base")
@click.argument("tuned", nargs=-1, required=True)
@click.option("--suite", required=True, help="A shipped suite (nano-1) or a YAML file.")
@data_dir
@click.option("--target", required=True, help="The task family the tuned models were trained for, e.g. jigsaw.")
@click.option("--engine", help="vllm, transformers, openai (a server), or lm-eval:NAME.  [default: vllm if installed]")
@click.option("--dtype", type=click.Choice(["float32", "bfloat16", "float16"]), help="Default: float32 on a CPU.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where runs go.")
@click.option("--max-model-len", default=4096, show_default=True, help="Longest prompt plus answer, in tokens.")
@click.option("--batch", default=256, show_default=True, help="Requests in the engine at once.")
@click.option("--threads", default=1, show_default=True, help="CPU threads of the engine; more was slower on 2 cores.")
@click.option(
    "--adapters",
    type=click.Choice(["auto", "merge", "lora"]),
    default="auto",
    show_default=True,
    help="Merge adapters into a copy of the base, or apply them beside it in one engine; auto: merge on a CPU.",
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
    engine: str | None,
    dtype: str | None,
    out: Path,
    max_model_len: int,
    batch: int,
    threads: int,
    adapters: str,
    tensor_parallel: int,
    server: str | None,
    models: tuple[str, ...],
    executor: str,
    address: str | None,
    workers: int | None,
    fail_on_error: float,
    time_limit: float | None,
    screen: bool,
    as_json: bool,
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
    settings = settings_of(
        engine,
        dtype,
        max_model_len=max_model_len,
        batch=batch,
        threads=threads,
        adapters=adapters,
        tensor_parallel=tensor_parallel,
        server=server,
        executor=executor,
        address=address,
        workers=workers,
        time_limit=time_limit,
    )
    from harness.evaluation import make_plan

    plan = make_plan(base, tuned, suite, target, settings, out, models)
    if screen:
        screen_and_score(plan, target, as_json=as_json)
    else:
        run_and_score(plan, target, fail_on_error=fail_on_error, as_json=as_json)


def settings_of(engine: str | None, dtype: str | None, **options: Any) -> "EngineSettings":
    """The engine settings that a command's options ask for."""
    from harness.engines import placement, settings

    chosen = settings.choose(engine)
    return settings.EngineSettings(
        name=chosen,
        dtype=dtype or placement.default_dtype(placement.device_class()),  # type: ignore[arg-type]
        **options,
    )


def run_and_score(plan: "Plan", target: str, *, fail_on_error: float = 0, as_json: bool = False) -> list[Path]:
    """Run the plan, score each pair, write scorecard.json and report.html beside the tuned run, print; run folders."""
    from harness.cli.progress import RichWatcher
    from harness.evaluation import PlanFailedError, noise_run, run_plan
    from harness.records import read_run

    failed: PlanFailedError | None = None
    with RichWatcher() as watcher:
        try:
            folders = run_plan(plan, watcher, fail_on_error=fail_on_error)
        except PlanFailedError as error:
            # The pairs that are complete are scored all the same; the command still fails at its end.
            if plan.folder(plan.base) not in error.finished:
                raise
            failed, folders = error, list(error.finished)
    base, noise = read_run(folders[0]), noise_run(folders[0])
    for folder in folders[1:]:
        _score(folder, base, read_run(folder), noise, target, as_json=as_json)
    if failed is not None:
        raise failed
    return folders


def screen_and_score(plan: "Plan", target: str, *, as_json: bool = False) -> None:
    """Screen the plan's tuned checkpoints, score and print each like a whole run, and list them by gain."""
    from harness.cli.columns import echo_columns
    from harness.cli.progress import RichWatcher
    from harness.errors import CheckFailedError
    from harness.evaluation import screen
    from harness.scoring import point_interval, points

    with RichWatcher() as watcher:
        screened, failures = screen(plan, target, watcher)
    cards = [(_score(each.folder, each.base, each.tuned, None, target, as_json=as_json), each) for each in screened]
    rows = []
    for card, each in sorted(cards, key=lambda pair: -pair[0].learned.gain):
        stopped = each.tuned.record.screened
        if stopped is not None:
            asked = 100 * each.tuned.record.n_items / plan.n_items
            numbers = [points(card.learned.gain), point_interval(card.learned.gain_ci), f"{stopped.z:+.2f}"]
            look = f"{stopped.look} of {stopped.looks}"
            decided = "decided" if stopped.decided else "not decided"
            rows.append([card.tuned.name, *numbers, f"{stopped.boundary:.2f}", look, f"{asked:.0f}", decided])
    if rows and not as_json:
        click.echo(f"Screened by the gain on {target}: not for submission; published numbers come from whole runs.")
        header = ("checkpoint", "gain", "95 %", "Z", "boundary", "look", "items %", "")
        echo_columns(header, rows, ("checkpoint", "95 %", ""))
    if failures:
        raise CheckFailedError("; ".join(failures))


def _score(folder: Path, base: "Run", tuned: "Run", noise: "Run | None", target: str, *, as_json: bool) -> "Scorecard":
    """Score one pair, keep the scorecard and the report in ``folder``, and print it."""
    from rich.console import Console

    from harness.report import render_pair, render_pair_page
    from harness.scoring import score_pair

    card = score_pair(base, tuned, target, noise=noise)
    (folder / f"scorecard-{target}.json").write_text(card.to_json(), encoding="utf-8")
    report = folder / f"report-{target}.html"
    report.write_text(render_pair_page(card, base, tuned), encoding="utf-8")
    if as_json:
        click.echo(card.model_dump_json())
    else:
        render_pair(card, Console())
        click.echo(f"Report: {report}\n")
    return card
