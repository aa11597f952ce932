"""Maintenance: maintainers' decisions on an entry as events, and whether files still match what events recorded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from harness.errors import CheckFailedError, RetentionError
from harness.records import GitError, file_sha256, run_git
from leaderboard.documents import TUNED_FOLDER, base_folder, file_names, suite_name
from leaderboard.entries.entry import Entry, read_entry
from leaderboard.entries.integrity import BaseRuns
from leaderboard.entries.shelf import Shelf
from leaderboard.ledger import Event, Submitted, append, fold, read_ledger

# Prefix for the names of the base run's files, which are in another folder.
_BASES = "bases/"
_SHA = re.compile(r"\A[0-9a-f]{40}\Z", re.ASCII)


def accept(shelf: Shelf, entry_id: str, actor: str, *, rejudged: bool = False) -> tuple[Path, Event] | None:
    """Record the entry's current files in a ``submitted`` event; None if the ledger has them already.

    With ``rejudged``, only the judging is new: what was verified of the entry's outputs stays verified.
    """
    folder = shelf.folder(entry_id)
    entry = read_entry(folder, BaseRuns(shelf.bases))
    files = _files(entry, folder, shelf.bases)
    last = fold(read_ledger(shelf.events / entry_id)).submitted
    if last is not None and last.files == files:
        return None
    return append(
        shelf.events,
        Submitted,
        entry_id,
        actor,
        name=entry.manifest.tuned_model.name,
        suite=suite_name(entry.base.record),
        target=entry.manifest.target,
        base=entry.manifest.base.name,
        contact=entry.manifest.contact.handle,
        files=files,
        base_samples_sha256=entry.base.record.samples_sha256,
        tuned_samples_sha256=entry.tuned.record.samples_sha256,
        **({"same_outputs_as": last.seq} if rejudged and last is not None else {}),
    )


def record(
    shelf: Shelf, kind: type[BaseModel], entry_id: str, actor: str, **fields: object
) -> list[tuple[Path, Event]]:
    """Append an event; an entry whose files are not in the ledger yet gets its ``submitted`` event first.

    If the entry's folder is gone, its ledger must exist.
    """
    written = []
    if (shelf.submissions / entry_id).is_dir():
        if (accepted := accept(shelf, entry_id, actor)) is not None:
            written.append(accepted)
    elif not read_ledger(shelf.events / entry_id):
        shelf.folder(entry_id)
    written.append(append(shelf.events, kind, entry_id, actor, **fields))
    return written


def changed_files(submitted: Submitted, shelf: Shelf) -> list[str]:
    """The names of the files of an entry and its base run that differ from its ledger or are missing."""
    folder = shelf.folder(submitted.entry_id)
    changed = []
    for name, digest in sorted(submitted.files.items()):
        path = shelf.bases / name.removeprefix(_BASES) if name.startswith(_BASES) else folder / name
        if path.is_symlink() or not path.is_file() or file_sha256(path) != digest:
            changed.append(name)
    return changed


def merge_commit(folder: Path) -> str:
    """The commit that brought the newest answers of the entry in ``folder`` to the current branch.

    It follows first parents, so that it is the merge, whose hash the author could not choose, and not one of the
    author's commits. ``RetentionError`` without a full history: a seed must then be given by hand.
    """
    way_out = "give --seed with a commit hash or other hex digits from after the merge"
    if _git(folder, "rev-parse", "--is-shallow-repository", way_out=way_out) == "true":
        raise RetentionError(f"{folder}: the clone is shallow and may lack the merge; fetch its history, or {way_out}")
    found = _git(
        folder, "log", "-1", "-m", "--first-parent", "--diff-filter=AM", "--format=%H", "--", TUNED_FOLDER,
        way_out=way_out,
    )  # fmt: skip
    commit = found.split("\n")[0]
    if not _SHA.match(commit):
        raise RetentionError(f"{folder}: not committed yet, so no commit is its merge; {way_out}")
    return commit


def check_append_only(events: Path, since: str) -> list[str]:
    """Names of the events of commit ``since`` that were edited or deleted after it, which is not allowed."""
    if not re.match(r"\A[0-9A-Za-z][0-9A-Za-z._/-]{0,199}\Z", since, re.ASCII):
        raise RetentionError(f"--since {since[:60]!r}: not a commit")
    way_out = "run in a checkout that has the commit"
    listed = _git(
        events.parent, "diff", "--no-ext-diff", "--no-renames", "--name-status", "-z", "--diff-filter=a", since, "--",
        events.name, way_out=way_out,
    )  # fmt: skip
    fields = listed.split("\0")
    return [name.split(f"{events.name}/", 1)[-1] for name in fields[1::2]]


def refuse_changed(broken: Sequence[str], what: str) -> None:
    """``CheckFailedError`` naming the first of ``broken``, if there is one."""
    if broken:
        raise CheckFailedError(f"{broken[0]}: {what}" + (f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""))


def _files(entry: Entry, folder: Path, bases: Path) -> dict[str, str]:
    home = base_folder(bases, suite_name(entry.base.record), entry.base.record.checkpoint.weights_digest)
    named = {name: folder / name for name in file_names(folder)}
    named |= {f"{_BASES}{path.relative_to(bases).as_posix()}": path for path in home.iterdir()}
    return {name: file_sha256(path) for name, path in sorted(named.items())}


def _git(where: Path, *arguments: str, way_out: str) -> str:
    try:
        return run_git(where, *arguments).decode("utf-8", "replace").strip()
    except GitError as error:
        raise RetentionError(f"{error}, so history cannot be read; {way_out}") from error
