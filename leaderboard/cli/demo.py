"""``retention demo``: every step once, on the shipped nano checkpoints."""

from functools import partial
from pathlib import Path
from typing import Any

import click

_TUNED = ("nano:lora-replay", "nano:sft")


@click.command(name="demo")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where runs go.")
@click.option("--site", type=click.Path(path_type=Path), default=Path("site/public"), show_default=True)
@click.option(
    "--engine", type=click.Choice(["vllm", "transformers"]), help="Default: vllm if installed, else transformers."
)
@click.option("--json", "as_json", is_flag=True, help="Print the scorecards, then the board's summary, as JSON.")
def command(out: Path, site: Path, engine: str | None, as_json: bool) -> None:
    """Evaluate the shipped nano base and its fine-tunes, score them, and build the board.

    \b
    Examples:
      retention demo
      retention demo --engine transformers
    """
    from harness.cli.evaluate import evaluate, run_and_print

    arguments: dict[str, Any] = {"suite": "nano-1", "target": "jigsaw", "engine": engine, "out": out}
    run_and_print(partial(evaluate, "nano:base", _TUNED, **arguments), as_json=as_json)
    if not Path("submissions").is_dir():
        click.echo("No submissions/ folder here: the board is built in a checkout of the project.", err=as_json)
        return
    from leaderboard.cli.board import build

    click.get_current_context().invoke(build, out=site, as_json=as_json)
