"""``retention trajectory``: the gain x retention curve of one training run."""

from pathlib import Path

import click

from harness.cli.options import log_choices

_PATH = click.Path(path_type=Path)


@click.command(name="trajectory")
@click.argument("runs", nargs=-1, required=True, type=_PATH, metavar="RUN...")
@click.option("--target", help="The task family that was trained, e.g. jigsaw; without it only retention is shown.")
@click.option("--mixed", is_flag=True, help="The runs are of one training, although their names do not look like it.")
@click.option("--json", "json_file", type=_PATH, help="Also write the trajectory to this file.")
@click.option("--html", "html_file", type=_PATH, help="Also write the page with the curve to this file.")
@log_choices
def command(
    runs: tuple[Path, ...],
    target: str | None,
    mixed: bool,
    json_file: Path | None,
    html_file: Path | None,
    filters: tuple[str, ...],
    metrics: tuple[str, ...],
) -> None:
    """The curve of one training run: how much was kept at how much learned.

    Each RUN is a run folder (or a table, as in `retention compare`): the base first, then checkpoints of one training
    run in the order of training. Retention at matched gain is read off the curve at normalised gains .25, .5 and .75,
    by linear interpolation, where the run first reaches them; a step that skips more than .3 is named. Without
    --target there is no gain, and the curve is retention in the order of training.

    \b
    Examples:
      retention trajectory runs/BASE runs/STEP-100 runs/STEP-200 runs/STEP-400 --target jigsaw
      retention trajectory runs/BASE runs/STEP-* --target jigsaw --json curve.json --html curve.html
      retention trajectory runs/BASE runs/STEP-*
    """
    from rich.console import Console

    from harness.api import trajectory
    from harness.cli.compare import write_text
    from harness.report import render_trajectory, render_trajectory_page

    curve = trajectory(runs, target, mixed=mixed, filter=filters, metric=metrics)
    if json_file is not None:
        write_text(json_file, curve.to_json())
    if html_file is not None:
        write_text(html_file, render_trajectory_page(curve))
    render_trajectory(curve, Console())
