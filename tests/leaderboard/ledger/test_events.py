"""Events: the law of the ledger, held against edits, gaps, forgeries and hostile files; and the folds over it."""

import datetime
import errno
import hashlib
import json
import os
import random
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from harness.errors import CheckFailedError, RetentionError
from leaderboard.ledger import events as ev
from leaderboard.ledger.events import EventError, append, event_bytes, file_name, parse_event, read_ledger, read_ledgers
from leaderboard.ledger.standing import Evidence, Standing, fold
from tests.support.events import BASE, TUNED, agreement

ID = "abcdefghijk2"
OTHER = "abcdefghijk3"
SUBMITTED = {
    "name": "nano-sft",
    "suite": "nano-1",
    "target": "jigsaw",
    "base": "nano-base",
    "contact": "ada",
    "files": {"bases/nano-1/0123456789ab/run.json": "cc" * 32, "manifest.yaml": "dd" * 32},
    "base_samples_sha256": BASE,
    "tuned_samples_sha256": TUNED,
}


FIRST, FURTHER = "nano-1/0123456789ab", "nano-1/0123456789ab-0123456789abcdef"
REBASED = {
    "replaced": FIRST,
    "replacement": FURTHER,
    "files": {f"bases/{FURTHER}/run.json": "ee" * 32},
    "base_samples_sha256": "ff" * 32,
    "before": {"gain": 0.5, "retention": 0.9, "balance": 0.6},
    "after": {"gain": 0.4, "retention": 1.1, "balance": None},
    "reason": "a run of the same weights by a maintainer solves more",
}


