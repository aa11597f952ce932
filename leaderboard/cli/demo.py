"""``retention demo``: the whole path once, on the shipped nano checkpoints."""

from pathlib import Path

import click


@click.command(name="demo")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where runs go.")
@click.option("--site", type=click.Path(path_type=Path), default=Path("site/public"), show_default=True)
@click.option(
    "--engine", type=click.Choice(["vllm", "transformers"]), help="Default: vllm if installed, else transformers."
)
def command(out: Path, site: Path, engine: str | None) -> None:
    """Evaluate the shipped nano base and its fine-tunes, score them, and build the board.

    \b
    Examples:
      retention demo
      retention demo --engine transformers
    """
    from harness.checkpoints import nano_root
    from harness.cli.evaluate import run_and_score, settings_of
    from harness.evaluation import make_plan

    tuned = tuple(sorted(f"nano:{path.name}" for path in nano_root().glob("*/") if path.name != "base"))
    plan = make_plan("nano:base", tuned, "nano-1", "jigsaw", settings_of(engine, None), out)
    run_and_score(plan, "jigsaw")
    if not Path("submissions").is_dir():
        click.echo("No submissions/ folder here: the board is built in a checkout of the project.")
        return
    from leaderboard.cli.board import build

    click.get_current_context().invoke(build, out=site)
