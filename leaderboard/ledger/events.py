"""Events: what happened to an entry, one file per event, never edited or deleted (see leaderboard/README.md).

``leaderboard/data/events/<entry_id>/<utc>-<seq>-<kind>.json``. The path follows from the content and is checked against
it, an event has the sha256 of the previous one, and its bytes are canonical (sorted keys, ASCII): reading detects gaps,
edits, duplicate keys and inserted files.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError, model_validator

from harness.errors import CheckFailedError, RetentionError
from harness.records import StrictModel
from harness.scoring import Agreement
from leaderboard.documents import BASE_HOME, Digest, FileName, Label, Note, refuse_newer
from leaderboard.ledger.authority import Maintainers, ahead_of_now, too_few, unauthorised

MAX_BYTES = 64 * 1024
MAX_EVENTS = 9_999
_NAME = re.compile(r"\A[0-9]{8}T[0-9]{6}Z-[0-9]{4}-[a-z]+\.json\Z", re.ASCII)
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_COMMIT = 40
# An event that is being written.
_ASIDE = ".event-"
_STALE_SECONDS = 24 * 3600
# What the names of a base run's files begin with, which are in another folder.
_BASES = "bases/"
# What the place of a further base run has after that of a first one.
_FURTHER = re.compile(r"-[0-9a-f]{16}\Z", re.ASCII)


class EventError(RetentionError):
    """An invalid event or ledger; the message names the file and the rule."""


def _real_time(value: str) -> str:
    if datetime.datetime.strptime(value, _TIME).strftime(_TIME) != value:
        raise ValueError("write the time as YYYY-MM-DDThh:mm:ssZ")
    return value


EntryId = Annotated[str, Field(pattern=r"\A[a-z2-7]{12}\z")]
Handle = Annotated[str, Field(pattern=r"\A[A-Za-z0-9][A-Za-z0-9-]{0,38}\z")]
Rule = Annotated[str, Field(pattern=r"\A[a-z][a-z-]{0,38}\z")]
Time = Annotated[str, Field(pattern=r"\A20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\z"),
                 AfterValidator(_real_time)]  # fmt: skip
_BaseHome = Annotated[str, Field(pattern=rf"\A{BASE_HOME}\z")]


class _Event(StrictModel):
    """The fields of every event: its entry, its position in the ledger, when it happened, and by whom."""

    schema_: Annotated[Literal["retentionbench-event-1"], Field(alias="schema")] = "retentionbench-event-1"
    entry_id: EntryId
    seq: Annotated[int, Field(ge=1, le=MAX_EVENTS)]
    at: Time
    actor: Handle
    previous: Digest | None

    @model_validator(mode="after")
    def _chained(self) -> _Event:
        if (self.previous is None) != (self.seq == 1):
            raise ValueError("previous is null in the first event, and the sha256 of the previous one in every other")
        return self


class Submitted(_Event):
    """The entry's files as they were merged: their sha256 by path, and what a tombstone shows without them.

    ``same_outputs_as`` is the ``seq`` of an earlier such event if only the judging is new: what was verified of those
    outputs is verified of these. ``flags`` are what validation flagged when it accepted the files: by rule, in words.
    """

    kind: Literal["submitted"] = "submitted"
    name: Note
    suite: Label
    target: Label
    base: Note
    contact: Handle
    files: Annotated[dict[FileName, Digest], Field(min_length=1, max_length=16)]
    base_samples_sha256: Digest
    tuned_samples_sha256: Digest
    same_outputs_as: Annotated[int, Field(ge=1)] | None = None
    flags: Annotated[dict[Rule, Note], Field(max_length=40)] = {}

    @property
    def base_home(self) -> str | None:
        """The place of the entry's base run among the base runs; None in a ledger without its files."""
        return next((name[len(_BASES) :].rpartition("/")[0] for name in self.files if name.startswith(_BASES)), None)

    def scored_with(self, rebased: Rebased) -> Submitted:
        """The same acceptance with the base run that has taken the place of its own. The base's answers are others, so
        that what was verified of the pair before says nothing of this one."""
        own = {name: digest for name, digest in self.files.items() if not name.startswith(_BASES)}
        other = {"base_samples_sha256": rebased.base_samples_sha256, "same_outputs_as": None}
        return self.model_copy(update={"files": dict(sorted((own | rebased.files).items())), **other})


