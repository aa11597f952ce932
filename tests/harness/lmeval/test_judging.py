"""Judges that are tried before an engine starts: the same verdict twice, or none."""

import random
from itertools import count
from typing import Any

import pytest

from harness.lmeval import LoadedTask, TaskError, check_judges, load_tasks, select_items


@pytest.fixture(scope="module")
def sums() -> LoadedTask:
    return load_tasks(["math_arithmetic"])["math_arithmetic"]


def judged_by(loaded: LoadedTask, judge: Any, items: int = 5) -> dict[str, LoadedTask]:
    part = select_items(loaded, range(items))
    part.task.process_results = judge
    return {"drawn": part}


@pytest.mark.parametrize("options", [2, 4, 26])
def test_a_verdict_that_is_drawn_is_refused(sums: LoadedTask, options: int) -> None:
    rng = random.Random(7)
    with pytest.raises(TaskError, match="task drawn: its process_results gives one answer two verdicts"):
        check_judges(judged_by(sums, lambda doc, results: {"acc": rng.randrange(options) == 0}, items=1))


def test_a_verdict_that_remembers_is_refused(sums: LoadedTask) -> None:
    turns = count()
    with pytest.raises(TaskError, match="change by chance"):
        check_judges(judged_by(sums, lambda doc, results: {"acc": next(turns)}))


def test_equal_verdicts_pass_whatever_they_hold(sums: LoadedTask) -> None:
    for verdict in ({"acc": 0}, {"acc": float("nan")}, {"acc": (0, "a")}, {"acc": {"b": [1]}}):
        check_judges(judged_by(sums, lambda doc, results, verdict=verdict: dict(verdict)))


def test_a_judge_that_cannot_take_such_an_answer_passes(sums: LoadedTask) -> None:
    check_judges(judged_by(sums, lambda doc, results: results[1]))
