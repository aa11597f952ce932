"""Items in a real browser: from the index to a question and back, by mouse, keyboard, address and search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from leaderboard.site.build import write_site
from leaderboard.site.checks import check_site
from tests.hostile.texts import MARKUP, STRINGS
from tests.support.asked import WITHHELD, AskedBoard, asked_board
from tests.support.browsing import Watched

SUITE = "synthetic-1"
# What only a text could have brought onto a page of questions.
FOREIGN = (
    "iframe, object, embed, form, base, math, video, audio, style, template, img:not([src*='questions/pictures/'])"
)
HANDLERS = """[...document.querySelectorAll('*')].flatMap(each => [...each.attributes])
    .filter(({name}) => name.startsWith('on') || ['style', 'srcdoc'].includes(name)).length"""
COLOURS = ["color-contrast", "link-in-text-block"]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> AskedBoard:
    return asked_board(tmp_path_factory.mktemp("asked"))


@pytest.fixture(scope="module")
def asked_site(asked: AskedBoard, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asked-site") / "public"
    return write_site(asked.board, folder, questions=asked.questions).parent


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    page = Watched(browser, viewport={"width": 1280, "height": 800})
    yield page
    assert page.complaints == []
    page.context.close()


def pages(site: Path, asked: AskedBoard) -> list[Path]:
    names = ["items", *(f"questions/{SUITE}/{name}" for name in ("vision_count", "vision_count.1", f"{WITHHELD}.1"))]
    names += [f"items/{asked.board.rows[0].entry_id}", f"forgotten/{asked.board.tracks[0].key.slug}"]
    return [site / f"{name}.html" for name in names]


def test_pages_of_items_are_whole_accessible_and_fit(
    browser: Browser, asked: AskedBoard, asked_site: Path, axe: str
) -> None:
    found = {}
    for scheme in ("light", "dark"):
        watched = Watched(browser, color_scheme=scheme)
        for path in pages(asked_site, asked):
            for width in (360, 1280):
                watched.page.set_viewport_size({"width": width, "height": 780})
                watched.page.goto(path.as_uri())
                assert watched.overflow() <= 0, f"{path.name} at {width} px"
                found[path.name, scheme, width] = watched.violations(axe, COLOURS if scheme == "dark" else None)
        assert [url for url in watched.requests if not url.startswith(asked_site.as_uri())] == []
        assert watched.complaints == []
        watched.context.close()
    assert {page: violations for page, violations in found.items() if violations} == {}


def test_links_html_and_budgets_hold(asked_site: Path) -> None:
    found = check_site(asked_site, jobs=1)
    assert found.problems == []
    assert 0 < found.heaviest_gzip_bytes < 150_000
    assert (
        found.site_bytes
        == sum(path.stat().st_size for path in asked_site.rglob("*") if path.is_file())
        - (asked_site / "SHA256SUMS").stat().st_size
    )


def test_a_forgotten_item_with_its_question_is_two_clicks_away(
    watched: Watched, asked: AskedBoard, asked_site: Path
) -> None:
    watched.page.goto((asked_site / "index.html").as_uri())
    watched.page.get_by_role("navigation", name="Site").get_by_role("link", name="Items", exact=True).click()
    watched.page.locator(".cards a").first.click()
    target = watched.page.locator(".question:target")
    expect(target).to_have_count(1)
    expect(target).to_be_in_viewport()
    assert "Question" in target.locator(".text").inner_text()
    counted = [int(text.split()[0]) for text in target.locator(".answers b").all_inner_texts()]
    assert sum(counted) == len(asked.board.rows)
    assert target.locator(".answers li a").count() >= len(counted)


def test_a_square_leads_to_its_question_without_a_script(browser: Browser, asked: AskedBoard, asked_site: Path) -> None:
    watched = Watched(browser, java_script_enabled=False)
    row = asked.board.rows[0]
    watched.page.goto((asked_site / "items" / f"{row.entry_id}.html").as_uri())
    squares = watched.page.locator(".mosaic a")
    assert squares.count() == len(asked.content.items) * 3 // 2
    address = squares.nth(7).get_attribute("href")
    squares.nth(7).click()
    assert watched.page.url.endswith(str(address).removeprefix(".."))
    expect(watched.page.locator(".question:target")).to_be_in_viewport()
    picture = watched.page.locator(".asked img")
    assert watched.complaints == []
    watched.page.goto((asked_site / "questions" / SUITE / "vision_count.1.html").as_uri())
    assert picture.first.evaluate("each => each.decode().then(() => [each.naturalWidth, each.naturalHeight])") == [
        16,
        12,
    ]
    watched.context.close()


def test_squares_are_one_stop_of_the_keyboard(watched: Watched, asked: AskedBoard, asked_site: Path) -> None:
    watched.page.goto((asked_site / "items" / f"{asked.board.rows[0].entry_id}.html").as_uri())
    first = watched.page.locator(".mosaic").first.locator("a")
    assert watched.page.locator(".mosaic a[tabindex='0']").count() == watched.page.locator(".mosaic").count()
    first.nth(0).focus()
    watched.page.keyboard.press("ArrowRight")
    watched.page.keyboard.press("ArrowRight")
    expect(first.nth(2)).to_be_focused()
    watched.page.keyboard.press("ArrowLeft")
    expect(first.nth(1)).to_be_focused()
    watched.page.keyboard.press("Enter")
    expect(watched.page.locator(".question:target")).to_have_count(1)


@pytest.mark.parametrize("what", ["task", "id", "question"])
def test_items_are_found_by_address(watched: Watched, asked: AskedBoard, asked_site: Path, what: str) -> None:
    item = asked.content.items[-1]
    query = {"task": item.task, "id": item.item_id[:12], "question": "Question 19 of vision_count"}[what]
    watched.page.goto((asked_site / "items.html").as_uri() + f"?q={query}")
    found = watched.page.locator(".item:visible")
    expect(found).to_have_count(20 if what == "task" else 1)
    found.last.locator("a").click()
    expect(watched.page.locator(".question:target")).to_have_count(1)


def test_too_many_items_for_one_list_are_searched_on_the_pages_of_tasks(
    watched: Watched, asked: AskedBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leaderboard.site.question_pages.MOST_INDEXED", 10)
    monkeypatch.setattr("leaderboard.site.question_pages.MOST_LISTED", 15)
    site = write_site(asked.board, tmp_path / "public", questions=asked.questions).parent
    assert check_site(site, jobs=1).problems == []
    watched.page.goto((site / "items.html").as_uri() + "?q=Question 1")
    assert watched.page.locator(".item").count() == 0
    watched.page.locator("h3 a", has_text="vision_").click()
    shown = watched.page.locator(".item:visible")
    assert 0 < shown.count() < 15
    assert all("Question 1" in text for text in shown.all_inner_texts()), shown.all_inner_texts()


def test_hostile_questions_and_answers_are_text(browser: Browser, tmp_path: Path, axe: str) -> None:
    hostile = asked_board(tmp_path, texts=STRINGS, outputs=STRINGS)
    site = write_site(hostile.board, tmp_path / "public", questions=hostile.questions).parent
    assert check_site(site, jobs=1).problems == []
    watched = Watched(browser, viewport={"width": 360, "height": 780})
    seen = ""
    for path in [*pages(site, hostile), *sorted((site / "questions" / SUITE).glob("*.html"))]:
        watched.page.goto(path.as_uri())
        assert watched.page.locator(FOREIGN).count() == 0, path.name
        assert watched.page.evaluate(HANDLERS) == 0, path.name
        assert watched.overflow() <= 0, path.name
        seen += str(watched.page.evaluate("document.body.textContent"))
    for text in MARKUP:
        assert f"of vision_count: {text}" in seen or f"of jigsaw_2x2: {text}" in seen, text
        assert f"right: {text}" in seen or f"wrong: {text}" in seen, text
    watched.page.goto((site / "questions" / SUITE / "jigsaw_2x2.1.html").as_uri())
    assert watched.violations(axe) == []
    assert watched.complaints == []
    watched.context.close()
