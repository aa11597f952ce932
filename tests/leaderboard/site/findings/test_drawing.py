"""Scales and labels of a study's drawings."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from leaderboard.site.charts import axis
from leaderboard.site.findings.drawing import SLENDER, WIDE, Scale, labels, positive_scale
from leaderboard.site.findings.looks import looks
from tests.support.studies import Arm, target

LOOK = next(iter(looks(target({"a": Arm((1.0,), title="A name")}).trainings).values()))


def test_a_scale_places_what_lies_outside_where_it_belongs() -> None:
    scale = Scale(axis([0.5, 1.0], 100.0, 0.0, include=()))
    assert scale.number(0.5) == 100
    assert scale.number(0.0) == 200


def test_numbers_far_apart_have_powers_of_ten() -> None:
    far = positive_scale([0.011, 3.0], 0.0, 300.0)
    assert far.logarithmic
    assert far.ticks() == (0.01, 0.1, 1.0, 10.0)
    assert far.at(0.1) == "100"
    near = positive_scale([1.06, 1.14], 0.0, 300.0)
    assert not near.logarithmic
    assert near.ticks()[0] <= 1.06


@given(st.lists(st.tuples(st.floats(60, 650), st.floats(28, 470)), min_size=1, max_size=9))
def test_labels_lie_on_the_sheet_and_not_on_each_other(points: list[tuple[float, float]]) -> None:
    for frame in (WIDE, SLENDER):
        found = labels(
            frame, [(LOOK, "text", min(max(x, frame.left), frame.right), min(y, frame.bottom)) for x, y in points]
        )
        places = sorted(float(label.y) for label in found)
        assert len(found) == len(points)
        assert places[0] >= 0
        assert places[-1] <= frame.bottom
        assert all(low + 16 <= high for low, high in pairwise(places))


def test_a_point_far_to_the_left_is_labelled_where_it_is() -> None:
    (label,) = labels(WIDE, [(LOOK, "text", 100.0, 200.0)], near=0.5)
    assert (label.leader, label.x) == ("", "109")
    (letter,) = labels(SLENDER, [(LOOK, "text", 100.0, 200.0)])
    assert letter.text == LOOK.letter
