"""Commands about single numbers: ``reproduce``, ``cite`` and ``verify-citation``. Heavy imports wait."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import data_dir
from harness.errors import CheckFailedError, RetentionError
from leaderboard.cli.options import places, shelf_of

if TYPE_CHECKING:
    from harness.cli.progress import RichWatcher
    from leaderboard.numbers import Reproduction

_BUILT = Path("site/public/board.json")


@click.command(name="reproduce")
@click.argument("cell_id")
@click.option("--board", type=click.Path(dir_okay=False, path_type=Path),
              help="board.json to compare with.  [default: site/public/board.json, else the last release]")  # fmt: skip
@click.option(
    "--regenerate", is_flag=True, help="Run both checkpoints again on the full suite, from their pinned files."
)
@click.option("--checkpoint", help="--regenerate: where the tuned weights are, if the entry was a local folder.")
@click.option("--base-checkpoint", help="--regenerate: where the base's weights are, if it was a local folder.")
@click.option("--suite", help="The suite's YAML file, where it is not a shipped one.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/reproduction"),
              show_default=True, help="--regenerate: where the new runs go.")  # fmt: skip
@click.option("--threads", default=1, show_default=True, help="--regenerate: CPU threads of the engine.")
@data_dir
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@places
def reproduce(
    cell_id: str,
    board: Path | None,
    regenerate: bool,
    checkpoint: str | None,
    base_checkpoint: str | None,
    suite: str | None,
    out: Path,
    threads: int,
    as_json: bool,
    **where: Path,
) -> None:
    """Compute the number CELL_ID again from the stored outputs, and say whether it is the published one.

    CELL_ID is <entry>:<metric>@<suite>, with or without the #hash that citations carry. The outputs are judged again by
    the tasks' own scoring and the pair is scored again, on a CPU. The result is compared with the hash and with the
    built or released board; exit 0 if all of it is equal, 1 if not.

    \b
    Examples:
      retention reproduce 4eauwmhpomvr:gain@nano-1
      retention reproduce 4eauwmhpomvr:task/vision_count/delta@nano-1 --board board.json --json
      retention reproduce 4eauwmhpomvr:balance@nano-1 --regenerate
    """
    from harness.cli.progress import RichWatcher

    with RichWatcher() as watcher:
        watcher.stage(f"judging the stored outputs of {cell_id.partition(':')[0]} again")
        result = _result(
            watcher, cell_id, board, where, suite, out, threads, regenerate=regenerate, checkpoint=checkpoint,
            base_checkpoint=base_checkpoint,
        )  # fmt: skip
    _show(result, as_json=as_json)
    published = [what for what, _ in result.compared if not what.endswith("as stored")]
    if not result.equal:
        raise CheckFailedError(f"{result.cell.id}: different")
    if not published:
        raise RetentionError(f"{result.cell.id}: nothing to compare with; add its #hash, or give --board FILE")


def _result(
    watcher: RichWatcher,
    cell_id: str,
    board: Path | None,
    where: dict[str, Path],
    suite: str | None,
    out: Path,
    threads: int,
    *,
    regenerate: bool,
    checkpoint: str | None,
    base_checkpoint: str | None,
) -> Reproduction:
    from leaderboard.numbers import parse_cell, reproduce_by_running
    from leaderboard.numbers import reproduce as compute

    shelf, ref = shelf_of(where), parse_cell(cell_id)
    suites = [Path(suite)] if suite else []
    if regenerate:
        entry = shelf.scored(ref.entry_id).entry
        stored = compute(ref, shelf, None, suites).cell
        from harness.evaluation import verification

        sources = verification.Sources(base_checkpoint, checkpoint, suite, threads)
        plan = verification.plan_again(entry.base, entry.tuned, sources, out / ref.entry_id)
        return reproduce_by_running(ref, entry, verification.regenerate(plan, watcher), stored)
    return compute(ref, shelf, board or (_BUILT if _BUILT.is_file() else None), suites)


@click.command(name="cite")
@click.argument("what", metavar="CELL_ID|ENTRY")
@click.option("--format", "style", type=click.Choice(["bibtex", "apa", "signature"]), default="bibtex",
              show_default=True, help="How to write it.")  # fmt: skip
@click.option("--site", help="https address of the published board, for a link.")
@click.option("--json", "as_json", is_flag=True, help="Print the citation in a JSON document.")
@places
def cite(what: str, style: str, site: str | None, as_json: bool, **where: Path) -> None:
    """Cite an entry, or one number of it: as BibTeX, in APA style, or as a signature with all it depends on.

    \b
    Examples:
      retention cite 4eauwmhpomvr
      retention cite 4eauwmhpomvr:gain@nano-1 --format apa
      retention cite 4eauwmhpomvr:task/vision_count/delta@nano-1 --format signature
    """
    from leaderboard.numbers import cite as write
    from leaderboard.numbers import find_cell, parse_cell

    shelf = shelf_of(where)
    ref = parse_cell(what) if ":" in what else None
    scored = shelf.scored(ref.entry_id if ref else what)
    cell = find_cell(ref, scored.card) if ref else None
    if ref is not None and cell is not None and ref.hash not in (None, cell.hash):
        raise CheckFailedError(f"{what}: the data now gives {cell.reference}; see `retention verify-citation`")
    try:
        text = write(scored, cell, style, site)  # type: ignore[arg-type]
    except ValueError as error:
        raise RetentionError(f"--site: {error}") from error
    click.echo(json.dumps({"cited": what, "format": style, "text": text}) if as_json else text)


@click.command(name="verify-citation")
@click.argument("text", required=False)
@click.option(
    "--file", "file", type=click.File("r", encoding="utf-8"), help="Read the text from a file, or - for stdin."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line a finding.")
@places
def verify_citation(text: str | None, file: Any, as_json: bool, **where: Path) -> None:
    """Say whether the numbers that TEXT quotes are what the data gives, or what has changed.

    TEXT may be anything that holds a cell id (with its number before it), BibTeX of `retention cite`, or a signature.
    Exit 0 if every quotation holds, 1 if one does not, 2 if there is none.

    \b
    Examples:
      retention verify-citation "gain +80.8 points [+77.0, +84.5] (4eauwmhpomvr:gain@nano-1)"
      retention cite 4eauwmhpomvr:gain@nano-1 | retention verify-citation --file -
      retention verify-citation --file references.bib --json
    """
    from harness.scoring import printable
    from leaderboard.numbers import MAX_CHARACTERS, verify

    if (text is None) == (file is None):
        raise RetentionError("give either a TEXT or --file")
    try:
        said = text if text is not None else file.read(MAX_CHARACTERS + 1)
    except UnicodeDecodeError as error:
        raise RetentionError(f"--file: not UTF-8 (byte {error.start})") from error
    findings = verify(said, shelf_of(where))
    for finding in findings:
        if as_json:
            click.echo(json.dumps(vars(finding)))
        else:
            click.echo(f"{finding.verdict}: {printable(finding.quoted[:200])}: {printable(finding.message)}")
    wrong = sum(finding.verdict != "holds" for finding in findings)
    if wrong:
        raise CheckFailedError(f"{wrong} of {len(findings)} quotations {'does' if wrong == 1 else 'do'} not hold")


def _show(result: Reproduction, *, as_json: bool) -> None:
    from leaderboard.numbers import quotation

    cell = result.cell
    if as_json:
        document = {"cell": cell.id, "hash": cell.hash, "value": cell.value, "interval": cell.interval,
                    "reason": cell.reason, "equal": result.equal, "notes": result.notes,
                    "compared": [{"with": what, "equal": same} for what, same in result.compared]}  # fmt: skip
        click.echo(json.dumps(document, indent=2))
        return
    click.echo(f"{quotation(cell)} ({cell.reference})" + (f": {cell.reason}" if cell.reason else ""))
    for note in result.notes:
        click.echo(f"  {note}")
    for what, same in result.compared:
        click.echo(f"  {'equal to' if same else 'DIFFERENT from'} {what}")
