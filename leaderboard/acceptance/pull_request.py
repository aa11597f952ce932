"""A pull request's submission, extracted from git as data: listed, bounded and copied, never executed.

The workflow that validates submissions runs the code of the base branch. The pull request is fetched as git objects and
never checked out: none of its hooks, attributes, links or workflows take effect, and only files that an entry may have
are extracted, under names made here.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from harness.errors import CheckFailedError, RetentionError
from harness.records import GitError, run_git
from leaderboard.documents import (
    BASE_FILES,
    BASE_HOME,
    ENTRY_FILES,
    MANIFEST_FILE,
    OPTIONAL_FILES,
    base_home,
    read_manifest,
)
from leaderboard.entries import MAX_FILE_BYTES, Shelf
from leaderboard.ledger import now, same_account

_MOST_CHANGES = 20
_PLAIN = "100644"
_ENTRY = re.compile(r"\Asubmissions/(?P<id>[a-z2-7]{12})/(?P<file>[A-Za-z0-9_./]{1,80})\Z", re.ASCII)
_BASE = re.compile(
    rf"\Aleaderboard/data/bases/(?P<home>{BASE_HOME})/(?P<file>[A-Za-z0-9_.]{{1,80}})\Z",
    re.ASCII,
)
_COMMIT = re.compile(r"\A[0-9A-Za-z][0-9A-Za-z._/-]{0,199}\Z", re.ASCII)


@dataclass(frozen=True)
class Taken:
    """The copied folders: the entry's, and one of base runs that includes those of the pull request."""

    entry: Path
    bases: Path


@dataclass(frozen=True)
class Change:
    """A file that a pull request adds, edits or deletes: git's letter for that, its mode, blob and path."""

    status: str
    mode: str
    blob: str
    path: str


def take(checkout: Path, base: str, head: str, out: Path, author: str | None = None) -> Taken:
    """Copy the submission that ``head`` adds to ``base`` into ``out``, which must not exist yet.

    ``checkout`` is a checkout of the base branch, whose base runs are copied too; ``author`` is the account that sends
    the pull request. Raises ``CheckFailedError`` if the change is not a submission (more than one entry, anything
    besides an entry and new base runs, a deletion, a link, a file that is too large), and for the entry of another
    account.
    """
    if out.exists():
        raise RetentionError(f"{out}: already exists; give a new folder")
    changes = changes_of(checkout, base, head)
    entry_id = _check(changes)
    listed = run_git(checkout, "ls-tree", "-r", "-z", "--full-tree", head, "--", f"submissions/{entry_id}")
    files = [_from_tree(line) for line in listed.split(b"\0") if line]
    new_bases = [change for change in changes if _BASE.match(change.path)]
    taken = Taken(out / "submissions" / entry_id, out / "bases")
    shutil.copytree(checkout / "leaderboard" / "data" / "bases", taken.bases)
    for change in files:
        _write(checkout, change, _place(change.path, taken))
    _check_bases(new_bases, taken.entry / MANIFEST_FILE)
    for change in new_bases:
        _write(checkout, change, _place(change.path, taken))
    _check_account(checkout, entry_id, taken.entry / MANIFEST_FILE, author)
    return taken


def _check_bases(changes: list[Change], manifest: Path) -> None:
    """``CheckFailedError`` for a base run that the entry does not name: it would stand in the way of the next author
    who evaluates that base, without ever being validated."""
    for change in changes:
        try:
            named = base_home(read_manifest(manifest))
        except (RetentionError, OSError) as error:
            why = str(error).removeprefix(f"{manifest}: ")
            raise CheckFailedError(f"{change.path!a}: the entry's manifest does not name its base: {why}") from error
        match = _BASE.match(change.path)
        if match is None or match["home"] != named:
            raise CheckFailedError(
                f"{change.path!a}: the entry is of base {named}; a pull request brings the run of no other base, and "
                "no other run of it"
            )


def changes_of(checkout: Path, base: str, head: str) -> list[Change]:
    """What ``head`` changes since it left ``base``."""
    for commit in (base, head):
        if not _COMMIT.match(commit):
            raise RetentionError(f"{commit[:60]!r}: not a commit")
    return _changes(checkout, run_git(checkout, "merge-base", base, head).decode().strip(), head)


