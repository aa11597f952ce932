"""Scatter: recipes as points, zoomed to the data, every one named and linked, also where they lie on each other."""

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from leaderboard.board import Row, Track
from leaderboard.board.recipes import recipes
from leaderboard.site.scatter import Scatter, scatter
from tests.support.macros import SVG, drawing, links, titles
from tests.support.made_up_board import made_row, made_track, seeds_of

CHART = '{% import "scatter.html" as scatters %}{{ scatters.chart(root, track, plot) }}'
SHAPES = '{% import "scatter.html" as scatters %}{{ scatters.shapes(plot) }}'


def made(*rows: Row) -> tuple[Track, Scatter]:
    track = made_track(*rows)
    plot = scatter(track, recipes(track))
    assert plot is not None
    return track, plot


def many(count: int, **fields: Any) -> list[Row]:
    return [made_row(f"e{at}", steps=at + 1, **fields) for at in range(count)]


def test_nothing_kept_nothing_drawn() -> None:
    track = made_track(made_row("a", kept=None))
    assert scatter(track, recipes(track)) is None


def test_axes_are_zoomed_to_the_data_and_say_so() -> None:
    _, plot = made(*seeds_of("a", [0.93, 0.95], gain=[0.79, 0.8]), made_row("b", kept=0.9, gain=0.81, steps=1))
    assert plot.x.low > 0.7
    assert plot.y.low > 0.8
    assert plot.x.holds(0.79)
    assert plot.y.holds(0.95)
    assert plot.caption.endswith("The axes begin where the data do, not at 0.")
    assert "faint marks are its seeds" in plot.caption
    _, through_0 = made(*many(2, kept=0.0, gain=0.0), made_row("b", gain=0.5))
    assert "not at 0" not in through_0.caption


def test_points_on_each_other_are_named_apart_and_can_all_be_chosen() -> None:
    track, plot = made(*many(26))
    assert len({(point.x, point.y) for point in plot.points}) == 1
    heights = sorted(float(point.text_y) for point in plot.points)
    assert all(later - sooner >= 16.9 for sooner, later in pairwise(heights))
    assert heights[-1] < plot.height
    svg = drawing(CHART, track=track, plot=plot)
    targets = {f"../tracks/{track.key.slug}.html#{recipe.slug}" for recipe in recipes(track)}
    assert set(links(svg)) == targets
    texts = {each.findtext(f"{SVG}text") for each in svg.iter(f"{SVG}a")}
    assert len(texts) == 26
    assert None not in texts


def test_of_very_many_the_first_are_named_and_all_are_drawn() -> None:
    track, plot = made(*many(60))
    assert sum(bool(point.text) for point in plot.points) == 40
    assert len(links(drawing(CHART, track=track, plot=plot))) == 60


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-0.3, 1.2), st.floats(-0.5, 0.9)), min_size=1, max_size=12))
def test_every_point_and_every_name_is_inside(found: list[tuple[float, float]]) -> None:
    _, plot = made(*(made_row(f"e{at}", kept=kept, gain=gain, steps=at) for at, (kept, gain) in enumerate(found)))
    for point in plot.points:
        assert 46 <= float(point.x) <= 214
        assert 30 <= float(point.y) <= plot.height
        assert 30 <= float(point.text_y) <= plot.height


def test_seeds_lie_around_their_mean_with_their_numbers() -> None:
    track, plot = made(*seeds_of("a", [0.9, 0.8]), made_row("b", family="rft"))
    svg = drawing(CHART, track=track, plot=plot)
    assert {"../entries/a0.html", "../entries/a1.html"} < set(links(svg))
    assert "../entries/b.html" not in links(svg)
    assert any(title.startswith("a0: keeps 90.0") for title in titles(svg))
    assert svg.findtext(f"{SVG}title") == "Gain on jigsaw against retention, a point a recipe"
    assert (svg.findtext(f"{SVG}desc") or "").startswith(plot.caption)


def test_families_have_shapes_that_are_explained_where_there_are_two() -> None:
    _, plot = made(made_row("a"), made_row("b", family="rft"))
    assert plot.families == ("sft", "rft")
    legend = drawing(f"<svg >{SHAPES}</svg>", plot=plot)
    assert "RFT" in "".join(legend.itertext())
    _, alone = made(made_row("a"), made_row("b", steps=1))
    assert not "".join(drawing(f"<svg >{SHAPES}</svg>", plot=alone).itertext()).strip()
