"""Maintaining: what the maintainers say of an entry, as events; and whether files are still what events recorded."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from harness.errors import CheckFailedError, RetentionError
from harness.records import file_sha256
from leaderboard.documents import TUNED_FOLDER, base_folder, suite_name
from leaderboard.entries.entry import Entry, read_entry
from leaderboard.entries.integrity import BaseRuns
from leaderboard.entries.shelf import Shelf
from leaderboard.ledger import Event, Submitted, append, fold, read_ledger

# Before the names of the base run's files, which lie elsewhere.
_BASES = "bases/"
_SHA = re.compile(r"\A[0-9a-f]{40}\Z", re.ASCII)


def accept(shelf: Shelf, entry_id: str, actor: str, *, rejudged: bool = False) -> tuple[Path, Event] | None:
    """Record the entry's files as they are now in a ``submitted`` event; None where the ledger has them so already.

    ``rejudged`` says that only the judging is new: what was verified of the entry's outputs stays verified.
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

    An entry whose folder is gone has only its ledger, which must be there.
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
    """The files of an entry and its base run that are not what its ledger recorded, by name; missing ones too."""
    folder = shelf.folder(submitted.entry_id)
    changed = []
    for name, digest in sorted(submitted.files.items()):
        path = shelf.bases / name.removeprefix(_BASES) if name.startswith(_BASES) else folder / name
        if path.is_symlink() or not path.is_file() or file_sha256(path) != digest:
            changed.append(name)
    return changed


def merge_commit(folder: Path) -> str:
    """The commit that brought the newest answers of the entry in ``folder`` to the branch that is checked out.

    On the branch's own line of commits (first parents), so that it is the merge, whose hash the author did not choose,
    and not a commit of the author's. ``RetentionError`` without a whole history: pass another seed by hand then.
    """
    way_out = "give --seed with a commit hash or other hex digits made after the entry was merged"
    if _git(folder, "rev-parse", "--is-shallow-repository", way_out=way_out) == "true":
        raise RetentionError(
            f"{folder}: the clone is shallow and does not know the merge; fetch its history, or {way_out}"
        )
    found = _git(
        folder, "log", "-1", "-m", "--first-parent", "--diff-filter=AM", "--format=%H", "--", TUNED_FOLDER,
        way_out=way_out,
    )  # fmt: skip
    commit = found.split("\n")[0]
    if not _SHA.match(commit):
        raise RetentionError(f"{folder}: not committed yet, so no commit is its merge; {way_out}")
    return commit


def check_append_only(events: Path, since: str) -> list[str]:
    """Names of the events of commit ``since`` that are gone or changed now: nothing is edited or deleted."""
    if not re.match(r"\A[0-9A-Za-z][0-9A-Za-z._/-]{0,199}\Z", since, re.ASCII):
        raise RetentionError(f"--since {since[:60]!r}: not a commit")
    way_out = "run in a checkout that knows the commit"
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
    named = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    named |= {f"{_BASES}{path.relative_to(bases).as_posix()}": path for path in home.iterdir()}
    return {name: file_sha256(path) for name, path in sorted(named.items())}


def _git(where: Path, *arguments: str, way_out: str) -> str:
    try:
        done = subprocess.run(["git", "-C", where, *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RetentionError(f"{where}: git {arguments[0]} failed, so history cannot be read; {way_out}") from error
    return done.stdout.strip()
