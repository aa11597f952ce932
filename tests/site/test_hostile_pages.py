"""A board on which every text is hostile, in a real browser: all of it is text, and nothing of it does anything."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

from playwright.sync_api import Browser, expect

from leaderboard.board.board import Board
from leaderboard.documents.text import deceptive
from tests.hostile.texts import MARKUP, STRINGS, shown
from tests.support.browsing import Watched

# What a page of the site never has, so that each of them would have come out of a text.
FOREIGN = "img, iframe, object, embed, form, base, math, video, audio, style, template, meta[http-equiv=refresh]"


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


# What is foreign on a page, its scripts, attributes that do something, how much too wide it is, and all of its text,
# whatever is hidden.
LOOK = """foreign => {
    const root = document.documentElement
    const attributes = [...document.querySelectorAll('*')].flatMap(element => [...element.attributes])
    return [
        document.querySelectorAll(foreign).length,
        [...document.scripts].map(script => script.getAttribute('src') || script.textContent),
        attributes.filter(({name}) => name.startsWith('on') || ['style', 'srcdoc'].includes(name)).length,
        root.scrollWidth - root.clientWidth,
        root.textContent,
    ]
}"""


def test_every_hostile_page_is_silent_and_holds_all_texts_and_nothing_foreign(
    browser: Browser, hostile_site: Path
) -> None:
    watched = Watched(browser, viewport={"width": 1280, "height": 780})
    found = pages(hostile_site)
    assert len(found) > 30
    everything = ""
    for path in found:
        watched.page.goto(path.as_uri())
        foreign, scripts, handlers, overflow, text = watched.page.evaluate(LOOK, FOREIGN)
        assert (foreign, handlers) == (0, 0), path.name
        assert len(scripts) == (path.parent.name != "embed"), path.name
        assert all("assets/board." in script for script in scripts), path.name
        assert overflow <= 0, path.name
        everything += f" {' '.join(text.split())}"
    for text in STRINGS:
        assert shown(text)[:70] in everything, text
    assert [url for url in watched.requests if not url.startswith(hostile_site.as_uri())] == []
    assert watched.complaints == []
    watched.context.close()


def test_hostile_pages_are_accessible_and_fit(browser: Browser, hostile_site: Path, hostile: Board, axe: str) -> None:
    """On a phone, where more of a page scrolls; that they fit a wider window is seen above."""
    watched = Watched(browser, viewport={"width": 360, "height": 780})
    row, slug = hostile.rows[0], hostile.tracks[0].key.slug
    names = ["index", "withdrawn", "changelog", f"tracks/{slug}", f"compare/{slug}", f"forgotten/{slug}"]
    names += [f"entries/{row.entry_id}", f"items/{row.entry_id}"]
    found = {}
    for name in names:
        watched.page.goto((hostile_site / f"{name}.html").as_uri())
        assert watched.overflow() <= 0, f"{name} is {watched.overflow()} px too wide"
        if violations := watched.violations(axe):
            found[name] = violations
    assert found == {}
    watched.context.close()


def test_the_script_takes_hostile_texts_for_text(browser: Browser, hostile_site: Path, hostile: Board) -> None:
    """What the script copies (names into choices, rows into columns) and what an address brings."""
    watched = Watched(browser)
    track = hostile.tracks[0]
    compare = hostile_site / "compare" / f"{track.key.slug}.html"
    watched.page.goto(compare.as_uri())
    for place, row in enumerate(track.rows[3::-1]):
        watched.page.get_by_role("combobox").nth(place).select_option(row.entry_id)
    expect(watched.page.locator("table.beside thead a")).to_have_count(4)
    assert watched.page.locator(FOREIGN).count() == 0
    items = hostile_site / "items" / f"{track.rows[0].entry_id}.html"
    # Page by page in turn: one script reads the address, in the same way on each.
    for path, text in zip(cycle((items, compare, hostile_site / "index.html")), (*MARKUP, "%00", "\\u0000")):
        watched.page.goto(
            f"{path.as_uri()}?q={text.replace('%', '%25').replace('#', '%23')}&task={text[:20]}&of=<b>&sort=--1"
        )
        assert watched.page.locator(FOREIGN).count() == 0
    watched.page.goto(items.as_uri())
    watched.page.get_by_label("Find").fill(MARKUP[0])
    shown_items = watched.page.locator(".item:visible")
    assert 0 < shown_items.count() < watched.page.locator(".item").count()
    assert MARKUP[0] in shown_items.first.inner_text()
    assert [url for url in watched.requests if not url.startswith(hostile_site.as_uri())] == []
    assert watched.complaints == []
    watched.context.close()


def test_names_that_deceive_are_not_among_the_entries(hostile: Board) -> None:
    """Those are refused before a board is built; what is left is strange, and can be told apart."""
    names = [row.name for row in hostile.rows]
    assert len(set(names)) == len(names)
    assert not any(deceptive(name) for name in names)
