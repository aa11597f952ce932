"""The built site in a real browser: silent, self-contained, readable on a phone, in the dark and without scripts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urldefrag

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from leaderboard.board import Board, load_board
from leaderboard.site import write_site
from tests.site.synthetic_board import full_board

pytestmark = pytest.mark.engine

_LAUNCH = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]  # fmt: skip


def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.fail("no Chromium on PATH; run: apt-get install -y chromium")


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made = full_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases)


@pytest.fixture(scope="module")
def site(board: Board, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(board, tmp_path_factory.mktemp("site") / "public").parent


@pytest.fixture(scope="module")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(Board((), ()), tmp_path_factory.mktemp("empty") / "public").parent


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=_LAUNCH)
        yield launched
        launched.close()


class Watched:
    """A page that remembers what it asked for and what it complained about."""

    def __init__(self, browser: Browser, **context: object) -> None:
        self.context = browser.new_context(**context)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        self.page.on("request", self._asked)
        self.page.on("requestfailed", self._failed)

    def _heard(self, message: ConsoleMessage) -> None:
        self.complaints.append(f"{message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        # Leaving a page before its icon has come aborts that request; nothing else may fail.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed {request.url}: {request.failure}")

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_every_page_is_silent_self_contained_and_fits(
    browser: Browser, site: Path, empty_site: Path, scheme: str, width: int
) -> None:
    watched = Watched(browser, color_scheme=scheme, viewport={"width": width, "height": 780})
    for root in (site, empty_site):
        for path in pages(root):
            watched.page.goto(path.as_uri())
            overflow = watched.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert overflow <= 0, f"{path.name} is {overflow} px too wide at {width} px"
            assert watched.page.evaluate("document.styleSheets.length") == 1
    inside = (site.as_uri(), empty_site.as_uri())
    assert [url for url in watched.requests if not url.startswith(inside)] == []
    assert watched.complaints == []
    watched.context.close()


def test_internal_links_and_their_anchors_resolve(browser: Browser, site: Path) -> None:
    watched = Watched(browser)
    anchors: dict[str, set[str]] = {}
    links: list[tuple[str, str]] = []
    for path in pages(site):
        watched.page.goto(path.as_uri())
        anchors[path.as_uri()] = set(watched.page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)"))
        hrefs = watched.page.evaluate(
            "[...document.querySelectorAll('a[href]')].map(a => new URL(a.getAttribute('href'), document.baseURI).href)"
        )
        links += [(path.name, href) for href in hrefs if href.startswith("file:")]
    assert len(links) > 50
    for page, href in links:
        address, fragment = urldefrag(href)
        assert Path(address.removeprefix("file://")).is_file(), f"{page} links to {href}"
        assert not fragment or fragment in anchors[address], f"{page} links to {href}"
    watched.context.close()


def test_foreign_links_are_marked_as_not_ours(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser)
    watched.page.goto((site / "entries" / f"{board.rows[0].entry_id}.html").as_uri())
    links = watched.page.locator("main a[href^='https://']")
    assert links.count() == 1
    assert links.first.get_attribute("rel") == "nofollow ugc noopener"
    watched.context.close()


def test_hostile_strings_are_text(browser: Browser, site: Path, board: Board) -> None:
    (hostile,) = [row for row in board.rows if "onload" in row.name]
    watched = Watched(browser)
    watched.page.goto((site / "index.html").as_uri())
    assert watched.page.get_by_text("gnp.exe{{ 7*7 }}<svg onload=alert(4)>", exact=True).count() == 1
    watched.page.goto((site / "entries" / f"{hostile.entry_id}.html").as_uri())
    assert watched.page.get_by_text('<img src=x onerror="alert(1)">').count() >= 4
    assert watched.page.locator("img, script").count() == 0
    assert watched.complaints == []
    watched.context.close()


def test_no_script_is_needed(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser, java_script_enabled=False)
    watched.page.goto((site / "index.html").as_uri())
    assert watched.page.locator("table.board tbody tr").count() == len(board.rows)
    assert watched.page.locator("figure svg a").count() == len(board.rows)
    watched.page.locator("table.board tbody th a").first.click()
    assert watched.page.url.endswith(f"entries/{board.rows[0].entry_id}.html")
    watched.context.close()


def test_dark_and_light_differ_and_keep_their_contrast(browser: Browser, site: Path) -> None:
    colours = {}
    for scheme in ("light", "dark"):
        watched = Watched(browser, color_scheme=scheme)
        watched.page.goto((site / "index.html").as_uri())
        colours[scheme] = watched.page.evaluate(
            """() => ['body', '.lead', '.verdict.forgot', '.board a', '.soft', 'thead th'].map(selector => {
                const paper = getComputedStyle(document.querySelector('.scroll')).backgroundColor
                return [getComputedStyle(document.querySelector(selector)).color, paper]
            })"""
        )
        watched.context.close()
    assert colours["light"] != colours["dark"]
    for pairs in colours.values():
        for text, paper in pairs:
            assert contrast(text, paper) >= 4.5, f"{text} on {paper}"


def contrast(one: str, two: str) -> float:
    """WCAG 2 contrast ratio of two CSS ``rgb(...)`` colours."""
    lights = sorted((luminance(one), luminance(two)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour: str) -> float:
    channels = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_first_column_stays_in_sight(browser: Browser, site: Path) -> None:
    watched = Watched(browser, viewport={"width": 360, "height": 780})
    watched.page.goto((site / "index.html").as_uri())
    cell = watched.page.locator("table.board tbody th").first
    before = cell.bounding_box()
    watched.page.locator(".scroll").first.evaluate("box => { box.scrollLeft = 200 }")
    assert watched.page.locator(".scroll").first.evaluate("box => box.scrollLeft") == 200
    assert cell.bounding_box() == before
    watched.context.close()


def test_a_second_build_is_the_same_bytes(site: Path, board: Board, tmp_path: Path) -> None:
    again = write_site(board, tmp_path / "again").parent
    first = {path.relative_to(site): path.read_bytes() for path in site.rglob("*") if path.is_file()}
    assert first == {path.relative_to(again): path.read_bytes() for path in again.rglob("*") if path.is_file()}
