"""The built site in a real browser: silent, self-contained, readable on a phone, in the dark and without scripts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from harness.training.study.results import collect
from leaderboard.board import Board, load_board
from leaderboard.checks import check_site
from leaderboard.explorer import SHOWN, shares
from leaderboard.site import write_site
from tests.site.axe import AxeMissingError, axe_source
from tests.site.synthetic_board import rich_board
from tests.study_like import made_study

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
    made, events = rich_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases, events)


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of one study."""
    study = made_study(tmp_path_factory.mktemp("study"), leave_out=("jigsaw/sft-slow-seed1",))
    folder = tmp_path_factory.mktemp("studies")
    (folder / "small.json").write_text(collect(study, study.steps()).to_json(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def site(board: Board, studies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(board, tmp_path_factory.mktemp("site") / "public", studies=studies).parent


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


def page_types(site: Path, board: Board) -> list[Path]:
    """One page of each type: of those made for every entry, the first, a hostile, a withdrawn and an excluded one."""
    hostile = next(row.entry_id for row in board.rows if "onload" in row.name)
    named = [board.rows[0].entry_id, hostile, board.tombstones[0].entry_id, "aaaaaaaaaaaa"]
    found = [*site.glob("*.html"), *(site / "entries" / f"{name}.html" for name in named)]
    found += [site / "items" / f"{name}.html" for name in named[:2]]
    for folder in ("tracks", "compare", "forgotten"):
        found.append(site / folder / f"{board.tracks[0].key.slug}.html")
    return found + [next(iter(sorted((site / folder).glob("*.html")))) for folder in ("bases", "methods", "suites")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_every_page_is_silent_self_contained_and_fits(
    browser: Browser, site: Path, empty_site: Path, board: Board, scheme: str, width: int
) -> None:
    watched = Watched(browser, color_scheme=scheme, viewport={"width": width, "height": 780})
    for path in [*page_types(site, board), empty_site / "index.html"]:
        watched.page.goto(path.as_uri())
        overflow = watched.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{path.name} is {overflow} px too wide at {width} px"
        assert watched.page.evaluate("document.styleSheets.length") == 1
    inside = (site.as_uri(), empty_site.as_uri())
    assert [url for url in watched.requests if not url.startswith(inside)] == []
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


def test_hostile_strings_are_text(browser: Browser, site: Path, board: Board) -> None:
    (hostile,) = [row for row in board.rows if "onload" in row.name]
    watched = Watched(browser)
    watched.page.goto((site / "index.html").as_uri())
    assert watched.page.get_by_text("gnp.exe{{ 7*7 }}<svg onload=alert(4)>", exact=True).count() >= 1
    watched.page.goto((site / "entries" / f"{hostile.entry_id}.html").as_uri())
    assert watched.page.get_by_text('<img src=x onerror="alert(1)">').count() >= 4
    for path in page_types(site, board):
        watched.page.goto(path.as_uri())
        assert watched.page.locator("img, iframe, object, script:not([src*='assets/board.'])").count() == 0
    assert watched.complaints == []
    watched.context.close()


def test_no_script_is_needed(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser, java_script_enabled=False)
    watched.page.goto((site / "index.html").as_uri())
    assert watched.page.locator("table.lean tbody tr:not(.group)").count() == len(board.rows)
    assert watched.page.locator("figure svg a").count() == len(board.tracks[0].rows)
    assert watched.page.locator(".tools:visible, .sort").count() == 0
    watched.page.locator("table.lean tbody tr:not(.group) th a").first.click()
    assert watched.page.url.endswith(f"entries/{board.rows[0].entry_id}.html")
    watched.page.goto((site / "compare" / f"{board.tracks[0].key.slug}.html").as_uri())
    assert watched.page.locator("tr[data-id]:visible").count() == len(board.tracks[0].rows)
    watched.page.goto((site / "items" / f"{board.rows[0].entry_id}.html").as_uri())
    watched.page.locator("summary").nth(1).click()
    assert watched.page.locator("details[open] .item:visible").count() > 0
    watched.context.close()


AXE = """async rules => {
    const found = await axe.run(document, rules ? {runOnly: {type: 'rule', values: rules}} : {})
    return found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).slice(0, 3).join(', '))
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    try:
        return axe_source()
    except AxeMissingError as error:
        pytest.fail(str(error))


@pytest.mark.parametrize("mode", ["light", "dark", "without script"])
def test_axe_finds_nothing_on_any_type_of_page(browser: Browser, site: Path, board: Board, axe: str, mode: str) -> None:
    watched = Watched(
        browser, color_scheme="dark" if mode == "dark" else "light", viewport={"width": 1280, "height": 800}
    )
    if mode == "without script":
        # The checker is a script itself: what is switched off is that of the page.
        watched.page.route("**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    # Colours are what differs in the dark.
    rules = ["color-contrast", "link-in-text-block"] if mode == "dark" else None
    found = {}
    for path in page_types(site, board):
        watched.page.goto(path.as_uri())
        watched.page.evaluate("for (const box of document.querySelectorAll('details')) box.open = true")
        watched.page.evaluate(axe)
        if violations := watched.page.evaluate(AXE, rules):
            found[str(path.relative_to(site))] = violations
    assert found == {}
    watched.context.close()


def test_axe_sees_what_is_wrong(browser: Browser, site: Path, axe: str) -> None:
    watched = Watched(browser)
    watched.page.goto((site / "index.html").as_uri())
    watched.page.evaluate("document.querySelector('h1').append(document.createElement('img'))")
    watched.page.evaluate(axe)
    assert any(line.startswith("image-alt: ") for line in watched.page.evaluate(AXE, None))
    watched.context.close()


def test_sorting_by_mouse_and_keyboard_is_kept_in_the_address(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser)
    watched.page.goto((site / "tracks" / f"{board.tracks[0].key.slug}.html").as_uri())
    table = watched.page.locator("table.slim")
    gains = [row.card.learned.gain for row in board.tracks[0].rows]

    def shown() -> list[float]:
        cells = table.locator("tbody tr > :nth-child(4)").all_inner_texts()
        return [float(text.split()[0].replace("\u2212", "-")) for text in cells]

    watched.page.get_by_role("button", name="Sort by Gain, points").click()
    assert shown() == sorted((round(gain * 100, 1) for gain in gains), reverse=True)
    watched.page.keyboard.press("Enter")
    assert shown() == sorted(round(gain * 100, 1) for gain in gains)
    assert table.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    watched.page.goto(watched.page.url)
    assert shown() == sorted(round(gain * 100, 1) for gain in gains)
    watched.page.get_by_role("button", name="Sort by Balance").focus()
    watched.page.keyboard.press("Space")
    best = max(board.tracks[0].rows, key=lambda row: row.card.balance or 0.0)
    assert table.locator("tbody th a").first.inner_text() == best.name
    assert watched.complaints == []
    watched.context.close()


def test_filters_are_kept_in_the_address(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser)
    watched.page.goto((site / "index.html").as_uri())
    rows = watched.page.locator("table.lean tbody tr:not(.group):visible")
    watched.page.get_by_label("Filter").fill("NANO-RLOO")
    expect(rows).to_have_count(3)
    # A track without a row that fits is gone with its heading.
    expect(watched.page.locator("tr.group:visible")).to_have_count(1)
    watched.page.get_by_role("combobox", name="Method").select_option("RFT")
    expect(watched.page.locator("[data-count]")).to_have_text(f"3 of {len(board.rows)} shown")
    again = watched.page.url
    assert again.endswith("index.html?q=NANO-RLOO&method=RFT")
    watched.page.goto("about:blank")
    watched.page.goto(again)
    expect(rows).to_have_count(3)
    assert watched.page.get_by_label("Filter").input_value() == "NANO-RLOO"
    watched.page.get_by_label("Filter").fill("")
    watched.page.get_by_role("combobox", name="Method").select_option("")
    expect(rows).to_have_count(len(board.rows))
    assert watched.page.url.endswith("index.html")
    assert watched.complaints == []
    watched.context.close()


def test_entries_are_chosen_and_compared(browser: Browser, site: Path, board: Board) -> None:
    track = board.tracks[0]
    first, second, third = track.rows[:3]
    watched = Watched(browser)
    watched.page.goto((site / "tracks" / f"{track.key.slug}.html").as_uri())
    watched.page.get_by_role("checkbox", name=f"Compare {first.name}", exact=True).check()
    watched.page.get_by_role("checkbox", name=f"Compare {second.name}", exact=True).focus()
    watched.page.keyboard.press("Space")
    watched.page.get_by_role("link", name="Compare", exact=True).click()
    chosen = watched.page.locator("table.chosen")
    expect(chosen.locator("thead th a")).to_have_text([first.name, second.name])
    assert watched.page.url.endswith(f"compare/{track.key.slug}.html?of={first.entry_id},{second.entry_id}")
    watched.page.get_by_label("Third").focus()
    watched.page.keyboard.type(third.name)
    expect(chosen.locator("thead th a")).to_have_count(3)
    rows = {line.split("\t")[0]: line for line in chosen.locator("tbody").inner_text().splitlines() if "\t" in line}
    assert len(rows) >= 6 + len(first.card.tasks)
    watched.page.reload()
    expect(chosen.locator("thead th a")).to_have_text([first.name, second.name, third.name])
    watched.page.goto(watched.page.url.split("?")[0] + "?of=<img>,zzzzzzzzzzzz")
    assert chosen.count() == 0
    assert watched.complaints == []
    watched.context.close()


def test_no_more_than_four_can_be_chosen(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser)
    ids = [row.entry_id for row in board.tracks[0].rows]
    watched.page.goto((site / "tracks" / f"{board.tracks[0].key.slug}.html").as_uri() + "?of=" + ",".join(ids))
    expect(watched.page.locator("tbody input:checked")).to_have_count(4)
    assert watched.page.locator("tbody input:disabled").count() == len(ids) - 4
    watched.context.close()


def test_the_explorer_is_searched_by_kind_task_and_text(browser: Browser, site: Path, board: Board) -> None:
    row = next(row for row in board.rows if row.name == "nano-sft")
    name, task = next(iter(row.card.prior_tasks.items()))
    watched = Watched(browser)
    watched.page.goto((site / "items" / f"{row.entry_id}.html").as_uri())
    items = watched.page.locator(".item:visible")
    watched.page.get_by_label("Show").select_option("forgotten")
    watched.page.get_by_label("Task").focus()
    watched.page.keyboard.type(name)
    expect(watched.page.locator(".task:visible")).to_have_count(1)
    counts = {"forgotten": task.n10, "learned": task.n01, "kept": task.n11, "never": task.n00}
    expect(items).to_have_count(shares(counts, SHOWN // len(row.card.tasks))["forgotten"])
    assert "base, correct" in items.first.inner_text()
    said = items.nth(3).locator("code").inner_text()
    watched.page.get_by_label("Find").fill(said)
    expect(items).to_have_count(1)
    watched.page.goto(watched.page.url)
    expect(items).to_have_count(1)
    assert watched.page.get_by_label("Show").input_value() == "forgotten"
    assert watched.complaints == []
    watched.context.close()


def test_the_first_column_stays_in_sight(browser: Browser, site: Path) -> None:
    watched = Watched(browser, viewport={"width": 360, "height": 780})
    watched.page.goto((site / "index.html").as_uri())
    cell = watched.page.locator("table.lean tbody tr:not(.group) th").first
    box = watched.page.locator(".scroll").first
    before = cell.bounding_box()
    box.evaluate("box => { box.scrollLeft = 150 }")
    assert box.evaluate("box => box.scrollLeft") > 100
    assert cell.bounding_box() == before
    head = box.locator("thead th").first
    before = head.bounding_box()
    box.evaluate("box => { box.style.maxHeight = '120px'; box.scrollTop = 90 }")
    assert head.bounding_box() == before
    watched.context.close()
