"""Command group ``maintain``: what maintainers say of entries, as events. Heavy imports wait until a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import data_dir
from harness.errors import CheckFailedError, RetentionError
from leaderboard.cli.bases import command as replace_base_command
from leaderboard.cli.options import Command, places, shelf_of
from leaderboard.cli.questions import command as questions_command

if TYPE_CHECKING:
    from harness.scoring import Agreement
    from leaderboard.ledger import Event, State

_BY = click.option("--by", "actor", required=True, metavar="ACCOUNT", help="Your account name; it is published.")
_REASON = click.option("--reason", required=True, help="Why, in a sentence; it is published.")


@click.group()
def group() -> None:
    """Verify, flag, withdraw and supersede entries: each writes an event, and nothing is ever edited or deleted.

    \b
    Example:
      retention maintain events
    """


group.add_command(questions_command)
group.add_command(replace_base_command)


def _asked(command: Command) -> Command:
    for option in reversed((_REASON, _BY, places)):
        command = option(command)
    return click.argument("entry")(command)


@group.command()
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY...")
@_BY
@click.option("--suite", "suites", multiple=True, type=click.Path(dir_okay=False, path_type=Path),
              help="A suite's YAML file, where it is not a shipped one.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 64), help="Processes that validate (default: one a core).")
@data_dir
@places
def accept(entries: tuple[str, ...], actor: str, suites: tuple[Path, ...], jobs: int | None, **where: Path) -> None:
    """Validate each ENTRY in all steps, and record its files by their sha256 in a `submitted` event.

    The board shows what was accepted, as long as no byte of it is changed. An entry that a step refuses, or that could
    not be fully checked, is not accepted (exit 1), and nothing of it is recorded.

    \b
    Examples:
      retention maintain accept 4eauwmhpomvr --by your-account
    """
    from harness.cli.progress import Display

    with Display() as display:
        display.stage(f"validating {len(entries)} {'entry' if len(entries) == 1 else 'entries'}")
        from leaderboard.acceptance import accept_entries, report_lines

        decisions = accept_entries(shelf_of(where), entries, actor, suites, jobs=jobs)
    for decision in decisions:
        if decision.refused is not None:
            click.echo("\n".join((*report_lines(decision.report), f"{decision.entry}: {decision.refused}")), err=True)
            continue
        for flag in decision.report.of("flag"):
            click.echo(f"{decision.entry}: flag [{flag.rule}] {flag.line}", err=True)
        file = decision.file
        click.echo(f"{decision.entry}: its ledger has these files already" if file is None else f"wrote {file}")
    if refused := [decision.entry for decision in decisions if decision.refused is not None]:
        raise CheckFailedError(f"{len(refused)} of {len(decisions)} not accepted: {', '.join(refused)}")


@group.command()
@_BY
@click.option("--suite", "suites", multiple=True, type=click.Path(dir_okay=False, path_type=Path),
              help="A suite's YAML file, where it is not a shipped one.")  # fmt: skip
@data_dir
@places
def rejudge(actor: str, suites: tuple[Path, ...], **where: Path) -> None:
    """Judge every run of the board again by the rules of this version, and print what moved, as a Markdown table.

    Outputs stay byte by byte. Base runs and entries are written and sealed anew, and each entry's ledger gets a
    `submitted` event with its new files. What this version judged already is left alone, so that the command can be
    called twice.

    \b
    Examples:
      retention maintain rejudge --by your-account
    """
    from leaderboard.entries import rejudge_board
    from leaderboard.numbers import moved_table

    for line in moved_table(rejudge_board(shelf_of(where), actor, suites)):
        click.echo(line)


@group.command()
@click.argument("entry")
@_BY
@click.option("--seed", help="What draws the items: a commit that merged the entry's answers, or the sha256 of its "
              "`submitted` event.  [default: the newest such commit]")  # fmt: skip
@click.option("--items", default=280, show_default=True, help="How many items to generate again, over all tasks.")
@click.option("--checkpoint", help="Where the tuned weights are, if the entry was a local folder.")
@click.option("--base-checkpoint", help="Where the base's weights are, if it was a local folder.")
@click.option("--suite", help="The suite's YAML file, where it is not a shipped one.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/verification"),
              show_default=True, help="Where new answers are kept.")  # fmt: skip
@click.option("--batch", default=256, show_default=True, help="Requests in the engine at once; the second pass: 3/4.")
@click.option("--threads", default=1, show_default=True, help="CPU threads of the engine.")
@click.option(
    "--max-model-len",
    type=click.IntRange(1),
    help="Longest prompt plus answer, in tokens.  [default: that of the runs]",
)
@click.option("--reproduced", is_flag=True, help="You are a third party: write `reproduced`, not `verified`.")
@click.option("--dry-run", is_flag=True, help="Write no event.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@places
def verify(
    entry: str,
    actor: str,
    seed: str | None,
    items: int,
    checkpoint: str | None,
    base_checkpoint: str | None,
    suite: str | None,
    out: Path,
    batch: int,
    threads: int,
    max_model_len: int | None,
    reproduced: bool,
    dry_run: bool,
    as_json: bool,
    **where: Path,
) -> None:
    """Generate a random part of ENTRY again from its pinned checkpoints, and say whether the stored answers agree.

    The items are drawn by the hash of the commit that merged the entry, which nobody knew when the answers were made.
    Both checkpoints answer them twice, in the environment of the entry's runs (another one is refused): the second time
    in another order and batch size, which shows what is noise. Two exact tests a side, Holm over the four, level .01.

    An entry that agrees gets a `verified` event. One that does not gets a `flagged` event, and the exit code is 1.

    \b
    Examples:
      retention maintain verify 4eauwmhpomvr --by your-account
      retention maintain verify 4eauwmhpomvr --by your-account --checkpoint ~/weights/tuned --items 500
      retention maintain verify 4eauwmhpomvr --by your-account --reproduced --dry-run --json
    """
    import json
    import re

    from harness.cli.progress import RichWatcher

    if seed is not None and not re.fullmatch(r"[0-9a-f]{40,64}", seed, re.ASCII):
        raise RetentionError(f"--seed {seed[:80]!r}: 40 to 64 hex digits, lower case, such as a commit's hash")
    with RichWatcher() as watcher:
        watcher.stage(f"scoring {entry}")
        from harness.evaluation import verification
        from leaderboard.entries import merge_commits, record, refuse_verifier, wrong_seed
        from leaderboard.ledger import Flagged, Reproduced, Standing, Verified

        shelf = shelf_of(where)
        scored = shelf.scored(entry)
        if scored.state.standing is Standing.WITHDRAWN:
            raise RetentionError(f"{entry}: is withdrawn; there is nothing to verify")
        if not dry_run:
            refuse_verifier(shelf, entry, actor, reproduced=reproduced)
        seed = seed or merge_commits(shelf.folder(entry))[0]
        if not dry_run and (why := wrong_seed(shelf, entry, seed)) is not None:
            raise RetentionError(f"--{why}; with --dry-run any will do")
        # Scoring refuses a pair with different questions; then nothing needs to be generated.
        signature = scored.card.signature
        sources = verification.Sources(base_checkpoint, checkpoint, suite, threads, batch, max_model_len)
        watcher.stage("planning what is generated again")
        plan = verification.plan_again(scored.entry.base, scored.entry.tuned, sources, out / entry)
        found: Agreement = verification.verify(scored.entry.base, scored.entry.tuned, plan, seed, watcher, items=items)
    written: tuple[Path, Event] | None = None
    if not dry_run:
        document = found.model_dump(mode="json")
        if found.agrees:
            kind = Reproduced if reproduced else Verified
            written = record(shelf, kind, entry, actor, agreement=document)
        else:
            written = record(shelf, Flagged, entry, actor, reason=_disagreement(found), agreement=document)
    if as_json:
        events = [] if written is None else [str(written[0])]
        summary = {"p_value": found.p_value, "detectable": found.detectable, "signature": signature, "events": events}
        click.echo(json.dumps({"entry": entry, **found.model_dump(mode="json"), **summary}, indent=2))
    else:
        _show_agreement(entry, found, written)
    if not found.agrees:
        raise CheckFailedError(f"{entry}: {_disagreement(found)}")


# Commands that give ENTRY a standing for a reason alone: the event, what it means, and such a reason.
_STANDINGS = {
    "flag": (
        "Flagged",
        "Flag ENTRY: it stays on the board with the reason, and is not ranked until `maintain clear` lifts the flag.",
        "training data holds test items (issue 12)",
    ),
    "withdraw": (
        "Withdrawn",
        "Withdraw ENTRY: a tombstone with the reason takes its place. Its folder may be deleted afterwards.",
        "at its author's request",
    ),
    "stale": (
        "Stale",
        "Mark ENTRY as stale: its suite version was closed.",
        "nano-1 was closed in favour of nano-2",
    ),
    "unavailable": (
        "Unavailable",
        "Mark ENTRY as unavailable: its weights can no longer be had.",
        "the repository was deleted",
    ),
}


def _add_standing(name: str, kind: str, meaning: str, why: str) -> None:
    example = f'retention maintain {name} 4eauwmhpomvr --by your-account --reason "{why}"'

    @group.command(name, help=f"{meaning}\n\n\b\nExamples:\n  {example}")
    @_asked
    def command(entry: str, actor: str, reason: str, **where: Path) -> None:
        _write(kind, entry, actor, where, reason=reason)


for _name, _texts in _STANDINGS.items():
    _add_standing(_name, *_texts)


@group.command()
@click.option("--with", "by", required=True, metavar="ENTRY", help="The entry that takes its place.")
@_asked
def supersede(entry: str, actor: str, reason: str, by: str, **where: Path) -> None:
    """Mark ENTRY as replaced by another entry, which must be there.

    \b
    Examples:
      retention maintain supersede 4eauwmhpomvr --with hhkiwni7rppe --by your-account --reason "trained longer"
    """
    shelf_of(where).folder(by)
    _write("Superseded", entry, actor, where, by=by, reason=reason)


@group.command()
@click.option("--event", "of", type=int, required=True, help="Number of the event whose standing is lifted.")
@_asked
def clear(entry: str, actor: str, reason: str, of: int, **where: Path) -> None:
    """Lift the standing that an event gave to ENTRY; the event itself stays in the ledger.

    \b
    Examples:
      retention maintain clear 4eauwmhpomvr --event 3 --by your-account --reason "the data was shown to be clean"
    """
    _write("Cleared", entry, actor, where, of=of, reason=reason)


@group.command()
@click.argument("entry", required=False)
@click.option("--since", metavar="COMMIT", help="Also check that no event of this commit was edited or deleted.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line an entry.")
@places
def events(entry: str | None, since: str | None, as_json: bool, **where: Path) -> None:
    """Show the ledger of ENTRY, or the state of every entry; exit 1 if a ledger or a recorded file does not hold.

    \b
    Examples:
      retention maintain events
      retention maintain events 4eauwmhpomvr
      retention maintain events --since origin/main --json
    """
    from leaderboard.entries import changed_files, check_append_only, refuse_changed
    from leaderboard.ledger import EventError, fold

    shelf = shelf_of(where)
    ledgers = shelf.ledgers()
    if entry is not None and entry not in ledgers:
        raise RetentionError(f"{entry[:60]!r}: no ledger in {shelf.events}; `retention maintain accept` begins one")
    broken: list[str] = []
    for name, ledger in ledgers.items():
        if entry not in (None, name):
            continue
        if isinstance(ledger, EventError):
            broken.append(str(ledger))
            continue
        state = fold(ledger)
        if state.submitted is not None and (shelf.submissions / name).is_dir():
            broken += [f"{name}/{file} is not the file that its ledger recorded" for file in
                       changed_files(state.submitted, shelf)]  # fmt: skip
        _show_state(name, state, details=entry is not None, as_json=as_json)
    if since is not None:
        broken += [f"{name} was edited or deleted since {since}" for name in check_append_only(shelf.events, since)]
    for line in broken:
        click.echo(line, err=True)
    refuse_changed(broken, "events are only ever added")


@group.command("queue")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line an entry.")
@click.option("--most", type=click.IntRange(1), help="Show no more than these.  [default: all]")
@click.option("--no-validate", is_flag=True, help="Do not validate entries that are not accepted yet.")
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), default=Path(".retention/board-cache"),
              show_default=True, help="Where scores are remembered.")  # fmt: skip
@click.option("--suite", "suites", multiple=True, type=click.Path(dir_okay=False, path_type=Path),
              help="A suite's YAML file, where it is not a shipped one.")  # fmt: skip
@places
def queue_(
    as_json: bool, most: int | None, no_validate: bool, cache: Path, suites: tuple[Path, ...], **where: Path
) -> None:
    """List the entries that wait for a maintainer: flagged, left out, not accepted yet, not verified.

    The queue page of a site that was built with --validate shows the same. Each line has the reason, since when, the
    entry's alarms by kind, what validation flagged, and what to run next. Flags are on record with the acceptance;
    entries that are not accepted yet are validated for this. Those come first whose flags ask for verification, then
    those of which verifying gains most: above all that is verified of their track, then above most others.

    \b
    Examples:
      retention maintain queue
      retention maintain queue --most 10 --json
    """
    import dataclasses
    import json

    from harness.cli.columns import echo_columns
    from harness.cli.progress import Display
    from leaderboard.board import Cache, load_board, queued_entries

    shelf = shelf_of(where)
    if not shelf.submissions.is_dir():
        raise RetentionError(f"{shelf.submissions}: no such folder; run in a checkout or give --submissions DIR")
    with Display() as display:
        display.stage(f"scoring the entries of {shelf.submissions}")
        board = load_board(shelf.submissions, shelf.bases, shelf.events, cache=Cache(cache), jobs=None)
        pending = [shelf.submissions / bad.path for bad in board.bad if bad.waiting]
        if pending and not no_validate:
            display.stage(f"validating {len(pending)} that {'is' if len(pending) == 1 else 'are'} not accepted yet")
            from leaderboard.acceptance import validate_all

            reports = validate_all(pending, shelf, suites)
            board = dataclasses.replace(board, found={report.entry: report.flags for report in reports})
    waiting = queued_entries(board)
    for each in waiting[:most] if as_json else ():
        document = {name: value for name, value in vars(each).items() if name != "row"}
        click.echo(json.dumps(document, sort_keys=True))
    if as_json:
        return
    if not waiting:
        click.echo("nothing waits: every entry on the board is verified")
        return
    rows = [
        (each.title, each.since or "-", each.entry_id, each.name, _alarms(each.alarms), ", ".join(each.flags) or "none")
        for each in waiting[:most]
    ]
    header = ("why", "since", "entry", "name", "alarms", "flags")
    echo_columns(header, rows, left=header)
    if most is not None and len(waiting) > most:
        click.echo(f"and {len(waiting) - most} more")
    click.echo(f"next: {waiting[0].command}")


def _alarms(kinds: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in kinds.items()) or "none"


@group.command()
@click.argument("head")
@click.option("--base", default="HEAD", show_default=True, help="The commit that the pull request is against.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="New folder for the copies.")
@click.option("--author", metavar="ACCOUNT", help="Who sends it.  [default: not asked]")
def take(head: str, base: str, out: Path, author: str | None) -> None:
    """Copy the submission of a pull request out of git, as data: HEAD is fetched and never checked out.

    Run in a checkout of the base branch. Only files that an entry may have are copied, and a change of anything else is
    refused (exit 1), and so is an entry of another account. Prints the folders of the entry and of the base runs, for
    `retention submit validate`.

    \b
    Examples:
      git fetch origin refs/pull/12/head:refs/remotes/pull/12
      retention maintain take refs/remotes/pull/12 --out /tmp/pull-12
      retention submit validate /tmp/pull-12/submissions/* --bases /tmp/pull-12/bases
    """
    from leaderboard.acceptance import take as copy

    taken = copy(Path(), base, head, out, author)
    click.echo(taken.entry)
    click.echo(taken.bases)


@group.command("check-events")
@click.argument("head")
@click.option("--base", default="HEAD", show_default=True, help="The commit that the pull request is against.")
@click.option("--author", metavar="ACCOUNT", help="Who sends it.  [default: not asked]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line an event.")
def check_events(head: str, base: str, author: str | None, as_json: bool) -> None:
    """Check the events that a pull request adds, as data: HEAD is fetched and never checked out.

    Run in a checkout of the base branch, whose list of maintainers says who may write what. Exit 1 for an event that is
    edited or deleted, that its sender may not write, or that rests on too little.

    \b
    Examples:
      git fetch origin refs/pull/12/head:refs/remotes/pull/12
      retention maintain check-events refs/remotes/pull/12 --author ada
      retention maintain check-events refs/remotes/pull/12 --json
    """
    from leaderboard.acceptance import check_events as check

    found = check(Path(), base, head, author)
    for event in found:
        line = f"{event.entry_id}  {event.seq:>4}  {event.at}  {event.kind:<12} by {event.actor}"
        click.echo(event.model_dump_json() if as_json else line)
    if as_json:
        return
    click.echo(f"{len(found)} {'event' if len(found) == 1 else 'events'} may be added")


@group.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("leaderboard/ledger/schemas"),
              show_default=True, help="Where the schemas lie.")  # fmt: skip
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a schema is not what the models give.")
def schemas(out: Path, check: bool) -> None:
    """Write the JSON Schemas of manifest, run, samples, event and scorecard from the models.

    \b
    Examples:
      retention maintain schemas
      retention maintain schemas --check
    """
    from leaderboard.ledger import all_schemas

    made = all_schemas()
    stale_files = [name for name, text in made.items() if _text_of(out / name) != text]
    if check:
        if stale_files:
            raise CheckFailedError(
                f"{out / stale_files[0]}: not what the models give; run `retention maintain schemas`"
            )
        click.echo(f"{len(made)} schemas are what the models give")
        return
    for name in stale_files:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(made[name], encoding="utf-8")
        click.echo(f"wrote {out / name}")


def _text_of(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _write(kind: str, entry: str, actor: str, where: dict[str, Path], **fields: object) -> None:
    """Record an event of the class named ``kind``, and say which files were written."""
    from leaderboard.entries import record
    from leaderboard.ledger import events as ledger

    path, _ = record(shelf_of(where), getattr(ledger, kind), entry, actor, **fields)
    click.echo(f"wrote {path}")


def _disagreement(found: Agreement) -> str:
    sides = ", ".join(
        f"{name}: {side.lost + side.won} of {side.n} answers differ, {side.noise} by noise"
        for name, side in (("base", found.base), ("tuned", found.tuned))
    )
    return f"the stored answers are not those of the checkpoints ({sides}; p = {found.p_value:.2g})"


def _show_agreement(entry: str, found: Agreement, written: tuple[Path, Event] | None) -> None:
    from harness.cli.columns import echo_columns
    from harness.scoring import share

    click.echo(f"{entry}: {found.tuned.n} items drawn by seed {found.seed[:12]}, on {found.environment}")
    header = ("side", "items", "same text", "stored odd", "noise", "lost", "won")
    rows = [
        [name, *(str(count) for count in (side.n, side.same_text, side.stored_odd, side.noise, side.lost, side.won))]
        for name, side in (("base", found.base), ("tuned", found.tuned))
    ]
    echo_columns(header, rows, ("side",))
    click.echo(
        f"{'agrees' if found.agrees else 'DOES NOT AGREE'}: smallest p {found.p_value:.3g} after Holm; without noise, "
        f"{share(found.detectable)} altered answers would have been found with 80 % power"
    )
    if written is not None:
        click.echo(f"wrote {written[0]}")


def _show_state(name: str, state: State, *, details: bool, as_json: bool) -> None:
    import json

    from harness.scoring import printable

    if as_json:
        events = [event.model_dump(mode="json", by_alias=True) for event in state.events]
        said = {"entry": name, "evidence": state.evidence, "standing": state.standing}
        click.echo(json.dumps({**said, "events": events} if details else {**said, "n_events": len(events)}))
        return
    because = f" ({printable(state.because[-1].reason)})" if state.because else ""
    click.echo(f"{name}  {state.evidence}, {state.standing}{because}")
    if details:
        for event in state.events:
            said_of = printable(getattr(event, "reason", ""))
            click.echo(
                f"  {event.seq:>4}  {event.at}  {event.kind:<12} by {event.actor}{': ' if said_of else ''}{said_of}"
            )
