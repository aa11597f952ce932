"""Differences of two models: the statistics of a pair, whichever of the two comes first."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import CheckFailedError
from harness.scoring import ALPHA, Measured, run_differences, score_pair, task_differences
from tests.support.synthetic import SyntheticTask, synthetic_run

ANSWERS = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), min_size=1, max_size=40)


def measured(name: str, answers: list[tuple[bool, bool, int]], *, turned: bool = False) -> Measured:
    first, second = (np.array([row[side] for row in answers]) for side in ((1, 0) if turned else (0, 1)))
    return Measured(name, first, second, np.zeros(len(answers)), np.array([row[2] for row in answers]))


@given(ANSWERS)
def test_turned_round_only_the_sign_changes(answers: list[tuple[bool, bool, int]]) -> None:
    (one,), (other,) = (task_differences([measured("task", answers, turned=turned)]) for turned in (False, True))
    assert (one.delta, one.only_first, one.only_second) == (-other.delta, other.only_second, other.only_first)
    assert (one.p_value, one.shown, one.first, one.n) == (other.p_value, other.shown, other.second, len(answers))
    assert (one.interval is None) == (other.interval is None)
    if one.interval and other.interval:
        assert one.interval == pytest.approx((-other.interval[1], -other.interval[0]), abs=1e-6)


@given(st.lists(ANSWERS, min_size=1, max_size=5))
def test_the_adjustment_is_over_all_tasks_read_together(tasks: list[list[tuple[bool, bool, int]]]) -> None:
    found = task_differences([measured(f"task-{at}", answers) for at, answers in enumerate(tasks)])
    smallest = min(found, key=lambda each: each.p_value)
    assert smallest.p_holm == pytest.approx(min(1.0, smallest.p_value * len(tasks)))
    assert all(each.p_value <= each.p_holm <= 1 for each in found)
    assert all(each.shown == (each.p_holm < ALPHA and each.delta != 0) for each in found)


def test_a_base_and_its_fine_tune_differ_as_their_scorecard_says(tmp_path: Path) -> None:
    tasks = (
        SyntheticTask("jigsaw_2x2", "jigsaw", "spatial", 1 / 24, n=60),
        SyntheticTask("math_word", "math", "math", n=50),
        SyntheticTask("science_elements", "science", "science", 0.25, n=80, per_cluster=4),
    )
    base = synthetic_run(tmp_path / "base", tasks, accuracy=0.8)
    tuned = synthetic_run(tmp_path / "tuned", tasks, name="tuned", accuracy=0.5, seed=3)
    card = score_pair(base, tuned, "jigsaw")
    for each in run_differences(base, tuned):
        task = card.tasks[each.task]
        assert (each.only_first, each.only_second, each.n) == (task.n10, task.n01, task.n)
        # A scorecard keeps twelve digits.
        assert (each.first, each.second, each.delta) == pytest.approx((task.base, task.tuned, task.delta), abs=1e-11)
        assert (each.p_value, *(each.interval or ())) == pytest.approx(
            (task.p_value, *(task.delta_ci or ())), abs=1e-11
        )


def test_runs_of_different_questions_are_refused(tmp_path: Path) -> None:
    one = synthetic_run(tmp_path / "one")
    other = synthetic_run(tmp_path / "other", (SyntheticTask("math_word", "math", "math"),))
    with pytest.raises(CheckFailedError):
        run_differences(one, other)
