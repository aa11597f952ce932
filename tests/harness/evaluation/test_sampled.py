"""Sampled runs: K answers to an item from seeds of their own, resumed to the same file, and refused where they end."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.engines import placement, settings, starting
from harness.engines.settings import EngineError, choose_for_sampling
from harness.errors import RetentionError
from harness.evaluation import noise
from harness.evaluation.listing import find_runs, summarise
from harness.evaluation.plan import Plan, make_plan
from harness.evaluation.run import run_plan
from harness.evaluation.screening import screen
from harness.lmeval import Draws, run_tasks
from harness.lmeval.recompute import Recomputer
from harness.lmeval.rejudge import rejudge_run
from harness.protocol import Completion, GenerateRequest
from harness.records import Sampling, load_suite, read_run, suite_path
from harness.records.suites import tasks_root
from harness.scoring import score_pair
from tests.support.evaluating import SETTINGS, Silent
from tests.support.fakes import RECORD, FakeEngine, write_checkpoint
from tests.support.tiny import tiny_suite

DRAWN = Sampling(0.7, 3, seed=5)


class Drawing(FakeEngine):
    """Answers by its seed: the sum is right where the seed is even."""

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        for index, completion in super().generate(requests):
            decoding = requests[index].decoding
            assert decoding.temperature in (0.7, 1.0)
            yield index, replace(completion, text=f"The answer is {decoding.seed % 100}.")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Drawing]:
    running: list[Drawing] = []

    def start(*_: Any) -> Drawing:
        running.append(Drawing())
        return running[-1]

    monkeypatch.setattr(starting, "start", start)
    monkeypatch.setattr(placement, "describe", lambda *_: RECORD)
    return running


@pytest.fixture(scope="module")
def suite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The arithmetic of nano-1 alone, as a suite of the user's own."""
    whole = yaml.safe_load((tasks_root() / "suites" / "nano-1.yaml").read_text())
    kept = {"math_arithmetic": whole["tasks"]["math_arithmetic"]}
    path = tmp_path_factory.mktemp("suite") / "own-1.yaml"
    path.write_text(yaml.safe_dump(whole | {"name": "own", "tasks": kept}, sort_keys=False))
    return path


def plan(tmp_path: Path, suite: Path, sampling: Sampling | None = DRAWN, out: str = "runs") -> Plan:
    folders = [str(tmp_path / f"model{k}") for k in range(2)]
    for seed, folder in enumerate(folders):
        if not Path(folder).exists():
            write_checkpoint(Path(folder), seed=seed)
    return make_plan(folders[0], folders[1:], str(suite), "math", SETTINGS, tmp_path / out, sampling=sampling)


def test_an_item_has_k_answers_with_seeds_that_both_models_share(
    tmp_path: Path, suite_file: Path, started: list[Drawing]
) -> None:
    watcher = Silent()
    folders = run_plan(plan(tmp_path, suite_file), watcher)
    base, tuned = map(read_run, folders)
    assert watcher.finished_runs == [("model0", 0, 900), ("model1", 0, 900)]
    assert (base.record.n_items, len(base.samples)) == (300, 900)
    assert base.record.decoding == {"temperature": 0.7, "top_p": 1.0, "repeats": 3, "seed": 5}
    assert base.samples["repeat"].tolist() == [0, 1, 2] * 300
    due = [DRAWN.seed_of(row.item_id, row.repeat) for row in base.samples.itertuples()]
    assert base.samples["seed"].tolist() == tuned.samples["seed"].tolist() == due
    assert folders[0].name == "transformers-float32-sampled-t0.7-k3-seed5"
    assert [run.state for run in find_runs(tmp_path / "runs")] == ["complete", "complete"]


def test_greedy_runs_keep_their_folder_record_and_columns(
    tmp_path: Path, suite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "start", lambda *_: FakeEngine())
    monkeypatch.setattr(placement, "describe", lambda *_: RECORD)
    folder = run_plan(plan(tmp_path, suite_file, None), Silent())[0]
    run = read_run(folder)
    assert folder.name == "transformers-float32"
    assert run.record.decoding == {"temperature": 0.0}
    assert {"repeat", "seed"}.isdisjoint(run.samples.columns)


def test_the_same_command_again_changes_no_byte(tmp_path: Path, suite_file: Path, started: list[Drawing]) -> None:
    wanted = plan(tmp_path, suite_file)
    folders = run_plan(wanted, Silent())
    before = {path: path.read_bytes() for folder in folders for path in folder.iterdir()}
    started.clear()
    assert run_plan(wanted, Silent()) == folders
    assert not started
    assert {path: path.read_bytes() for folder in folders for path in folder.iterdir()} == before


