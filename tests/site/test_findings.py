"""Pages of studies in a real browser: accessible by day and in the dark, whole on a phone, read without a script."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from harness.scoring import verdict_sentence
from leaderboard.board.board import Board
from leaderboard.site.build import write_site
from tests.support.browsing import Watched
from tests.support.studies import Arm, along, study

CLAIMS = [("high", "low"), ("low", "high"), ("wide", "high"), ("dead", "high")]
KL, GAIN = "forward KL on prior prompts", "normalised gain"
# Every kind of claim, a failed training, and arms enough for a correlation; beside it a study that has next to nothing.
FULL = study(
    {
        "high": Arm((0.97, 0.98, 0.975), title="SFT, learning rate 1e-4", rate=1e-4, kl=0.1, perplexity=1.1),
        "low": Arm((0.40, 0.41, 0.405), title="SFT, learning rate 1e-3", rate=1e-3, kl=1.5, perplexity=1.1),
        "wide": Arm((0.97, 0.2, 0.6), title="RFT (GRPO)", method="rft", rate=2e-4, kl=0.2, perplexity=9.0),
        "dead": Arm((None, 0.9, 0.9), title="SFT on rollouts of the RFT model", method="rollout-sft", kl=0.3),
        "own": Arm(
            (0.8, 0.8, 0.9), title="SFT on correct samples of the base", method="self-sft", kl=0.3, perplexity=2.0
        ),
    },
    CLAIMS,
    name="full",
    target={"predictors": (along(KL, (0.3, 0.8)), along(GAIN, (-0.8, -0.2)))},
)
BARE = study({"one": Arm((0.9,)), "other": Arm((None,))}, [("one", "other")], name="bare", quick=True)
PAGES = ("findings.html", "findings/full.html", "findings/bare.html")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("findings")
    (folder / "studies").mkdir()
    for made in (FULL, BARE):
        (folder / "studies" / f"{made.name}.json").write_text(made.to_json(), encoding="utf-8")
    return write_site(Board((), ()), folder / "public", studies=folder / "studies").parent


@pytest.fixture
def phone(browser: Browser) -> Iterator[Watched]:
    watched = Watched(browser, viewport={"width": 360, "height": 740}, java_script_enabled=False)
    yield watched
    watched.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_and_the_pages_are_silent(
    browser: Browser, root: Path, axe: str, scheme: str, width: int
) -> None:
    watched = Watched(browser, color_scheme=scheme, viewport={"width": width, "height": 800})
    for page in PAGES:
        watched.page.goto((root / page).as_uri())
        assert watched.violations(axe) == [], page
        assert watched.overflow() <= 0, page
    assert watched.complaints == []
    assert [url for url in watched.requests if not url.startswith(root.as_uri())] == []
    watched.context.close()


# Boxes that a reader would have to scroll by themselves, everything folded out.
BOXES = """() => {
    for (const box of document.querySelectorAll('details')) box.open = true
    return [...document.querySelectorAll('main *')].filter(each => {
        const {overflowX, overflowY} = getComputedStyle(each)
        return !(each instanceof SVGElement) && ['auto', 'scroll'].some(way => [overflowX, overflowY].includes(way))
    }).map(each => each.tagName + '.' + each.className)
}"""


def test_nothing_scrolls_by_itself_and_nothing_is_wider_than_a_phone(phone: Watched, root: Path) -> None:
    for page in PAGES:
        phone.page.goto((root / page).as_uri())
        assert phone.page.evaluate(BOXES) == [], page
        assert phone.overflow() <= 0, page


def test_on_a_phone_a_claim_is_a_card_with_all_its_cells(phone: Watched, root: Path) -> None:
    phone.page.goto((root / "findings/full.html").as_uri())
    card = phone.page.locator(".matrix tbody tr:not(.group)").first
    box = card.bounding_box()
    assert box is not None
    assert box["width"] <= 340
    cells = card.locator("td.cell")
    assert cells.count() == 4
    for place in range(4):
        cell = cells.nth(place).bounding_box()
        assert cell is not None
        assert box["x"] <= cell["x"] <= cell["x"] + cell["width"] <= box["x"] + box["width"] + 1
    label = "each => getComputedStyle(each, '::before').content"
    assert cells.first.evaluate(label).replace("\N{NO-BREAK SPACE}", " ") == '"At 25 % gain"'


def test_a_chart_is_drawn_for_the_window_it_is_seen_in(browser: Browser, root: Path) -> None:
    watched = Watched(browser, viewport={"width": 1280, "height": 800})
    watched.page.goto((root / "findings/full.html").as_uri())
    figure = watched.page.locator("figure.both")
    assert figure.locator("svg.plate:visible:not(.slender) > .name").all_inner_texts() != []
    assert figure.locator("svg.slender:visible, .letter-key:visible").count() == 0
    watched.page.set_viewport_size({"width": 360, "height": 740})
    assert figure.locator("svg.slender:visible").count() == 1
    assert figure.locator(".letter-key li:visible").count() == len(FULL.targets[0].trainings)
    watched.context.close()


def test_text_of_a_drawing_is_read_without_a_glass(browser: Browser, root: Path) -> None:
    for width in (360, 800, 1280):
        watched = Watched(browser, viewport={"width": width, "height": 800})
        watched.page.goto((root / "findings/full.html").as_uri())
        sizes = watched.page.evaluate("""() => [...document.querySelectorAll('main svg.plate text')]
            .filter(each => each.checkVisibility() && !each.closest('details'))
            .map(each => parseFloat(getComputedStyle(each).fontSize) * each.getScreenCTM().a)
            .filter(size => size > 0)""")
        assert min(sizes) >= 9, width
        watched.context.close()


def test_verdicts_and_contents_lead_to_their_places_without_a_script(phone: Watched, root: Path) -> None:
    phone.page.goto((root / "findings.html").as_uri())
    assert (
        phone.page.get_by_text(
            verdict_sentence(BARE.targets[0], len(BARE.seeds)).replace(" %", "\N{NO-BREAK SPACE}%")
        ).count()
        == 1
    )
    phone.page.locator(".glance a").first.click()
    links = phone.page.locator(".outline a")
    anchors = [str(links.nth(place).get_attribute("href")) for place in range(links.count())]
    assert anchors[0] == "#jigsaw"
    assert all(phone.page.locator(anchor).count() == 1 for anchor in anchors)
    assert phone.page.locator("main input, main button").count() == 0
    phone.page.locator("summary").first.click()
    assert phone.page.locator(".panels figure:visible").count() + phone.page.locator("details[open]").count() > 0
