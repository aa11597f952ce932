"""History: what git says of entries and ledgers, which no file of theirs can say of itself.

First parents are followed, so that a commit is the merge, whose hash and place no author could choose, and not one of
an author's own commits.
"""

from __future__ import annotations

import re
from pathlib import Path

from harness.errors import RetentionError
from harness.records import GitError, run_git
from leaderboard.documents import MANIFEST_FILE, TUNED_FOLDER

_SHA = re.compile(r"\A[0-9a-f]{40}\Z", re.ASCII)
_REVISION = re.compile(r"\A[0-9A-Za-z][0-9A-Za-z._/-]{0,199}\Z", re.ASCII)


def merge_commits(folder: Path) -> list[str]:
    """The commits that brought answers of the entry in ``folder`` to the current branch, newest first.

    ``RetentionError`` without a full history: a seed must then be given by hand.
    """
    way_out = "give --seed with the sha256 of the entry's newest `submitted` event"
    if _git(folder, "rev-parse", "--is-shallow-repository", way_out=way_out) == "true":
        raise RetentionError(f"{folder}: the clone is shallow and may lack the merge; fetch its history, or {way_out}")
    found = _git(
        folder, "log", "-m", "--first-parent", "--diff-filter=AM", "--format=%H", "--", TUNED_FOLDER, way_out=way_out
    )
    commits = [line for line in found.split("\n") if _SHA.match(line)]
    if not commits:
        raise RetentionError(f"{folder}: not committed yet, so no commit is its merge; {way_out}")
    return commits


def merge_order(submissions: Path) -> dict[str, int]:
    """When the entries came to the current branch, as a number by entry: a lower one came earlier.

    Entries that came with one commit share a number. Empty where there is no full history.
    """
    if not any((folder / ".git").exists() for folder in (submissions.resolve(), *submissions.resolve().parents)):
        return {}
    way_out = "order is not known"
    try:
        if _git(submissions, "rev-parse", "--is-shallow-repository", way_out=way_out) == "true":
            return {}
        found = _git(
            submissions, "log", "-m", "--first-parent", "--reverse", "--diff-filter=A", "--format=%x00", "--name-only",
            "--relative", "--", f"*/{MANIFEST_FILE}", way_out=way_out,
        )  # fmt: skip
    except RetentionError:
        return {}
    order: dict[str, int] = {}
    for place, listed in enumerate(found.split("\0")):
        for name in listed.split("\n"):
            if name.endswith(f"/{MANIFEST_FILE}") and name.count("/") == 1:
                order.setdefault(name.split("/")[0], place)
    return order


def check_append_only(events: Path, since: str) -> list[str]:
    """Names of the events of commit ``since`` that were edited or deleted after it, which is not allowed."""
    if not _REVISION.match(since):
        raise RetentionError(f"--since {since[:60]!r}: not a commit")
    listed = _git(
        events.parent, "diff", "--no-ext-diff", "--no-renames", "--name-status", "-z", "--diff-filter=a", since, "--",
        events.name, way_out="run in a checkout that has the commit",
    )  # fmt: skip
    fields = listed.split("\0")
    return [name.split(f"{events.name}/", 1)[-1] for name in fields[1::2]]


def _git(where: Path, *arguments: str, way_out: str) -> str:
    try:
        return run_git(where, *arguments).decode("utf-8", "replace").strip()
    except GitError as error:
        raise RetentionError(f"{error}, so history cannot be read; {way_out}") from error