class _Regenerated(_Event):
    agreement: Agreement

    @model_validator(mode="after")
    def _agreed(self) -> _Regenerated:
        if not self.agreement.agrees:
            raise ValueError("the runs do not agree; a disagreement is a flagged event")
        return self


class Reproduced(_Regenerated):
    """Somebody other than the author ran a random subset again, and it agreed."""

    kind: Literal["reproduced"] = "reproduced"


class Verified(_Regenerated):
    """A maintainer ran a random subset again from the pinned files, and it agreed."""

    kind: Literal["verified"] = "verified"


class Flagged(_Event):
    """An open doubt; ``agreement`` is set if a verification raised it."""

    kind: Literal["flagged"] = "flagged"
    reason: Note
    agreement: Agreement | None = None


class Withdrawn(_Event):
    """Withdrawn by its author or the maintainers. The folder may be deleted; the ledger stays as a tombstone."""

    kind: Literal["withdrawn"] = "withdrawn"
    reason: Note


class Superseded(_Event):
    """Replaced by another entry."""

    kind: Literal["superseded"] = "superseded"
    by: EntryId
    reason: Note

    @model_validator(mode="after")
    def _by_another(self) -> Superseded:
        if self.by == self.entry_id:
            raise ValueError("by: an entry cannot supersede itself")
        return self


class Headline(StrictModel):
    """The numbers of an entry that a reader sees first: gain in [-1, 1]; retention and balance where there are any."""

    gain: Annotated[float, Field(ge=-1, le=1)]
    retention: Annotated[float, Field(ge=-(10**6), le=10**6)] | None
    balance: Annotated[float, Field(ge=0, le=1)] | None


class Rebased(_Event):
    """The base run that the entry was scored with was shown to be wrong; another run of the same base takes its place.

    ``replaced`` and ``replacement`` are their places among the base runs, ``files`` the sha256 of the replacement's
    files. ``before`` and ``after`` are the entry's numbers with either.
    """

    kind: Literal["rebased"] = "rebased"
    replaced: _BaseHome
    replacement: _BaseHome
    files: Annotated[dict[FileName, Digest], Field(min_length=1, max_length=4)]
    base_samples_sha256: Digest
    before: Headline
    after: Headline
    reason: Note

    @model_validator(mode="after")
    def _of_one_base(self) -> Rebased:
        first, second = (_FURTHER.sub("", home) for home in (self.replaced, self.replacement))
        if self.replaced == self.replacement or first != second:
            raise ValueError("replacement: not another run of the same base on the same suite")
        if any(name.rpartition("/")[0] != f"{_BASES}{self.replacement}" for name in self.files):
            raise ValueError(f"files: not those of the replacement, below {_BASES}{self.replacement}/")
        return self


class Stale(_Event):
    """Its suite version was closed."""

    kind: Literal["stale"] = "stale"
    reason: Note


class Unavailable(_Event):
    """Its weights are no longer available."""

    kind: Literal["unavailable"] = "unavailable"
    reason: Note


class Cleared(_Event):
    """Lifts the standing that event ``of`` gave. Event ``of`` itself stays."""

    kind: Literal["cleared"] = "cleared"
    of: Annotated[int, Field(ge=1, le=MAX_EVENTS)]
    reason: Note

    @model_validator(mode="after")
    def _of_the_past(self) -> Cleared:
        if self.of >= self.seq:
            raise ValueError("of: name an earlier event")
        return self


Event = Submitted | Reproduced | Verified | Flagged | Withdrawn | Superseded | Rebased | Stale | Unavailable | Cleared
# What a Cleared event may name.
LIFTABLE = (Flagged, Withdrawn, Superseded, Stale, Unavailable)
KINDS: tuple[str, ...] = ("submitted", "reproduced", "verified", "flagged", "withdrawn", "superseded", "rebased",
                          "stale", "unavailable", "cleared")  # fmt: skip
ANY_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])


def file_name(event: Event) -> str:
    """``<utc>-<seq>-<kind>.json``: sorts in the order of the ledger."""
    return f"{event.at.replace('-', '').replace(':', '')}-{event.seq:04d}-{event.kind}.json"


