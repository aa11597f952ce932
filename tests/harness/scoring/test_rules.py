"""Rules: what is understood, what is refused with the way out, and that a rule prints itself."""

from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import RetentionError
from harness.scoring import METRICS, Comparison, Occurrence, parse_rule
from harness.scoring.estimates import GATED, OF_GROUP, OF_TASK
from harness.scoring.rules import ALARMS
from harness.scoring.scorecard import AlarmKind


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("retention < 95", "retention < 95%"),
        ("retention<.95", "retention < 95%"),
        ("retention < 0.950", "retention < 95%"),
        ("retention < 95%", "retention < 95%"),
        ("retention < 95.5 %", "retention < 95.5%"),
        ("Retention <= 95.0", "retention <= 95%"),
        ("retention ≤ 95", "retention <= 95%"),
        ("R < 95", "retention < 95%"),
        ("retention_macro < 95", "retention < 95%"),
        ("retention < 1%", "retention < 1%"),
        ("retention < 0", "retention < 0%"),
        ("retention[ science ] < 90", "retention[science] < 90%"),
        ("delta[a<b] < 5", "delta[a<b] < 5 points"),
        ("retention[my science, old] < 90", "retention[my science, old] < 90%"),
        ("group_retention[facts] < 90", "retention[facts] < 90%"),
        ("any group retention < 90", "any group retention < 90%"),
        ("any retention < .9", "any group retention < 90%"),
        ("worst group < 80", "worst_group < 80%"),
        ("forgetting > 5", "forgetting > 5 points"),
        ("forgetting[math] > 5", "forgetting[math] > 5 points"),
        ("forgetting[math] > 0.5 points", "forgetting[math] > 0.5 points"),
        ("forgetting[math] > .5%", "forgetting[math] > 0.5 points"),
        ("any task delta < -5pp", "any task delta < -5 points"),
        ("any delta < -5", "any task delta < -5 points"),
        ("any forgetting >= 10", "any task forgetting >= 10 points"),
        ("gain < 10", "gain < 10 points"),
        ("gain < -10", "gain < -10 points"),
        ("F[math] > 10", "forgotten_rate[math] > 10%"),
        ("p_holm[math] < .05", "p_holm[math] < 0.05"),
        ("alarms > 0", "alarms > 0"),
        ("balance<80", "balance < 80%"),
        ("any forgot", "any forgot"),
        ("ANY task Forgot", "any forgot"),
        ("any forgotten", "any forgot"),
        ("any forgot[math]", "any forgot[math]"),
        ("any cannot say", "any inconclusive"),
        ("any nothing-to-lose", "any nothing to lose"),
        ("any alarms", "any alarm"),
        ("any below-chance", "any below_chance"),
        ("any unparsed", "any unreadable"),
        ("any task delta < \N{MINUS SIGN}5", "any task delta < -5 points"),
        ("any task delta < \N{EN DASH}5 PTS", "any task delta < -5 points"),
        ("retention < 95 percent", "retention < 95%"),
        ("retention < 0.5 per cent", "retention < 0.5%"),
        ('"retention < 95"', "retention < 95%"),
        ("'any forgot'", "any forgot"),
        ("\N{LEFT DOUBLE QUOTATION MARK}gain < 5\N{RIGHT DOUBLE QUOTATION MARK}", "gain < 5 points"),
    ],
)
def test_a_rule_is_understood_and_prints_its_canonical_form(text: str, canonical: str) -> None:
    assert str(parse_rule(text)) == canonical
    assert parse_rule(canonical) == parse_rule(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("retention < 1", r"1 may be 1% or 100%"),
        ("retention < 1.0", r"1 may be 1% or 100%"),
        ("retention < 1.5", r"1.5 may be 1.5% or 150%"),
        ("balance < 1", r"1 may be 1% or 100%"),
        ("gain < .1", r"0.1 may be 0.1 points or 10 points"),
        ("forgetting[math] > .5", r"0.5 may be 0.5 points or 50 points"),
        ("F[math] > 0.5", r"0.5 may be 0.5% or 50%"),
        ("retenton < 90", r"no such metric; did you mean retention, .*`retention metrics` lists all"),
        ("zzz < 90", r"no such metric; `retention metrics` lists all"),
        ("verdict < 90", r"verdict is no number .*rules take retention, .*forgetting, .*`retention metrics`"),
        ("normalised_gain < 90", r"normalised_gain is no number .* interval"),
        ("delta < -5", r"delta is of a task; write delta\[TASK\], or any task delta"),
        ("gain[math < 5", r"not a rule"),
        ("gain[] < 5", r"not a rule"),
        ("any [math]", r"not a rule"),
        ("any forgot[math", r"not a rule"),
        ("balance[math] < 5", r"balance is of the whole pair"),
        ("any balance < 5", r"balance is of the whole pair"),
        ("any task retention < 90", r"retention is not of tasks; .*any group retention < 90"),
        ("any group delta < 5", r"delta is not of groups"),
        ("any delta[math] < -5", r"either any, or one \[math\]"),
        ("any gain < 5", r"gain is not of tasks"),
        ("any group forgot", r"verdicts are of tasks; write any forgot"),
        ("any improved", r"no such finding; .*any is followed by forgot"),
        ("any forgott", r"did you mean forgot"),
        ("any", r"not a rule; write \"retention < 95\""),
        ("", r"an empty rule"),
        ("  ", r"an empty rule"),
        ("retention", r"not a rule"),
        ("retention < ", r"'' is no number"),
        ("retention < 95,5", r"'95,5' is no number; write 95, 95% or .95"),
        ("retention < 95, any forgot", r"more than one rule; give each its own --fail-if"),
        ("retention < 95 and gain < 5", r"more than one rule"),
        ('""', r"an empty rule"),
        ("retention < 1e2", r"'1e2' is no number"),
        ("retention < nan", r"'nan' is no number"),
        ("retention < ٩٥", r"is no number"),
        ("retention == 95", r"compares by <, <=, > or >="),
        ("retention != 95", r"compares by"),
        ("retention < 9500", r"9500 is out of range; retention is 1 = all kept"),
        ("F[math] > 101", r"101 is out of range"),
        ("forgetting > 120", r"120 is out of range"),
        ("p_holm[math] < 5", r"5 is out of range; p_holm is 0 to 1"),
        ("p_holm[math] < 5%", r"p_holm is 0 to 1, without %"),
        ("alarms > 0 points", r"alarms is 0 or more, without points"),
        ("x" * 500, r"too long"),
    ],
)
def test_what_is_no_rule_is_refused_with_the_way_out(text: str, message: str) -> None:
    with pytest.raises(RetentionError, match=message):
        parse_rule(text)


