"""Command ``maintain replace-base``: another run of a base in the place of one that was shown to be wrong."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import data_dir
from leaderboard.cli.options import places, shelf_of


@click.command("replace-base")
@click.argument("wrong", metavar="RUN")
@click.option("--with", "right", required=True, metavar="RUN", help="The run that takes its place.")
@click.option("--entry", "entries", multiple=True, help="Only this entry; may be repeated.  [default: all it scored]")
@click.option("--by", "actor", required=True, metavar="ACCOUNT", help="Your account name; it is published.")
@click.option("--reason", required=True, help="What showed it to be wrong, in a sentence; it is published.")
@click.option("--suite", "suites", multiple=True, type=click.Path(dir_okay=False, path_type=Path),
              help="A suite's YAML file, where it is not a shipped one.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line an entry.")
@data_dir
@places
def command(
    wrong: str, right: str, entries: tuple[str, ...], actor: str, reason: str, suites: tuple[Path, ...],
    as_json: bool, **where: Path,
) -> None:  # fmt: skip
    """Score the entries of a base RUN that was shown to be wrong with another run of the same base.

    Runs are named by their folders below the base runs, SUITE/FOLDER. Every entry goes through all steps of validation
    with the new run first; if one is refused, nothing is written. Else each ledger gets a `rebased` event with the
    numbers before and after. Nothing else changes them, and the wrong run stays, so that both can be computed again.

    \b
    Examples:
      retention maintain replace-base nano-1/7f2df8e4437c --with nano-1/7f2df8e4437c-0123456789abcdef \\
        --by your-account --reason "a maintainer's run of the base solves 4 points more"
    """
    import json

    from harness.cli.progress import Display
    from harness.scoring import points

    with Display() as display:
        display.stage(f"validating the entries of {wrong} with {right}")
        from leaderboard.acceptance import replace_base
        from leaderboard.numbers import ratio

        moved = replace_base(shelf_of(where), wrong, right, actor, reason, suites, entries)
    for each in moved:
        before, after = each.before, each.after
        if as_json:
            numbers = {"before": before.model_dump(), "after": after.model_dump()}
            click.echo(json.dumps({"entry": each.entry, **numbers, "event": str(each.file)}))
            continue
        click.echo(
            f"{each.entry}: gain {points(before.gain)} → {points(after.gain)} points, "
            f"retention {ratio(before.retention)} → {ratio(after.retention)}, "
            f"balance {ratio(before.balance)} → {ratio(after.balance)}; wrote {each.file}"
        )
