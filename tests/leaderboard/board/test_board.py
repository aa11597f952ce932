"""Tracks, their order, and what events make of their entries."""

import shutil
from dataclasses import replace
from pathlib import Path

from harness.records.run import read_record
from leaderboard.board.board import PROVISIONAL, _precedence, load_board
from leaderboard.documents.identity import seal
from leaderboard.entries.entry import BadEntry
from leaderboard.entries.shelf import Shelf
from leaderboard.ledger import Evidence, Standing, events
from leaderboard.submit.prepare import prepare_entry
from tests.support.accepting import accepted, noted
from tests.support.confirming import confirmed
from tests.support.made_up_board import made_row, made_track
from tests.support.synthetic import synthetic_run
from tests.support.synthetic_board import BASE, STATEMENT, add_entry, folders, full_board


def test_entries_are_ordered_by_balance_and_bad_ones_listed(tmp_path: Path) -> None:
    made = full_board(tmp_path)
    board = load_board(made.submissions, made.bases)
    (track,) = board.tracks
    balances = [row.card.balance for row in track.rows]
    assert balances == sorted(balances, reverse=True)
    assert len(track.rows) == 5
    assert [bad.path for bad in board.bad] == ["aaaaaaaaaaaa", "bbb<script>alert(3)<"]
    assert board.data_as_of == "2026-01-02"


def test_what_may_not_be_compared_is_in_another_track(tmp_path: Path) -> None:
    made = folders(tmp_path)
    add_entry(made, "jigsaw-tune", {"jigsaw_2x2": 0.8}, seed=1)
    add_entry(made, "math-tune", {"math_word": 0.99}, seed=2, statement={"target": "math"})
    synthetic_run(made.runs / "base-2", name="other-base")
    synthetic_run(made.runs / "tuned-3", name="third", seed=3)
    prepare_entry(made.runs / "tuned-3", made.runs / "base-2", STATEMENT, made.submissions, made.bases)
    board = load_board(made.submissions, made.bases)
    assert len(board.tracks) == 3
    assert len({track.key.slug for track in board.tracks}) == 3
    assert all(row.manifest.target == track.key.target for track in board.tracks for row in track.rows)


def test_an_entry_that_cannot_be_scored_is_left_out(tmp_path: Path) -> None:
    made = folders(tmp_path)
    prepared = add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    record = prepared.folder / "tuned" / "run.json"
    record.write_text(record.read_text().replace('"greedy"', '"graph"'))
    seal(prepared.folder)
    board = load_board(made.submissions, made.bases)
    assert board.tracks == ()
    assert board.bad == (BadEntry(prepared.entry_id, board.bad[0].reason),)
    assert "engine differs" in board.bad[0].reason


def test_ledgers_give_evidence_and_standing(tmp_path: Path) -> None:
    made = folders(tmp_path)
    shelf = Shelf(made.submissions, made.bases, tmp_path / "events", tmp_path / "releases")
    best = add_entry(made, "best", {"jigsaw_2x2": 0.95}, seed=1).entry_id
    second = add_entry(made, "second", {"jigsaw_2x2": 0.5}, seed=2).entry_id
    accepted(shelf)
    (track,) = load_board(made.submissions, made.bases, shelf.events).tracks
    assert [(row.name, row.state.standing, row.state.evidence) for row in track.rows] == [
        ("best", "active", "self-reported"),
        ("second", "active", "self-reported"),
    ]
    noted(shelf, events.Flagged, best, reason="doubtful")
    board = load_board(made.submissions, made.bases, shelf.events)
    # What is not ranked comes after what is, however well it did.
    assert [(row.name, row.state.standing) for row in board.rows] == [("second", "active"), ("best", "flagged")]
    assert board.data_as_of == board.rows[1].state.events[-1].at[:10]
    noted(shelf, events.Withdrawn, best, reason="asked for")
    for gone in (False, True):
        if gone:
            shutil.rmtree(made.submissions / best)
        board = load_board(made.submissions, made.bases, shelf.events)
        assert [row.entry_id for row in board.rows] == [second]
        assert [(each.entry_id, each.name) for each in board.tombstones] == [(best, "best")]
        assert board.bad == ()


