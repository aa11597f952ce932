"""Heads of pages: a description of its own, addresses where the site has one, and the page for wrong addresses."""

import html
import re
from xml.etree import ElementTree as Xml

import pytest
from markupsafe import Markup

from leaderboard.board.board import Board, load_board
from leaderboard.site.build import files
from leaderboard.site.checks import parse_page
from leaderboard.site.exports.web import NOT_FOUND, robots, sitemap
from leaderboard.site.heads import LONGEST, description
from tests.hostile.texts import STRINGS, hostile_board

SITE = "https://board.example.org/retention/"
META = re.compile(r'<(?:meta|link) (?:name|property|rel)="([^"]+)" (?:content|href)="([^"]*)"')


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made, events = hostile_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases, events)


@pytest.fixture(scope="module")
def pages(board: Board) -> dict[str, str]:
    return {name: data.decode() for name, data in files(board, SITE) if name.endswith(".html")}


@pytest.fixture(scope="module")
def unpublished(board: Board) -> dict[str, str]:
    return {name: data.decode() for name, data in files(board) if name.endswith(".html")}


def head(page: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in META.findall(page.partition("</head>")[0])}


def test_every_page_says_in_its_head_what_it_is(pages: dict[str, str]) -> None:
    said = {name: head(page)["description"] for name, page in pages.items()}
    assert all(20 < len(text) <= LONGEST and "<bdi>" not in text for text in said.values())
    twice = {text for text in said.values() if list(said.values()).count(text) > 1}
    # Frames of other pages are told apart by their titles.
    assert {name.partition("/")[0] for name, text in said.items() if text in twice} <= {"embed"}
    for name, page in pages.items():
        if not name.startswith("embed/"):
            found = head(page)
            assert found["og:description"] == found["description"]
            assert found["og:title"] == html.unescape(re.findall("<title>(.*?)</title>", page)[0])
            assert found["og:type"] == ("website" if name == "index.html" else "article")


def test_with_an_address_pages_name_their_own_and_a_picture(pages: dict[str, str], board: Board) -> None:
    slugs = {track.key.slug for track in board.tracks}
    for name, page in pages.items():
        found = head(page)
        if name.startswith("embed/") or name == NOT_FOUND:
            assert (found["robots"], "canonical" in found) == ("noindex", False)
            continue
        assert found["canonical"] == found["og:url"] == SITE + ("" if name == "index.html" else name)
        assert found["og:image"].removeprefix(f"{SITE}previews/").removesuffix(".png") in slugs
    for slug in slugs:
        assert head(pages[f"tracks/{slug}.html"])["og:image"] == f"{SITE}previews/{slug}.png"


def test_without_an_address_no_page_names_one(unpublished: dict[str, str]) -> None:
    for page in unpublished.values():
        assert {"canonical", "og:url", "og:image"}.isdisjoint(head(page))


def test_hostile_texts_are_only_text_in_heads(pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("pages")
    for name, page in pages.items():
        (folder / "page.html").write_text(page, encoding="utf-8")
        assert parse_page(folder, "page.html").problems == (), name
        assert len(re.findall("<meta ", page.partition("</head>")[0])) <= 17, name


@pytest.mark.parametrize("text", [*STRINGS, "a" * 5000, "word " * 900, "<b>" * 900])
def test_a_description_is_one_capped_line_of_the_text_itself(text: str) -> None:
    said = description(Markup("<p>{}</p>").format(text))
    assert len(said) <= LONGEST
    assert "\n" not in said
    assert not isinstance(said, Markup)


def test_a_description_is_cut_between_words() -> None:
    said = description(Markup("word ") * 100)
    assert said.removesuffix("…").split() == ["word"] * len(said.split())


def test_the_page_for_wrong_addresses_works_at_any_depth_where_the_address_of_the_site_is_known(
    pages: dict[str, str], unpublished: dict[str, str]
) -> None:
    links = re.findall(r' (?:href|src)="([^"#]+)"', pages[NOT_FOUND])
    assert links
    assert all(link.startswith("/retention/") for link in links)
    assert {"/retention/index.html", "/retention/items.html"} <= set(links)
    assert 'href="index.html"' in unpublished[NOT_FOUND]


def test_robots_may_read_all_and_are_told_of_the_sitemap() -> None:
    assert robots(SITE) == f"User-agent: *\nDisallow:\n\nSitemap: {SITE}sitemap.xml\n"
    assert "Sitemap" not in robots(None)


def test_the_sitemap_has_every_page_but_frames_and_the_one_for_wrong_addresses(pages: dict[str, str]) -> None:
    root = Xml.fromstring(sitemap(pages, SITE, "2026-01-02"))
    listed = {each.text for each in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")}
    shown = {name for name in pages if name != NOT_FOUND and not name.startswith("embed/")}
    assert listed == {head(pages[name])["canonical"] for name in shown}
