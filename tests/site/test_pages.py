"""The built site in a real browser: silent, self-contained, readable on a phone, in the dark, on paper, by ear."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from leaderboard.board.board import Board, Row
from leaderboard.site.checks import check_site
from tests.support.browsing import Watched


def first(folder: Path, pattern: str) -> Path:
    return next(iter(sorted(folder.glob(pattern))))


def page_types(site: Path, board: Board) -> list[Path]:
    """One page of each type: of those made for every entry, the first, a hostile, a withdrawn and an excluded one."""
    return [page for group in GROUPS for page in GROUPS[group](site, board)]


def of_one_each(site: Path, board: Board) -> list[Path]:
    return [path for path in sorted(site.glob("*.html")) if path.stem not in ("index", "items", "metrics")]


def of_entries(site: Path, board: Board) -> list[Path]:
    named = [board.rows[0].entry_id, hostile_row(board).entry_id, board.tombstones[0].entry_id, "aaaaaaaaaaaa"]
    return [site / "entries" / f"{name}.html" for name in named]


def of_explorers(site: Path, board: Board) -> list[Path]:
    return [site / "items" / f"{row.entry_id}.html" for row in (board.rows[0], hostile_row(board))]


def of_tracks(site: Path, board: Board) -> list[Path]:
    folders = ("tracks", "compare", "forgotten", "embed")
    return [site / folder / f"{board.tracks[0].key.slug}.html" for folder in folders]


def of_questions(site: Path, board: Board) -> list[Path]:
    """The index, a task, and the first part of its items."""
    part = first(site / "questions", "*/*.1.html")
    return [site / "items.html", part.with_name(part.name.replace(".1.html", ".html")), part]


def of_lists(site: Path, board: Board) -> list[Path]:
    """The board, what its numbers mean, and what entries are put together by."""
    folders = ("bases", "findings", "suites")
    return [site / "index.html", site / "metrics.html", *(first(site / folder, "*.html") for folder in folders)]


GROUPS = {make.__name__: make for make in (of_lists, of_one_each, of_entries, of_explorers, of_tracks, of_questions)}


def hostile_row(board: Board) -> Row:
    return next(row for row in board.rows if "onload" in row.name)


# What the dark may spoil of what axe looks at.
COLOURS = ["color-contrast", "link-in-text-block"]
# Elements of a page that scroll by themselves, which a finger is caught in.
BOXES = """() => [...document.querySelectorAll('body *')].filter(each => {
    const style = getComputedStyle(each), scrolls = value => value === 'auto' || value === 'scroll'
    return !each.matches('svg *, textarea, select, input') && (
        scrolls(style.overflowX) && each.scrollWidth > each.clientWidth + 1
        || scrolls(style.overflowY) && each.scrollHeight > each.clientHeight + 1)
}).map(each => each.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("group", GROUPS)
def test_every_page_is_silent_self_contained_accessible_and_fits(
    browser: Browser, site: Path, board: Board, axe: str, group: str
) -> None:
    """Each is opened once: on a phone and a screen, by day and in the dark. No text of an entry is more than text."""
    look_at(Watched(browser, color_scheme="light"), GROUPS[group](site, board), site, axe)


def test_a_board_without_entries_is_accessible_and_fits(browser: Browser, empty_site: Path, axe: str) -> None:
    pages = [empty_site / f"{name}.html" for name in ("index", "items", "changelog", "queue", "data", "404")]
    look_at(Watched(browser, color_scheme="light"), pages, empty_site, axe)


def look_at(watched: Watched, pages: list[Path], site: Path, axe: str) -> None:
    found = {}
    for path in pages:
        for width in (360, 1280):
            watched.page.set_viewport_size({"width": width, "height": 780})
            if width == 360:
                watched.page.goto(path.as_uri())
            watched.page.wait_for_function(f"innerWidth === {width}")
            assert watched.overflow() <= 0, f"{path.name} is {watched.overflow()} px too wide at {width} px"
            if width == 360:
                assert watched.page.evaluate(BOXES) == [], path.name
            found[path.name, width, "light"] = watched.violations(axe)
            watched.page.emulate_media(color_scheme="dark")
            found[path.name, width, "dark"] = watched.violations(axe, COLOURS)
            watched.page.emulate_media(color_scheme="light")
        assert watched.page.evaluate("document.styleSheets.length") == 1
        assert watched.page.locator("iframe, object, script:not([src*='assets/board.'])").count() == 0, path.name
    assert {page: violations for page, violations in found.items() if violations} == {}
    assert [url for url in watched.requests if not url.startswith(site.as_uri())] == []
    assert watched.complaints == []
    watched.context.close()


def test_links_anchors_html_and_budgets_hold(site: Path, empty_site: Path) -> None:
    for root in (site, empty_site):
        assert check_site(root, jobs=1).problems == []


def test_foreign_links_are_marked_as_not_ours(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser)
    watched.page.goto((site / "entries" / f"{board.rows[0].entry_id}.html").as_uri())
    links = watched.page.locator("main a[href^='https://']")
    assert links.count() == 1
    assert links.first.get_attribute("rel") == "nofollow ugc noopener"
    watched.context.close()


def test_a_flagged_entry_with_markup_in_its_texts_shows_them(browser: Browser, site: Path, board: Board) -> None:
    (hostile,) = [row for row in board.rows if "onload" in row.name]
    watched = Watched(browser)
    watched.page.goto((site / "index.html").as_uri())
    assert watched.page.get_by_text("gnp.exe{{ 7*7 }}<svg onload=alert(4)>", exact=True).count() >= 1
    watched.page.goto((site / "entries" / f"{hostile.entry_id}.html").as_uri())
    assert watched.page.get_by_text('<img src=x onerror="alert(1)">').count() >= 4
    assert watched.complaints == []
    watched.context.close()


def test_no_script_is_needed(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser, java_script_enabled=False)
    watched.page.goto((site / "index.html").as_uri())
    assert watched.page.locator("table.recipes li[data-id]").count() == len(board.rows)
    assert watched.page.locator("svg.strip a").count() == len(board.rows)
    assert watched.page.locator(".tools:visible, .sort").count() == 0
    mark = watched.page.locator("svg.strip a").first
    entry = mark.get_attribute("href")
    mark.click()
    expect(watched.page).to_have_url(f"{site.as_uri()}/{entry}")
    watched.page.goto((site / "compare" / f"{board.tracks[0].key.slug}.html").as_uri())
    assert watched.page.locator("tr[data-task]:visible").count() == len(board.tracks[0].rows[0].card.tasks)
    watched.page.goto((site / "items" / f"{board.rows[0].entry_id}.html").as_uri())
    watched.page.locator("summary").nth(1).click()
    assert watched.page.locator("details[open] .item:visible").count() > 0
    watched.context.close()


# The classes of what is hidden, how many tools are seen, and the rows and items that are not.
HIDDEN = """() => {
    const every = chosen => [...document.querySelectorAll(chosen)]
    const seen = each => each.checkVisibility({visibilityProperty: true})
    return [
        every('main [hidden]').map(each => each.className),
        every('main button, main input, main select').filter(seen).length,
        every('main tr, main .item').filter(each => !seen(each)).map(each => each.textContent.trim().slice(0, 80)),
    ]
}"""


def test_without_a_script_nothing_is_hidden_but_its_own_tools(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser, java_script_enabled=False)
    for path in page_types(site, board):
        watched.page.goto(path.as_uri())
        watched.page.evaluate("for (const box of document.querySelectorAll('details')) box.open = true")
        hidden, tools, unseen = watched.page.evaluate(HIDDEN)
        assert all({"tools", "tray"} & set(names.split()) for names in hidden), f"{path.name}: {hidden}"
        assert (tools, unseen) == (0, []), path.name
    assert watched.complaints == []
    watched.context.close()


def test_on_paper_tables_are_whole_and_controls_are_gone(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser, viewport={"width": 1000, "height": 700}, color_scheme="dark")
    watched.page.emulate_media(media="print")
    watched.page.goto((site / "tracks" / f"{board.tracks[0].key.slug}.html").as_uri())
    assert watched.page.locator(".tools:visible, .sort:visible, nav:visible, tbody input:visible").count() == 0
    clipped = "[...document.querySelectorAll('.scroll')].filter(box => getComputedStyle(box).overflowY !== 'visible')"
    assert watched.page.evaluate(f"{clipped}.length") == 0
    # Dark text on white, whatever the screen prefers.
    colours = watched.page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert colours == ["rgb(26, 28, 32)", "rgb(255, 255, 255)"]
    watched.context.close()


@pytest.mark.parametrize("group", GROUPS)
def test_axe_finds_nothing_on_pages_without_their_script(
    browser: Browser, site: Path, board: Board, axe: str, group: str
) -> None:
    """The page's script alone is off, as the checker is a script itself."""
    watched = Watched(browser, viewport={"width": 1280, "height": 800})
    watched.page.route("**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    found = {}
    for path in GROUPS[group](site, board):
        watched.page.goto(path.as_uri())
        found[path.name] = watched.violations(axe)
    assert {name: violations for name, violations in found.items() if violations} == {}
    watched.context.close()


def test_axe_sees_what_is_wrong(browser: Browser, site: Path, axe: str) -> None:
    watched = Watched(browser)
    watched.page.goto((site / "index.html").as_uri())
    watched.page.evaluate("document.querySelector('h1').append(document.createElement('img'))")
    assert any(line.startswith("image-alt: ") for line in watched.violations(axe))
    watched.context.close()
