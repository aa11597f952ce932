"""Views of the built site in a real browser: sorted, filtered, compared and searched, and found by their address."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, expect

from leaderboard.board.board import Board
from leaderboard.site.explorer import SHOWN, shares
from tests.support.browsing import Watched


def test_sorting_by_mouse_and_keyboard_is_kept_in_the_address(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser)
    watched.page.goto((site / "tracks" / f"{board.tracks[0].key.slug}.html").as_uri())
    table = watched.page.locator("table.entries")
    gains = [row.card.learned.gain for row in board.tracks[0].rows]

    def shown() -> list[float]:
        cells = table.locator("tbody td[data-label=Gain]").all_inner_texts()
        return [float(text.split("[")[0].strip().replace("\u2212", "-")) for text in cells]

    table.locator("th[data-col=gain] button").click()
    assert shown() == sorted((round(gain * 100, 1) for gain in gains), reverse=True)
    watched.page.keyboard.press("Enter")
    assert shown() == sorted(round(gain * 100, 1) for gain in gains)
    assert table.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    watched.page.goto(watched.address)
    assert shown() == sorted(round(gain * 100, 1) for gain in gains)
    table.locator("th[data-col=balance] button").focus()
    watched.page.keyboard.press("Space")
    best = max(board.tracks[0].rows, key=lambda row: row.card.balance or 0.0)
    assert table.locator("tbody th a").first.inner_text() == best.name
    assert watched.complaints == []
    watched.context.close()


def key(text: str) -> tuple[int, float, str]:
    """How a cell is ordered: numbers, then words; the dash of an absent value is last in both directions."""
    word = text.strip().split("\n")[0].strip()
    number = re.match(r"[+-]?[0-9.]+(e-?[0-9]+)?", word.replace("\u2212", "-").replace(",", ""))
    return (0, float(number[0]), "") if number else (1, 0.0, word.lower())


# Of a sorted table: where its mark of the order stands, and the cells of a column, body by body. A heading row is
# before its rows, wherever they go.
SORTED = """(table, column) => {
    const heads = [...table.querySelectorAll('thead th')]
    const cells = body => [...body.querySelectorAll(`tr:not(.group) > :nth-child(${column + 1})`)]
    const text = cell => cell.dataset.by ?? cell.innerText
    return [
        heads.map(head => head.getAttribute('aria-sort')),
        [...table.tBodies].map(body => cells(body).map(text)),
    ]
}"""


def test_every_column_of_every_table_is_sorted_by_mouse_and_back_by_keyboard(
    browser: Browser, site: Path, board: Board
) -> None:
    watched = Watched(browser)
    slug = board.tracks[0].key.slug
    tables = 0
    for name in ("index", f"tracks/{slug}", f"forgotten/{slug}", "changelog"):
        watched.page.goto((site / f"{name}.html").as_uri())
        # Of the recipes and the entries of a track, the entries.
        table = watched.page.locator("table[data-sort]").last
        tables += 1
        before = sorted(table.locator("tbody tr").all_inner_texts())
        for column in range(table.locator("thead th").count()):
            (started, _) = table.evaluate(SORTED, column)
            table.locator("thead th").nth(column).locator("button").click()
            seen = [table.evaluate(SORTED, column)]
            watched.page.keyboard.press("Enter")
            seen.append(table.evaluate(SORTED, column))
            directions = [marks[column] for marks, _ in seen]
            assert directions[0] != started[column], f"{name}, column {column}"
            assert sorted(directions) == ["ascending", "descending"], f"{name}, column {column}"
            for direction, (marks, bodies) in zip(directions, seen, strict=True):
                assert [mark for mark in marks if mark] == [direction]
                for cells in bodies:
                    found = [key(cell) for cell in cells if cell.strip() not in ("", "\N{EN DASH}")]
                    kinds = [each[0] for each in found]
                    assert kinds == sorted(kinds), f"{name}, column {column}: words before numbers"
                    numbers = [each[1] for each in found if not each[0]]
                    assert numbers == sorted(numbers, reverse=direction == "descending"), f"{name}, column {column}"
        assert sorted(table.locator("tbody tr").all_inner_texts()) == before
    assert tables == 4
    assert watched.complaints == []
    watched.context.close()


def test_order_filter_and_choice_of_a_track_are_found_again_together(
    browser: Browser, site: Path, board: Board
) -> None:
    watched = Watched(browser)
    watched.page.goto((site / "tracks" / f"{board.tracks[0].key.slug}.html").as_uri())
    table = watched.page.locator("table.entries")
    table.locator("th[data-col=retention] button").click()
    watched.page.get_by_label("Search entries and recipes").press_sequentially("nano-rloo")
    table.locator("tbody tr:visible input").first.check()
    rows = watched.page.locator("table.entries tbody tr:visible th a")
    chosen = table.locator("input:checked").get_attribute("value")
    seen = rows.all_inner_texts()
    assert len(seen) == 3
    address = watched.address
    assert "sort=-retention" in address
    assert "q=nano-rloo" in address
    assert f"of={chosen}" in address
    other = browser.new_context().new_page()
    other.goto(address)
    expect(other.locator("table.entries tbody tr:visible th a")).to_have_text(seen)
    assert other.locator("table.entries input:checked").get_attribute("value") == chosen
    other.context.close()
    watched.context.close()


def test_everything_the_script_adds_is_reached_with_tab(browser: Browser, site: Path, board: Board) -> None:
    """In the order in which it stands on the page, and with a mark of the focus that can be seen."""
    watched = Watched(browser)
    slug, entry = board.tracks[0].key.slug, board.rows[0].entry_id
    adds = "main button, main input, main select, main summary, main .scroll, main svg a"
    for name in ("index", f"tracks/{slug}", f"compare/{slug}", f"items/{entry}"):
        watched.page.goto((site / f"{name}.html").as_uri())
        wanted = watched.page.evaluate(
            """added => {
                const every = [...document.querySelectorAll(added)]
                const shown = every.filter(each => each.checkVisibility() && !each.disabled)
                shown.forEach((each, at) => each.setAttribute('data-tab', at))
                return shown.length
            }""",
            adds,
        )
        assert wanted > 5, name
        reached: list[int] = []
        for _ in range(6 * wanted + 40):
            watched.page.keyboard.press("Tab")
            at, outline = watched.page.evaluate(
                """() => {
                    const here = document.activeElement
                    return [here.getAttribute('data-tab'), getComputedStyle(here).outlineStyle]
                }"""
            )
            if at is not None:
                reached.append(int(at))
                assert outline != "none", f"{name}: {at}"
            if len(set(reached)) == wanted:
                break
        assert reached == sorted(reached), name
        assert len(set(reached)) == wanted, name
    watched.context.close()


def test_filters_work_with_the_keyboard_alone(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser, viewport={"width": 1280, "height": 800})
    watched.page.goto((site / "tracks" / f"{board.tracks[0].key.slug}.html").as_uri())
    rows = watched.page.locator("table.entries tbody tr:visible")
    watched.page.get_by_label("Search entries and recipes").focus()
    watched.page.keyboard.type("nano-")
    watched.page.get_by_label("Method", exact=True).focus()
    watched.page.keyboard.type("merge")
    merged = [row for row in board.tracks[0].rows if row.manifest.method.family == "merge"]
    expect(rows).to_have_count(len(merged))
    assert watched.address.endswith("?q=nano-&method=merge")
    watched.page.get_by_label("Search entries and recipes").focus()
    watched.page.keyboard.press("Control+a")
    watched.page.keyboard.press("Delete")
    assert watched.address.endswith("?method=merge")
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
    watched.page.goto(watched.address)
    expect(items).to_have_count(1)
    assert watched.page.get_by_label("Show").input_value() == "forgotten"
    assert watched.complaints == []
    watched.context.close()


def test_the_explorer_is_read_by_mouse_and_by_keyboard(browser: Browser, site: Path, board: Board) -> None:
    row = next(row for row in board.rows if row.name == "nano-sft")
    watched = Watched(browser)
    watched.page.goto((site / "items" / f"{row.entry_id}.html").as_uri())
    boxes = watched.page.locator("details:not([open])")
    closed = boxes.count()
    boxes.first.locator("summary").click()
    assert boxes.count() == closed - 1
    boxes.first.locator("summary").focus()
    watched.page.keyboard.press("Enter")
    assert boxes.count() == closed - 2
    watched.page.get_by_label("Show").focus()
    watched.page.keyboard.press("ArrowDown")
    expect(watched.page.locator("details:visible:not([data-kind=forgotten])")).to_have_count(0)
    task = list(row.card.prior_tasks)[1]
    watched.page.get_by_label("Task").select_option(task)
    watched.page.get_by_label("Find").focus()
    watched.page.keyboard.type("answer")
    address, seen = watched.address, watched.page.locator(".item:visible h3").all_text_contents()
    assert seen
    for part in ("show=forgotten", f"task={task}", "q=answer"):
        assert part in address
    watched.page.goto("about:blank")
    watched.page.goto(address)
    expect(watched.page.locator(".item:visible h3")).to_have_text(seen)
    expect(watched.page.locator("[data-count]")).to_contain_text(f"{len(seen)} of ")
    assert watched.complaints == []
    watched.context.close()
