"""``retention compare``: score a pair of runs that are already there."""

from pathlib import Path

import click

from harness.errors import RetentionError


@click.command(name="compare")
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("tuned", type=click.Path(path_type=Path))
@click.option("--target", required=True, help="The task family the tuned model was trained for, e.g. jigsaw.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write the scorecard to this file.")
@click.option("--html", "html_file", type=click.Path(path_type=Path), help="Also write the report page to this file.")
def command(base: Path, tuned: Path, target: str, json_file: Path | None, html_file: Path | None) -> None:
    """Score a pair of finished runs: what was learned, what forgotten.

    BASE and TUNED are run folders written by `retention evaluate`. Runs that were not asked the same questions in the
    same way are refused.

    \b
    Examples:
      retention compare runs/BASE runs/TUNED --target jigsaw
      retention compare runs/BASE runs/TUNED --target jigsaw --json card.json --html report.html
    """
    from rich.console import Console

    from harness.report import page, terminal
    from harness.samples import read_run
    from harness.scoring import score_pair

    base_run, tuned_run = read_run(base), read_run(tuned)
    card = score_pair(base_run, tuned_run, target)
    if json_file is not None:
        _write(json_file, card.to_json())
    if html_file is not None:
        _write(html_file, page.render(card, base_run, tuned_run))
    terminal.render(card, Console())


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RetentionError(
            f"{path}: cannot be written ({error.strerror}); name a file in a folder that is there"
        ) from error