def event_bytes(event: Event) -> bytes:
    """The canonical bytes of an event: indented JSON, sorted keys, ASCII, a final newline.

    ASCII escapes show in a diff what text by others may hide: direction marks, zero-width characters.
    """
    # A field that came later is left out where it says nothing, so that older events keep the one form they have.
    later = {name for name in ("same_outputs_as", "flags") if not getattr(event, name, None)}
    document = event.model_dump(mode="json", by_alias=True, exclude=later)
    return (json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n").encode("ascii")


def parse_event(data: bytes, name: str) -> Event:
    """Read one event; ``EventError`` names ``name``, the field and the rule."""
    if len(data) > MAX_BYTES:
        raise EventError(f"{name}: larger than {MAX_BYTES // 1024} KB")
    try:
        document = json.loads(data.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise EventError(f"{name}: not JSON in ASCII ({type(error).__name__})") from error
    refuse_newer(document, "event", name)
    event = check_event(document, name)
    if event_bytes(event) != data:
        raise EventError(f"{name}: not in canonical form; write events with `retention maintain`")
    return event


def check_event(document: Any, name: str) -> Event:
    """An event from its document; ``EventError`` names ``name``, the field and the rule."""
    try:
        return ANY_EVENT.validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
            raise EventError(f"{name}: kind: must be one of {', '.join(KINDS)}") from error
        # Pydantic names the kind first, which is no field of the file.
        field = ".".join(map(str, first["loc"][1:] if first["loc"][:1] and first["loc"][0] in KINDS else first["loc"]))
        raise EventError(f"{name}: {field or 'document'}: {first['msg'].removeprefix('Value error, ')}") from error


def read_ledger(folder: Path, maintainers: Maintainers | None = None) -> tuple[Event, ...]:
    """All events of one entry, in order, from the folder named by its id; an empty tuple if there is none.

    Raises ``EventError`` for a file that is not an event, a file name or entry id that does not match the content, a
    broken chain, and whatever :func:`check_ledger` refuses. ``maintainers`` says who may write what (None: not asked);
    the ledgers of other entries lie beside this one.
    """
    if folder.is_symlink():
        raise EventError(f"{folder}: a link; a ledger is a folder of files")
    if not folder.is_dir():
        return ()
    ledger: list[Event] = []
    previous: str | None = None
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file() or not _NAME.match(path.name):
            raise EventError(f"{path}: not an event file, <utc>-<seq>-<kind>.json")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        event = parse_event(data, str(path))
        if path.name != (expected := file_name(event)):
            raise EventError(f"{path}: by its content it must be named {expected}")
        if event.entry_id != folder.name:
            raise EventError(f"{path}: belongs to entry {event.entry_id}")
        if event.previous != previous:
            raise EventError(f"{path}: previous is not the sha256 of the event before it; events are never edited")
        previous = hashlib.sha256(data).hexdigest()
        ledger.append(event)
    check_ledger(ledger, str(folder))
    _check_actors(ledger, folder, maintainers)
    return tuple(ledger)


def _check_actors(ledger: Sequence[Event], folder: Path, maintainers: Maintainers | None) -> None:
    def contact_of(entry_id: str) -> str | None:
        try:
            return next(
                (each.contact for each in read_ledger(folder.parent / entry_id) if isinstance(each, Submitted)), None
            )
        except EventError:
            return None

    if maintainers is not None and (found := unauthorised(ledger, maintainers, contact_of)) is not None:
        raise EventError(f"{folder}: event {found[0]}: {found[1]}")


def check_ledger(ledger: Sequence[Event], name: str) -> None:
    """Check the invariants of a ledger; ``EventError`` names the sequence number that breaks one.

    The sequence is 1, 2, 3, ... without gaps or duplicates, time never runs backwards or ahead of now, the first event
    is ``submitted``, a ``cleared`` event lifts an existing standing, nobody reproduces their own entry, and evidence
    rests on enough items.
    """
    lifted: set[int] = set()
    contact, home = "", None
    for place, event in enumerate(ledger, start=1):
        where = f"{name}: event {event.seq}"
        if event.seq != place:
            raise EventError(f"{where}: number {place} is expected here; a ledger has no gaps or duplicates")
        if place > 1 and event.at < ledger[place - 2].at:
            raise EventError(f"{where}: at: is earlier than the previous event")
        if ahead_of_now(event.at):
            raise EventError(f"{where}: at: is in the future, by the clock of this machine")
        if place == 1 and not isinstance(event, Submitted):
            raise EventError(f"{where}: the first event of a ledger is submitted")
        if isinstance(event, Submitted):
            contact, home = event.contact, event.base_home
        if isinstance(event, Rebased):
            if event.replaced != home:
                raise EventError(f"{where}: replaced: the entry was scored with the base run at {home}")
            home = event.replacement
        if isinstance(event, Reproduced) and event.actor.lower() == contact.lower():
            raise EventError(f"{where}: actor: an entry cannot be reproduced by its own author")
        if isinstance(event, Reproduced | Verified) and (why := too_few(event.agreement.tuned.n)) is not None:
            raise EventError(f"{where}: agreement: {why}")
        if isinstance(event, Reproduced | Verified) and not _is_seed(event.agreement.seed, ledger[: place - 1]):
            raise EventError(f"{where}: agreement.seed: neither a commit nor the sha256 of an earlier submitted event")
        if isinstance(event, Cleared):
            if event.of in lifted or not isinstance(ledger[event.of - 1], LIFTABLE):
                raise EventError(f"{where}: of: event {event.of} gave no standing that can be lifted")
            lifted.add(event.of)


def acceptance_digests(ledger: Sequence[Event]) -> set[str]:
    """The sha256 of every event of ``ledger`` that accepted the entry."""
    return {hashlib.sha256(event_bytes(event)).hexdigest() for event in ledger if isinstance(event, Submitted)}


def _is_seed(seed: str, earlier: Sequence[Event]) -> bool:
    # Whether a commit is one that merged the entry, history says: leaderboard.entries.wrong_seed.
    return len(seed) == _COMMIT or seed in acceptance_digests(earlier)


def now() -> str:
    """The time as events write it."""
    return datetime.datetime.now(datetime.UTC).strftime(_TIME)


def read_ledgers(root: Path, maintainers: Maintainers | None = None) -> dict[str, tuple[Event, ...] | EventError]:
    """The ledger of every entry below ``root`` by entry id; for an invalid one, its error."""
    found: dict[str, tuple[Event, ...] | EventError] = {}
    if not root.is_dir():
        return found
    for folder in sorted(root.iterdir()):
        if folder.name.startswith(_ASIDE):
            continue
        try:
            if not folder.is_dir() and not folder.is_symlink():
                raise EventError(f"{folder}: not a ledger; there is one folder per entry")
            found[folder.name] = read_ledger(folder, maintainers)
        except EventError as error:
            found[folder.name] = error
    return found


def append(
    root: Path, kind: type[BaseModel], entry_id: str, actor: str, maintainers: Maintainers | None = None, **fields: Any
) -> tuple[Path, Event]:
    """Write the next event of ``entry_id``'s ledger below ``root``; returns its file and the event.

    Nothing is written if the event or the resulting ledger would be invalid, and an existing file is never opened for
    writing.
    """
    folder = root / entry_id
    ledger = read_ledger(folder, maintainers)
    document = {
        "schema": "retentionbench-event-1",
        "entry_id": entry_id,
        "seq": len(ledger) + 1,
        # A slow clock must not break the order of file names.
        "at": max(now(), ledger[-1].at) if ledger else now(),
        "actor": actor,
        "previous": hashlib.sha256((folder / file_name(ledger[-1])).read_bytes()).hexdigest() if ledger else None,
        "kind": kind.model_fields["kind"].default,
        **fields,
    }
    event = check_event(document, entry_id)
    check_ledger([*ledger, event], entry_id)
    _check_actors([*ledger, event], folder, maintainers)
    path = folder / file_name(event)
    _write_new(path, event_bytes(event), root)
    return path, event


def _write_new(path: Path, data: bytes, root: Path) -> None:
    """Write ``path`` whole or not at all, on a full disk and where the process is killed; never over a file."""
    root.mkdir(parents=True, exist_ok=True)
    for left in root.glob(f"{_ASIDE}*"):
        if time.time() - left.stat().st_mtime > _STALE_SECONDS:
            left.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(prefix=_ASIDE, dir=root)
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.chmod(0o644)
        path.parent.mkdir(exist_ok=True)
        # A link, because renaming would replace an event of the same name.
        os.link(aside, path)
    except FileExistsError as error:
        raise CheckFailedError(f"{path}: was written by another process meanwhile; run the command again") from error
    except OSError as error:
        with contextlib.suppress(OSError):
            path.parent.rmdir()  # only if it is empty
        raise EventError(f"{path}: not written ({error.strerror}); the ledger is as it was") from error
    finally:
        aside.unlink()
