"""The noise floor: a second run that is really asked, what it records, and that stale floors are not believed."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.engines import placement, starting
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation.noise import NOISE_FILE, NoiseFloor, compare, measure_noise, noise_run
from harness.evaluation.plan import Plan, make_plan
from harness.evaluation.run import run_plan
from harness.lmeval import load_tasks
from harness.protocol import Completion, GenerateRequest
from harness.records.run import read_run
from harness.scoring import score_pair
from leaderboard.cli import cli
from tests.support.evaluating import SETTINGS, Silent
from tests.support.fakes import RECORD, FakeEngine, part_of_nano, write_checkpoint
from tests.support.synthetic import synthetic_run

TASK = "math_arithmetic"


class NoisyEngine(FakeEngine):
    """Knows every answer; on a quarter of the items it depends on the order of the batch whether it says so."""

    def __init__(self, answers: dict[str, str]) -> None:
        super().__init__()
        self.answers = answers

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            self.asked.append(request.item_id)
            shaky = request.item_id < "4"
            heads = hashlib.sha256(f"{request.item_id} {index}".encode()).digest()[0] % 2
            answer = "-1" if shaky and heads else self.answers[request.item_id]
            yield index, Completion(f"The answer is {answer}.", "stop", 1, 1)


@pytest.fixture(scope="module")
def gold() -> dict[str, str]:
    loaded = load_tasks([TASK])[TASK]
    return {doc["item_id"]: doc["answer"] for doc in loaded.task.eval_docs}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, gold: dict[str, str]) -> list[tuple[FakeEngine, int]]:
    running: list[tuple[FakeEngine, int]] = []

    def start(placed: placement.Placement) -> FakeEngine:
        running.append((NoisyEngine(gold), placed.settings.batch))
        return running[-1][0]

    monkeypatch.setattr(starting, "start", start)
    monkeypatch.setattr(placement, "describe", lambda *_: RECORD)
    return running


@pytest.fixture
def plan(tmp_path: Path, started: list[tuple[FakeEngine, int]]) -> Plan:
    base = write_checkpoint(tmp_path / "base")
    return make_plan(str(base), (), str(part_of_nano(tmp_path, TASK)), None, SETTINGS, tmp_path / "runs")


def test_the_second_run_is_asked_anew_in_another_order_and_batch(
    plan: Plan, started: list[tuple[FakeEngine, int]]
) -> None:
    folder, floor = measure_noise(plan, Silent(), seed=7)
    (first, first_batch), (second, second_batch) = started
    assert sorted(first.asked) == sorted(second.asked)
    assert first.asked != second.asked
    assert (first_batch, second_batch) == (256, 24)
    record = read_run(folder.parent / floor.second).record
    assert (record.replicate, record.seed) == (1, 7)
    assert folder.name == "transformers-float32"
    assert floor.second == "transformers-float32-replicate1"
    task = floor.tasks[TASK]
    assert 0.02 < task.forgotten_rate < 0.12
    assert 0.02 < task.backward_transfer < 0.12
    assert task.delta_ci[0] < 0 < task.delta_ci[1]
    assert (floor.order_seed, floor.batch) == (7, 24)


def test_again_it_is_answered_from_the_store(plan: Plan, started: list[tuple[FakeEngine, int]]) -> None:
    _, floor = measure_noise(plan, Silent())
    started.clear()
    assert measure_noise(plan, Silent())[1] == floor
    assert not started


def test_the_net_of_another_repetition_covers_zero(plan: Plan, started: list[tuple[FakeEngine, int]]) -> None:
    """Case 2 of harness/scoring/README.md: F of the base against one more run of itself, less the noise floor."""
    folder, _ = measure_noise(plan, Silent())
    (again,) = run_plan(replace(plan, replicate=2, seed=5), Silent())
    base, noise, third = read_run(folder), noise_run(folder), read_run(again)
    assert noise is not None
    card = score_pair(base, third, None, noise=noise)
    assert card.noise is not None
    task = card.noise.tasks[TASK]
    assert card.tasks[TASK].forgotten_rate > 0.02
    assert task.forgotten_noise > 0.02
    assert task.forgotten_net_ci[0] < 0 < task.forgotten_net_ci[1]


def test_the_scorer_finds_the_second_run_or_nothing(plan: Plan, started: list[tuple[FakeEngine, int]]) -> None:
    (folder,) = run_plan(plan, Silent())
    assert noise_run(folder) is None
    measure_noise(plan, Silent())
    found = noise_run(folder)
    assert found is not None
    assert found.record.replicate == 1


def test_a_floor_of_other_answers_is_not_believed(plan: Plan, started: list[tuple[FakeEngine, int]]) -> None:
    folder, floor = measure_noise(plan, Silent())
    other = floor.model_copy(update={"first_sha256": "0" * 64})
    (folder / NOISE_FILE).write_text(other.model_dump_json())
    with pytest.raises(RetentionError, match=r"noise\.json: was measured on other answers"):
        noise_run(folder)
    (folder / NOISE_FILE).write_text(json.dumps(floor.model_dump() | {"second": "../../elsewhere"}))
    with pytest.raises(RetentionError, match=r"noise\.json: second: String should match"):
        noise_run(folder)


def test_a_run_against_itself_has_no_noise(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path / "base")
    floor = compare(run, run, "again", 3)
    assert floor.agrees
    for task in floor.tasks.values():
        assert (task.forgotten, task.learned) == (0, 0)
        assert task.delta_ci is not None
        assert task.delta_ci[0] == pytest.approx(-task.delta_ci[1])
    assert NoiseFloor.model_validate_json(floor.model_dump_json()) == floor
    with pytest.raises(CheckFailedError, match="of different weights"):
        compare(run, synthetic_run(tmp_path / "other", name="other"), "x", 3)


def test_failed_items_are_no_noise(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, started: list[tuple[FakeEngine, int]]
) -> None:
    class Failing(FakeEngine):
        def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
            yield from ((k, Completion("", "error", 0, 0, error="too long")) for k in range(len(requests)))

    monkeypatch.setattr(starting, "start", lambda *_: Failing())
    with pytest.raises(CheckFailedError, match="300 of 300 items failed"):
        measure_noise(plan, Silent())


def test_the_command_prints_a_row_a_task(tmp_path: Path, started: list[tuple[FakeEngine, int]]) -> None:
    base, suite = write_checkpoint(tmp_path / "base"), part_of_nano(tmp_path, TASK)
    arguments = ["noise", str(base), "--suite", str(suite), "--out", str(tmp_path / "runs"), "--engine", "transformers"]
    shown = CliRunner().invoke(cli, arguments)
    assert shown.exit_code == 0, shown.output
    assert f"{TASK}    300" in shown.output
    document = CliRunner().invoke(cli, [*arguments, "--json"]).stdout
    assert NoiseFloor.model_validate_json(document).tasks[TASK].n == 300
