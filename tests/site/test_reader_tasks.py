"""Ten questions a reader brings, each answered within two clicks and two screens of the board's first page.

A reader follows what is seen: links, buttons and choices by their words, never an address.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from leaderboard.board.board import Board, load_board
from leaderboard.site.build import write_site
from leaderboard.site.headline import least_forgetting
from leaderboard.site.results import opening, results
from tests.support.browsing import Watched
from tests.support.synthetic_board import STATEMENT, add_entry, folders

SCREEN = {"width": 1280, "height": 800}
MOST_CLICKS, MOST_SCREENS = 2, 2


class Reader:
    """A reader at the first page, whose clicks are counted and whose eyes reach two screens."""

    def __init__(self, browser: Browser, site: Path) -> None:
        self.watched = Watched(browser, viewport=SCREEN)
        self.page = self.watched.page
        self.page.goto((site / "index.html").as_uri())
        self.clicks = 0

    def sees(self, what: Locator) -> Locator:
        """``what`` begins within two screens of where the page was opened."""
        expect(what).to_be_visible()
        box = what.bounding_box()
        assert box is not None
        assert -1 <= box["y"] <= MOST_SCREENS * SCREEN["height"], f"{what} begins at {box['y']}"
        return what

    def clicks_on(self, what: Locator) -> None:
        self._counts()
        # Scrolling to it belongs to the click, not to the page that comes.
        self.sees(what).click()

    def chooses(self, label: str, option: str) -> None:
        self._counts()
        self.sees(self.page.get_by_label(label, exact=True)).select_option(option)

    def link(self, words: str) -> Locator:
        return self.page.get_by_role("link", name=words, exact=True).first

    def mark_of(self, name: str) -> Locator:
        """The mark of an entry on the dot strip of its recipe, which is named by what it shows."""
        return self.page.locator("table.recipes svg a", has_text=name).first

    def _counts(self) -> None:
        self.clicks += 1
        assert self.clicks <= MOST_CLICKS


@pytest.fixture
def reader(browser: Browser, site: Path) -> Iterator[Reader]:
    reading = Reader(browser, site)
    yield reading
    assert reading.watched.complaints == []
    reading.watched.context.close()


@pytest.fixture(scope="module")
def rates_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board with one method at two learning rates, and LoRA."""
    made = folders(tmp_path_factory.mktemp("rates"))
    for seed, rate, kept in ((1, 1e-5, 0.9), (2, 1e-4, 0.5)):
        said = {"method": STATEMENT["method"] | {"learning_rate": rate}}
        add_entry(made, f"nano-sft-{rate:g}", {"jigsaw_2x2": 0.8, "math_word": kept}, seed=seed, statement=said)
    lora = {"method": STATEMENT["method"] | {"learning_rate": 1e-3, "lora_rank": 16}}
    add_entry(made, "nano-lora", {"jigsaw_2x2": 0.8, "math_word": 0.88}, seed=3, statement=lora)
    board = load_board(made.submissions, made.bases)
    return write_site(board, tmp_path_factory.mktemp("rates-site") / "public").parent


@pytest.fixture
def wider(browser: Browser, rates_site: Path) -> Iterator[Reader]:
    reading = Reader(browser, rates_site)
    yield reading
    assert reading.watched.complaints == []
    reading.watched.context.close()


def test_least_forgetting_at_equal_gain_and_whether_it_is_shown(reader: Reader, board: Board) -> None:
    track = opening(board)
    assert track is not None
    least = least_forgetting([line.recipe for line in results(track).lines])
    assert least is not None
    said = reader.sees(reader.page.get_by_role("listitem").filter(has_text="Least forgetting at about equal gain:"))
    # What is provisional says so by a mark.
    words = " ".join(said.inner_text().split()).removeprefix("provisional ")
    assert words == " ".join(str(least.sentence).split()).removeprefix("Provisional. ")
    verdicts = ("is shown", "is not shown", "is not tested", "no other recipe comes within", "keep as much")
    assert any(verdict in words for verdict in verdicts), words


def test_three_things_that_an_entry_forgot_with_their_questions(reader: Reader) -> None:
    reader.clicks_on(reader.mark_of("nano-sft"))
    reader.clicks_on(reader.link("Forgotten items"))
    forgotten = reader.page.get_by_role("article").filter(has_text="base, correct")
    expect(forgotten).to_have_count(3)
    for each in forgotten.all():
        reader.sees(each)
        assert each.get_by_role("link").first.inner_text().strip()
        assert "tuned, wrong" in each.inner_text()


def test_two_entries_are_compared(reader: Reader) -> None:
    reader.clicks_on(reader.link("Compare two to four"))
    table = reader.sees(reader.page.get_by_role("table").first)
    heads = table.get_by_role("columnheader").get_by_role("link")
    assert heads.count() >= 2
    reader.sees(table.get_by_role("row", name="Retention"))


def test_a_number_is_cited(reader: Reader) -> None:
    reader.clicks_on(reader.mark_of("nano-sft"))
    reader.sees(reader.page.get_by_role("heading", name="Retention", exact=True))
    copies = reader.page.get_by_text("copy reference", exact=True)
    reference = copies.nth(1).get_attribute("data-copy") or ""
    assert ":retention_macro@" in reference
    assert "#" in reference
    reader.clicks_on(copies.nth(1))


def test_the_table_is_loaded_in_pandas_in_five_lines(reader: Reader, board: Board, site: Path) -> None:
    reader.clicks_on(reader.link("Data"))
    program = reader.sees(reader.page.locator("pre", has_text="read_csv").first).inner_text()
    assert len([line for line in program.splitlines() if line.strip()]) <= 5
    said = subprocess.run([sys.executable, "-c", program], cwd=site, capture_output=True, text=True, check=True)
    assert "learning_rate" in said.stdout


def test_what_balance_means(reader: Reader) -> None:
    reader.clicks_on(reader.link("balance"))
    reader.sees(reader.page.locator("dt:target, :target dt, :target").first)
    expect(reader.page.locator(":target")).to_contain_text("Balance")


def test_where_to_submit(reader: Reader) -> None:
    reader.clicks_on(reader.link("Submit"))
    reader.sees(reader.page.get_by_role("heading", name="Put your fine-tune on the board"))
    reader.sees(reader.page.get_by_text("retention submit prepare").first)


def test_what_verified_means(reader: Reader) -> None:
    reader.clicks_on(reader.mark_of("nano-sft"))
    reader.clicks_on(reader.page.get_by_role("link", name="evidence: "))
    reader.sees(reader.page.get_by_role("heading", name="Evidence"))
    reader.sees(reader.page.locator("#evidence ~ *", has_text="verified").first)


def test_lora_alone_by_retention_as_a_link(wider: Reader, browser: Browser) -> None:
    wider.chooses("Weights", "lora")
    wider.clicks_on(wider.page.get_by_role("button", name="Sort by Retention").first)
    rows = "table.recipes tbody tr:visible"
    seen = wider.page.locator(rows).all_inner_texts()
    assert seen
    again = Watched(browser, viewport=SCREEN)
    again.page.goto(wider.watched.address)
    assert again.page.locator(rows).all_inner_texts() == seen
    again.context.close()


def test_learning_rate_against_forgetting(wider: Reader) -> None:
    chart = wider.sees(wider.page.get_by_role("group", name="What was kept against the learning rate"))
    assert chart.locator("a").count() >= 2
