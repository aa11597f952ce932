"""``retention maintain questions``: write down what the items of a suite ask, for the board to show."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from harness.cli.options import data_dir


@click.command(name="questions")
@click.argument("suite")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("leaderboard/data/questions"),
              show_default=True, help="Where question files lie.")  # fmt: skip
@data_dir
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(suite: str, out: Path, as_json: bool) -> None:
    """Write the questions of SUITE, with options, right answers and pictures, where its tasks may be published.

    The board shows them beside the answers. A task says `publish: true` in the metadata of its YAML; the others are
    left out, and their items are shown by id alone. Each item is held against its id, and pictures are
    small copies for pages.

    \b
    Examples:
      retention maintain questions nano-1
      retention maintain questions nano-1 --out /tmp/questions
    """
    from harness.cli.progress import Display

    with Display() as display:
        display.stage(f"making the items of {suite}")
        from harness.suites import write_questions

        written = write_questions(suite, out)
    if as_json:
        click.echo(json.dumps(asdict(written) | {"path": str(written.path)}, indent=2))
        return
    questions, pictures = (f"{size / 1e6:.2f} MB" for size in written.sizes)
    click.echo(f"{written.path}: {written.items:,} items ({questions}), {written.pictures:,} pictures ({pictures})")
    if written.withheld:
        click.echo(f"left out, as their YAML does not say publish: {', '.join(written.withheld)}")