def test_an_entry_whose_ledger_does_not_hold_is_left_out(tmp_path: Path) -> None:
    made = folders(tmp_path)
    shelf = Shelf(made.submissions, made.bases, tmp_path / "events", tmp_path / "releases")
    names = [add_entry(made, f"e{seed}", {}, seed=seed).entry_id for seed in (1, 2, 3)]
    for name in names:
        accepted(shelf, name)
    next((shelf.events / names[0]).iterdir()).write_text("{}")
    manifest = made.submissions / names[1] / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("ada", "eve"))
    seal(manifest.parent)
    shutil.rmtree(made.submissions / names[2])
    (shelf.events / "<b>x").mkdir()
    (shelf.events / "stray").write_text("")
    board = load_board(made.submissions, made.bases, shelf.events)
    assert board.rows == ()
    reasons = {bad.path: bad.reason for bad in board.bad}
    assert "schema: Field required" in reasons[names[0]] or "kind: must be one of" in reasons[names[0]]
    assert reasons[names[1]] == "not accepted as it is: SHA256SUMS is not the file that the entry's ledger recorded"
    assert "its folder is gone" in reasons[names[2]]
    assert "one folder per entry" in reasons["stray"]
    assert not any(str(tmp_path) in reason for reason in reasons.values())


def test_no_entries_are_an_empty_board(tmp_path: Path) -> None:
    (tmp_path / "submissions").mkdir()
    board = load_board(tmp_path / "submissions", tmp_path / "bases")
    assert (board.tracks, board.bad, board.data_as_of) == ((), (), "")


def test_events_give_evidence_standing_and_who_is_ranked(tmp_path: Path) -> None:
    made, root = folders(tmp_path), tmp_path / "events"
    entries = [add_entry(made, f"m{seed}", {"jigsaw_2x2": 0.6 + seed / 50}, seed=seed) for seed in range(1, 6)]
    accepted(Shelf(made.submissions, made.bases, root, made.runs))
    flagged, superseded, withdrawn, stale, quiet = (entry.entry_id for entry in entries)
    events.append(root, events.Flagged, flagged, "maintainer", reason="too good")
    events.append(root, events.Superseded, superseded, "maintainer", by=stale, reason="trained longer")
    events.append(root, events.Withdrawn, withdrawn, "maintainer", reason="wrong weights")
    events.append(root, events.Stale, stale, "maintainer", reason="suite closed")
    board = load_board(made.submissions, made.bases, root)
    (track,) = board.tracks
    assert {row.entry_id for row in track.rows} == {flagged, superseded, stale, quiet}
    assert {row.entry_id: str(row.standing) for row in track.rows} == {
        flagged: "flagged", superseded: "superseded", stale: "stale", quiet: "active"
    }  # fmt: skip
    assert not track.ranked
    assert {row.entry_id for row in track.provisional} == {stale, quiet} == set(track.differences.order)
    assert [row.placing.reason for row in track.rows] == [PROVISIONAL, PROVISIONAL] + [
        f"{row.standing} entries are not ranked" for row in track.rows[2:]
    ]
    assert [(stone.entry_id, stone.name) for stone in board.tombstones] == [(withdrawn, "m3")]
    assert len(board.events) == 9
    assert board.data_as_of == board.events[0].at[:10]
    board = load_board(made.submissions, made.bases, confirmed(made, quiet))
    assert [row.entry_id for row in board.tracks[0].rows[:2]] == [stale, quiet]
    assert [row.entry_id for row in board.tracks[0].ranked] == [stale]
    assert (board.tracks[0].rows[0].placing.rank, board.tracks[0].rows[0].placing.front) == ((1, 1), "on the front")


def test_what_nobody_else_has_run_moves_no_rank(tmp_path: Path) -> None:
    made = folders(tmp_path)
    for seed in (1, 2, 3):
        add_entry(made, f"m{seed}", {"jigsaw_2x2": 0.4 + seed / 10}, seed=seed)
    events_root = confirmed(made)
    (before,) = load_board(made.submissions, made.bases, events_root).tracks
    best = add_entry(made, "too-good", {"jigsaw_2x2": 0.99}, seed=4).entry_id
    accepted(Shelf(made.submissions, made.bases, events_root, tmp_path / "releases"), best)
    (after,) = load_board(made.submissions, made.bases, events_root).tracks
    assert after.comparison == before.comparison
    assert {row.entry_id: row.placing for row in after.ranked} == {row.entry_id: row.placing for row in before.rows}
    last = after.rows[-1]
    assert (last.entry_id, last.provisional, last.placing.rank, last.placing.front) == (best, True, None, None)
    assert max(row.card.balance or 0 for row in after.rows) == last.card.balance
    assert after.differences.told_apart(best, after.rows[0].entry_id) is not None
    assert "provisional" in [tag.text for tag in last.tags]
    assert "provisional ones follow, without a rank" in after.order_sentence


