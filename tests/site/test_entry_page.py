"""The page of one entry in a real browser: the finding first, references to copy, cards on a phone, others by link."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from harness.scoring import headline
from leaderboard.board.board import Board
from leaderboard.numbers import formats
from tests.support.browsing import Watched

SCROLLS = """() => [...document.querySelectorAll('main *')]
    .filter(each => ['auto', 'scroll'].includes(getComputedStyle(each).overflowX))
    .filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.tagName + each.className)"""


def address(site: Path, board: Board) -> str:
    return (site / "entries" / f"{board.rows[0].entry_id}.html").as_uri()


def test_the_finding_stands_first(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser, viewport={"width": 1280, "height": 800})
    for row in board.rows[:3]:
        watched.page.goto((site / "entries" / f"{row.entry_id}.html").as_uri())
        said = watched.page.locator("h1 + p")
        assert said.inner_text() == headline(row.card)
        expect(said).to_be_in_viewport()
    watched.context.close()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_scrolls_sideways_with_everything_open(browser: Browser, site: Path, board: Board, width: int) -> None:
    watched = Watched(browser, viewport={"width": width, "height": 740})
    watched.page.goto(address(site, board))
    watched.page.evaluate("for (const box of document.querySelectorAll('details')) box.open = true")
    assert watched.overflow() <= 0
    assert watched.page.evaluate(SCROLLS) == []
    watched.context.close()


def test_on_a_phone_a_task_is_a_card_whose_numbers_have_names(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser, viewport={"width": 360, "height": 740})
    watched.page.goto(address(site, board))
    row = watched.page.locator(".prior tbody tr").first
    box = row.bounding_box()
    assert box is not None
    assert box["width"] <= 340
    for label in ("Base → tuned", "Retention", "Forgotten"):
        cell = row.locator(f"[data-label='{label}']")
        assert cell.evaluate("each => getComputedStyle(each, '::before').content") == f'"{label}"'
    watched.context.close()


@pytest.mark.parametrize(("anchor", "metric"), [("gain", "gain"), ("retention", "retention_macro"),
                                                ("worst-group", "worst_group"), ("balance", "balance")])  # fmt: skip
def test_a_main_number_has_an_address_and_a_reference_to_copy(
    browser: Browser, site: Path, board: Board, anchor: str, metric: str
) -> None:
    watched = Watched(browser)
    watched.context.grant_permissions(["clipboard-read", "clipboard-write"])
    watched.page.goto(address(site, board))
    card = watched.page.locator(f"#{metric}")
    before = card.evaluate("each => getComputedStyle(each).backgroundColor")
    watched.page.goto(f"{address(site, board)}#{anchor}")
    assert card.evaluate("each => getComputedStyle(each).backgroundColor") != before
    card.get_by_role("link", name="copy reference").click()
    reference = board.rows[0].reference(metric)
    expect(watched.page.locator(".copied")).to_have_text(f"Copied: {reference}")
    assert watched.page.evaluate("navigator.clipboard.readText()") == reference
    card.get_by_role("link", name="link to").click()
    expect(watched.page.locator(".copied")).to_have_text(f"Copied: {address(site, board)}#{anchor}")
    assert watched.complaints == []
    watched.context.close()


def test_without_a_script_references_are_links_and_text(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser, java_script_enabled=False)
    watched.page.goto(address(site, board))
    watched.page.locator("#gain .copy").first.click()
    expect(watched.page).to_have_url(f"{address(site, board)}#gain")
    assert watched.page.locator("main button").count() == 0
    digest = board.rows[0].hashes["gain"]
    assert digest in watched.page.locator(".cells").inner_text() or digest in watched.page.content()
    watched.context.close()


def test_citations_are_copied_whole(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser)
    watched.context.grant_permissions(["clipboard-read", "clipboard-write"])
    watched.page.goto(address(site, board))
    watched.page.locator("pre[data-copy] + button").first.click()
    expect(watched.page.locator(".copied")).to_have_text(f"Copied: {board.rows[0].card.signature}")
    assert watched.page.evaluate("navigator.clipboard.readText()") == board.rows[0].card.signature
    watched.context.close()


def test_unreadable_outside_and_cut_off_are_three_columns(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser)
    watched.page.goto(address(site, board))
    heads = watched.page.locator(".fates-table thead th").all_inner_texts()
    assert [head.strip() for head in heads][-3:] == ["Unreadable", "Outside options", "Cut off"]
    name = next(iter(board.rows[0].card.prior_tasks))
    for rate in ("unparsed", "off_list", "truncated"):
        said = watched.page.locator(f"[id='task/{name}/{rate}_tuned']").inner_text()
        assert said == formats.percent(getattr(board.rows[0].card.tasks[name], f"{rate}_tuned"))
    watched.context.close()


def test_alarms_are_a_row_a_kind_and_whole_in_a_fold(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser)
    alarmed = [row for row in board.rows if row.card.alarms]
    assert alarmed
    for row in alarmed:
        watched.page.goto((site / "entries" / f"{row.entry_id}.html").as_uri())
        kinds = {alarm.kind for alarm in row.card.alarms}
        assert watched.page.locator("table.alarms tbody tr").count() == len(kinds)
        if len(row.card.alarms) > len(kinds):
            assert watched.page.locator(".notice details li").count() == len(row.card.alarms)
    watched.context.close()


def test_contents_lead_to_what_is_there(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser)
    watched.page.goto(address(site, board))
    targets = watched.page.locator(".contents a").evaluate_all("all => all.map(each => each.getAttribute('href'))")
    assert len(targets) >= 8
    for target in targets:
        expect(watched.page.locator(target)).to_be_visible()
    watched.context.close()
