"""A pull request's events, extracted from git as data and checked by the base branch's code and list of maintainers.

What else the pull request changes is not looked at here; an event is never edited or deleted, whoever sends it.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from harness.errors import CheckFailedError
from leaderboard.acceptance.pull_request import Change, changes_of, content_of
from leaderboard.acceptance.replacing import wrong_numbers
from leaderboard.entries import Shelf, not_accepted, wrong_seed
from leaderboard.ledger import (
    MAINTAINERS_FILE,
    Event,
    EventError,
    Rebased,
    Reproduced,
    Submitted,
    Verified,
    same_account,
)

_DATA = Path("leaderboard") / "data"
_EVENTS = f"{_DATA.as_posix()}/events/"
_EVENT = re.compile(rf"\A{_EVENTS}(?P<id>[a-z2-7]{{12}})/(?P<file>[0-9TZ]{{16}}-[0-9]{{4}}-[a-z]{{1,20}}\.json)\Z")
# A maintainer accepts or judges a whole board at once.
_MOST_EVENTS = 5_000


def check_events(checkout: Path, base: str, head: str, author: str | None = None) -> list[Event]:
    """The events that ``head`` adds to ``base``, after every check of them.

    ``checkout`` is a checkout of the base branch, by whose list of maintainers and entries they are checked; ``author``
    is the account that sends them, which writes events in no other name. ``CheckFailedError`` names the first event
    that is edited, deleted, misplaced, or may not be written.
    """
    changes = [change for change in changes_of(checkout, base, head) if change.path.startswith(_EVENTS)]
    if len(changes) > _MOST_EVENTS:
        raise CheckFailedError(f"{len(changes)} events changed; send at most {_MOST_EVENTS} at once")
    with tempfile.TemporaryDirectory() as folder:
        shelf = Shelf(checkout / "submissions", checkout / _DATA / "bases", Path(folder, "events"), Path())
        _copy(checkout / _DATA, shelf)
        added = {_write(checkout, change, shelf.events): change.path for change in changes}
        ledgers = {entry_id: _ledger(shelf, entry_id) for entry_id in sorted({path.parent.name for path in added})}
        new = [
            event
            for entry_id, ledger in ledgers.items()
            for event, path in zip(ledger, sorted((shelf.events / entry_id).iterdir()), strict=True)
            if path in added
        ]
        for event in new:
            if (why := _why_not(shelf, event, author)) is not None:
                raise CheckFailedError(f"{event.entry_id}: event {event.seq}: {why}")
    return new


def _why_not(shelf: Shelf, event: Event, author: str | None) -> str | None:
    if author is not None and not same_account(event.actor, author):
        return f"actor: {event.actor}, but {author} sends it; an account writes events in its own name"
    if isinstance(event, Reproduced | Verified):
        return wrong_seed(shelf, event.entry_id, event.agreement.seed)
    state = shelf.state(event.entry_id)
    newest = next((each for each in reversed(state.events) if isinstance(each, Submitted | Rebased)), None)
    if event == newest and (why := not_accepted(shelf, event.entry_id, state.submitted)) is not None:
        return why
    return wrong_numbers(shelf, state, event) if isinstance(event, Rebased) else None


def _ledger(shelf: Shelf, entry_id: str) -> tuple[Event, ...]:
    try:
        return shelf.ledger(entry_id)
    except EventError as error:
        raise CheckFailedError(str(error).replace(f"{shelf.events}/", "events/")) from error


def _copy(data: Path, shelf: Shelf) -> None:
    if (data / "events").is_dir():
        shutil.copytree(data / "events", shelf.events, symlinks=True)
    if (data / MAINTAINERS_FILE).is_file():
        shutil.copy(data / MAINTAINERS_FILE, shelf.events.parent)


def _write(checkout: Path, change: Change, events: Path) -> Path:
    if change.status != "A":
        raise CheckFailedError(f"{change.path!a}: edited or deleted; events are only ever added")
    if (match := _EVENT.match(change.path)) is None:
        raise CheckFailedError(f"{change.path!a}: not an event file, <entry_id>/<utc>-<seq>-<kind>.json")
    path = events / match["id"] / match["file"]
    if path.exists():
        raise CheckFailedError(f"{change.path!a}: the base branch has it; rebase, and write the event again")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content_of(checkout, change))
    return path
