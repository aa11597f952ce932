"""Command group ``board``: parse, call, print. Heavy imports wait until a command runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from harness.errors import CheckFailedError, RetentionError

if TYPE_CHECKING:
    from leaderboard.acceptance import Report
    from leaderboard.board import Board
    from leaderboard.documents import SiteSettings

_FOLDER = click.Path(file_okay=False, path_type=Path)
_SUBMISSIONS = Path("submissions")
_EVENTS = Path("leaderboard/data/events")
_CACHE = Path(".retention/board-cache")
_Command = TypeVar("_Command", bound=Callable[..., Any])
_OUT = click.option(
    "--out", type=_FOLDER, default=Path("site/public"), show_default=True, help="Folder of the built site."
)
_URL = click.option("--url", metavar="HTTPS", help="Address of the published site, for feeds and the sitemap.")
_REPOSITORY = click.option(
    "--repository", metavar="HTTPS", help="Address of the repository.  [default: that in leaderboard/data/site.yaml]"
)
_PREVIEW = click.option("--preview", is_flag=True, help="Also show entries that were never accepted, as they would be.")
_VALIDATE = click.option(
    "--validate", is_flag=True, help="Run all steps of validation first, and leave out what they refuse."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON.")


def _inputs(command: _Command) -> _Command:
    """The options that say what a board is made of."""
    for option in reversed((
        click.option("--submissions", type=_FOLDER, default=_SUBMISSIONS, show_default=True, help="Entries to show."),
        click.option("--bases", type=_FOLDER, default=Path("leaderboard/data/bases"), show_default=True,
                     help="Runs of the bases."),
        click.option("--events", type=_FOLDER,
                     help="Their ledgers.  [default: leaderboard/data/events of their checkout]"),
        click.option("--cache", type=_FOLDER, default=_CACHE, show_default=True, help="Where scores are remembered."),
        click.option("--no-cache", is_flag=True, help="Score every entry again."),
        click.option("--jobs", type=click.IntRange(1, 64),
                     help="Processes that score and render (default: one a core)."),
    )):  # fmt: skip
        command = option(command)
    return command


@click.group()
def group() -> None:
    """Build, check, preview and freeze the leaderboard.

    \b
    Example:
      retention board build
    """


@group.command()
@_inputs
@_PREVIEW
@_VALIDATE
@_OUT
@_URL
@_REPOSITORY
@click.option("--strict", is_flag=True, help="Exit 1 when an entry had to be left out.")
@_JSON
def build(out: Path, url: str | None, repository: str | None, strict: bool, as_json: bool, **inputs: Any) -> None:
    """Score every accepted entry from its stored outputs, rank within tracks and write the site.

    The same entries give the same bytes. An entry that does not hold is left out, and the site says so; so is one whose
    files are not those that `retention maintain accept` recorded. Entries elsewhere that have no ledgers are previewed.

    \b
    Examples:
      retention board build
      retention board build --preview
      retention board build --submissions ~/entries --out /tmp/board --strict
      retention board build --url https://board.example.org/ --json
      retention board build --repository https://example.org/owner/name
    """
    from harness.cli.progress import Display

    board = _load(**inputs)
    with Display() as display:
        display.stage(f"writing the site to {out}")
        from leaderboard.site import write_site

        index = write_site(board, out, _address(url), settings=_settings(repository), **_besides(**inputs))
    rows, tracks = len(board.rows), len(board.tracks)
    if as_json:
        click.echo(json.dumps(_summary(board, index), indent=2, sort_keys=True))
    else:
        click.echo(f"{_count(rows, 'entry', 'entries')} in {_count(tracks, 'track', 'tracks')}: {index}")
    for bad in board.bad:
        click.echo(f"left out: {bad.path}: {bad.reason}", err=True)
    if _ledgers(inputs["submissions"], inputs["events"]) is None:
        click.echo(f"a preview: {inputs['submissions']} has no ledgers, so nothing says what was accepted", err=True)
    elif any(bad.waiting for bad in board.bad) and not inputs["preview"]:
        click.echo(
            "`retention maintain accept` validates an entry and puts it on the board; --preview shows it", err=True
        )
    if any("no run of this base" in bad.reason for bad in board.bad):
        click.echo(f"base runs were looked for in {inputs['bases']}; give --bases FOLDER where they are", err=True)
    if strict and board.bad:
        raise CheckFailedError(f"{len(board.bad)} of {rows + len(board.bad)} entries were left out (--strict)")


@group.command()
@_inputs
@_PREVIEW
@_VALIDATE
@_OUT
@_URL
@_REPOSITORY
@_JSON
def check(out: Path, url: str | None, repository: str | None, as_json: bool, **inputs: Any) -> None:
    """Check a built site: links, HTML, budgets, and that a second build gives the same bytes.

    The second build scores everything again, in a process with another hash seed, time zone and locale. Give it
    the options that the site was built with.

    \b
    Examples:
      retention board check
      retention board check --out /tmp/board --submissions ~/entries
    """
    from harness.temporary import passing_folder
    from leaderboard.site import check_site, compare_sites

    if not (out / "index.html").is_file():
        raise RetentionError(f"{out}: no site there; run `retention board build` first")
    found = check_site(out, inputs["jobs"])
    with passing_folder() as folder:
        _build_again(folder / "site", url, repository, inputs)
        different = compare_sites(out, folder / "site")
    found.problems += [f"{name}: differs in a second build of the same entries" for name in different]
    if as_json:
        click.echo(json.dumps(vars(found), indent=2, sort_keys=True))
    else:
        for problem in found.problems:
            click.echo(problem)
        click.echo(
            f"{found.pages} pages, {found.files} files; index {found.index_bytes / 1000:.1f} KB "
            f"({found.index_gzip_bytes / 1000:.1f} KB compressed), scripts {found.script_bytes / 1000:.1f} KB; "
            f"all files {found.site_bytes / 1e6:.1f} MB, heaviest page {found.heaviest} "
            f"({found.heaviest_gzip_bytes / 1000:.1f} KB compressed)"
        )
    if found.problems:
        raise CheckFailedError(f"{out}: {_count(len(found.problems), 'problem', 'problems')}")


@group.command()
@_inputs
@_PREVIEW
@_OUT
@_URL
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes any free one.")
def serve(out: Path, url: str | None, port: int, **inputs: Any) -> None:
    """Show the site on this machine alone, and build it again whenever an entry or a template changes.

    \b
    Examples:
      retention board serve
      retention board serve --port 0 --submissions ~/entries --out /tmp/board
    """
    from leaderboard.site import Preview, site_sources, write_site

    address = _address(url)

    def rebuild() -> None:
        board = _load(**inputs)
        write_site(board, out, address, settings=_settings(None), **_besides(**inputs))
        click.echo(f"built: {_count(len(board.rows), 'entry', 'entries')}, {len(board.bad)} left out")

    inside = (inputs["submissions"], inputs["bases"], _ledgers(inputs["submissions"], inputs["events"]))
    watched = [folder for folder in inside if folder is not None]
    watched += [
        folder for name in ("releases", "studies", "questions") if (folder := _besides(**inputs)[name]) is not None
    ]
    watched += [site_sources() / part for part in ("templates", "static", "styles", "scripts")]
    _check_inputs(inputs["submissions"])
    out.mkdir(parents=True, exist_ok=True)
    preview = Preview(out, watched, rebuild, lambda line: click.echo(line, err=True), port)
    click.echo(f"{preview.url} (stop with Ctrl-C)")
    try:
        preview.run()
    except KeyboardInterrupt:
        click.echo("stopped")


@group.command()
@click.argument("version")
@_inputs
@click.option(
    "--releases", type=_FOLDER, default=Path("leaderboard/data/releases"), show_default=True, help="Frozen boards."
)
@_JSON
def release(version: str, releases: Path, as_json: bool, **inputs: Any) -> None:
    """Freeze the board's tables as VERSION, with checksums. A version is written once.

    \b
    Examples:
      retention board release 2026.1
    """
    from leaderboard.site import write_release

    board = _load(**inputs)
    folder = write_release(board, version, releases)
    for bad in board.bad:
        click.echo(f"left out: {bad.path}: {bad.reason}", err=True)
    if as_json:
        files = sorted(path.name for path in folder.iterdir())
        click.echo(json.dumps({"folder": str(folder), "entries": len(board.rows), "files": files}, indent=2))
    else:
        click.echo(f"{_count(len(board.rows), 'entry', 'entries')} frozen in {folder}")


@group.command("every-eval-ever")
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@click.option("--out", type=_FOLDER, required=True, help="Folder for the records: the data store's own data/.")
@_inputs
@_URL
@click.option("--json", "as_json", is_flag=True, help="Print the files written as a JSON list.")
def every_eval_ever(entries: tuple[str, ...], out: Path, url: str | None, as_json: bool, **inputs: Any) -> None:
    """Write entries as Every Eval Ever records, with a line for every answer.

    By default all entries. The questions are left out; each line names its item.

    \b
    Examples:
      retention board every-eval-ever --out data
      retention board every-eval-ever 4eauwmhpomvr --out data
    """
    board = _load(**inputs)
    rows = {row.entry_id: row for row in board.rows}
    if missing := [entry for entry in entries if entry not in rows]:
        raise RetentionError(f"{missing[0][:60]}: not an entry of the board; leave entries out to write all")
    from leaderboard.site import datastore_files

    written = []
    for row in [rows[entry] for entry in dict.fromkeys(entries)] or board.rows:
        for name, content in datastore_files(row, _address(url)):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(content)
            written.append(str(out / name))
            if not as_json:
                click.echo(written[-1])
    if as_json:
        click.echo(json.dumps(written, indent=2))


def _load(
    submissions: Path, bases: Path, events: Path | None, cache: Path, no_cache: bool, jobs: int | None,
    preview: bool = False, validate: bool = False,
) -> Board:  # fmt: skip
    from harness.cli.progress import Display

    _check_inputs(submissions)
    ledgers = _ledgers(submissions, events)
    with Display() as display:
        reports: list[Report] = []
        if validate:
            display.stage(f"validating the entries of {submissions}")
            from leaderboard.acceptance import validate_all
            from leaderboard.entries import Shelf, entry_folders

            shelf = Shelf(submissions, bases, ledgers or Path(), Path())
            reports = validate_all(entry_folders(submissions), shelf, jobs=jobs)
        # The first reason of each entry that a step refuses.
        refused = {each.entry: each.of("refuse")[0].line for each in reports if each.of("refuse")}
        found = {each.entry: each.flags for each in reports}
        display.stage(f"scoring the entries of {submissions}")
        from leaderboard.board import Cache, load_board

        remembered = Cache(None if no_cache else cache)
        board = load_board(
            submissions, bases, ledgers, preview=preview, refused=refused, found=found, cache=remembered, jobs=jobs
        )
        remembered.tidy()
    return board


def _besides(submissions: Path, cache: Path, no_cache: bool, jobs: int | None, **_: Any) -> dict[str, Any]:
    """What pages are made of besides the board, and by how many processes: remembered pages, and what the checkout
    holds besides its own entries: releases, studies and questions."""
    from leaderboard.board import Cache

    own = submissions == _SUBMISSIONS
    return {
        "cache": Cache(None if no_cache else cache),
        "releases": Path("leaderboard/data/releases") if own else None,
        "studies": Path("leaderboard/data/studies") if own else None,
        "questions": Path("leaderboard/data/questions") if own else None,
        "jobs": jobs,
    }


def _ledgers(submissions: Path, events: Path | None) -> Path | None:
    """The ledgers of the entries in ``submissions``: those given, else those of the checkout that they are in."""
    if events is not None or submissions == _SUBMISSIONS:
        return events or _EVENTS
    beside = submissions.resolve().parent / _EVENTS
    return beside if submissions.name == _SUBMISSIONS.name and beside.is_dir() else None


def _check_inputs(submissions: Path) -> None:
    if not submissions.is_dir():
        raise RetentionError(f"{submissions}: no such folder; run in a checkout or give --submissions DIR")


def _address(url: str | None, option: str = "--url") -> str | None:
    if url is None:
        return None
    from leaderboard.documents import https_url

    try:
        return https_url(url)
    except ValueError as error:
        raise RetentionError(f"{option} {url[:200]!r}: {error}") from error


def _settings(repository: str | None) -> SiteSettings:
    """The settings of the site, with the repository that was given in place of theirs."""
    from leaderboard.documents import SETTINGS_FILE, read_settings

    settings = read_settings(SETTINGS_FILE)
    given = _address(repository, "--repository")
    return settings if given is None else settings.model_copy(update={"repository": given})


def _build_again(out: Path, url: str | None, repository: str | None, inputs: dict[str, Any]) -> None:
    """Build into ``out`` in another process, under circumstances that must not matter."""
    command = [sys.executable, "-m", "leaderboard.cli", "board", "build", "--no-cache", "--out", str(out)]
    for name in ("submissions", "bases", "events", "jobs"):
        if inputs[name] is not None:
            command += [f"--{name}", str(inputs[name])]
    command += [f"--{name}" for name in ("preview", "validate") if inputs[name]]
    command += ["--url", url] if url is not None else []
    command += ["--repository", repository] if repository is not None else []
    elsewhere = {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Chatham", "LC_ALL": "C"}
    ran = subprocess.run(command, env={**os.environ, **elsewhere}, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise CheckFailedError(f"the second build failed: {ran.stderr.strip()[-500:]}")


def _summary(board: Board, index: Path) -> dict[str, Any]:
    return {
        "index": str(index),
        "data_as_of": board.data_as_of or None,
        "entries": len(board.rows),
        "tracks": [
            {
                "id": track.key.slug,
                "suite": track.key.suite,
                "target": track.key.target,
                "entries": len(track.rows),
                "ranked": len(track.comparison.order),
                "detectable_balance_difference": track.comparison.detectable,
            }
            for track in board.tracks
        ],
        "withdrawn": [stone.entry_id for stone in board.tombstones],
        "left_out": [{"path": bad.path, "reason": bad.reason} for bad in board.bad],
    }


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
