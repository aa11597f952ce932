"""Maintenance: maintainers' decisions on an entry as events, and whether files still match what events recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from harness.errors import CheckFailedError
from harness.records import file_sha256
from leaderboard.documents import file_names, suite_name
from leaderboard.entries.entry import Entry, read_entry
from leaderboard.entries.history import merge_commits, merge_order
from leaderboard.entries.integrity import BaseRuns
from leaderboard.entries.shelf import Shelf
from leaderboard.ledger import MAINTAINERS_FILE, Event, Submitted, acceptance_digests, append, now, same_account

# Prefix for the names of the base run's files, which are in another folder.
_BASES = "bases/"
# Hex digits of a commit, as a seed.
_COMMIT = 40


def record_acceptance(
    shelf: Shelf, entry_id: str, actor: str, *, flags: Mapping[str, str] | None = None, rejudged: bool = False
) -> tuple[Path, Event] | None:
    """Record the entry's current files in a ``submitted`` event; None if the ledger has them already.

    Validation is not part of it: :func:`leaderboard.acceptance.accept_entries` validates and then records, with what it
    flagged (``flags``: by rule, in words). With ``rejudged``, only the judging is new: what was verified of the entry's
    outputs stays verified, and what was flagged stays flagged. The account that submitted an entry first stays its
    contact.
    """
    folder = shelf.folder(entry_id)
    state = shelf.state(entry_id)
    entry = read_entry(folder, BaseRuns(shelf.bases), state.replaced)
    files = _files(entry, folder, shelf.bases)
    last = state.submitted
    if last is not None and last.files == files:
        return None
    handle = entry.manifest.contact.handle
    if last is not None and not same_account(last.contact, handle):
        raise CheckFailedError(
            f"{entry_id}: contact.handle: {handle}, but {last.contact} submitted it, and stays its contact"
        )
    if flags is None:
        flags = last.flags if rejudged and last is not None else {}
    return append(
        shelf.events,
        Submitted,
        entry_id,
        actor,
        shelf.maintainers,
        name=entry.manifest.tuned_model.name,
        suite=suite_name(entry.base.record),
        target=entry.manifest.target,
        base=entry.manifest.base.name,
        contact=handle,
        files=files,
        base_samples_sha256=entry.base.record.samples_sha256,
        tuned_samples_sha256=entry.tuned.record.samples_sha256,
        flags=dict(flags),
        **({"same_outputs_as": last.seq} if rejudged and last is not None else {}),
    )


def record(shelf: Shelf, kind: type[BaseModel], entry_id: str, actor: str, **fields: object) -> tuple[Path, Event]:
    """Append an event to the ledger of an entry that was accepted; its folder may be gone since."""
    if not shelf.ledger(entry_id):
        shelf.folder(entry_id)
        raise CheckFailedError(f"{entry_id}: not accepted yet; `retention maintain accept` begins its ledger")
    return append(shelf.events, kind, entry_id, actor, shelf.maintainers, **fields)


def changed_files(submitted: Submitted, shelf: Shelf, sha256: Callable[[Path], str] = file_sha256) -> list[str]:
    """The names of the files of an entry and its base run that differ from its ledger, are missing or were added.

    ``sha256`` of a file may remember, as many entries share a base run."""
    folder = shelf.folder(submitted.entry_id)
    changed = []
    for name, digest in sorted(submitted.files.items()):
        path = shelf.bases / name.removeprefix(_BASES) if name.startswith(_BASES) else folder / name
        if path.is_symlink() or not path.is_file() or sha256(path) != digest:
            changed.append(name)
    return changed + sorted(file_names(folder) - submitted.files.keys())


def not_accepted(
    shelf: Shelf, entry_id: str, submitted: Submitted | None, sha256: Callable[[Path], str] = file_sha256
) -> str | None:
    """Why the files of an entry, as they are, are not those of its acceptance; None where they are."""
    if submitted is None:
        return "not accepted yet: no acceptance of it is on record"
    if changed := changed_files(submitted, shelf, sha256):
        return f"not accepted as it is: {changed[0]} is not the file that the entry's ledger recorded"
    return None


def arrivals(shelf: Shelf) -> dict[str, int]:
    """The order in which entries came, as a number by entry, by what nobody who sends one can choose.

    First the accepted ones, by their ledgers, then the merged ones, by history. Entries that came together share a
    number; of others nothing is known.
    """
    merged = merge_order(shelf.submissions)
    keys = {name: (1, "", place) for name, place in merged.items()}
    for name, ledger in shelf.ledgers().items():
        if isinstance(ledger, tuple) and ledger:
            keys[name] = (0, ledger[0].at, merged.get(name, len(merged)))
    places = {key: place for place, key in enumerate(sorted(set(keys.values())))}
    return {name: places[key] for name, key in keys.items()}


def refuse_verifier(shelf: Shelf, entry_id: str, actor: str, *, reproduced: bool) -> None:
    """``CheckFailedError`` where no event of a verification by ``actor`` can be written, before models are run."""
    if (why := not_accepted(shelf, entry_id, shelf.state(entry_id).submitted)) is not None:
        raise CheckFailedError(f"{entry_id}: {why}; run `retention maintain accept` first")
    submitted = shelf.state(entry_id).submitted
    if submitted is not None and same_account(actor, submitted.contact):
        raise CheckFailedError(f"--by {actor}: submitted this entry; somebody else verifies or reproduces it")
    if not reproduced and not shelf.maintainers.has(actor, now()):
        raise CheckFailedError(f"--by {actor}: not in {MAINTAINERS_FILE}; give --reproduced, or --dry-run")


def wrong_seed(shelf: Shelf, entry_id: str, seed: str) -> str | None:
    """Why the items of a verification may not be drawn by ``seed``; None where they may.

    A seed is what nobody knew when the answers were made: a commit that merged answers of the entry, or the sha256 of
    an event that accepted them. ``RetentionError`` where a commit cannot be looked up.
    """
    if seed in acceptance_digests(shelf.ledger(entry_id)):
        return None
    if len(seed) == _COMMIT and seed in merge_commits(shelf.folder(entry_id)):
        return None
    return f"seed {seed[:12]}: neither a commit that merged answers of the entry nor the sha256 of a `submitted` event"


def refuse_changed(broken: Sequence[str], what: str) -> None:
    """``CheckFailedError`` naming the first of ``broken``, if there is one."""
    if broken:
        raise CheckFailedError(f"{broken[0]}: {what}" + (f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""))


def _files(entry: Entry, folder: Path, bases: Path) -> dict[str, str]:
    files = {name: file_sha256(folder / name) for name in file_names(folder)}
    return dict(sorted((files | base_files(bases, entry.home)).items()))


def base_files(bases: Path, home: str) -> dict[str, str]:
    """The sha256 of a base run's files, by their names in a ledger."""
    return {f"{_BASES}{home}/{path.name}": file_sha256(path) for path in sorted((bases / home).iterdir())}
