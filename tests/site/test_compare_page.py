"""Comparing in a real browser: what the page computes is what Python computes, and a choice travels with its links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from leaderboard.board.board import Board, Row, Track, load_board
from leaderboard.board.side_by_side import first_shown, side_by_side
from leaderboard.numbers.formats import percent, points, points_ci, probability
from leaderboard.site import compare
from leaderboard.site.build import write_site
from tests.support.browsing import Watched
from tests.support.synthetic import SyntheticTask, synthetic_run
from tests.support.synthetic_board import Folders, add_entry

CLUSTERED = (
    SyntheticTask("jigsaw_2x2", "jigsaw", "spatial", 1 / 24, n=60),
    SyntheticTask("math_word", "math", "math", n=400),
    SyntheticTask("science_elements", "science", "science", 0.25, n=200, per_cluster=4),
    SyntheticTask("vision_count", "vision", "vision", n=36, per_cluster=3),
    SyntheticTask("vision_shape", "vision", "vision", n=30),
)


@pytest.fixture(scope="module")
def clustered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Track, Path]:
    """A track with clusters of items, many and few, and its site: where the statistics have all their parts."""
    root = tmp_path_factory.mktemp("clustered")
    made = Folders(root / "submissions", root / "bases", root / "runs")
    made.submissions.mkdir()
    synthetic_run(made.runs / "base", CLUSTERED, name="base", accuracy=0.8)
    names = [task.name for task in CLUSTERED]
    for seed, kept in enumerate(([0.9, 0.8, 0.8, 0.9, 0.8], [0.9, 0.7, 0.5, 0.4, 0.8], [0.9, 0.69, 0.79, 0.6, 0.2])):
        accuracy = dict(zip(names, kept, strict=True))
        add_entry(made, f"model-{seed}", accuracy, seed=seed + 1, tasks=CLUSTERED, churn=0.02 + 0.1 * seed)
    (track,) = load_board(made.submissions, made.bases).tracks
    built = write_site(load_board(made.submissions, made.bases), root / "public").parent
    return track, built / "compare" / f"{track.key.slug}.html"


def said(side: compare.SideBySide) -> list[list[str]]:
    """What the table says of each task, as Python computes it."""
    found = []
    for task in side.tasks:
        cells = [percent(task.solved[0])]
        for share, each in zip(task.solved[1:], task.differences, strict=True):
            between = f" {points_ci(each.interval)}" if each.interval else ""
            word = f"{compare.task_word(each)}, p {probability(each.p_holm)}"
            cells.append(f"{percent(share)} {points(each.delta)}{between} {word}")
        found.append([" ".join(cell.split()) for cell in cells])
    return found


def shown(table: Locator) -> list[list[str]]:
    rows = table.locator("tr[data-task]").evaluate_all(
        "rows => rows.map(row => [...row.cells].slice(1).filter(cell => cell.checkVisibility()).map(cell => "
        "[...cell.children].map(part => part.textContent).join(' ')))"
    )
    return [[" ".join(cell.split()) for cell in row] for row in rows]


def links(part: Locator) -> list[str]:
    found: list[str] = part.locator("a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    return found


def missing(page: Path, addresses: list[str]) -> list[str]:
    """Those of ``addresses`` on ``page`` that lead to no file, or to no place in it."""
    texts = {each: (page.parent / each.split("#")[0]) for each in addresses}
    return [
        each
        for each, path in texts.items()
        if not path.is_file() or f'id="{each.split("#")[1]}"' not in path.read_text(encoding="utf-8")
    ]


def address(page: Path, *rows: Row) -> str:
    return f"{page.as_uri()}?of={','.join(row.entry_id for row in rows)}"


def test_the_page_computes_what_python_computes(browser: Browser, clustered: tuple[Track, Path]) -> None:
    track, page = clustered
    one, two, three = track.rows
    watched = Watched(browser)
    for rows in ((one, two), (three, one), (two, three, one)):
        watched.page.goto(address(page, *rows))
        side = side_by_side(track, rows)
        assert shown(watched.page.locator("table.beside")) == said(side)
        for task, part in zip(side.tasks, watched.page.locator("details").all(), strict=True):
            groups = [f"Solved by {compare.solvers(group.by)} only: {len(group.items)}" for group in task.parted]
            assert part.locator("b").all_text_contents() == groups
            items = [item[:12] for group in task.parted for item in group.items]
            assert part.locator("a").all_text_contents() == items
            assert [link.split("#")[1] for link in links(part)] == items
            assert not missing(page, links(part))
            expect(part.locator("summary span")).to_have_text(f"{task.differing} of {task.n}")
        for axis, label in (("gain", "Gain, points"), ("retention", "Retention"), ("balance", "Balance")):
            words = watched.page.get_by_role("row", name=label).locator("em:visible").all_text_contents()
            assert words == [*(compare.number_word(track, axis, rows[0], other) for other in rows[1:])]
    # Some differences are shown and some are not, or the above says little.
    words = {
        compare.task_word(each) for task in side_by_side(track, (one, two, three)).tasks for each in task.differences
    }
    assert len(words) > 1
    assert watched.complaints == []
    watched.context.close()


def test_without_a_script_the_first_recipes_are_compared(browser: Browser, site: Path, board: Board) -> None:
    track = board.tracks[0]
    page = site / "compare" / f"{track.key.slug}.html"
    side = side_by_side(track, first_shown(track))
    texts = []
    for script in (False, True):
        watched = Watched(browser, java_script_enabled=script)
        watched.page.goto(page.as_uri())
        assert watched.page.locator(".picks").is_visible() == script
        assert watched.page.locator("thead a").all_inner_texts() == [row.name for row in side.rows]
        texts.append(shown(watched.page.locator("table.beside")))
        assert watched.complaints == []
        watched.context.close()
    assert texts == [said(side), said(side)]


def test_entries_are_chosen_compared_and_found_again(browser: Browser, site: Path, board: Board) -> None:
    track = board.tracks[0]
    first, second, third = track.rows[:3]
    watched = Watched(browser, viewport={"width": 1280, "height": 500})
    watched.page.goto((site / "tracks" / f"{track.key.slug}.html").as_uri())
    tray = watched.page.get_by_role("region", name="Entries chosen")
    expect(tray).to_be_hidden()
    watched.page.get_by_role("checkbox", name=f"Compare {first.name}", exact=True).check()
    expect(tray).to_be_in_viewport()
    expect(tray.get_by_role("link")).to_be_hidden()
    watched.page.get_by_role("checkbox", name=f"Compare {second.name}", exact=True).focus()
    watched.page.keyboard.press("Space")
    watched.page.evaluate("scrollTo(0, 0)")
    expect(tray).to_be_in_viewport()
    expect(tray).to_contain_text("2 of at most 4 chosen")
    tray.get_by_role("link", name="Compare").click()
    names = watched.page.locator("table.beside thead a:visible")
    expect(names).to_have_text([first.name, second.name])
    assert watched.address.endswith(f"compare/{track.key.slug}.html?of={first.entry_id},{second.entry_id}")
    watched.page.get_by_role("combobox").nth(2).select_option(third.entry_id)
    expect(names).to_have_text([first.name, second.name, third.name])
    watched.page.reload()
    expect(names).to_have_text([first.name, second.name, third.name])
    watched.page.go_back()
    expect(watched.page.locator("tbody input:checked")).to_have_count(2)
    tray.get_by_role("button", name="Clear").click()
    expect(tray).to_be_hidden()
    assert "of=" not in watched.address
    watched.page.goto((site / "compare" / f"{track.key.slug}.html").as_uri() + "?of=<img>,zzzzzzzzzzzz")
    assert watched.page.locator("table.beside").is_hidden()
    assert watched.complaints == []
    watched.context.close()


def test_the_choice_travels_with_the_links_of_its_track(browser: Browser, site: Path, board: Board) -> None:
    track = board.tracks[0]
    watched = Watched(browser)
    watched.page.goto((site / "tracks" / f"{track.key.slug}.html").as_uri())
    watched.page.get_by_role("checkbox", name=f"Compare {track.rows[0].name}", exact=True).check()
    links = watched.page.locator(f"a[href*='compare/{track.key.slug}']").evaluate_all(
        "links => links.map(link => link.getAttribute('href'))"
    )
    assert links
    assert all(re.search(rf"\?of={track.rows[0].entry_id}(#|$)", link) for link in links[:-1])
    watched.context.close()


def test_no_more_than_four_can_be_chosen(browser: Browser, site: Path, board: Board) -> None:
    watched = Watched(browser)
    ids = [row.entry_id for row in board.tracks[0].rows]
    watched.page.goto((site / "tracks" / f"{board.tracks[0].key.slug}.html").as_uri() + "?of=" + ",".join(ids))
    expect(watched.page.locator("tbody input:checked")).to_have_count(4)
    assert watched.page.locator("tbody input:disabled").count() == len(ids) - 4
    watched.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_comparison_fits_and_is_accessible(
    browser: Browser, site: Path, board: Board, axe: str, width: int, scheme: str
) -> None:
    track = board.tracks[0]
    watched = Watched(browser, viewport={"width": width, "height": 740}, color_scheme=scheme)
    for page, rows in (("compare", track.rows[:2]), ("compare", track.rows[:4]), ("tracks", track.rows[:2])):
        watched.page.goto(address(site / page / f"{track.key.slug}.html", *rows))
        assert watched.overflow() <= 0
        assert watched.violations(axe) == []
    watched.page.goto(address(site / "compare" / f"{track.key.slug}.html", *track.rows[:4]))
    boxes = "[...document.querySelectorAll('main *')].filter(each => each.scrollWidth > each.clientWidth + 1 && "
    boxes += "['auto', 'scroll'].includes(getComputedStyle(each).overflowX)).map(each => each.outerHTML.slice(0, 80))"
    assert watched.page.evaluate(boxes) == []
    watched.context.close()
