"""How numbers and names read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from leaderboard.numbers import formats


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.623, "+62.3"), (-0.04, "\N{MINUS SIGN}4.0"), (0.0, "0.0"), (-0.0004, "0.0"), (None, "\N{EN DASH}")],
)
def test_points(value: float | None, text: str) -> None:
    assert formats.points(value) == text


def test_intervals_and_absent_ones() -> None:
    assert formats.points_ci((-0.1, 0.25)) == "[\N{MINUS SIGN}10.0, +25.0]"
    assert formats.ratio_ci((0.8, 1.0)) == "[80.0, 100.0]"
    assert (formats.ratio(0.873), formats.ratio(-0.1)) == ("87.3\u00a0%", "\N{MINUS SIGN}10.0\u00a0%")
    assert (formats.points_ci(None), formats.ratio_ci(None), formats.ratio(None), formats.percent(None)) == (
        "", "", "\N{EN DASH}", "\N{EN DASH}"
    )  # fmt: skip


def test_counts_probabilities_and_hyper_parameters() -> None:
    assert formats.count(27360) == "27,360"
    assert (formats.probability(0.0001), formats.probability(0.0314)) == ("<\u00a00.001", "0.031")
    assert (formats.number(1e-5), formats.number(400), formats.number(None)) == ("1e-5", "400", "not disclosed")
    assert [formats.number(value) for value in (3e-4, 2.5e-6, 0.04, 0.0)] == ["3e-4", "2.5e-6", "0.04", "0"]


def test_learning_rates_are_printed_alike() -> None:
    said = [formats.learning_rate(value) for value in (1e-2, 1e-3, 2e-3, 2.5e-4, 1e-5, 0.1, 0.5, 1.0, 0.0, None)]
    assert said == ["1e-2", "1e-3", "2e-3", "2.5e-4", "1e-5", "0.1", "0.5", "1", "0", "not disclosed"]
    # Where a table knows no more than that it is a number, those that learning rates have read alike too.
    assert [formats.number(value) for value in (1e-3, 2e-3, 1e-4, 0.01)] == ["1e-3", "2e-3", "1e-4", "0.01"]


def test_text_by_others_is_escaped_isolated_and_capped() -> None:
    assert formats.by_others("\u202e<b>&") == Markup("<bdi>&lt;b&gt;&amp;</bdi>")
    assert formats.by_others("x" * 100, 5) == Markup("<bdi>xxxx…</bdi>")
    assert formats.by_others("") == Markup("<bdi>\N{EN DASH}</bdi>")


def test_a_name_may_break_behind_an_underscore_and_reads_the_same() -> None:
    assert formats.by_others("a_<b>") == Markup("<bdi>a_<wbr>&lt;b&gt;</bdi>")


def test_a_link_is_made_of_plain_https_only() -> None:
    assert formats.linked("https://example.org/?b=1&c=2") == Markup(
        '<a href="https://example.org/?b=1&amp;c=2" rel="nofollow ugc noopener"><bdi>example.org/?b=1&amp;c=2</bdi></a>'
    )
    assert "href" not in formats.linked("javascript:alert(1)")


def test_printed_cleans_text_and_leaves_markup_and_numbers() -> None:
    assert formats.printed("a\u202e") == "a"
    assert formats.printed(Markup("<b>\u202e</b>")) == Markup("<b>\u202e</b>")
    assert (formats.printed(None), formats.printed(3)) == ("\N{EN DASH}", 3)
    # A number keeps the spaces at which no line breaks; a text by others does not.
    for kept in (formats.percent(0.5), formats.count(27360), formats.probability(0.0)):
        assert formats.printed(kept) == kept
    assert formats.printed("a\u00a0b 7\u202f%") == "a b 7 %"


def test_numbers_within_a_sentence_stay_on_one_line() -> None:
    for kept in ("keeps 61.6\u00a0% of 2,400", "shown (p\u00a0=\u00a00.014)", "shown (p\u00a0<\u00a00.001)"):
        assert formats.printed(kept) == kept
    assert formats.printed("keeps\u00a061.6\u00a0%\u202e now ") == "keeps 61.6\u00a0% now"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("plain", "` plain `"),
        ("a`b", "`` a`b ``"),
        ("```\n# head\n```", "```` ``` # head ``` ````"),
        ("a | b", "` a \N{BROKEN BAR} b `"),
        ("@maintainer #1 [x](javascript:1) <img src=x>", "` @maintainer #1 [x](javascript:1) <img src=x> `"),
        ("\u202e\u200b", "` \N{EN DASH} `"),
    ],
)
def test_text_by_others_is_code_in_markdown(text: str, span: str) -> None:
    assert formats.markdown(text) == span


@given(st.text(max_size=120))
def test_nothing_closes_a_code_span_early(text: str) -> None:
    span = formats.markdown(text)
    fence = re.match("`+", span)
    assert fence is not None
    inside = span[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall("`+", inside)
    assert inside[:1] == inside[-1:] == " "
    assert "\n" not in span