def write(root: Path, kind: type[BaseModel], actor: str = "mo", entry_id: str = ID, **fields: Any) -> ev.Event:
    return append(root, kind, entry_id, actor, **fields)[1]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A ledger of four events."""
    write(tmp_path, ev.Submitted, **SUBMITTED)
    write(tmp_path, ev.Verified, agreement=agreement().model_dump())
    write(tmp_path, ev.Flagged, reason="its training data may hold test items")
    write(tmp_path, ev.Cleared, of=3, reason="the author showed that it does not")
    return tmp_path


def test_a_full_disk_leaves_the_ledger_as_it_was(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for entry_id in (ID, OTHER):
        with pytest.raises(EventError, match=r"not written \(No space left on device\); the ledger is as it was"):
            write(root, ev.Submitted, entry_id=entry_id, **SUBMITTED)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_what_a_killed_process_left_is_no_ledger_and_goes_a_day_later(root: Path) -> None:
    left, young = root / ".event-left", root / ".event-young"
    left.write_text("{")
    young.write_text("{")
    os.utime(left, (0, 0))
    assert set(read_ledgers(root)) == {ID}
    write(root, ev.Withdrawn, reason="a mistake")
    assert not left.exists()
    assert young.exists()


def test_an_event_is_never_written_over(root: Path) -> None:
    path, _ = append(root, ev.Flagged, ID, "mo", reason="once")
    before = path.read_bytes()
    with pytest.raises(CheckFailedError, match="was written by another process meanwhile"):
        ev._write_new(path, b"twice", root)
    assert path.read_bytes() == before
    assert [each.name for each in root.iterdir()] == [ID]


def test_a_ledger_reads_back_as_it_was_written(root: Path) -> None:
    ledger = read_ledger(root / ID)
    assert [event.kind for event in ledger] == ["submitted", "verified", "flagged", "cleared"]
    assert [event.seq for event in ledger] == [1, 2, 3, 4]
    names = sorted(path.name for path in (root / ID).iterdir())
    assert names == [file_name(event) for event in ledger]
    for event, before in zip(ledger[1:], names, strict=False):
        assert event.previous == hashlib.sha256((root / ID / before).read_bytes()).hexdigest()


def test_no_ledger_is_an_empty_one(tmp_path: Path) -> None:
    assert read_ledger(tmp_path / ID) == ()
    assert read_ledgers(tmp_path / "nowhere") == {}


def first(root: Path) -> Path:
    return sorted((root / ID).iterdir())[0]


def last(root: Path) -> Path:
    return sorted((root / ID).iterdir())[-1]


def edit(path: Path, **fields: Any) -> None:
    document = json.loads(path.read_text()) | fields
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")


def edit_first(root: Path) -> None:
    edit(first(root), name="nano-sft-2")


def delete_one(root: Path) -> None:
    sorted((root / ID).iterdir())[1].unlink()


def delete_the_first(root: Path) -> None:
    first(root).unlink()


def rename(root: Path) -> None:
    last(root).rename(last(root).with_name("20300101T000000Z-0004-cleared.json"))


def other_kind_in_the_name(root: Path) -> None:
    last(root).rename(last(root).with_name(last(root).name.replace("cleared", "flagged")))


def add_file(root: Path) -> None:
    (root / ID / "notes.txt").write_text("x")


def add_link(root: Path) -> None:
    (root / ID / "20990101T000000Z-0005-stale.json").symlink_to(first(root))


def add_folder(root: Path) -> None:
    (root / ID / "20990101T000000Z-0005-stale.json").mkdir()


def trailing_newline_in_the_name(root: Path) -> None:
    last(root).rename(last(root).with_name(last(root).name + "\n"))


def move_to_another_entry(root: Path) -> None:
    (root / ID).rename(root / OTHER)


def repeat_a_key(root: Path) -> None:
    last(root).write_text(last(root).read_text().replace('"of": 3', '"of": 2,\n  "of": 3'))


def spaces(root: Path) -> None:
    last(root).write_text(last(root).read_text() + "\n")


def nested(root: Path) -> None:
    last(root).write_text("[" * 60_000)


def large(root: Path) -> None:
    last(root).write_text(" " * 70_000)


def not_ascii(root: Path) -> None:
    last(root).write_text(last(root).read_text().replace("showed", "sh\u202eowed"), "utf-8")


def unknown_kind(root: Path) -> None:
    edit(last(root), kind="blessed")


def unknown_field(root: Path) -> None:
    edit(last(root), rank=1)


def infinite(root: Path) -> None:
    last(root).write_text(last(root).read_text().replace('"of": 3', '"of": Infinity'))


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (edit_first, "previous is not the sha256"),
        (delete_one, "previous is not the sha256"),
        (delete_the_first, "previous is not the sha256"),
        (rename, "by its content it must be named"),
        (other_kind_in_the_name, "by its content it must be named"),
        (add_file, "notes.txt: not an event file"),
        (add_link, "not an event file"),
        (add_folder, "not an event file"),
        (trailing_newline_in_the_name, "not an event file"),
        (move_to_another_entry, f"belongs to entry {ID}"),
        (repeat_a_key, "not in canonical form"),
        (spaces, "not in canonical form"),
        (nested, "not JSON in ASCII"),
        (large, "larger than 64 KB"),
        (not_ascii, "not JSON in ASCII"),
        (unknown_kind, "kind: must be one of submitted, reproduced"),
        (unknown_field, "rank: Extra inputs"),
        (infinite, "of: Input should be a finite number"),
    ],
)
def test_a_ledger_that_was_touched_is_refused_with_its_reason(
    root: Path, harm: Callable[[Path], None], reason: str
) -> None:
    harm(root)
    ((_, found),) = read_ledgers(root).items()
    assert isinstance(found, EventError)
    assert reason in str(found)


def test_every_flipped_byte_of_every_event_is_found(root: Path) -> None:
    """The last event too, where no later one names its digest: what is left of its text must still be its own name."""
    whole = read_ledger(root / ID)
    rng = random.Random(1)
    for path in sorted((root / ID).iterdir()):
        data = path.read_bytes()
        for place in rng.sample(range(len(data)), 60):
            harmed = bytearray(data)
            harmed[place] ^= 1
            path.write_bytes(harmed)
            try:
                found = read_ledger(root / ID)
            except EventError:
                continue
            # Only free text of the newest event can change unseen; git holds that.
            assert path == last(root)
            assert found[:-1] == whole[:-1]
        path.write_bytes(data)


@pytest.mark.parametrize(
    ("kind", "fields", "complaint"),
    [
        (ev.Verified, {"agreement": agreement(altered=40).model_dump()}, "a disagreement is a flagged event"),
        (
            ev.Reproduced,
            {"agreement": agreement().model_dump(), "actor": "ADA"},
            "cannot be reproduced by its own author",
        ),
        (ev.Superseded, {"by": ID, "reason": "newer"}, "cannot supersede itself"),
        (ev.Superseded, {"by": "../../etc", "reason": "newer"}, "by: String should match"),
        (ev.Flagged, {"reason": ""}, "reason: String should have at least 1"),
        (ev.Withdrawn, {}, "reason: Field required"),
        (ev.Cleared, {"of": 9, "reason": "x"}, "of: name an earlier event"),
        (ev.Cleared, {"of": 3, "reason": "x"}, "gave no standing that can be lifted"),
        (ev.Cleared, {"of": 2, "reason": "x"}, "gave no standing that can be lifted"),
        (ev.Flagged, {"reason": "x", "actor": "mo@example.org"}, "actor: String should match"),
        (ev.Submitted, SUBMITTED | {"files": {"../run.json": BASE}}, "files"),
    ],
)
def test_what_breaks_the_law_is_not_written(
    root: Path, kind: type[BaseModel], fields: dict[str, Any], complaint: str
) -> None:
    before = sorted(root.rglob("*"))
    with pytest.raises(EventError, match=complaint):
        write(root, kind, **{"actor": "mo", **fields})
    assert sorted(root.rglob("*")) == before


def test_the_first_event_is_submitted(tmp_path: Path) -> None:
    with pytest.raises(EventError, match="the first event of a ledger is submitted"):
        write(tmp_path, ev.Flagged, reason="x")
    assert not (tmp_path / ID).exists()


def test_the_path_of_an_entry_cannot_leave_the_ledgers(tmp_path: Path) -> None:
    with pytest.raises(EventError, match="entry_id"):
        write(tmp_path / "events", ev.Submitted, entry_id="../elsewhere", **SUBMITTED)
    assert not (tmp_path / "elsewhere").exists()


def test_time_never_runs_backwards(root: Path) -> None:
    ledger = read_ledger(root / ID)
    early = ev.Stale(entry_id=ID, seq=5, at="2020-01-01T00:00:00Z", actor="mo", previous=BASE, reason="closed")
    with pytest.raises(EventError, match="at: is earlier than the previous event"):
        ev.check_ledger([*ledger, early], "x")


def test_a_clock_that_runs_behind_keeps_the_order(tmp_path: Path) -> None:
    submitted = ev.check_event(
        HEAD | {"schema": "retentionbench-event-1", "seq": 1, "previous": None, "kind": "submitted"} | SUBMITTED, "x"
    ).model_copy(update={"at": (later := in_hours(6))})
    (tmp_path / ID).mkdir()
    path_of(tmp_path, submitted).write_bytes(event_bytes(submitted))
    assert write(tmp_path, ev.Stale, reason="closed").at == later
    assert len(read_ledger(tmp_path / ID)) == 2


def in_hours(hours: int) -> str:
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("at", ["2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T24:00:00Z", "1999-01-01T00:00:00Z"])
def test_only_real_times(root: Path, at: str) -> None:
    edit(first(root), at=at)
    with pytest.raises(EventError, match="at: "):
        read_ledger(root / ID)


def test_an_event_is_never_overwritten(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = read_ledger(root / ID)
    monkeypatch.setattr(ev, "read_ledger", lambda *_: ledger[:3])
    data = last(root).read_bytes()
    monkeypatch.setattr(ev, "file_name", lambda event: last(root).name if event.seq == 4 else file_name(event))
    with pytest.raises(RetentionError, match="was written by another process"):
        write(root, ev.Cleared, of=3, reason="again")
    assert last(root).read_bytes() == data


def test_an_event_has_one_spelling(root: Path) -> None:
    for event in read_ledger(root / ID):
        data = event_bytes(event)
        assert data.isascii()
        assert parse_event(data, "x") == event
        assert data == path_of(root, event).read_bytes()


def path_of(root: Path, event: ev.Event) -> Path:
    return root / event.entry_id / file_name(event)


HEAD: dict[str, Any] = {"entry_id": ID, "actor": "mo", "at": "2026-01-01T00:00:00Z"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_refused(data: bytes) -> None:
    with pytest.raises(RetentionError):
        parse_event(data, "x")


@given(st.sampled_from(typing.get_args(ev.Event)), st.data())
@settings(max_examples=300)
def test_any_document_near_an_event_is_one_or_refused(kind: type[BaseModel], data: st.DataObject) -> None:
    """What is read is spelt as it would be written; the rest is refused, and nothing else happens."""
    known = HEAD | {"schema": "retentionbench-event-1", "seq": 2, "previous": BASE} | SUBMITTED
    known |= {
        "flags": {"few-losses": "why"},
        "reason": "why",
        "of": 1,
        "by": OTHER,
        "agreement": agreement().model_dump(mode="json"),
    }
    known |= REBASED if kind is ev.Rebased else {}
    names = [
        field.alias or name for name, field in kind.model_fields.items() if name not in ("kind", "same_outputs_as")
    ]
    fields = {name: known[name] for name in names} | {"kind": kind.model_fields["kind"].default}
    changed = data.draw(st.lists(st.sampled_from([*names, "kind", "other"]), max_size=2))
    for name in changed:
        fields[name] = data.draw(JSON)
    document = (json.dumps(fields, indent=2, sort_keys=True) + "\n").encode()
    try:
        event = parse_event(document, "x")
    except RetentionError:
        assert changed
        return
    assert event_bytes(event) == document


# --- folds ---


def home_of(made: Sequence[ev.Event]) -> str:
    """The place of the base run that an entry is scored with."""
    submitted = fold(made).submitted
    assert submitted is not None
    assert submitted.base_home is not None
    return submitted.base_home


def rebased(home: str) -> dict[str, Any]:
    """The fields of an event that replaces the base run at ``home``, one of two."""
    other, samples = (FURTHER, "ff" * 32) if home == FIRST else (FIRST, BASE)
    files = {f"bases/{other}/run.json": "ee" * 32}
    return REBASED | {"replaced": home, "replacement": other, "files": files, "base_samples_sha256": samples}


@st.composite
def ledgers(draw: st.DrawFn) -> list[ev.Event]:
    """A ledger that keeps the law, of up to twelve events."""
    made: list[ev.Event] = []
    for seq in range(1, draw(st.integers(1, 12)) + 1):
        common = HEAD | {"seq": seq, "previous": None if seq == 1 else BASE}
        liftable = [
            event.seq
            for event in made
            if isinstance(event, ev.LIFTABLE)
            and not any(isinstance(later, ev.Cleared) and later.of == event.seq for later in made)
        ]
        kinds = ["submitted"] if seq == 1 else [kind for kind in ev.KINDS if kind != "cleared" or liftable]
        kind = draw(st.sampled_from(kinds))
        tuned = draw(st.sampled_from([TUNED, "ee" * 32]))
        fields: dict[str, Any] = {"reason": "why"}
        if kind == "submitted":
            fields = SUBMITTED | {"tuned_samples_sha256": tuned}
        elif kind in ("reproduced", "verified"):
            fields = {"agreement": agreement(tuned=tuned)}
        elif kind == "superseded":
            fields |= {"by": OTHER}
        elif kind == "cleared":
            fields |= {"of": draw(st.sampled_from(liftable))}
        elif kind == "rebased":
            fields = rebased(home_of(made))
        made.append(ev.check_event(common | fields | {"schema": "retentionbench-event-1", "kind": kind}, "x"))
    ev.check_ledger(made, "x")
    return made


@given(ledgers(), st.randoms(use_true_random=False))
def test_the_order_in_which_events_are_read_does_not_matter(made: list[ev.Event], rng: random.Random) -> None:
    shuffled = list(made)
    rng.shuffle(shuffled)
    assert fold(shuffled) == fold(made)


@given(ledgers())
def test_folding_is_idempotent(made: list[ev.Event]) -> None:
    assert fold([*made, *made]) == fold(made)
    assert fold(fold(made).events) == fold(made)


@given(ledgers())
def test_no_event_removes_another(made: list[ev.Event]) -> None:
    for length in range(len(made) + 1):
        assert fold(made[:length]).events == tuple(made[:length])


@given(ledgers())
@settings(max_examples=300)
def test_evidence_falls_only_where_other_answers_are_submitted(made: list[ev.Event]) -> None:
    for length in range(1, len(made)):
        before, after = fold(made[:length]), fold(made[: length + 1])
        if not isinstance(made[length], ev.Submitted | ev.Rebased):
            assert after.evidence.rank >= before.evidence.rank


@given(ledgers())
def test_a_standing_lasts_until_it_is_lifted(made: list[ev.Event]) -> None:
    state = fold(made)
    lifted = {event.of for event in made if isinstance(event, ev.Cleared)}
    given_ = [event.kind for event in made if isinstance(event, ev.LIFTABLE) and event.seq not in lifted]
    assert (state.standing is Standing.ACTIVE) == (not given_)
    assert {event.kind for event in state.because} == ({state.standing.value} if given_ else set())
    assert all(list(Standing).index(state.standing) <= list(Standing).index(Standing(kind)) for kind in given_)
    assert state.standing.ranked == (not {"withdrawn", "superseded", "flagged"} & set(given_))


def test_an_entry_without_events_is_self_reported_and_active() -> None:
    state = fold([])
    assert (state.evidence, state.standing, state.because) == (Evidence.SELF_REPORTED, Standing.ACTIVE, ())


def test_a_verification_of_other_answers_does_not_count(root: Path) -> None:
    assert fold(read_ledger(root / ID)).evidence is Evidence.VERIFIED
    write(root, ev.Submitted, **SUBMITTED | {"tuned_samples_sha256": "ee" * 32})
    state = fold(read_ledger(root / ID))
    assert state.evidence is Evidence.SELF_REPORTED
    assert "verified" in {event.kind for event in state.events}


def test_a_verification_of_the_same_outputs_counts_after_they_were_judged_again(root: Path) -> None:
    write(root, ev.Submitted, **SUBMITTED | {"tuned_samples_sha256": "ee" * 32, "same_outputs_as": 1})
    assert fold(read_ledger(root / ID)).evidence is Evidence.VERIFIED
    write(root, ev.Submitted, **SUBMITTED | {"tuned_samples_sha256": "dd" * 32, "same_outputs_as": 5})
    assert fold(read_ledger(root / ID)).evidence is Evidence.VERIFIED
    write(root, ev.Submitted, **SUBMITTED | {"tuned_samples_sha256": "cc" * 32})
    assert fold(read_ledger(root / ID)).evidence is Evidence.SELF_REPORTED


def test_a_base_run_that_was_shown_to_be_wrong_is_replaced(root: Path) -> None:
    write(root, ev.Rebased, **REBASED)
    state = fold(read_ledger(root / ID))
    assert state.submitted is not None
    assert state.submitted.files == {f"bases/{FURTHER}/run.json": "ee" * 32, "manifest.yaml": "dd" * 32}
    assert (state.submitted.base_samples_sha256, state.replaced) == ("ff" * 32, ((FIRST, FURTHER),))
    # The pair that was verified was another one; judging again does not bring it back.
    assert state.evidence is Evidence.SELF_REPORTED
    judged = SUBMITTED | {"files": state.submitted.files, "base_samples_sha256": "ab" * 32, "same_outputs_as": 1}
    write(root, ev.Submitted, **judged)
    assert fold(read_ledger(root / ID)).evidence is Evidence.SELF_REPORTED
    assert fold(read_ledger(root / ID)).submitted.base_home == FURTHER  # type: ignore[union-attr]


def test_what_is_verified_of_the_new_pair_counts_after_judging_again(root: Path) -> None:
    write(root, ev.Rebased, **REBASED)
    side = agreement().base.model_copy(update={"samples_sha256": "ff" * 32})
    write(root, ev.Verified, agreement=agreement().model_copy(update={"base": side}).model_dump())
    assert fold(read_ledger(root / ID)).evidence is Evidence.VERIFIED
    files = {f"bases/{FURTHER}/run.json": "ab" * 32}
    judged = {"files": files, "base_samples_sha256": "ab" * 32, "same_outputs_as": 1}
    write(root, ev.Submitted, **SUBMITTED | judged)
    assert fold(read_ledger(root / ID)).evidence is Evidence.VERIFIED


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"replaced": FURTHER, "replacement": FIRST}, "files: not those of the replacement"),
        ({"replacement": FIRST}, "not another run of the same base"),
        ({"replacement": "nano-1/ffff56789abc"}, "not another run of the same base"),
        ({"replacement": "nano-2/0123456789ab"}, "not another run of the same base"),
        ({"replacement": "../0123456789ab"}, "replacement: "),
        ({"files": {"bases/nano-1/0123456789ab/run.json": "ee" * 32}}, "files: not those of the replacement"),
        ({"after": {"gain": 80.8, "retention": None, "balance": None}}, "after.gain"),
        ({"after": {"gain": float("nan"), "retention": None, "balance": None}}, "after.gain"),
        ({"replaced": f"{FIRST}-{'a' * 16}"}, f"replaced: the entry was scored with the base run at {FIRST}"),
    ],
)
def test_a_replacement_is_of_one_base_and_of_the_run_that_was_used(root: Path, changed: Any, said: str) -> None:
    with pytest.raises(EventError, match=said):
        write(root, ev.Rebased, **REBASED | changed)


def test_two_events_of_one_number_are_refused(root: Path) -> None:
    ledger = read_ledger(root / ID)
    twin = ledger[2].model_copy(update={"reason": "another"})
    with pytest.raises(EventError, match="there are two with this number"):
        fold([*ledger, twin])
    with pytest.raises(EventError, match="events of 2 entries"):
        fold([*ledger, ledger[0].model_copy(update={"entry_id": OTHER, "seq": 9})])


def test_a_superseded_entry_names_its_successor(root: Path) -> None:
    write(root, ev.Superseded, by=OTHER, reason="a longer run")
    state = fold(read_ledger(root / ID))
    assert (state.standing, state.superseded_by) == (Standing.SUPERSEDED, OTHER)
