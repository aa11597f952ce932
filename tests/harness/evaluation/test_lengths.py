"""Whether items fit: found before an engine starts, and where the user chose no length it is what they need."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.engines import placement, starting
from harness.engines.settings import EngineSettings
from harness.errors import RetentionError
from harness.evaluation.plan import Plan, make_plan
from harness.evaluation.run import run_plan
from harness.records.run import read_record
from tests.support.evaluating import SETTINGS, Silent
from tests.support.fakes import RECORD, FakeEngine, write_adapter, write_checkpoint
from tests.support.tiny import tiny_suite


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[FakeEngine]:
    running: list[FakeEngine] = []

    def start(*_: Any) -> FakeEngine:
        running.append(FakeEngine())
        return running[-1]

    monkeypatch.setattr(starting, "start", start)
    monkeypatch.setattr(placement, "describe", lambda *_: RECORD)
    return running


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prompts of a dozen words and budgets of 24 tokens, plain."""
    return tiny_suite(tmp_path_factory.mktemp("suite"), 4).path


def model(folder: Path, seed: int = 0, **config: Any) -> Path:
    write_checkpoint(folder, seed=seed, words=("a", "b", "A", "B", "C"))
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    return folder


def plan(tmp_path: Path, suite: Path, base: Path, *tuned: Path, settings: EngineSettings = SETTINGS) -> Plan:
    return make_plan(str(base), [str(each) for each in tuned], str(suite), "math", settings, tmp_path / "runs")


@pytest.mark.parametrize(
    ("positions", "chosen", "message"),
    [
        (4096, 20, r"task tiny_\w+: its longest prompt has (\d+) tokens and its answer up to 24, more than "
                   r"--max-model-len 20; give \d+, or leave the option out"),
        (20, None, r"more than the 20 positions that base and tuned have; leave the task out of the suite"),
        (20, 4096, r"more than the 20 positions that base and tuned have"),
    ],
)  # fmt: skip
def test_a_suite_that_does_not_fit_is_refused_before_an_engine_starts(
    tmp_path: Path, suite: Path, started: list[FakeEngine], positions: int, chosen: int | None, message: str
) -> None:
    folders = [model(tmp_path / name, k, max_position_embeddings=positions) for k, name in enumerate(("base", "tuned"))]
    with pytest.raises(RetentionError, match=message):
        run_plan(plan(tmp_path, suite, *folders, settings=replace(SETTINGS, max_model_len=chosen)), Silent())
    assert not started


def test_the_length_grows_with_the_suite_and_is_the_runs(
    tmp_path: Path, suite: Path, started: list[FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing is taken to be current by its commit: the suite is changed beneath its runs.
    monkeypatch.setattr("harness.evaluation.recording.code_commit", lambda: ("a" * 40, True))
    base = model(tmp_path / "base")
    short = run_plan(plan(tmp_path, suite, base), Silent())
    assert read_record(short[0]).conditions.max_model_len == 4096  # type: ignore[union-attr]
    started.clear()
    monkeypatch.setattr("harness.evaluation.lengths.decoding_of", lambda _: (5000, ()))
    long = run_plan(plan(tmp_path, suite, base), Silent())
    assert read_record(long[0]).conditions.max_model_len == 8192  # type: ignore[union-attr]
    # Nothing was taken from the store: the length is part of its keys.
    assert len(started) == 1


def test_a_fine_tune_that_ends_elsewhere_moves_no_other_pair(
    tmp_path: Path, suite: Path, started: list[FakeEngine]
) -> None:
    base, plain = model(tmp_path / "base"), model(tmp_path / "plain", 1)
    alone = run_plan(plan(tmp_path, suite, base, plain), Silent())
    before = [(folder / "run.json").read_bytes() for folder in alone]
    other = write_adapter(tmp_path / "other", base, ["layer"])
    (other / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<image>"}))
    short = model(tmp_path / "short", 2, max_position_embeddings=300)
    started.clear()
    whole = plan(tmp_path, suite, base, other, plain, short)
    folders = run_plan(whole, Silent())
    bases = [folder.name for folder in folders if folder.parent == alone[0].parent]
    assert bases == [f"{alone[0].name}-stop-2", alone[0].name, f"{alone[0].name}-length-300"]
    assert [(folder / "run.json").read_bytes() for folder in alone] == before
    assert len(started) == 4  # A base and a fine-tune of each of the two new kinds.
    ends = {folder: read_record(folder).conditions for folder in folders}
    for part in whole.parts():
        assert ends[part.folder(part.base)] == ends[part.folder(part.tuned[0])]
    assert read_record(whole.folder(whole.tuned[0])).notes == (
        "the tuned checkpoint ends its answers with token 2 (<image>), which ends the base's answers too",
    )
