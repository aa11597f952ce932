"""Gate: what is shown by the interval, at its edges, and what cannot be said."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import RetentionError
from harness.scoring import Comparison, RuleResult, Scorecard, apply_rule, exit_code, parse_rule, score_pair
from tests.support.cards import changed, pair_card, with_retention, with_tasks, without
from tests.support.synthetic import TASKS, synthetic_run


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    """A pair that gained on the target and lost elsewhere."""
    accuracy = {task.name: 0.95 if task.family == "jigsaw" else 0.55 for task in TASKS}
    return pair_card(tmp_path_factory.mktemp("forgetful"), accuracy=accuracy)


@pytest.fixture(scope="module")
def alike(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    """A pair in which next to nothing moved."""
    return pair_card(tmp_path_factory.mktemp("alike"), churn=0.06)


def result(text: str, card: Scorecard) -> RuleResult:
    return apply_rule(parse_rule(text), card)


@pytest.mark.parametrize(
    ("low", "high", "text", "state"),
    [
        (0.90, 0.9499, "retention < 95", "shown"),
        (0.90, 0.95, "retention < 95", "not shown"),
        (0.90, 0.95, "retention <= 95", "shown"),
        (0.95, 0.99, "retention < 95", "refuted"),
        (0.95, 0.99, "retention <= 95", "not shown"),
        (0.9499, 0.99, "retention < 95", "not shown"),
        (0.95, 0.99, "retention > 95", "not shown"),
        (0.95, 0.99, "retention >= 95", "shown"),
        (0.90, 0.95, "retention > 95", "refuted"),
        (0.90, 0.95, "retention < .95", "not shown"),
    ],
)
def test_an_interval_that_touches_the_threshold_shows_nothing_strict(
    alike: Scorecard, low: float, high: float, text: str, state: str
) -> None:
    found = result(text, with_retention(alike, (low + high) / 2, low, high))
    assert found.state == state
    assert found.interval == (low, high)


def test_the_default_fails_on_a_shown_loss_alone_and_a_strict_gate_without_a_shown_retention(alike: Scorecard) -> None:
    below, unsure, above = (
        result("retention < 95", with_retention(alike, middle, middle - 0.02, middle + 0.02))
        for middle in (0.90, 0.95, 0.98)
    )
    assert [each.fails() for each in (below, unsure, above)] == [True, False, False]
    assert [each.fails(strict=True) for each in (below, unsure, above)] == [True, True, False]
    assert [exit_code([each]) for each in (below, unsure, above)] == [1, 0, 0]
    assert below.line() == "FAIL retention 90.0 % [88.0, 92.0] is below 95 %: shown"
    assert unsure.line() == (
        "PASS retention 95.0 % [93.0, 97.0] is not shown to be below 95 %; this many items show one below 93.0 %"
    )
    assert unsure.line(strict=True).startswith("FAIL retention 95.0 %")
    assert unsure.line(strict=True).endswith("(--strict-gate)")
    assert above.line(strict=True) == "PASS retention 98.0 % [96.0, 100.0] is at least 95 %: shown"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("retention < 95", r"FAIL retention 61.9 % \[57.5, 66.4\] is below 95 %: shown"),
        ("retention[science] < 90", r"FAIL retention\[science\] .* is below 90 %: shown"),
        ("retention[math] < 90", r"FAIL retention\[math\] .* is below 90 %: shown"),
        ("any group retention < 90", r"FAIL retention\[\w+\] .* is below 90 %: shown"),
        ("worst_group < 90", r"FAIL retention\[\w+\] .* is below 90 %: shown"),
        ("forgetting > 5", r"FAIL forgetting \+2\d.\d points .* is above 5 points: shown"),
        ("forgetting[math] > 5", r"FAIL forgetting\[math\] .* points .* is above 5 points: shown"),
        ("forgetting[math_word] > 5", r"FAIL forgetting\[math_word\] .* is above 5 points: shown"),
        ("any task delta < -5", r"FAIL delta\[\w+\] \u2212.* points .* is below \u22125 points: shown"),
        ("any task forgetting > 5", r"FAIL forgetting\[\w+\] .* points .* is above 5 points: shown"),
        ("delta[math] < -5", r"FAIL delta\[math\] \u2212"),
        ("gain < 5", r"PASS gain \+\d.* points .* is at least 5 points: shown"),
        ("gain[jigsaw_2x2] < 5", r"PASS gain\[jigsaw_2x2\] .* is at least 5 points: shown"),
        ("gain < 50", r"FAIL gain .* is below 50 points: shown"),
        ("forgotten_rate[math_word] > 10", r"FAIL forgotten_rate\[math_word\] 2\d.* is above 10 %: shown"),
        ("p_holm[math_word] < .05", r"FAIL p_holm\[math_word\] .* is below 0.05"),
        ("alarms > 0", r"PASS alarms 0 is at most 0"),
        ("any alarm", r"PASS no alarm"),
        ("any unreadable", r"PASS no task has become unreadable"),
        ("any forgot", r"FAIL forgot 5 of 5 prior tasks, points: \w+ \[\u2212.*: shown"),
        ("any forgot[math]", r"FAIL forgot 2 of 2 prior tasks"),
        ("any forgot[science_elements]", r"FAIL forgot 1 of 1 prior task, points"),
        ("any inconclusive", r"PASS inconclusive: no task of 5"),
    ],
)
def test_a_forgetful_pair_rule_by_rule(forgetful: Scorecard, text: str, line: str) -> None:
    assert re.match(line, result(text, forgetful).line()), result(text, forgetful).line()


def test_a_pair_alike_is_not_shown_to_have_forgotten_and_a_strict_gate_wants_more(alike: Scorecard) -> None:
    found = result("any forgot", alike)
    assert found.state == "not shown"
    assert "the smallest loss that this many items show is" in found.line()
    assert exit_code([found]) == 0
    assert exit_code([found], strict=True) == 1
    shown = result("any forgot", with_tasks(alike, verdict="retained"))
    assert shown.line(strict=True) == "PASS forgot none of 5 prior tasks: shown"


def test_any_task_is_widened_for_the_number_of_tasks(forgetful: Scorecard) -> None:
    """What one task shows by itself, one of several that were looked at may not show."""
    name, task = max(forgetful.prior_tasks.items(), key=lambda each: -each[1].delta)
    assert task.delta_ci is not None
    limit = Decimal(f"{100 * task.delta_ci[1] + 0.1:.2f}")
    assert apply_rule(Comparison("delta", "<", limit, name), forgetful).state == "shown"
    assert apply_rule(Comparison("delta", "<", limit, each="task"), forgetful).state == "not shown"


UNDEFINED = [
    ("gain < 10", "no target family was named; name the target (--target FAMILY)"),
    ("balance < 80", "no target family was named; name the target"),
    ("transfer_gain < 1", "no target family was named"),
    ("forgotten_net[math_word] > 5", "give a second run of the base (--noise)"),
    ("forward_kl[math_word] > 1", "measure it (--drift)"),
]


@pytest.mark.parametrize(("text", "said"), UNDEFINED)
def test_a_number_that_is_not_defined_is_an_error_with_the_way_out(tmp_path: Path, text: str, said: str) -> None:
    found = result(text, pair_card(tmp_path, target=None))
    assert found.state == "undefined"
    assert said in found.line()
    assert found.line().startswith("ERROR ")
    assert (exit_code([found]), exit_code([found], strict=True)) == (2, 2)


def test_retention_without_enough_evidence_is_undefined_with_its_reason(alike: Scorecard) -> None:
    reason = "not enough evidence: anything from 60 to 95 % fits"
    card = without(alike, reason, "retention_macro", "retention_macro_ci", "retention_ratio", "retention_ratio_ci")
    found = result("retention < 95", card)
    assert (found.state, exit_code([found])) == ("undefined", 2)
    assert reason in found.line()


def test_a_pair_without_prior_tasks_cannot_have_forgotten(tmp_path: Path) -> None:
    runs = [synthetic_run(tmp_path / name, TASKS[:1], name=name) for name in ("base", "tuned")]
    card = score_pair(*runs, "jigsaw")
    for text in ("any forgot", "any task delta < -5", "forgetting > 5", "retention < 95", "worst_group < 80"):
        found = result(text, card)
        assert (found.state, "no prior task" in found.line()) == ("undefined", True), found.line()


def test_a_base_at_chance_has_nothing_to_lose_and_the_rule_says_so(alike: Scorecard) -> None:
    found = result("any forgot", with_tasks(alike, verdict="nothing to lose"))
    assert found.state == "undefined"
    assert "above chance on none of 5 prior tasks" in found.line()


def test_answers_that_nobody_can_read_are_found(tmp_path: Path) -> None:
    card = pair_card(tmp_path, accuracy=0.0, unparsed=1.0)
    found = result("any unreadable", card)
    assert found.state == "shown"
    assert "math_word (100.0 %)" in found.line()
    assert result("any unparsed_differs[math_word]", card).state == "shown"
    assert result("any forgot", card).state == "shown"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("retention[scince] < 90", r"\[scince\]: no such task, group or family; did you mean science"),
        ("any forgot[nowhere]", r"\[nowhere\]: no such task, group or family; there is jigsaw"),
        ("gain[math] < 5", r"the target is jigsaw; what changed elsewhere is delta\[math\]"),
        ("retention[math_word] < 90", r"retention is of capability groups .*; write forgetting\[math_word\]"),
        ("p_holm[math] < .05", r"math has 2 tasks; name one of them: math_addition, math_word"),
    ],
)
def test_a_place_that_the_pair_does_not_have_is_refused(forgetful: Scorecard, text: str, message: str) -> None:
    with pytest.raises(RetentionError, match=message):
        result(text, forgetful)


def test_one_failing_rule_outweighs_one_that_is_not_defined(alike: Scorecard) -> None:
    failing = result("retention < 95", with_retention(alike, 0.5, 0.4, 0.6))
    undefined = result("forward_kl[math_word] > 1", alike)
    assert [exit_code(each) for each in ([], [undefined], [undefined, failing])] == [0, 2, 1]


def test_hostile_names_cannot_steer_a_terminal(alike: Scorecard) -> None:
    forgot = with_tasks(alike, verdict="forgot")
    named = {f"\x1b[31m{name}\u202e": task.model_dump() for name, task in forgot.tasks.items()}
    card = changed(forgot, tasks=named)
    assert result("any forgot", card).line().isprintable()


rates = st.floats(-0.5, 1.5).map(lambda value: round(value, 4))


def _limits(rule: str, thresholds: list[Decimal]) -> Iterator[Comparison]:
    for threshold in sorted(thresholds):
        yield Comparison("retention", rule, threshold)  # type: ignore[arg-type]


@given(
    interval=st.tuples(rates, rates, rates).map(sorted),
    sign=st.sampled_from(["<", "<=", ">", ">="]),
    thresholds=st.lists(st.decimals(-20, 150, places=2), min_size=2, max_size=6),
    strict=st.booleans(),
)
def test_a_tighter_threshold_never_turns_fail_into_pass(
    alike: Scorecard, interval: list[float], sign: str, thresholds: list[Decimal], strict: bool
) -> None:
    """Retention must be above a floor: the higher the floor, the more fails; for a ceiling the other way round."""
    low, value, high = interval
    card = with_retention(alike, value, low, high)
    failed = [apply_rule(rule, card).fails(strict=strict) for rule in _limits(sign, thresholds)]
    assert failed == sorted(failed, reverse=sign.startswith(">"))
