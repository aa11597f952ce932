"""Rates: a line a method with several learning rates, seeds as marks, tracks told apart."""

from dataclasses import replace
from itertools import pairwise

import pytest

from leaderboard.board import Row
from leaderboard.board.recipes import recipes
from leaderboard.site.rates import WIDTH, Rates, rates
from tests.support.macros import SVG, drawing, links, titles
from tests.support.made_up_board import made_row, made_track, seeds_of

CHART = '{% import "rates.html" as rates %}{{ rates.chart(root, plot) }}'


def made(*boards: tuple[str, list[Row]]) -> Rates | None:
    tracks = [made_track(*rows, target=target) for target, rows in boards]
    return rates([(track, recipes(track)) for track in tracks])


def sft(prefix: str = "e", *found: float) -> list[Row]:
    each = found or (1e-4, 3e-4, 1e-3)
    return [row for rate in each for row in seeds_of(f"{prefix}{rate:g}-", [0.9, 0.8], learning_rate=rate)]


def test_without_a_second_learning_rate_there_is_no_chart() -> None:
    assert made(("jigsaw", [made_row("a"), made_row("b", steps=3), made_row("c", learning_rate=None)])) is None
    assert made(("jigsaw", [made_row("a"), made_row("b", kept=None, learning_rate=1e-3)])) is None
    assert rates([]) is None


def test_a_learning_rate_of_nothing_has_no_place_and_extreme_ones_have_one() -> None:
    assert made(("jigsaw", [made_row("a", learning_rate=0), made_row("b", learning_rate=1e-4)])) is None
    plot = made(("jigsaw", sft("e", 0, 1e-30, 1e-4, 1e15)))
    assert plot is not None
    assert len(plot.lines[0].marks) == 6


def test_the_axis_is_logarithmic_and_has_the_rates_themselves() -> None:
    plot = made(("jigsaw", sft()))
    assert plot is not None
    assert [rate for rate, _ in plot.ticks] == ["1e-4", "3e-4", "1e-3"]
    low, middle, high = (float(at) for _, at in plot.ticks)
    assert (middle - low) / (high - low) == pytest.approx(0.477, abs=0.01)
    (line,) = plot.lines
    assert (line.text, line.family, len(line.marks)) == ("SFT", "sft", 6)
    assert line.path.count("L") == 2


def test_one_target_on_two_suites_is_told_apart_by_suite() -> None:
    one, two, other = (
        made_track(*sft(name), target=target) for name, target in (("a", "jigsaw"), ("b", "jigsaw"), ("c", "science"))
    )
    two = replace(two, key=replace(two.key, suite="nano-2"))
    plot = rates([(track, recipes(track)) for track in (one, two, other)])
    assert plot is not None
    assert [line.text for line in plot.lines] == [f"jigsaw, {one.key.suite}", "jigsaw, nano-2", "science"]


def test_the_longer_the_names_the_more_room_they_have() -> None:
    short = made(("jigsaw", sft()))
    rft = [row for rate in (1e-4, 1e-3) for row in seeds_of(f"r{rate:g}", [0.9], family="rft", learning_rate=rate)]
    long = made(("jigsaw", [*sft(), *rft]), ("a-target-of-many-letters", sft("s")))
    assert short is not None
    assert long is not None
    assert float(long.text_x) < float(short.text_x)
    for plot in (short, long):
        longest = max(len(line.text) for line in plot.lines)
        assert float(plot.text_x) + 7 * longest <= WIDTH
        places = [float(mark.x) for line in plot.lines for mark in line.marks]
        assert max(places) < float(plot.right) < float(plot.text_x)


def test_many_rates_have_decades_and_close_ones_do_not_lie_on_each_other() -> None:
    plot = made(("jigsaw", sft("e", *(10**-6 * 2**step for step in range(12)))))
    assert plot is not None
    assert [rate for rate, _ in plot.ticks] == ["1e-6", "1e-5", "1e-4", "1e-3"]
    close = made(("jigsaw", sft("e", 1e-4, 1.01e-4, 1e-3)))
    assert close is not None
    assert [rate for rate, _ in close.ticks] == ["1e-4", "1e-3"]
    narrow = made(("jigsaw", sft("e", *(3e-4 * 1.1**step for step in range(8)))))
    assert narrow is not None
    assert len(narrow.ticks) == 2


def test_tracks_share_the_chart_and_are_named_and_dashed() -> None:
    plot = made(("jigsaw", sft()), ("science", sft("s", 1e-4, 3e-4)))
    assert plot is not None
    assert [(line.text, line.dash) for line in plot.lines] == [("jigsaw", 0), ("science", 1)]
    assert plot.caption.endswith("Dashes tell tracks apart.")
    rft = [made_row(f"r{rate:g}", family="rft", learning_rate=rate) for rate in (1e-6, 1e-5)]
    both = made(("jigsaw", [*sft(), *rft]), ("science", sft("s", 1e-4, 3e-4)))
    assert both is not None
    assert {line.text for line in both.lines} == {"SFT, jigsaw", "RFT, jigsaw", "SFT, science"}
    heights = sorted(float(line.text_y) for line in both.lines)
    assert all(later - sooner >= 15.9 for sooner, later in pairwise(heights))


def test_the_drawing_links_every_seed_and_says_its_numbers() -> None:
    plot = made(("jigsaw", sft()))
    assert plot is not None
    svg = drawing(CHART, plot=plot)
    entries = {link for link in links(svg) if link.startswith("../entries/")}
    assert len(entries) == 6
    assert any(title.startswith("lr 1e-3, e0.001-0: keeps 90.0") for title in titles(svg))
    said = svg.findtext(f"{SVG}desc") or ""
    assert "SFT, jigsaw: 85.0\u00a0% at 1e-4, 85.0\u00a0% at 3e-4, 85.0\u00a0% at 1e-3." in said