def _check_account(checkout: Path, entry_id: str, manifest: Path, author: str | None) -> None:
    """The entry is of the account that sends it: the handle that submitted an entry first stays its contact.

    A manifest that cannot be read names nobody: validation refuses it, and one on the base branch is the maintainers'.
    """
    data = checkout / "leaderboard" / "data"
    shelf = Shelf(checkout / "submissions", data / "bases", data / "events", data / "releases")
    stated, bound = _handle(manifest), _bound(shelf, entry_id)
    if bound and stated and not same_account(bound, stated):
        raise CheckFailedError(f"{entry_id}: contact.handle: {stated}, but {bound} submitted it, and stays its contact")
    if author is None or shelf.maintainers.has(author, now()):
        return
    if not bound and (shelf.submissions / entry_id).exists():
        raise CheckFailedError(
            f"{entry_id}: the base branch has it and does not say whose it is; only a maintainer changes it"
        )
    owner = bound or stated
    if not owner or same_account(author, owner):
        return
    if bound:
        raise CheckFailedError(f"{entry_id}: {bound} submitted it, and {author} cannot change it; open an issue")
    raise CheckFailedError(f"{entry_id}: contact.handle: {stated}, but {author} sends it; state your own account")


def _bound(shelf: Shelf, entry_id: str) -> str | None:
    """The account that the base branch knows an entry by, accepted or not."""
    submitted = shelf.state(entry_id).submitted
    return submitted.contact if submitted is not None else _handle(shelf.submissions / entry_id / MANIFEST_FILE)


def _handle(manifest: Path) -> str | None:
    try:
        return read_manifest(manifest).contact.handle
    except RetentionError:
        return None


def _check(changes: list[Change]) -> str:
    """The one entry that ``changes`` are about; ``CheckFailedError`` names the first change that is not allowed."""
    if not changes or len(changes) > _MOST_CHANGES:
        raise CheckFailedError(f"{len(changes)} files changed; a submission changes between 1 and {_MOST_CHANGES}")
    entries = set()
    for change in changes:
        name = ascii(change.path)
        if change.status == "D":
            raise CheckFailedError(f"{name}: deleted; entries are not deleted, but withdrawn by an event")
        if match := _ENTRY.match(change.path):
            entries.add(match["id"])
        elif _BASE.match(change.path) is None:
            raise CheckFailedError(f"{name}: a submission may only change its own folder and add base runs")
        elif change.status != "A":
            raise CheckFailedError(f"{name}: an existing base run is never changed; other entries depend on it")
    if len(entries) != 1:
        raise CheckFailedError(f"{len(entries)} entries changed; send one pull request for each")
    return str(entries.pop())


def _place(path: str, taken: Taken) -> Path:
    """The copy's path for a file of the pull request; ``CheckFailedError`` for one that an entry cannot have."""
    if (match := _ENTRY.match(path)) and match["file"] in ENTRY_FILES | OPTIONAL_FILES:
        return taken.entry / match["file"]
    if (match := _BASE.match(path)) and match["file"] in BASE_FILES:
        return taken.bases / match["home"] / match["file"]
    raise CheckFailedError(f"{path!a}: not a file that an entry has; it has {', '.join(sorted(ENTRY_FILES))}")


def content_of(checkout: Path, change: Change) -> bytes:
    """The bytes of a plain file of at most 5 MB that was fetched; ``CheckFailedError`` for any other."""
    if change.mode != _PLAIN:
        raise CheckFailedError(f"{change.path!a}: not a plain file (mode {change.mode})")
    try:
        size = int(run_git(checkout, "cat-file", "-s", change.blob))
    except GitError as error:
        # A filtered fetch leaves large files out.
        raise CheckFailedError(f"{change.path!a}: was not fetched, as it is larger than allowed") from error
    if size > MAX_FILE_BYTES:
        raise CheckFailedError(f"{change.path!a}: larger than {MAX_FILE_BYTES // 1024**2} MB")
    return run_git(checkout, "cat-file", "blob", change.blob)


def _write(checkout: Path, change: Change, place: Path) -> None:
    data = content_of(checkout, change)
    if place.exists():
        # Another pull request may have brought the same run of the base in the meantime.
        if place.read_bytes() != data:
            raise CheckFailedError(
                f"{change.path!a}: an existing base run is never changed; use the existing one, or prepare the entry "
                "again on the newest base branch, which puts your run beside it"
            )
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)


def _changes(checkout: Path, start: str, head: str) -> list[Change]:
    listed = run_git(checkout, "diff-tree", "-r", "-z", "--no-renames", "--no-commit-id", start, head)
    fields = listed.split(b"\0")[:-1]
    changes = []
    for facts, path in zip(fields[::2], fields[1::2], strict=True):
        _, mode, _, blob, status = facts.decode("ascii").split(" ")
        changes.append(Change(status, mode, blob, os.fsdecode(path)))
    return changes


def _from_tree(line: bytes) -> Change:
    facts, _, path = line.partition(b"\t")
    mode, _, blob = facts.decode("ascii").split(" ")
    return Change("A", mode, blob, os.fsdecode(path))
