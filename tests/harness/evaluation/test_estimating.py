"""What an evaluation would cost: counted from its own requests, with and without stored answers."""

import dataclasses
from dataclasses import replace
from pathlib import Path

import pytest

from harness.evaluation import estimate, make_plan, run_plan
from harness.evaluation.plan import Plan
from harness.records import Sampling, read_run
from harness.scoring import smallest_loss
from harness.suites import sample
from tests.support.evaluating import SETTINGS, Silent
from tests.support.vision_like import write_vision

ITEMS = 4


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("suites") / "few-1.yaml"
    sample("nano-1", ITEMS, out)
    return out


@pytest.fixture(scope="module")
def plan(suite: Path, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    out = tmp_path_factory.mktemp("estimate") / "runs"
    return make_plan("nano:base", ("nano:sft",), str(suite), "jigsaw", SETTINGS, out)


def test_nothing_is_stored_nothing_is_measured_and_nothing_is_written(plan: Plan) -> None:
    watcher = Silent()
    found = estimate(plan, watcher)
    assert not plan.out.exists()
    assert watcher.stages[-1] == "looking for stored answers"
    assert watcher.count == 0
    base, tuned = found.checkpoints
    assert (base.role, tuned.role, base.work) == ("base", "tuned", tuned.work)
    assert base.work.items == base.work.to_answer == plan.n_items == found.total.items // 2
    assert base.work.prompt_tokens > base.work.items
    assert 0 < base.work.images < base.work.items
    assert base.expected_output_tokens is None
    assert (found.duration.seconds, found.duration.source) == (None, "not measured")
    assert found.detectable == pytest.approx(dict.fromkeys(found.detectable, smallest_loss(0.1, ITEMS, 8)))
    assert "jigsaw" not in {plan.suite.tasks[name].family for name in found.detectable}
    assert dataclasses.asdict(found)["memory"]["weights"] > 10**6


@pytest.mark.engine
def test_stored_answers_are_counted_and_time_and_lengths_are_theirs(plan: Plan) -> None:
    first = replace(plan, tuned=())
    watcher = Silent()
    (folder,) = run_plan(first, watcher)
    run = read_run(folder)
    assert run.record.generated == plan.n_items
    (line,) = watcher.plans
    assert line.startswith(f"{plan.n_items} items a checkpoint, ")
    assert "points on a task" in line
    found = estimate(plan, Silent())
    base, tuned = found.checkpoints
    assert (base.work.stored, base.work.to_answer) == (plan.n_items, 0)
    assert (tuned.work.stored, tuned.work.to_answer) == (0, plan.n_items)
    assert base.work.prompt_tokens == base.work.output_tokens == base.expected_output_tokens == 0
    assert tuned.expected_output_tokens == pytest.approx(run.samples["n_output_tokens"].sum(), abs=1)
    assert tuned.work.prompt_tokens == pytest.approx(run.samples["n_prompt_tokens"].sum(), abs=1)
    assert found.duration.source == "stored runs"
    assert found.duration.seconds == pytest.approx(run.record.wall_seconds)
    run_plan(plan, Silent())
    assert estimate(plan, Silent()).duration.source == "nothing to answer"


@pytest.mark.engine
def test_all_answers_to_an_item_are_counted_apart_from_greedy_ones(suite: Path, tmp_path: Path) -> None:
    out, drawn = tmp_path / "runs", Sampling(temperature=0.7, repeats=2)
    greedy = make_plan("nano:base", (), str(suite), None, SETTINGS, out)
    plan = make_plan("nano:base", (), str(suite), None, SETTINGS, out, sampling=drawn)
    run_plan(greedy, Silent())
    before = estimate(plan, Silent())
    watcher = Silent()
    run = read_run(run_plan(plan, watcher)[0])
    assert before.repeats == 2
    assert before.total.to_answer == before.total.items == run.record.generated == len(run.samples)
    assert before.total.items > plan.n_items
    assert before.total.prompt_tokens == run.samples["n_prompt_tokens"].sum()
    assert watcher.plans[0].startswith(f"{len(run.samples)} answers a checkpoint, {before.total.prompt_tokens:,} ")
    assert estimate(plan, Silent()).total.stored == len(run.samples)


@pytest.mark.engine
def test_a_calibration_stores_what_it_answers(suite: Path, tmp_path: Path) -> None:
    plan = make_plan("nano:base", ("nano:sft",), str(suite), "jigsaw", SETTINGS, tmp_path / "runs")
    measured = estimate(plan, Silent(), calibrate=True).duration
    assert measured.source == "calibration"
    assert measured.seconds is not None
    assert measured.seconds > 0
    again = estimate(plan, Silent())
    assert again.total.stored == measured.answers == plan.n_items


def test_a_model_of_images_has_their_tokens_and_its_own_cache(suite: Path, tmp_path: Path) -> None:
    base, tuned = (write_vision("qwen2_5_vl", tmp_path / name) for name in ("base", "tuned"))
    plan = make_plan(str(base), (str(tuned),), str(suite), "jigsaw", SETTINGS, tmp_path / "runs")
    nano = make_plan("nano:base", ("nano:sft",), str(suite), "jigsaw", SETTINGS, tmp_path / "runs")
    found, small = estimate(plan, Silent()), estimate(nano, Silent())
    assert found.total.images == small.total.images
    assert found.total.items == small.total.items
    # Two layers, one head of 32 for keys and one for values, in float32.
    assert found.memory.cache_one == 2 * 2 * 32 * 4 * found.memory.length
    assert found.memory.cache_all == found.memory.cache_one * found.memory.at_once


def test_half_the_width_takes_half_the_memory(suite: Path, tmp_path: Path) -> None:
    plans = [
        make_plan("nano:base", (), str(suite), None, replace(SETTINGS, dtype=dtype), tmp_path)
        for dtype in ("float32", "bfloat16")
    ]
    wide, narrow = (estimate(each, Silent()).memory for each in plans)
    assert narrow.weights * 2 == wide.weights
    assert wide.cache_one is not None
    assert narrow.cache_one is not None
    assert narrow.cache_one * 2 == wide.cache_one
