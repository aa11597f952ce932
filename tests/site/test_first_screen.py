"""The first screen in a real browser: results in sight, sorted and filtered by name, and found by their address."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from leaderboard.board.board import Board
from leaderboard.site.build import write_site
from leaderboard.site.results import opening, results
from tests.support.browsing import Watched
from tests.support.synthetic_board import without_gain

PHONE, SCREEN = {"width": 360, "height": 740}, {"width": 1280, "height": 800}


def index(site: Path) -> str:
    return (site / "index.html").as_uri()


def track_page(site: Path, board: Board) -> str:
    return (site / "tracks" / f"{board.tracks[0].key.slug}.html").as_uri()


def first_rows(watched: Watched) -> Locator:
    return watched.page.locator("table.recipes").first.locator("tbody tr")


@pytest.mark.parametrize("size", [PHONE, SCREEN])
@pytest.mark.parametrize("script", [True, False])
def test_the_first_row_is_within_the_first_screen(
    browser: Browser, site: Path, board: Board, size: dict[str, int], script: bool
) -> None:
    watched = Watched(browser, viewport=size, java_script_enabled=script)
    for address in (index(site), track_page(site, board)):
        watched.page.goto(address)
        box = first_rows(watched).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= size["height"], address
    watched.context.close()


# What scrolls by itself inside a page.
BOXES = """() => [...document.querySelectorAll('main *')].filter(each => {
    const style = getComputedStyle(each)
    return /auto|scroll/.test(style.overflowX + style.overflowY)
}).map(each => each.className)"""


@pytest.mark.parametrize("width", [320, 360, 500, 768, 1000, 1280])
def test_nothing_scrolls_inside_and_nothing_sideways(browser: Browser, site: Path, board: Board, width: int) -> None:
    watched = Watched(browser, viewport={"width": width, "height": 740})
    for address in (index(site), track_page(site, board)):
        watched.page.goto(address)
        watched.page.evaluate("for (const box of document.querySelectorAll('details')) box.open = true")
        assert watched.page.evaluate(BOXES) == []
        assert watched.overflow() <= 0, address
    watched.context.close()


def test_on_a_phone_rows_are_cards_and_facets_are_folded(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser, viewport=PHONE)
    watched.page.goto(track_page(site, board))
    for table in ("table.recipes", "table.entries"):
        row = watched.page.locator(f"{table} tbody tr").first
        assert row.evaluate("row => getComputedStyle(row).display") == "grid"
    strip = first_rows(watched).first.locator("svg.strip").bounding_box()
    assert strip is not None
    assert strip["width"] > 280
    expect(watched.page.get_by_label("Method", exact=True)).to_be_hidden()
    watched.page.locator(".facets summary").click()
    expect(watched.page.get_by_label("Method", exact=True)).to_be_visible()
    watched.page.set_viewport_size(SCREEN)
    expect(watched.page.get_by_label("Method", exact=True)).to_be_visible()
    watched.context.close()


def test_a_row_is_a_recipe_whose_entries_are_one_click_away(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser, java_script_enabled=False)
    watched.page.goto(index(site))
    first = opening(board)
    assert first is not None
    lines = results(first).lines
    rows = first_rows(watched)
    expect(rows).to_have_count(len(lines))
    for at, line in enumerate(lines):
        row = rows.nth(at)
        assert row.locator("th > a").inner_text() == line.recipe.title
        marks = row.locator("svg.strip a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
        kept = [each for each in line.recipe.rows if each.card.retention_macro is not None]
        assert sorted(marks) == sorted(f"entries/{each.entry_id}.html" for each in kept)
        named = row.locator("details li a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
        assert named == [f"entries/{each.entry_id}.html" for each in line.recipe.rows]
    rows.first.locator("summary").click()
    rows.first.locator("details li a").first.click()
    expect(watched.page).to_have_url((site / "entries" / f"{lines[0].best.entry_id}.html").as_uri())
    watched.context.close()


def test_tabs_lead_to_every_track_without_a_script(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser, java_script_enabled=False)
    watched.page.goto(index(site))
    tabs = watched.page.get_by_role("navigation", name="Tracks").get_by_role("link")
    expect(tabs).to_have_count(len(board.tracks))
    assert watched.page.locator(".tabs [aria-current]").inner_text().startswith(board.tracks[0].key.target)
    tabs.nth(1).click()
    slug = board.tracks[1].key.slug
    expect(watched.page).to_have_url((site / "tracks" / f"{slug}.html").as_uri())
    assert watched.page.locator(".tabs [aria-current]").inner_text().startswith(board.tracks[1].key.target)
    assert watched.page.locator("tr[id^=recipe-]").count() == len(results(board.tracks[1]).lines)
    watched.context.close()


def test_the_whole_head_of_a_column_sorts_and_its_name_is_in_the_address(
    browser: Browser, site: Path, board: Board
) -> None:
    watched = Watched(browser, viewport=SCREEN)
    watched.page.goto(index(site))
    head = watched.page.locator("table.recipes").first.locator("th[data-col=retention]")
    box = head.bounding_box()
    assert box is not None
    # Corners far from the text sort too.
    watched.page.mouse.click(box["x"] + 3, box["y"] + 3)
    assert head.get_attribute("aria-sort") == "descending"
    watched.page.mouse.click(box["x"] + box["width"] - 3, box["y"] + 3)
    assert head.get_attribute("aria-sort") == "ascending"
    watched.page.mouse.click(box["x"] + 3, box["y"] + box["height"] - 4)
    assert watched.address.endswith("?sort=-retention")
    assert head.get_attribute("aria-sort") == "descending"
    caption = watched.page.locator("table.recipes caption").first
    expect(caption).to_contain_text("ordered by retention of the other skills, mean, highest first")
    kept = [float(each.get_attribute("data-by") or "nan") for each in watched.page.locator("td.kept").all()]
    own = kept[: first_rows(watched).count()]
    assert own == sorted(own, reverse=True)
    watched.page.get_by_role("button", name="Sort by Recipe").first.click()
    assert watched.address.endswith("?sort=recipe")
    expect(caption).to_contain_text("ordered by recipe, A to Z")
    titles = first_rows(watched).locator("th > a").all_inner_texts()
    assert titles == sorted(titles, key=str.lower)
    assert watched.complaints == []
    watched.context.close()


def test_back_restores_order_facets_and_caption(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser, viewport=SCREEN)
    watched.page.goto(track_page(site, board))
    caption = watched.page.locator("table.recipes caption")
    rows = watched.page.locator("table.recipes tbody tr:visible th > a")
    before, told = rows.all_inner_texts(), caption.inner_text()
    watched.page.get_by_label("Method", exact=True).select_option("sft")
    filtered = rows.all_inner_texts()
    assert len(filtered) < len(before)
    watched.page.locator("table.recipes th[data-col=gain] button").click()
    assert watched.address.endswith("?method=sft&sort=-gain")
    watched.page.go_back()
    assert watched.address.endswith("?method=sft")
    expect(caption).to_have_text(told)
    expect(rows).to_have_text(filtered)
    watched.page.go_back()
    expect(rows).to_have_text(before)
    assert watched.page.get_by_label("Method", exact=True).input_value() == ""
    watched.page.go_forward()
    expect(rows).to_have_text(filtered)
    assert watched.complaints == []
    watched.context.close()


def test_the_filter_sft_shows_sft_alone_and_facets_combine(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser, viewport=SCREEN)
    watched.page.goto(index(site))
    rows = watched.page.locator("table.recipes tbody tr:visible")
    lines = [line for track in board.tracks for line in results(track).lines]
    watched.page.get_by_label("Method", exact=True).select_option("sft")
    sft = [line for line in lines if line.family == "sft"]
    assert len(sft) < len([line for line in lines if line.family.startswith("sft")])
    expect(rows).to_have_count(len(sft))
    assert {row.get_attribute("data-method") for row in rows.all()} == {"sft"}
    expect(watched.page.locator("[data-count]")).to_have_text(f"{len(sft)} of {len(lines)} recipes shown")
    watched.page.get_by_label("Method", exact=True).select_option("rft")
    rate = watched.page.get_by_label("Learning rate", exact=True)
    rate.select_option("2e-6")
    both = [line for line in lines if line.family == "rft" and line.values.get("rate") == ("2e-6",)]
    assert 0 < len(both) < len([line for line in lines if line.family == "rft"])
    expect(rows).to_have_count(len(both))
    # The options say how many rows have each value.
    assert rate.locator("option[value='2e-6']").inner_text() == f"2e-6 ({len(both)})"
    assert watched.complaints == []
    watched.context.close()


def test_a_view_is_a_link_that_works_when_it_is_opened(browser: Browser, site: Path, board: Board) -> None:
    """As "LoRA only, by retention": ?weights=lora&sort=-retention."""
    watched = Watched(browser, viewport=SCREEN)
    watched.page.goto(track_page(site, board) + "?method=rft&sort=-retention")
    kept = [float(cell.get_attribute("data-by") or "nan") for cell in watched.page.locator("td.kept:visible").all()]
    assert len(kept) > 1
    assert kept == sorted(kept, reverse=True)
    families = watched.page.locator("table.entries tbody tr:visible")
    assert {row.get_attribute("data-method") for row in families.all()} == {"rft"}
    assert watched.page.locator("a[data-here]").evaluate("link => link.href") == watched.address
    # A value that nothing has, or that is no value, filters nothing.
    watched.page.goto(track_page(site, board) + "?weights=<img>&method=nothing&sort=-nothing")
    assert watched.page.locator("table.entries tbody tr:visible").count() == len(board.tracks[0].rows)
    assert watched.complaints == []
    watched.context.close()


def test_the_search_finds_entries_and_recipes_and_carries_to_the_items(
    browser: Browser, site: Path, board: Board
) -> None:
    watched = Watched(browser, viewport=SCREEN)
    watched.page.goto(index(site))
    rows = watched.page.locator("table.recipes tbody tr:visible")
    watched.page.get_by_label("Search entries and recipes").press_sequentially("RLOO-400")
    expect(rows).to_have_count(1)
    assert "nano-rloo-400" in (rows.first.text_content() or "")
    # Tracks in which nothing is found are out of the way.
    expect(watched.page.locator("[data-part]:visible")).to_have_count(0)
    link = watched.page.locator("a[data-carry^='Search the items']")
    expect(link).to_have_text("Search the items for \u201cRLOO-400\u201d")
    assert str(link.evaluate("link => link.href")).endswith("items.html?q=RLOO-400")
    watched.page.get_by_label("Search entries and recipes").fill("")
    expect(link).to_have_text("Search the items")
    expect(rows).to_have_count(sum(len(results(track).lines) for track in board.tracks))
    assert watched.complaints == []
    watched.context.close()


def test_a_track_without_a_shown_gain_says_so_and_has_no_rank(browser: Browser, board: Board, tmp_path: Path) -> None:
    flat, other = without_gain(board.tracks[0]), board.tracks[1]
    site = write_site(Board((flat, other), ()), tmp_path / "public").parent
    watched = Watched(browser, viewport=SCREEN, java_script_enabled=False)
    watched.page.goto((site / "tracks" / f"{flat.key.slug}.html").as_uri())
    assert "no gain shown" in watched.page.locator("h1").inner_text()
    expect(watched.page.locator("table.recipes caption")).to_contain_text("ordered by retention, highest first")
    expect(watched.page.locator("table.recipes caption")).to_contain_text("no rank, no balance")
    assert watched.page.locator("th[data-col=balance], th[data-col=rank]").count() == 0
    assert "no gain shown" in watched.page.locator("table.recipes tbody tr").first.locator(".chip").all_inner_texts()
    # It is the larger one, and does not open the board.
    watched.page.goto(index(site))
    assert watched.page.locator(".tabs [aria-current]").inner_text().startswith(other.key.target)
    watched.context.close()


def test_the_first_screen_is_accessible_in_every_state(browser: Browser, site: Path, board: Board, axe: str) -> None:
    watched = Watched(browser, viewport=SCREEN)
    for scheme in ("light", "dark"):
        watched.page.emulate_media(color_scheme=scheme)
        for address in (index(site), track_page(site, board)):
            watched.page.goto(address + "?method=sft&sort=-gain")
            assert watched.violations(axe) == [], (scheme, address)
    watched.context.close()