def test_a_run_that_was_interrupted_ends_in_the_same_file(
    tmp_path: Path, suite_file: Path, started: list[Drawing], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_run(run_plan(plan(tmp_path, suite_file), Silent())[0])
    cut = replace(plan(tmp_path, suite_file, out="cut"), tuned=())

    class Dying(Drawing):
        def __init__(self) -> None:
            super().__init__()
            self.fail_after = 400

    monkeypatch.setattr(starting, "start", lambda *_: Dying())
    with pytest.raises(RuntimeError, match="the engine died"):
        run_plan(cut, Silent())
    monkeypatch.setattr(starting, "start", lambda *_: Drawing())
    watcher = Silent()
    again = read_run(run_plan(cut, watcher)[0])
    assert again.record.samples_sha256 == whole.record.samples_sha256
    assert watcher.finished_runs == [("model0", 400, 500)]


def test_more_repeats_keep_the_answers_that_were_drawn(
    tmp_path: Path, suite_file: Path, started: list[Drawing]
) -> None:
    run_plan(plan(tmp_path, suite_file), Silent())
    watcher = Silent()
    run_plan(plan(tmp_path, suite_file, replace(DRAWN, repeats=5)), watcher)
    assert watcher.finished_runs == [("model0", 900, 600), ("model1", 900, 600)]


def test_a_pair_is_scored_over_items(tmp_path: Path, suite_file: Path, started: list[Drawing]) -> None:
    base, tuned = map(read_run, run_plan(plan(tmp_path, suite_file), Silent()))
    card = score_pair(base, tuned, "math")
    task = card.tasks["math_arithmetic"]
    units = base.samples["cluster_id"].nunique()
    assert (card.repeats, task.n, task.n_clusters, task.delta) == (3, 300, units, 0)
    assert "decoding:repeats=3,seed=5,temperature=0.7,top_p=1.0|" in card.signature
    assert "|n:300|" in card.signature
    assert [each.k for each in task.pass_at] == [1, 2, 3]
    shown = summarise(base)["math_arithmetic"]
    assert (shown["n"], shown["answers"], shown["correct"]) == (300, 900, pytest.approx(task.base))


@pytest.mark.parametrize("other", [replace(DRAWN, repeats=2), replace(DRAWN, temperature=1.0), replace(DRAWN, seed=1)])
def test_runs_of_other_sampling_are_no_pair(
    tmp_path: Path, suite_file: Path, started: list[Drawing], other: Sampling
) -> None:
    base = read_run(run_plan(plan(tmp_path, suite_file), Silent())[0])
    tuned = read_run(run_plan(plan(tmp_path, suite_file, other), Silent())[1])
    with pytest.raises(RetentionError, match=r"decoding differs: base .*; evaluate both with one command"):
        score_pair(base, tuned, "math")


def test_the_noise_of_a_sampled_run_is_that_of_other_draws(
    tmp_path: Path, suite_file: Path, started: list[Drawing]
) -> None:
    folder, floor = noise.measure_noise(plan(tmp_path, suite_file), Silent())
    second = read_run(folder.parent / floor.second)
    assert set(second.samples["seed"]).isdisjoint(read_run(folder).samples["seed"])
    task = floor.tasks["math_arithmetic"]
    assert task.n == 300
    assert 0 < task.outputs_differ <= 900
    assert task.delta_ci is not None


def test_a_sampled_run_is_judged_again(tmp_path: Path, suite_file: Path, started: list[Drawing]) -> None:
    folder = run_plan(plan(tmp_path, suite_file), Silent())[0]
    before = read_run(folder)
    recomputer = Recomputer(load_suite(str(suite_file)), suite_path(str(suite_file)).parent)
    found = recomputer.recompute(before.samples)
    assert (found.rows, found.differences, found.unknown) == (900, (), ())
    done = rejudge_run(folder, recomputer)
    assert (done.rows, done.changed) == (900, 0)
    assert read_run(folder).samples["seed"].tolist() == before.samples["seed"].tolist()


def test_a_screening_is_greedy(tmp_path: Path, suite_file: Path) -> None:
    with pytest.raises(RetentionError, match="--screen: its stopping rule is for greedy answers"):
        screen(plan(tmp_path, suite_file), "math", Silent())


def test_an_engine_that_cannot_draw_by_seeds_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "available", lambda: ["vllm", "transformers"])
    assert choose_for_sampling(None, "NVIDIA H200") == ("vllm", "")
    name, why = choose_for_sampling(None, "cpu")
    assert name == "transformers"
    assert why.startswith("engine transformers: vLLM's CPU build cannot give each request a seed")
    with pytest.raises(EngineError, match=r"engine vllm: vLLM's CPU build .*; use --engine transformers, or a GPU"):
        choose_for_sampling("vllm", "cpu")
    with pytest.raises(EngineError, match="engine lm-eval:hf: lm-eval's backends draw without a seed"):
        choose_for_sampling("lm-eval:hf", "cpu")
    monkeypatch.setattr(settings, "available", lambda: ["vllm"])
    with pytest.raises(EngineError, match="use --engine transformers, or a GPU"):
        choose_for_sampling(None, "cpu")


def test_options_are_compared_once(tmp_path: Path) -> None:
    tiny = tiny_suite(tmp_path / "tiny", count=10)
    answered: list[int] = []
    chunks = run_tasks(tiny.suite, tiny.tasks, FakeEngine(), tiny.renderer, answered.append, Draws(DRAWN))
    samples = [sample for chunk in chunks for sample in chunk]
    letters = [sample for sample in samples if sample.task == "tiny_letters"]
    assert [(each.repeat, each.seed) for each in letters] == [(0, None)] * 10
    assert sum(answered) == len(samples) == 2 * 10 * DRAWN.repeats + 10
    order = [(name, item_id) for name, loaded in tiny.tasks.items() for item_id in loaded.item_ids]
    assert list(dict.fromkeys((each.task, each.item_id) for each in samples)) == order


def test_a_suite_of_options_alone_is_not_sampled(tmp_path: Path) -> None:
    tiny = tiny_suite(tmp_path / "tiny", count=10)
    kept = {"tiny_letters": yaml.safe_load(tiny.path.read_text())["tasks"]["tiny_letters"]}
    path = tiny.folder / "letters-1.yaml"
    path.write_text(yaml.safe_dump({"name": "letters", "version": "1", "title": "L", "prompt": "plain", "tasks": kept}))
    wanted = make_plan(
        str(write_checkpoint(tmp_path / "m")), (), str(path), None, SETTINGS, tmp_path / "runs", sampling=DRAWN
    )
    with pytest.raises(RetentionError, match="suite letters-1 only compares options by their probability"):
        run_plan(wanted, Silent())
