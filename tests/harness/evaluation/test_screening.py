"""Screening: stops when decided, asks nothing it need not, marks what it leaves, and is refused as a submission."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.engines import placement, starting
from harness.errors import CheckFailedError
from harness.evaluation.listing import find_runs
from harness.evaluation.plan import Plan, make_plan
from harness.evaluation.run import run_plan
from harness.evaluation.screening import screen
from harness.lmeval import cluster_ids, load_tasks, select_items
from harness.protocol import Completion, GenerateRequest
from harness.records.run import read_run
from harness.scoring import Scorecard, score_pair
from harness.scoring.sequential import SEED, boundaries
from leaderboard.cli import cli
from leaderboard.submit.prepare import SubmissionError, prepare_entry
from tests.support.evaluating import SETTINGS, Silent
from tests.support.fakes import RECORD, FakeEngine, part_of_nano, write_checkpoint
from tests.support.synthetic_board import STATEMENT

pytestmark = pytest.mark.slow

TASKS = ("math_arithmetic", "math_word", "science_facts")
# Share of the items in hundredths that each checkpoint knows.
KNOWS = {"base": 40, "same": 40, "better": 50, "best": 95, "worse": 10}


class KnowingEngine(FakeEngine):
    """Knows the items whose id is small enough; every answer it gives otherwise is wrong."""

    def __init__(self, name: str, gold: dict[str, str]) -> None:
        super().__init__()
        self.name = name
        self.gold = gold

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            self.asked.append(request.item_id)
            knows = int(request.item_id[:8], 16) / 2**32 < KNOWS[self.name] / 100
            answer = self.gold[request.item_id] if knows else "none of them"
            yield index, Completion(f"<answer>{answer}</answer>", "stop", 1, 1)


@pytest.fixture(scope="module")
def gold() -> dict[str, str]:
    loaded = load_tasks(TASKS)
    return {doc["item_id"]: doc["answer"] for name in TASKS for doc in loaded[name].task.eval_docs}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, gold: dict[str, str]) -> dict[str, KnowingEngine]:
    running: dict[str, KnowingEngine] = {}

    def start(placed: placement.Placement) -> KnowingEngine:
        running[placed.name] = KnowingEngine(placed.name, gold)
        return running[placed.name]

    monkeypatch.setattr(starting, "start", start)
    monkeypatch.setattr(placement, "describe", lambda *_: RECORD)
    return running


@pytest.fixture
def plan(tmp_path: Path, started: dict[str, KnowingEngine]) -> Plan:
    folders = [str(write_checkpoint(tmp_path / name, seed=seed)) for seed, name in enumerate(KNOWS)]
    suite = part_of_nano(tmp_path, *TASKS)
    return make_plan(folders[0], folders[1:], str(suite), "math", SETTINGS, tmp_path / "runs")


def test_the_larger_the_change_the_earlier_it_stops(plan: Plan, started: dict[str, KnowingEngine]) -> None:
    screened, failures = screen(plan, "math", Silent())
    assert not failures
    found = {each.tuned.record.checkpoint.name: each for each in screened}
    looks = {name: each.tuned.record.screened.look for name, each in found.items() if each.tuned.record.screened}
    assert looks == {"same": 5, "better": 2, "best": 1, "worse": 1}
    for name, each in found.items():
        record = each.tuned.record.screened
        assert record is not None
        assert sorted(started[name].asked) == sorted(each.tuned.samples["item_id"])
        assert record.decided is (name != "same")
        assert record.boundary == pytest.approx(boundaries()[record.look - 1])
        assert (record.seed, record.target, record.looks) == (SEED, "math", 5)
        tasks = each.tuned.record.suite.tasks
        # Some items come in clusters, which are asked whole, so the share of the items is not exact.
        assert all(tasks[task] == pytest.approx(60 * record.look, abs=6) for task in TASKS)
        assert list(each.base.samples["item_id"]) == list(each.tuned.samples["item_id"])
    assert found["worse"].tuned.record.screened.z < 0  # type: ignore[union-attr]
    assert len(started["base"].asked) == 900
    assert set(started["best"].asked) <= set(started["better"].asked)


def test_again_it_starts_nothing_and_changes_no_byte(plan: Plan, started: dict[str, KnowingEngine]) -> None:
    first, _ = screen(plan, "math", Silent())
    before = {path: path.read_bytes() for each in first for path in each.folder.iterdir()}
    started.clear()
    again, _ = screen(plan, "math", Silent())
    assert not started
    assert {path: path.read_bytes() for each in again for path in each.folder.iterdir()} == before


def test_the_whole_run_afterwards_asks_only_the_rest(plan: Plan, started: dict[str, KnowingEngine]) -> None:
    screened, _ = screen(plan, "math", Silent())
    asked = {name: set(engine.asked) for name, engine in started.items()}
    started.clear()
    folders = run_plan(plan, Silent())
    assert sorted(started) == ["best", "better", "worse"]
    assert all(not asked[name] & set(engine.asked) for name, engine in started.items())
    assert not {each.folder for each in screened} & set(folders)
    whole, part = read_run(folders[3]).samples.set_index("item_id"), screened[2].tuned.samples.set_index("item_id")
    assert whole.loc[part.index].equals(part)


def test_a_screened_pair_is_marked_wherever_it_is_shown(plan: Plan, started: dict[str, KnowingEngine]) -> None:
    screened, _ = screen(plan, "math", Silent())
    best = next(each for each in screened if each.tuned.record.checkpoint.name == "best")
    card = score_pair(best.base, best.tuned, "math")
    assert card.screened
    assert card.alarms[0].kind == "screened"
    assert f"screened:1/5@{SEED}" in card.signature
    assert Scorecard.model_validate_json(card.to_json()) == card
    base = read_run(plan.folder(plan.base))
    with pytest.raises(CheckFailedError, match="the tuned run was screened and holds only part of its suite"):
        score_pair(base, best.tuned, "math")
    with pytest.raises(SubmissionError, match="a screened run has only part of its suite; evaluate it without"):
        prepare_entry(best.folder, plan.folder(plan.base), STATEMENT, plan.out / "submissions", plan.out / "bases")


def test_failed_items_decide_nothing_and_spare_the_others(
    plan: Plan, started: dict[str, KnowingEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = KnowingEngine.generate

    def generate(self: KnowingEngine, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        for index, answer in real(self, requests):
            yield index, Completion("", "error", 0, 0, error="too long") if self.name == "better" else answer

    monkeypatch.setattr(KnowingEngine, "generate", generate)
    screened, failures = screen(plan, "math", Silent())
    assert [each.tuned.record.checkpoint.name for each in screened] == ["same", "best", "worse"]
    assert "items failed (first: too long), so a screening cannot decide" in failures[0]
    assert failures[0].startswith("better: ")
    assert len(failures) == 1
    states = {each.folder.parent.name.split("-")[0]: each.state for each in find_runs(plan.out)}
    assert states["better"] == "unfinished"


def run(tmp_path: Path, *options: str) -> Result:
    folders = [str(tmp_path / name) for name in ("base", "worse", "best")]
    suite = str(tmp_path / "part-1.yaml")
    where = ["--suite", suite, "--target", "math", "--engine", "transformers", "--out", str(tmp_path / "runs")]
    return CliRunner().invoke(cli, ["evaluate", *folders, *where, "--screen", *options])


def test_the_command_lists_checkpoints_by_gain(tmp_path: Path, plan: Plan, started: dict[str, KnowingEngine]) -> None:
    result = run(tmp_path)
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    assert "ALARM screened: not for submission; stopped at look 1 of 5" in text
    table = result.stdout.split("Screened by the gain on math")[1]
    assert table.index("best") < table.index("worse")
    assert "1 of 5   20 %  decided" in table
    cards = [json.loads(line) for line in run(tmp_path, "--json").stdout.splitlines()]
    assert [card["screened"] for card in cards] == [True, True]
    listed = CliRunner().invoke(cli, ["runs", "list", "--out", str(tmp_path / "runs")]).output
    assert listed.count("stopped at look 1 of 5; not for submission") == 2


def test_parts_of_a_task_are_its_own_items() -> None:
    loaded = load_tasks(["vision_colour"])["vision_colour"]
    part = select_items(loaded, [3, 5, 250])
    assert part.item_ids == [loaded.item_ids[row] for row in (3, 5, 250)]
    assert list(part.task.eval_docs["item_id"]) == part.item_ids
    assert len(cluster_ids(loaded)) == len(loaded.item_ids)
    assert cluster_ids(part) == [cluster_ids(loaded)[row] for row in (3, 5, 250)]
