"""Timeline: entries by the date of their run, and the most kept so far."""

from itertools import pairwise

import pytest

from leaderboard.board import Row
from leaderboard.ledger import Standing
from leaderboard.site.timeline import moment, timeline
from tests.support.macros import drawing, links, titles
from tests.support.made_up_board import made_row, made_track

CHART = '{% import "timeline.html" as timelines %}{{ timelines.chart(root, track, plot) }}'


def on(day: int, name: str, **fields: object) -> Row:
    return made_row(name, created=f"2026-01-{day:02d}T12:00:00Z", steps=day, **fields)  # type: ignore[arg-type]


def test_one_date_is_no_timeline() -> None:
    assert timeline(made_track(on(1, "a"), on(1, "b"))) is None
    assert timeline(made_track(on(1, "a"), made_row("b", created="whenever"), on(2, "c", kept=None))) is None


def test_the_line_is_the_most_kept_so_far_by_who_shows_a_gain() -> None:
    rows = [
        on(1, "a", kept=0.8), on(2, "b", kept=0.7), on(3, "c", kept=0.9), on(4, "idle", kept=1.0, gain=0.0),
        on(5, "doubted", kept=0.99, standing=Standing.FLAGGED),
    ]  # fmt: skip
    plot = timeline(made_track(*rows))
    assert plot is not None
    assert [(mark.row.entry_id, mark.best) for mark in plot.marks] == [
        ("a", True), ("b", False), ("c", True), ("idle", False), ("doubted", False),
    ]  # fmt: skip
    assert plot.best.count("V") == 1
    assert "most kept so far" in plot.caption
    nothing = timeline(made_track(on(1, "a", gain=0.0), on(2, "b", gain=0.0)))
    assert nothing is not None
    assert nothing.best == ""
    assert "most kept" not in nothing.caption


def test_dates_do_not_lie_on_each_other_and_what_has_none_is_counted() -> None:
    plot = timeline(made_track(*(on(day, f"e{day}") for day in range(1, 29)), made_row("x", created="")))
    assert plot is not None
    places = [float(at) for _, at in plot.ticks]
    assert all(later - sooner >= 74 for sooner, later in pairwise(places))
    assert plot.ticks[0][0] == "2026-01-01"
    assert plot.caption.endswith("1 entry has no date.")


def test_the_drawing_links_every_entry_with_its_date() -> None:
    track = made_track(on(1, "a"), on(2, "b", family="rft"))
    svg = drawing(CHART, track=track, plot=timeline(track))
    assert links(svg) == ["../entries/a.html", "../entries/b.html"]
    assert titles(svg)[1].startswith("2026-01-02, b: keeps 90.0")


@pytest.mark.parametrize(
    ("created", "said"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05+00:00"),
        ("2026-01-02", "2026-01-02T00:00:00+00:00"),
        ("0001-01-01T00:00:00+12:00", None),
        ("<script>", None),
        ("", None),
    ],
)
def test_times_are_read_in_utc_or_not_at_all(created: str, said: str | None) -> None:
    found = moment(created)
    assert (found and found.isoformat()) == said
