"""The maintainers' queue: who waits, in which order, and that the command and the page say the same."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from leaderboard.board.board import Board, load_board
from leaderboard.board.queue import QUEUE_REASONS, queued_entries, worth_verifying
from leaderboard.cli import cli
from leaderboard.ledger import Evidence
from leaderboard.site.build import files, render
from tests.support.made_up_board import made_row, made_track
from tests.support.synthetic_board import Folders, rich_board


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Folders, Path]:
    return rich_board(tmp_path_factory.mktemp("board"))


@pytest.fixture(scope="module")
def board(made: tuple[Folders, Path]) -> Board:
    return load_board(made[0].submissions, made[0].bases, made[1])


def test_flagged_entries_come_first_and_those_worth_most_before_others(board: Board) -> None:
    waiting = queued_entries(board)
    order = list(QUEUE_REASONS)
    places = [order.index(each.reason) for each in waiting]
    assert places == sorted(places)
    assert [each.name for each in waiting if each.reason == "flagged"] == ["nano-doubted"]
    track_of = {row.entry_id: track for track in board.tracks for row in track.rows}
    worth = [
        worth_verifying(track_of[each.entry_id], each.row)
        for each in waiting
        if each.row and each.reason == "unverified"
    ]
    assert len(worth) > 3
    assert worth == sorted(worth, reverse=True)


def test_verifying_is_worth_most_above_what_is_verified_and_then_above_most_others() -> None:
    verified = made_row("a", balance=0.5, kept=0.5)
    told = {name: made_row(name, balance=balance, evidence=Evidence.SELF_REPORTED)
            for name, balance in (("b", 0.9), ("c", 0.6), ("d", 0.4))}  # fmt: skip
    without = made_row("e", gain=0.0, evidence=Evidence.SELF_REPORTED)
    track = made_track(verified, *told.values(), without)
    order = sorted((*told.values(), without), key=lambda row: worth_verifying(track, row), reverse=True)
    assert [row.entry_id for row in order] == ["b", "c", "d", "e"]
    assert [worth_verifying(track, row)[0] for row in order] == [True, True, False, False]
    assert worth_verifying(made_track(told["d"]), told["d"])[0]


def test_what_validation_flagged_is_shown_and_asks_for_verification_first(board: Board) -> None:
    last = [each for each in queued_entries(board) if each.reason == "unverified"][-1].entry_id
    found = {"few-losses": "3 of 500 prior items were forgotten", "attempts": "9 entries"}
    flagged = replace(board, found={last: found, "no-such-entry": {"few-losses": "x"}})
    waiting = [each for each in queued_entries(flagged) if each.reason == "unverified"]
    assert (waiting[0].entry_id, waiting[0].flags) == (last, found)
    assert all(each.flags == {} for each in waiting[1:])
    page = next(content for name, content in files(flagged) if name == "queue.html").decode()
    assert '<span class="chip warn">few-losses</span>' in page
    assert "3 of 500 prior items were forgotten" in page
    # Others are shown, and change no order.
    ordinary = queued_entries(replace(board, found={last: {"attempts": "9 entries"}}))
    assert [each.entry_id for each in ordinary] == [each.entry_id for each in queued_entries(board)]


def test_everything_that_waits_is_there_once_and_nothing_that_is_withdrawn(board: Board) -> None:
    waiting = [each.entry_id for each in queued_entries(board)]
    assert len(waiting) == len(set(waiting))
    assert set(waiting) == {row.entry_id for row in board.rows} | {bad.path for bad in board.bad}
    assert not set(waiting) & {stone.entry_id for stone in board.tombstones}


def test_alarms_are_counted_by_kind(board: Board) -> None:
    for each in queued_entries(board):
        if each.row is not None:
            assert sum(each.alarms.values()) == len(each.row.card.alarms)


def test_the_command_and_the_page_list_the_same_entries(
    made: tuple[Folders, Path], board: Board, tmp_path: Path
) -> None:
    folders, events = made
    where = ["--submissions", str(folders.submissions), "--bases", str(folders.bases), "--events", str(events)]
    arguments = ["maintain", "queue", *where, "--no-validate", "--cache", str(tmp_path)]
    ran = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False)
    printed = [json.loads(line)["entry_id"] for line in ran.stdout.splitlines()]
    assert printed == [each.entry_id for each in queued_entries(board)]
    page = render(board)["queue.html"].decode()
    linked = re.findall(r'class="queue-name"><a href="entries/([a-z0-9]{12})\.html"', page)
    assert linked == [each.entry_id for each in queued_entries(board) if each.row is not None]
    table = CliRunner().invoke(cli, [*arguments, "--most", "1"], catch_exceptions=False).stdout.splitlines()
    assert table[0].split() == ["why", "since", "entry", "name", "alarms", "flags"]
    assert table[1].startswith("flagged")
    assert table[2:] == [f"and {len(printed) - 1} more", f"next: retention maintain events {printed[0]}"]


def test_nothing_waits_on_an_empty_board() -> None:
    assert queued_entries(Board((), ())) == ()
    page = render(Board((), ()))["queue.html"].decode()
    assert "No entry is flagged, left out, not accepted yet or not verified." in page
