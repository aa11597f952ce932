"""Labels: names beside a chart lie apart, inside, in order, and no further from their points than that takes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.site.labels import spread

places = st.lists(st.floats(-50, 350, allow_nan=False), max_size=15)


@given(places)
def test_labels_are_apart_inside_and_in_the_order_of_their_points(found: list[float]) -> None:
    spaced = spread(found, 17, 10, 250)
    order = sorted(range(len(found)), key=lambda at: found[at])
    heights = [spaced[at] for at in order]
    assert all(later - sooner >= 17 - 1e-6 for sooner, later in pairwise(heights))
    assert all(10 - 1e-6 <= each <= 250 + 1e-6 for each in heights)


@given(st.lists(st.integers(0, 10), unique=True, max_size=8))
def test_what_is_apart_already_does_not_move(found: list[int]) -> None:
    wanted = [20.0 * each for each in found]
    assert spread(wanted, 17, 0, 200) == pytest.approx(wanted)


def test_two_that_lie_on_each_other_move_alike() -> None:
    assert spread([100, 100], 20, 0, 200) == [90, 110]
    assert spread([0, 0, 0], 20, 0, 200) == [0, 20, 40]
    assert spread([], 20, 0, 200) == []


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="3 labels need 40 of 39"):
        spread([1, 2, 3], 20, 0, 39)
