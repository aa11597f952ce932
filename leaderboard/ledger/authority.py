"""Authority: which kinds of events whom a ledger takes them from, by the list of maintainers beside the ledgers.

Maintainers accept, verify and judge entries. An author may withdraw an entry or replace it by another of their own, and
a third party may reproduce one. Nobody verifies an entry of their own.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, ValidationError

from harness.errors import RetentionError, first_problem
from harness.records import StrictModel
from harness.scoring import ENOUGH
from leaderboard.documents import read_plain_yaml

if TYPE_CHECKING:
    from leaderboard.ledger.events import Event

MAINTAINERS_FILE = "maintainers.yaml"
# Before this day the project verified two entries of its own, its first.
_NO_OWN_SINCE = "2026-11-29T00:00:00Z"
# For clocks that are wrong.
_AHEAD = datetime.timedelta(days=1)


def _day(value: str) -> str:
    return datetime.date.fromisoformat(value).isoformat()


_Day = Annotated[str, Field(pattern=r"\A20[0-9]{2}-[0-9]{2}-[0-9]{2}\z"), AfterValidator(_day)]


class Maintainer(StrictModel):
    """An account, and from which day to which (both included) it maintains the board; without ``until``: still."""

    handle: Annotated[str, Field(pattern=r"\A[A-Za-z0-9][A-Za-z0-9-]{0,38}\z")]
    since: _Day
    until: _Day | None = None


class Maintainers(StrictModel):
    """Everybody who maintains the board, or did."""

    maintainers: Annotated[list[Maintainer], Field(max_length=200)]

    def has(self, handle: str, at: str) -> bool:
        """Whether ``handle`` maintained the board at ``at``, the time of an event."""
        return any(
            same_account(handle, each.handle) and each.since <= at[:10] <= (each.until or "9999")
            for each in self.maintainers
        )


def read_maintainers(path: Path) -> Maintainers:
    """The list in ``path``, empty where there is none; ``RetentionError`` names a field that is not as it must be."""
    if not path.is_file():
        return Maintainers(maintainers=[])
    document = read_plain_yaml(path)
    if not isinstance(document, dict):
        raise RetentionError(f"{path}: not a mapping of fields; write maintainers: with a list of handle and since")
    try:
        return Maintainers.model_validate(document)
    except ValidationError as error:
        raise RetentionError(f"{path}: {first_problem(error)}") from error


def unauthorised(
    ledger: Sequence[Event], maintainers: Maintainers, contact_of: Callable[[str], str | None]
) -> tuple[int, str] | None:
    """The number of the first event that its actor may not write, and why; None where there is none.

    ``contact_of`` gives the contact of another entry by its id, None where it has no ledger.
    """
    contact = ""
    for event in ledger:
        contact = getattr(event, "contact", contact)
        maintains = maintainers.has(event.actor, event.at)
        if (why := _why_not(event, contact, maintains, contact_of)) is not None:
            return event.seq, why
    return None


def _why_not(event: Event, contact: str, maintains: bool, contact_of: Callable[[str], str | None]) -> str | None:
    own = same_account(event.actor, contact)
    if event.kind == "verified" and own and event.at >= _NO_OWN_SINCE:
        return "actor: an entry is not verified by its own author; another maintainer verifies it"
    if maintains or event.kind == "reproduced" or (event.kind == "withdrawn" and own):
        return None
    if event.kind == "superseded" and own:
        if same_account(event.actor, contact_of(event.by) or ""):
            return None
        return f"by: {event.by} is no entry of {event.actor}; an author replaces an entry by one of their own"
    return (
        f"actor: {event.actor} was not a maintainer on {event.at[:10]}, by {MAINTAINERS_FILE}; "
        f"only maintainers write {event.kind} here"
    )


def same_account(one: str, other: str) -> bool:
    """Whether two handles are one account; their case says nothing."""
    return one.casefold() == other.casefold()


def too_few(n_items: int) -> str | None:
    """Why ``n_items`` generated again are no evidence; None where they are enough."""
    return None if n_items >= ENOUGH else f"{n_items} items were generated again, and at least {ENOUGH} are evidence"


def ahead_of_now(at: str) -> bool:
    """Whether a time, as events write it, is yet to come by this machine's clock, a day's error allowed."""
    return datetime.datetime.fromisoformat(at) > datetime.datetime.now(datetime.UTC) + _AHEAD
