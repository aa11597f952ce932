"""Who writes which events: the list of maintainers, authors of their own entries, and nobody else."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from harness.errors import RetentionError
from leaderboard.ledger import events as ev
from leaderboard.ledger.authority import Maintainers, read_maintainers
from leaderboard.ledger.events import EventError, append, read_ledger
from tests.support.events import BASE, TUNED, agreement

MINE, THEIRS, OTHER = "abcdefghijk2", "abcdefghijk3", "abcdefghijk4"
LIST = Maintainers.model_validate(
    {
        "maintainers": [
            {"handle": "mo", "since": "2026-01-01"},
            {"handle": "old", "since": "2026-01-01", "until": "2026-02-01"},
            {"handle": "ada", "since": "2026-01-01", "until": "2026-01-02"},
        ]
    }
)


def submitted(contact: str) -> dict[str, Any]:
    return {
        "name": "n",
        "suite": "nano-1",
        "target": "jigsaw",
        "base": "b",
        "contact": contact,
        "files": {"manifest.yaml": "dd" * 32},
        "base_samples_sha256": BASE,
        "tuned_samples_sha256": TUNED,
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two entries of ada, and one of eve."""
    for entry_id, contact in ((MINE, "ada"), (OTHER, "Ada"), (THEIRS, "eve")):
        append(tmp_path, ev.Submitted, entry_id, "mo", LIST, **submitted(contact))
    return tmp_path


REASON = {"reason": "because"}
FOUND = {"agreement": agreement().model_dump()}
EVERY: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (ev.Submitted, submitted("ada")),
    (ev.Verified, FOUND),
    (ev.Reproduced, FOUND),
    (ev.Flagged, REASON),
    (ev.Withdrawn, REASON),
    (ev.Superseded, {"by": OTHER, **REASON}),
    (ev.Stale, REASON),
    (ev.Unavailable, REASON),
]


@pytest.mark.parametrize(("kind", "fields"), EVERY, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize(
    ("actor", "allowed"),
    [
        ("mo", {ev.Submitted, ev.Verified, ev.Reproduced, ev.Flagged, ev.Withdrawn, ev.Superseded, ev.Stale,
                ev.Unavailable}),
        ("ada", {ev.Withdrawn, ev.Superseded}),
        ("eve", {ev.Reproduced}),
        ("old", {ev.Reproduced}),
    ],
)  # fmt: skip
def test_each_kind_is_taken_from_whom_it_belongs_to(
    root: Path, kind: type[BaseModel], fields: dict[str, Any], actor: str, allowed: set[type[BaseModel]]
) -> None:
    if kind in allowed:
        append(root, kind, MINE, actor, LIST, **fields)
        assert len(read_ledger(root / MINE, LIST)) == 2
        return
    with pytest.raises(EventError, match=rf"actor: (an entry|{actor})"):
        append(root, kind, MINE, actor, LIST, **fields)
    # A file that was put there by hand is refused all the same.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ev, "check_ledger", lambda *_: None)
        append(root, kind, MINE, actor, **fields)
    with pytest.raises(EventError, match="actor: "):
        read_ledger(root / MINE, LIST)


def test_an_author_replaces_an_entry_by_one_of_their_own_alone(root: Path) -> None:
    for by in (THEIRS, "abcdefghijk7"):
        with pytest.raises(EventError, match=f"by: {by} is no entry of ada"):
            append(root, ev.Superseded, MINE, "ada", LIST, by=by, **REASON)


def test_nobody_verifies_an_entry_of_their_own_even_as_a_maintainer(root: Path) -> None:
    append(root, ev.Submitted, "abcdefghijk5", "mo", LIST, **submitted("Mo"))
    with pytest.raises(EventError, match="not verified by its own author"):
        append(root, ev.Verified, "abcdefghijk5", "mo", LIST, **FOUND)


def test_the_two_entries_that_the_project_verified_itself_at_its_start_stay_so() -> None:
    shipped = Path("leaderboard/data")
    listed = read_maintainers(shipped / "maintainers.yaml")
    for entry in ("4eauwmhpomvr", "hhkiwni7rppe"):
        assert "verified" in [event.kind for event in read_ledger(shipped / "events" / entry, listed)]


def test_evidence_needs_items_and_a_seed_that_was_not_chosen(root: Path) -> None:
    few = agreement().model_dump() | {"tasks": {"jigsaw": 1}}
    few["base"] |= {"n": 1, "same_text": 1}
    few["tuned"] |= {"n": 1, "same_text": 1}
    with pytest.raises(EventError, match="1 items were generated again, and at least 200 are evidence"):
        append(root, ev.Verified, MINE, "mo", LIST, agreement=few)
    for seed in ("ab" * 32, "ab" * 21):
        with pytest.raises(EventError, match=r"agreement\.seed: neither a commit nor the sha256"):
            append(root, ev.Verified, MINE, "mo", LIST, agreement=agreement().model_dump() | {"seed": seed})
    (accepted,) = ev.acceptance_digests(read_ledger(root / MINE))
    append(root, ev.Verified, MINE, "mo", LIST, agreement=agreement().model_dump() | {"seed": accepted})


def test_without_a_list_nobody_maintains_the_board(tmp_path: Path) -> None:
    nobody = read_maintainers(tmp_path / "maintainers.yaml")
    with pytest.raises(EventError, match="actor: mo was not a maintainer"):
        append(tmp_path, ev.Submitted, MINE, "mo", nobody, **submitted("ada"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- mo\n", "not a mapping of fields"),
        ("maintainers:\n  - handle: mo\n", "since"),
        ("maintainers:\n  - handle: mo\n    since: 2026-02-30\n", "since"),
        ("maintainers:\n  - handle: '../mo'\n    since: 2026-02-03\n", "handle"),
        ("maintainers: []\nmore: 1\n", "more"),
    ],
)
def test_a_list_that_is_not_as_it_must_be_is_refused_by_field(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "maintainers.yaml").write_text(text)
    with pytest.raises(RetentionError, match=why):
        read_maintainers(tmp_path / "maintainers.yaml")
