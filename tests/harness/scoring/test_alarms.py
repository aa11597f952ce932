"""Alarms: what must be said before a number is believed, and what is not worth an alarm."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.records.run import ConditionsRecord, Run
from harness.scoring import score_pair
from harness.scoring.alarms import is_below_chance
from tests.support.synthetic import TASKS, SyntheticTask, digest, synthetic_run

CHOICE = SyntheticTask("choice", "general", "knowledge", 0.25, n=100)


def kinds(base: Run, tuned: Run) -> set[tuple[str, str | None, str | None]]:
    return {(alarm.kind, alarm.task, alarm.side) for alarm in score_pair(base, tuned, None).alarms}


def with_column(run: Run, column: str, values: Any) -> Run:
    return Run(run.record, run.samples.assign(**{column: values}))


def run_of(folder: Path, correct: int, **more: Any) -> Run:
    outcomes = {"choice": ["correct"] * correct + ["wrong"] * (100 - correct)}
    return synthetic_run(folder, (CHOICE,), outcomes=outcomes, **more)


def test_a_score_just_under_chance_is_no_alarm_and_one_far_under_is(tmp_path: Path) -> None:
    chance, under, lost = (run_of(tmp_path / str(k), k) for k in (25, 23, 10))
    assert kinds(chance, under) == set()
    assert kinds(chance, lost) == {("below_chance", "choice", "tuned")}


@pytest.mark.parametrize(("correct", "below"), [(0, True), (15, True), (17, False), (25, False), (100, False)])
def test_below_chance_is_a_binomial_tail(correct: int, below: bool) -> None:
    assert is_below_chance(np.arange(100) < correct, np.full(100, 0.25)) == below


def test_free_form_items_and_single_ones_are_never_below_chance() -> None:
    assert not is_below_chance(np.zeros(500, dtype=bool), np.zeros(500))
    assert not is_below_chance(np.zeros(1, dtype=bool), np.array([0.5]))
    assert not is_below_chance(np.zeros(50, dtype=bool), np.full(50, 0.5), np.zeros(50, dtype=int))


def test_outputs_twice_as_long_are_told(tmp_path: Path) -> None:
    base = run_of(tmp_path, 60)
    longer = with_column(base, "n_output_tokens", 2)
    assert kinds(with_column(base, "n_output_tokens", 1), longer) == {("length_differs", "choice", None)}
    assert kinds(longer, with_column(base, "n_output_tokens", 3)) == set()
    # A single long answer moves the mean, not the sign test.
    lengths = np.ones(100, dtype=int)
    lengths[0] = 1000
    assert kinds(base, with_column(base, "n_output_tokens", lengths)) == set()


def test_rates_are_compared_after_adjustment_over_the_tasks(tmp_path: Path) -> None:
    tasks = tuple(replace(CHOICE, name=f"choice_{k}") for k in range(8))
    base = synthetic_run(tmp_path, tasks, accuracy=0.5, churn=0)
    reasons = np.where(base.samples["task"] == "choice_0", "length", "stop")
    few, many = reasons.copy(), reasons.copy()
    few[7:100], many[12:100] = "stop", "stop"
    # 7 of 100 is p = .016 for one task, and nothing among eight; 12 is p = .0005.
    assert kinds(base, with_column(base, "finish_reason", few)) == set()
    assert kinds(base, with_column(base, "finish_reason", many)) == {("truncated_differs", "choice_0", None)}
    alone = synthetic_run(tmp_path / "alone", tasks[:1], accuracy=0.5, churn=0)
    assert kinds(alone, with_column(alone, "finish_reason", few[:100])) == {("truncated_differs", "choice_0", None)}


@pytest.mark.parametrize("side", ["base", "tuned"])
def test_gate_4_one_answer_for_everything_is_told_for_either_side(tmp_path: Path, side: str) -> None:
    normal = run_of(tmp_path / "normal", 30)
    stuck = run_of(tmp_path / "stuck", 30, output=lambda *_: "<answer>A</answer>")
    pair = (normal, stuck) if side == "tuned" else (stuck, normal)
    assert ("constant_answers", "choice", side) in kinds(*pair)


def test_templates_that_differ_are_refused_unless_native_and_then_told(tmp_path: Path) -> None:
    base = synthetic_run(tmp_path / "base", TASKS[:1], template_policy="native", bos_count=1)
    tuned = synthetic_run(
        tmp_path / "tuned", TASKS[:1], template_policy="native", bos_count=2, template_digest=digest("other")
    )
    tuned = with_column(tuned, "prompt_digest", digest("another prompt"))
    found = {(alarm.kind, alarm.side): alarm.message for alarm in score_pair(base, tuned, "jigsaw").alarms}
    assert found.keys() == {("double_bos", "tuned"), ("bos_differs", None), ("template_differs", None)}
    assert "1 BOS tokens for the base and 2 for the tuned model" in found["bos_differs", None]
    assert "not asked in the same words" in found["template_differs", None]


def test_an_image_processor_of_the_tuned_sides_own_is_told(tmp_path: Path) -> None:
    shared = ConditionsRecord(max_model_len=512, processor=digest("base"))
    own = shared.model_copy(update={"processor": digest("own"), "processor_origin": "tuned"})
    base = synthetic_run(tmp_path / "base", TASKS[:1], conditions=shared)
    tuned = synthetic_run(tmp_path / "tuned", TASKS[:1], conditions=own)
    assert score_pair(base, base, "jigsaw").alarms == ()
    (alarm,) = score_pair(base, tuned, "jigsaw").alarms
    assert alarm.kind == "processor_differs"
    assert f"base {digest('base')[:12]}, tuned {digest('own')[:12]}" in alarm.message
