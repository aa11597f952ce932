"""Embeds: a mark a seed where its retention is, the same drawing as a page and as a picture that loads nothing."""

import re
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from leaderboard.board.board import Board, load_board
from leaderboard.board.recipes import recipes
from leaderboard.site.build import render
from leaderboard.site.embeds import MOST, strip
from tests.support.synthetic_board import PRIORS, add_entry, folders, full_board

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made = full_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases)


@pytest.fixture(scope="module")
def site(board: Board) -> dict[str, bytes]:
    return render(board, "https://board.example.org/")


def test_a_row_is_a_recipe_and_a_mark_a_seed(board: Board) -> None:
    (track,) = board.tracks
    drawn = strip(track)
    assert [row.recipe for row in drawn.rows] == list(recipes(track))
    marks = {mark.row.entry_id: mark for row in drawn.rows for mark in row.marks}
    assert set(marks) == {row.entry_id for row in track.rows if row.card.retention_macro is not None}
    for row in track.rows:
        kept = row.card.retention_macro
        assert kept is not None
        assert marks[row.entry_id].x == drawn.axis.at(kept)
    assert drawn.more == 0


def test_the_picture_stands_alone(board: Board, site: dict[str, bytes]) -> None:
    picture = site[f"embed/{board.tracks[0].key.slug}.svg"]
    tree = Xml.fromstring(picture)
    assert tree.tag == f"{SVG}svg"
    tags = {element.tag.removeprefix(SVG) for element in tree.iter()}
    assert tags <= {"svg", "style", "rect", "title", "text", "tspan", "line", "g", "path"}
    style = tree.findtext(f"{SVG}style") or ""
    assert "prefers-color-scheme: dark" in style
    assert "--of-sft:" in style
    assert "url(" not in style
    assert b"href" not in picture
    assert len(tree.findall(f".//{SVG}path[@class='seed']")) == len(board.rows)


def test_the_page_has_no_script_and_its_links_leave_the_frame(board: Board, site: dict[str, bytes]) -> None:
    slug = board.tracks[0].key.slug
    page = site[f"embed/{slug}.html"].decode()
    assert "<script" not in page
    assert "<nav" not in page
    assert "script-src" not in page
    assert "default-src 'none'" in page
    links = re.findall(r"<a [^>]*>", page)
    assert len(links) == len(board.rows) + 1
    assert all('target="_blank" rel="noopener"' in link for link in links)
    assert f'href="../tracks/{slug}.html"' in page


def test_only_embeds_may_stand_in_a_frame_and_only_they_are_left_out_of_the_sitemap(site: dict[str, bytes]) -> None:
    rules = dict(re.findall(r"^(/\S*)\n((?:  .*\n)+)", site["_headers"].decode(), re.MULTILINE))
    assert "frame-ancestors *" in rules["/embed/*"]
    assert "frame-ancestors" not in rules["/*"], "where two rules set one header the stricter holds"
    for name in site:
        if name.endswith(".html") and not name.startswith("embed/"):
            folder = name.partition("/")[0]
            place = f"/{folder}/*" if "/" in name else f"/{name}"
            assert "frame-ancestors 'none'" in rules[place], name


def test_the_snippet_names_the_published_address(board: Board, site: dict[str, bytes]) -> None:
    page = site["data.html"].decode()
    slug = board.tracks[0].key.slug
    assert f'&lt;iframe src="https://board.example.org/embed/{slug}.html"' in page
    assert f"(https://board.example.org/embed/{slug}.svg)](https://board.example.org/tracks/{slug}.html)" in page


def test_a_long_board_is_cut_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = folders(tmp_path)
    for seed in (1, 2, 3):
        add_entry(made, f"nano-{seed}", {"jigsaw_2x2": 0.8, PRIORS[0]: 0.5}, seed=seed,
                  statement={"method": {"family": "sft", "learning_rate": seed * 1e-5}})  # fmt: skip
    board = load_board(made.submissions, made.bases)
    monkeypatch.setattr("leaderboard.site.embeds.MOST", 2)
    assert MOST > 2
    drawn = strip(board.tracks[0])
    assert (len(drawn.rows), drawn.more) == (2, 1)
    assert "and 1 more" in render(board)[f"embed/{board.tracks[0].key.slug}.svg"].decode()
