"""One pair's report in a real browser: silent, filtered without a script, and usable with 10,000 flipped items."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from harness.records.run import read_run
from harness.records.samples import Outcome
from harness.report import page
from harness.report.flips import LONGEST_OUTPUT
from harness.scoring import score_pair
from tests.support.browsing import Watched
from tests.support.synthetic import SyntheticTask, synthetic_run

TASKS = tuple(
    SyntheticTask(f"task_{k}", "jigsaw" if k == 0 else "prior", f"group_{k % 4}", 0.25, n=1000) for k in range(10)
)


def say(task: str, place: int, outcome: Outcome) -> str:
    return f"<answer>{place}-{outcome}</answer>" + " because it is so" * 150


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten tasks of 1,000 items, every one of which flipped: half forgotten, half learned, but for two tasks."""
    folder = tmp_path_factory.mktemp("report")
    for name, even in (("base", "correct"), ("tuned", "wrong")):
        odd = "wrong" if even == "correct" else "correct"
        outcomes = {task.name: [even, odd] * (task.n // 2) for task in TASKS}
        outcomes["task_8"], outcomes["task_9"] = [even] * 1000, [odd] * 1000
        synthetic_run(folder / name, TASKS, name=name, outcomes=outcomes, output=say)
    runs = read_run(folder / "base"), read_run(folder / "tuned")
    path = folder / "report.html"
    path.write_text(page.render_pair_page(score_pair(*runs, "jigsaw"), *runs), encoding="utf-8")
    return path


def test_ten_thousand_flips_are_all_there_in_one_file_that_opens(browser: Browser, report: Path) -> None:
    assert report.stat().st_size < 20_000_000
    watched = Watched(browser)
    watched.page.goto(report.as_uri())
    assert watched.page.locator(".flip").count() == 10_000
    # Closed: none of them is laid out.
    assert watched.page.locator(".flip:visible").count() == 0
    said = watched.page.locator("h2:text-is('Items that flipped') + p").inner_text()
    assert "up to 600 characters each" in said
    assert LONGEST_OUTPUT > 600
    assert (watched.complaints, watched.requests) == ([], [report.as_uri()])
    watched.context.close()


def test_filters_work_without_a_script(browser: Browser, report: Path) -> None:
    watched = Watched(browser, java_script_enabled=False)
    page = watched.page
    page.goto(report.as_uri())
    page.locator("details.t3 summary").click()
    shown = page.locator("details.t3 .flip")
    assert shown.nth(0).is_visible()
    page.locator("label[for=kind-learned]").click()
    assert not page.locator("details.t3 .forgotten-item").first.is_visible()
    assert page.locator("details.t3 .learned-item").first.is_visible()
    # A task without such an item is not listed.
    names = page.locator(".flips details:visible strong").all_inner_texts()
    assert "task_9" in names
    assert "task_8" not in names
    page.locator("label[for=task-3]").click()
    assert page.locator(".flips details:visible").count() == 1
    page.locator("label[for=kind-all]").click()
    page.locator("label[for=task-all]").click()
    assert page.locator(".flips details:visible").count() == 10
    watched.context.close()


def test_filters_are_reached_with_the_keyboard(browser: Browser, report: Path) -> None:
    watched = Watched(browser)
    watched.page.goto(report.as_uri())
    watched.page.locator("#kind-all").focus()
    watched.page.keyboard.press("ArrowRight")
    assert watched.page.locator("#kind-forgotten").is_checked()
    watched.context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_the_page_fits(browser: Browser, report: Path, width: int, scheme: str) -> None:
    watched = Watched(browser, color_scheme=scheme, viewport={"width": width, "height": 780})
    watched.page.goto(report.as_uri())
    watched.page.locator("details summary").first.click()
    assert watched.overflow() <= 0
    watched.context.close()
