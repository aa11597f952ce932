"""``retention evaluate``: run a base and its fine-tunes on a suite, score each pair, print and keep the scorecards."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.evaluate import Plan


@click.command(name="evaluate")
@click.argument("base")
@click.argument("tuned", nargs=-1, required=True)
@click.option("--suite", required=True, help="A shipped suite (nano-1) or a YAML file.")
@click.option("--target", required=True, help="The task family the tuned models were trained for, e.g. jigsaw.")
@click.option("--engine", type=click.Choice(["vllm", "transformers"]), help="Default: vllm if installed.")
@click.option("--dtype", type=click.Choice(["float32", "bfloat16", "float16"]), help="Default: float32 on a CPU.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where runs go.")
@click.option("--max-model-len", default=4096, show_default=True, help="Longest prompt plus answer, in tokens.")
@click.option("--batch", default=256, show_default=True, help="Requests in the engine at once.")
@click.option("--threads", default=1, show_default=True, help="CPU threads of the engine; more was slower on 2 cores.")
@click.option("--max-errors", default=0, show_default=True, help="Failed items to tolerate in a run.")
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
    max_errors: int,
    as_json: bool,
) -> None:
    """Run BASE and each TUNED checkpoint on a suite and score every pair.

    A checkpoint is a local folder, a hub id owner/name[@revision], a PEFT adapter (folder or id), or a shipped
    nano:NAME. The same command again reuses every stored answer and finishes what is missing.

    \b
    Examples:
      retention evaluate nano:base nano:sft --suite nano-1 --target jigsaw
      retention evaluate ./base ./tuned-a ./tuned-b --suite nano-1 --target math --engine transformers
      retention evaluate Qwen/Qwen2.5-VL-7B-Instruct your/model --suite nano-1 --target jigsaw --json
    """
    plan = plan_of(base, tuned, suite, target, engine, dtype, out, max_model_len, batch, threads)
    run_and_score(plan, target, max_errors=max_errors, as_json=as_json)


def plan_of(
    base: str,
    tuned: tuple[str, ...],
    suite: str,
    target: str,
    engine: str | None,
    dtype: str | None,
    out: Path,
    max_model_len: int = 4096,
    batch: int = 256,
    threads: int = 1,
) -> "Plan":
    """The plan that the command's options ask for."""
    from harness import engines
    from harness.evaluate import make_plan

    settings = engines.EngineSettings(
        name=engines.choose(engine),  # type: ignore[arg-type]
        dtype=dtype or engines.default_dtype(engines.device_class()),  # type: ignore[arg-type]
        max_model_len=max_model_len,
        batch=batch,
        threads=threads,
    )
    return make_plan(base, tuned, suite, target, settings, out)


def run_and_score(plan: "Plan", target: str, *, max_errors: int = 0, as_json: bool = False) -> list[Path]:
    """Run the plan, score each pair, write scorecard.json and report.html beside the tuned run, print; run folders."""
    from rich.console import Console

    from harness.cli.progress import RichWatcher
    from harness.evaluate import run_plan
    from harness.report.page import render as render_page
    from harness.report.terminal import render as render_terminal
    from harness.samples import read_run
    from harness.scoring import score_pair

    with RichWatcher() as watcher:
        folders = run_plan(plan, watcher, max_errors=max_errors)
    base_run = read_run(folders[0])
    console = Console()
    for folder in folders[1:]:
        tuned_run = read_run(folder)
        scorecard = score_pair(base_run, tuned_run, target)
        (folder / f"scorecard-{target}.json").write_text(scorecard.to_json(), encoding="utf-8")
        (folder / f"report-{target}.html").write_text(render_page(scorecard, base_run, tuned_run), encoding="utf-8")
        if as_json:
            click.echo(scorecard.model_dump_json())
        else:
            render_terminal(scorecard, console)
            click.echo(f"Report: {folder / f'report-{target}.html'}\n")
    return folders
