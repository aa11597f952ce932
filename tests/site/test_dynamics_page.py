"""The page of ``retention dynamics`` in a real browser: silent, accessible, and whole on a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from harness.report.dynamics import render_dynamics_page
from harness.scoring.dynamics.document import Dynamics
from tests.support.browsing import Watched
from tests.support.explaining import document
from tests.support.synthetic_board import HOSTILE


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dynamics") / "why.html"
    hostile = {"name": HOSTILE, "weights_digest": "a" * 64}
    path.write_text(render_dynamics_page(Dynamics.model_validate(document(base=hostile))), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_the_page_is_silent(browser: Browser, page: Path, axe: str, scheme: str) -> None:
    watched = Watched(browser, color_scheme=scheme)
    watched.page.goto(page.as_uri())
    assert (watched.complaints, watched.requests) == ([], [page.as_uri()])
    assert watched.violations(axe) == []
    watched.context.close()


def test_nothing_is_wider_than_a_phone(browser: Browser, page: Path) -> None:
    watched = Watched(browser, viewport={"width": 360, "height": 700})
    watched.page.goto(page.as_uri())
    assert watched.overflow() == 0
    watched.context.close()


def test_marks_stand_where_the_axis_says(browser: Browser, page: Path) -> None:
    """The ring of a cosine below 0 lies left of the middle, under which the axis says 0."""
    watched = Watched(browser)
    watched.page.goto(page.as_uri())
    section = watched.page.locator("section", has=watched.page.locator("h2:text-is('In which direction')"))
    drawing = section.locator("svg").first.bounding_box()
    zero = section.locator(".axis span:text-is('0')").first.bounding_box()
    assert drawing is not None
    assert zero is not None
    assert zero["x"] + zero["width"] / 2 == pytest.approx(drawing["x"] + drawing["width"] / 2, abs=1)
    watched.context.close()
