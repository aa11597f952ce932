"""A number is read with the words and signs beside it: what belongs to something larger has no value."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.numbers.figures import Figure, figures_in
from leaderboard.numbers.spelling import undressed


def read(text: str) -> list[Figure]:
    return list(figures_in(undressed(text)))


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("gain +80.5 points", 80.5, "points"),
        ("about 80.5 percentage points", 80.5, "points"),
        ("a gain of 80.5 pp on 3 seeds", 80.5, "points"),
        ("retention 99.9 per cent", 99.9, "%"),
        ("gain = 0.805", 0.805, ""),
        ("gain: -80.5 points", -80.5, "points"),
        ("minus 80.5 points", -80.5, "points"),
        ("a negative 80.5 points", -80.5, "points"),
        ("plus 80.5 points", 80.5, "points"),
        ("**80.5 points**", 80.5, "points"),
        ("gain \N{EM DASH} 80.5 points \N{EM DASH} on nano", 80.5, "points"),
        ("gain -- 80.5 points", 80.5, "points"),
        ("- 80.5 points", 80.5, "points"),  # An item of a list.
        ("> * 80.5 points", 80.5, "points"),
        ("80.5 points of what was left", 80.5, "points"),
        ("80.5 points, ten times over", 80.5, "points"),
        ("half of the items, 80.5 points", 80.5, "points"),
    ],
)
def test_a_number_is_read_with_its_sign_and_unit(text: str, value: float, unit: str) -> None:
    found = read(text)[0]
    assert (found.value, found.unit) == (value, unit)


BEFORE = (
    "half|half of|half a|a third of|twice|double|three times|2 x|2 *|1/2 of|50 % of the|a thousand times|tenfold"
    "|a fraction of|the root of|7 minus|100 less|plus or minus|divided by|by a factor of|more than|less than"
    "|at least|no more than|up to|above|not|rather than|between|>|<=|\u2265|\u2260|\xb1|-|\N{MINUS SIGN}|= -"
)
BEHIND = (
    "thousand points|million points|trillion points|dozen points|hundredths of points|k points|per mille|permille"
    "|\u2030|basis points|bps|points squared|points times 3|points x 3|points * 3|points / 2|points - 3|points + 4"
    "|points \xb1 1|points (in thousands)|points of a thousandth|points or more|points and a half|% of a tenth"
    "|% divided by 2|% or less|fold|to 2 points more"
)


@pytest.mark.parametrize("text", [*(f"gain {each} 80.5 points" for each in BEFORE.split("|")),
                                  *(f"gain {each}80.5 points" for each in ("$-$", "-~", '-"', "-*", "-`", "2(", "3e")),
                                  *(f"gain 80.5 {each}" for each in BEHIND.split("|"))])  # fmt: skip
def test_what_belongs_to_something_larger_has_no_value(text: str) -> None:
    stated = read(text)
    assert all(each.value != 80.5 for each in stated if each.unit or len(stated) == 1), stated


@pytest.mark.parametrize(
    "text", ["fell by 80.5 points", "a loss of 80.5 points", "lost 80.5 points", "80.5 points lower"]
)
def test_a_fall_in_words_is_noted(text: str) -> None:
    assert [(each.value, each.falls) for each in read(text)] == [(80.5, True)]
    assert not read(text.replace("80.5", "-80.5"))[0].falls


@given(st.text("0123456789.,+- ~*$xe%[]()pointsminushalf", max_size=120))
def test_any_text_is_read_at_once(text: str) -> None:
    assert all(math.isnan(each.value) == math.isnan(each.half) for each in figures_in(undressed(text)))
