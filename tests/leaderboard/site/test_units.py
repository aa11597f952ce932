"""Units: what their files are remembered by, and that what is remembered is what would be made."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.board.board import load_board
from leaderboard.board.cache import Cache
from leaderboard.entries.shelf import Shelf
from leaderboard.ledger.events import Flagged
from leaderboard.site.build import site_sources
from leaderboard.site.families import units
from leaderboard.site.pages import Pages
from leaderboard.site.rendering import rendered
from leaderboard.site.units import File, Unit, always_anew, packed, unpacked
from tests.support.accepting import accepted, noted
from tests.support.synthetic_board import Folders, add_entry, copied, folders

PATHS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
ASSETS = dict.fromkeys(("icon.svg", "style.css", "board.js"), "a")


@given(st.lists(st.tuples(PATHS, st.binary(max_size=40)), max_size=6))
def test_files_are_unpacked_as_they_were_packed(files: list[File]) -> None:
    assert list(unpacked(packed(files))) == files


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    found = folders(tmp_path_factory.mktemp("units"))
    add_entry(found, "one", {"jigsaw_2x2": 0.8}, seed=1)
    # Of another recipe, as the page of an entry shows the other seeds of its own.
    add_entry(found, "two", {"jigsaw_2x2": 0.6}, seed=2, statement={"method": {"family": "merge"}})
    return found


def _pages(made: Folders, events: Path | None = None, **more: Path | Cache) -> Pages:
    board = load_board(made.submissions, made.bases, events, cache=Cache(made.runs / "cache"))
    return Pages(board, site_sources() / "templates", ASSETS, **more)


def _keys(pages: Pages) -> dict[str, str | None]:
    return {str(unit): unit.key(pages) for unit in units(pages)}


def _changed(before: dict[str, str | None], after: dict[str, str | None]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


MADE: list[str] = []


def _say(_: Pages, name: str) -> Iterator[File]:
    MADE.append(name)
    yield name, name.encode()


def test_what_is_remembered_is_not_made_again(made: Folders, tmp_path: Path) -> None:
    pages = _pages(made, cache=Cache(tmp_path))
    known, anew = Unit(_say, ("known",)), Unit(_say, ("anew",), always_anew)
    for _ in range(2):
        assert sorted(rendered(pages, [known, anew])) == [("anew", b"anew"), ("known", b"known")]
    assert sorted(MADE) == ["anew", "anew", "known"]


def test_all_files_of_a_board_but_its_pictures_are_remembered(made: Folders) -> None:
    assert [name for name, key in _keys(_pages(made)).items() if key is None] == ["questions pictures"]


def test_an_event_changes_the_pages_of_its_entry_and_of_the_board_alone(made: Folders, tmp_path: Path) -> None:
    shelf = accepted(Shelf(made.submissions, made.bases, tmp_path / "events", tmp_path / "releases"))
    pages = _pages(made, shelf.events)
    two, one = (row.entry_id for row in pages.board.rows)
    before = _keys(pages)
    # The last one, which stays in its place.
    noted(shelf, Flagged, one, reason="doubted")
    changed = _changed(before, _keys(_pages(made, shelf.events)))
    assert {f"entries entry {one}", "units single index.html index.html", "data data"} <= changed
    assert not {f"entries items {one}", f"entries entry {two}", f"entries items {two}"} & changed
    assert not {name for name in changed if name.startswith("questions")}


def test_another_entry_leaves_the_explorers_of_the_others(made: Folders, tmp_path: Path) -> None:
    more = copied(made, tmp_path)
    before = _keys(_pages(more))
    added = add_entry(more, "three", {"jigsaw_2x2": 0.7}, seed=3).entry_id
    changed = _changed(before, _keys(_pages(more)))
    assert {f"entries items {added}", f"entries entry {added}", "singles queue"} <= changed
    assert {name for name in changed if name.startswith("entries items")} == {f"entries items {added}"}


def test_releases_and_studies_are_of_the_whole_board(made: Folders, tmp_path: Path) -> None:
    before = _keys(_pages(made))
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "SHA256SUMS").write_text(f"{'a' * 64}  board.json\n")
    changed = _changed(before, _keys(_pages(made, releases=tmp_path)))
    assert "singles changelog" in changed
    assert not {name for name in changed if name.startswith("entries")}


def test_an_entry_that_no_digest_knows_is_made_anew_and_so_is_what_shows_it(made: Folders) -> None:
    pages = _pages(made)
    row, *others = pages.board.rows
    rows = (replace(row, digest=""), *others)
    board = replace(pages.board, tracks=(replace(pages.board.tracks[0], rows=rows),))
    anew = {name for name, key in _keys(Pages(board, site_sources() / "templates", ASSETS)).items() if key is None}
    assert {f"entries entry {row.entry_id}", "singles queue"} <= anew
    assert f"entries entry {others[0].entry_id}" not in anew
