"""The cache of scores: used while nothing changed, made again when it is broken or anything did."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from leaderboard.board import cache as caching
from leaderboard.board import comparisons, ranking, scores
from leaderboard.board.board import Board, load_board
from leaderboard.board.cache import Cache
from leaderboard.documents.identity import seal
from leaderboard.entries.entry import BadEntry
from leaderboard.entries.shelf import Shelf
from leaderboard.ledger.events import Flagged, Withdrawn
from leaderboard.processes import WorkerPool
from leaderboard.site.build import files, render
from tests.support.accepting import accepted, noted
from tests.support.synthetic_board import Folders, add_entry, copied, folders, full_board

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return full_board(tmp_path_factory.mktemp("board"))


@pytest.fixture
def made(original: Folders, tmp_path: Path) -> Folders:
    return copied(original, tmp_path)


def build(made: Folders, jobs: int = 1) -> tuple[Board, Cache]:
    cache = Cache(made.submissions.parent / "cache")
    return load_board(made.submissions, made.bases, cache=cache, jobs=jobs), cache


def test_the_second_build_opens_no_entry_and_gives_the_same_site(
    made: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, cold = build(made)
    # Five entries and their track; the two folders that do not hold are looked for too.
    assert (cold.hits, cold.misses) == (0, 8)

    def refuse(*_: object) -> None:
        raise AssertionError("an entry was scored again")

    monkeypatch.setattr(scores, "score_pair", refuse)
    monkeypatch.setattr(ranking, "_compare", refuse)
    second, warm = build(made)
    # The two folders that do not hold are read every time: a reason is no score.
    assert (warm.hits, warm.misses) == (6, 2)
    assert render(second) == render(first)


def test_processes_give_what_one_process_gives(made: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "_WORTH_PROCESSES", 1)
    several = load_board(made.submissions, made.bases, jobs=2)
    assert render(several) == render(load_board(made.submissions, made.bases))
    assert [bad.path for bad in several.bad] == ["aaaaaaaaaaaa", "bbb<script>alert(3)<"]


@pytest.mark.parametrize("harm", [b"", b"0" * 64 + b"\n{}", b"not even that"])
def test_a_broken_cache_file_is_made_again(made: Folders, harm: bytes) -> None:
    first, cache = build(made)
    assert cache.folder is not None
    stored = {path: path.read_bytes() for path in cache.folder.glob("??/*")}
    assert len(stored) == 6
    for path, whole in stored.items():
        path.write_bytes(harm or whole[:-1])
    second, again = build(made)
    assert again.hits == 0
    assert render(second) == render(first)
    assert {path: path.read_bytes() for path in cache.folder.glob("??/*")} == stored


def test_a_whole_file_with_a_content_that_is_no_score_is_made_again(made: Folders) -> None:
    _, cache = build(made)
    assert cache.folder is not None
    for path in cache.folder.glob("??/*"):
        cache.put(path.parent.name + path.name, b"digest\n[]")
    again, _ = build(made)
    assert len(again.rows) == 5


def test_a_changed_entry_is_scored_again_and_a_tampered_one_refused(tmp_path: Path) -> None:
    made = folders(tmp_path)
    entry = add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    build(made)
    manifest = entry.folder / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("steps: 400", "steps: 500"))
    board, _ = build(made)
    assert [bad.path for bad in board.bad] == [entry.entry_id]
    seal(entry.folder)
    board, cache = build(made)
    # The answers are the same, and so is what comparing them found.
    assert (cache.hits, cache.misses, board.rows[0].manifest.method.steps) == (1, 1, 500)


def test_a_changed_base_is_seen_though_the_entry_is_the_same(tmp_path: Path) -> None:
    made = folders(tmp_path)
    entry = add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    build(made)
    (entry.base_folder / "samples.parquet").write_bytes(b"other")
    board, _ = build(made)
    assert board.rows == ()
    assert "bases/" in board.bad[0].reason


def test_code_that_changed_makes_every_score_anew(made: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    build(made)
    for module in (scores, comparisons):
        monkeypatch.setattr(module, "code_digest", lambda: "other")
    _, cache = build(made)
    assert cache.hits == 0
    assert len(caching.code_digest()) == 64


def test_a_process_that_dies_over_an_entry_costs_that_entry_alone(
    made: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = sorted(path for path in made.submissions.iterdir() if len(path.name) == 12 and path.name != "a" * 12)
    doomed = good[1]

    class Dying(WorkerPool):
        """A pool in this process, one of whose items ends its process, as the kernel would."""

        def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
            return ((item, None if item == doomed else function(item)) for item in items)

    monkeypatch.setattr(scores, "WorkerPool", Dying)
    monkeypatch.setattr(scores, "_WORTH_PROCESSES", 1)
    found = list(scores.score_entries(good, made.bases, Cache(None), jobs=2))
    names = [each.path if isinstance(each, BadEntry) else each.entry_id for each in found]
    assert names == [folder.name for folder in good]
    assert [each.path for each in found if isinstance(each, BadEntry)] == [doomed.name]


def test_without_a_folder_nothing_is_remembered() -> None:
    nothing = Cache(None)
    nothing.put("ab", b"x")
    nothing.tidy()
    assert nothing.get("ab") is None


def test_what_no_build_used_for_a_month_is_removed(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("abc", b"old")
    cache.put("abd", b"new")
    os.utime(tmp_path / "ab" / "c", (0, 0))
    cache.tidy()
    assert (cache.get("abc"), cache.get("abd")) == (None, b"new")


def test_pages_of_a_warm_build_are_those_of_a_cold_one_whatever_changed(tmp_path: Path) -> None:
    made, root = folders(tmp_path), tmp_path / "events"
    shelf = Shelf(made.submissions, made.bases, root, tmp_path / "releases")
    cache = Cache(tmp_path / "cache")
    entry = add_entry(made, "first", {"jigsaw_2x2": 0.8}, seed=1)

    def another() -> None:
        add_entry(made, "second", {"jigsaw_2x2": 0.5}, seed=2)

    def stated_anew() -> None:
        manifest = entry.folder / "manifest.yaml"
        manifest.write_text(manifest.read_text().replace("steps: 400", "steps: 401"))
        seal(entry.folder)

    changes: list[Callable[[], object]] = [
        lambda: None,
        another,
        stated_anew,
        lambda: (made.submissions / "bad").mkdir(),
        lambda: noted(shelf, Flagged, entry.entry_id, reason="doubtful"),
        lambda: noted(shelf, Withdrawn, entry.entry_id, reason="asked for"),
    ]
    for change in changes:
        change()
        accepted(shelf)
        warm = load_board(made.submissions, made.bases, root, cache=cache)
        cold = load_board(made.submissions, made.bases, root)
        for site in (None, "https://board.example.org/"):
            assert dict(files(warm, site, cache=cache)) == render(cold, site)