def test_a_track_is_named_by_the_first_run_of_its_base_whatever_provisional_entries_bring(tmp_path: Path) -> None:
    made = folders(tmp_path)
    add_entry(made, "honest", {"jigsaw_2x2": 0.5}, seed=1)
    renamed = read_record(made.runs / "base").checkpoint.model_copy(update={"name": "another-name"})
    synthetic_run(made.runs / "base", name="nano-base", accuracy={**BASE, "math_word": 0.5}, checkpoint=renamed)
    for seed in (2, 3):
        add_entry(made, f"many-{seed}", {"jigsaw_2x2": 0.6}, seed=seed)
    (track,) = load_board(made.submissions, made.bases).tracks
    assert sorted(map(len, track.base_runs.values())) == [1, 2]
    assert track.base.checkpoint.name == "nano-base"


def test_entries_of_another_base_or_target_are_never_compared(tmp_path: Path) -> None:
    made = folders(tmp_path)
    add_entry(made, "one", {"jigsaw_2x2": 0.9}, seed=1)
    add_entry(made, "other", {"math_word": 0.99}, seed=2, statement={"target": "math"})
    board = load_board(made.submissions, made.bases, confirmed(made))
    assert [track.comparison.pairs for track in board.tracks] == [0, 0]
    assert [row.placing.rank for row in board.rows] == [(1, 1), (1, 1)]
    assert board.tracks[0].comparison.told_apart(*(row.entry_id for row in board.rows)) is None


def test_the_items_of_a_row_are_those_of_its_scorecard(tmp_path: Path) -> None:
    made = folders(tmp_path)
    add_entry(made, "one", {"jigsaw_2x2": 0.9, "math_word": 0.5}, seed=1)
    add_entry(made, "two", {"jigsaw_2x2": 0.8, "math_word": 0.6}, seed=2)
    board = load_board(made.submissions, made.bases)
    (track,) = board.tracks
    lost: dict[str, int] = {}
    for row in track.rows:
        items = row.items()
        for name, task in row.card.tasks.items():
            counts = items.loc[items["task"] == name, "transition"].value_counts()
            assert counts.get("forgotten", 0) == task.n10
        for item in items.loc[items["transition"] == "forgotten", "item_id"]:
            lost[item] = lost.get(item, 0) + 1
    assert [item.forgotten_by for item in track.forgotten] == sorted(lost.values(), reverse=True)[:50]
    assert all(lost[item.item_id] == item.forgotten_by for item in track.forgotten)


def test_an_entry_shows_a_gain_by_its_interval_and_has_tags() -> None:
    better, flat, worse = (made_row(name, gain=gain) for name, gain in (("a", 0.3), ("b", 0.01), ("c", -0.3)))
    assert [(row.shows_gain, row.got_worse) for row in (better, flat, worse)] == [
        (True, False), (False, False), (False, True),
    ]  # fmt: skip
    assert [[tag.text for tag in row.tags] for row in (better, flat, worse)] == [
        ["verified"], ["no gain shown", "verified"], ["got worse", "verified"],
    ]  # fmt: skip


def test_a_track_says_in_which_order_its_entries_stand() -> None:
    ranked, without = made_row("a", gain=0.3), made_row("b", gain=0.0)
    assert made_track(ranked).order_sentence == "Ordered by balance, which is high where gain and retention both are."
    assert made_track(ranked, without).order_sentence.endswith("Those without a rank follow, by retention.")
    unproven = made_row("c", gain=0.9, evidence=Evidence.SELF_REPORTED)
    assert made_track(ranked, unproven).order_sentence == (
        "Reproduced and verified entries come first; provisional ones follow, without a rank, in the same order, by "
        "balance, which is high where gain and retention both are."
    )
    assert made_track(unproven).order_sentence.startswith("No entry has been reproduced or verified yet")
    nothing = made_track(without)
    assert not nothing.shows_gain
    assert nothing.order_sentence.startswith("No entry shows a gain, so there is no balance and no rank")


def test_a_track_without_a_gain_never_comes_before_one_with() -> None:
    one = made_track(made_row("a", gain=0.3))
    custom = replace(one, key=replace(one.key, kind="custom"))
    larger = made_track(*(made_row(name, gain=0.0) for name in "abc"), target="science")
    doubted = made_track(made_row("a", gain=0.9, standing=Standing.FLAGGED), target="math")
    order = sorted([doubted, larger, custom, one], key=_precedence)
    assert [track.key for track in order] == [one.key, custom.key, larger.key, doubted.key]
    unproven = made_track(*(made_row(name, evidence=Evidence.SELF_REPORTED) for name in "abcd"), target="math")
    assert sorted([unproven, one], key=_precedence)[0].key == one.key