def test_the_words_are_those_of_the_scorecard() -> None:
    assert set(ALARMS) == set(get_args(AlarmKind))
    assert set(GATED) <= set(METRICS)
    assert all(
        METRICS[name].interval for name in (*OF_GROUP, "gain", "balance", "delta", "forgotten_net", "forward_kl")
    )


_scopes = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)
_metrics = st.sampled_from([name for name in OF_TASK if METRICS[name].unit in ("points", "percent")])
_signs = st.sampled_from(["<", "<=", ">", ">="])
_thresholds = st.decimals(min_value=0, max_value=100, places=4)


@given(metric=_metrics, sign=_signs, threshold=_thresholds, scope=_scopes)
def test_every_comparison_comes_back_from_its_text(metric: str, sign: str, threshold: Decimal, scope: str) -> None:
    rule = Comparison(metric, sign, threshold, scope)  # type: ignore[arg-type]
    assert parse_rule(str(rule)) == rule


@given(
    word=st.sampled_from(["forgot", "inconclusive", "nothing to lose", "alarm", "unreadable", *ALARMS]),
    scope=st.none() | _scopes,
)
def test_every_finding_comes_back_from_its_text(word: str, scope: str | None) -> None:
    rule = Occurrence(word, scope)
    assert parse_rule(str(rule)) == rule


@given(st.text(max_size=60))
def test_any_text_is_a_rule_or_a_plain_refusal(text: str) -> None:
    try:
        rule = parse_rule(text)
    except RetentionError:
        return
    assert parse_rule(str(rule)) == rule
