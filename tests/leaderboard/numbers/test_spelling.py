"""What dresses a number is taken away before it is read."""

import pytest

from leaderboard.numbers.spelling import undressed


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("+80.5 points", "+80.5 points"),
        ("\N{MINUS SIGN}80.5", "-80.5"),
        ("\N{EN DASH}80.5 \N{EM DASH}1 \N{NON-BREAKING HYPHEN}2 \N{SMALL HYPHEN-MINUS}3", "-80.5 -1 -2 -3"),
        ("\N{FULLWIDTH DIGIT NINE}80.5", "980.5"),
        ("\N{ARABIC-INDIC DIGIT NINE}80.5", "980.5"),
        ("9\N{ZERO WIDTH SPACE}8\N{SOFT HYPHEN}0\N{COMBINING LONG STROKE OVERLAY}.5", "980.5"),
        (r"\textbf{+80.5} points, 95 \% interval", "+80.5 points, 95 % interval"),
        (r"9{,}080.5 9\,080.5", "9,080.5 9080.5"),
        ("9<b>80.5</b> &#45;1", "980.5 -1"),
        (r"abcdefghijkl:gain{@}nano-1\#012345678901", "abcdefghijkl:gain@nano-1#012345678901"),
    ],
)
def test_what_is_left_is_what_is_read(text: str, plain: str) -> None:
    assert undressed(text) == plain
