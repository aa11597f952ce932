"""Evaluating from Python: the same runs, files and refusals as the command, with a fake engine."""

from pathlib import Path
from typing import Any

import pytest

from harness.api import (
    EvaluationFailedError,
    evaluate,
    evaluate_pairs,
    measure_base_noise,
    screen_pairs,
)
from harness.engines import EngineError, placement, starting
from harness.errors import RetentionError
from harness.evaluation import NOISE_FILE
from harness.records import SuiteError
from harness.scoring import Scorecard
from tests.support.fakes import RECORD, FakeEngine, part_of_nano, write_checkpoint

Settings = dict[str, Any]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the checkpoints for which an engine was started; the one called "broken" has none."""
    names: list[str] = []

    def start(placed: placement.Placement) -> FakeEngine:
        names.extend(each.checkpoint.record.name for each in placed.members)
        if names[-1] == "broken":
            raise EngineError("broken: out of memory")
        return FakeEngine()

    monkeypatch.setattr(starting, "start", start)
    monkeypatch.setattr(placement, "describe", lambda *_: RECORD)
    return names


@pytest.fixture
def models(tmp_path: Path) -> Path:
    for seed, name in enumerate(("base", "tuned", "other", "broken")):
        write_checkpoint(tmp_path / name, seed=seed)
    return tmp_path


@pytest.fixture
def asked(tmp_path: Path) -> Settings:
    suite = part_of_nano(tmp_path, "math_arithmetic")
    engine = {"engine": "transformers", "dtype": "float32"}
    return {"suite": suite, "target": "math", "out": tmp_path / "runs", **engine}


def test_one_checkpoint_gives_a_scorecard_and_a_list_gives_a_list(
    models: Path, started: list[str], asked: Settings
) -> None:
    card = evaluate(models / "base", str(models / "tuned"), **asked)
    assert isinstance(card, Scorecard)
    assert (card.tuned.name, card.learned.family) == ("tuned", "math")
    assert started == ["base", "tuned"]
    cards = evaluate(models / "base", [str(models / "tuned"), str(models / "other")], **asked)
    assert cards[0] == card
    assert [each.tuned.name for each in cards] == ["tuned", "other"]
    assert started == ["base", "tuned", "other"], "what was answered is not asked again"


def test_scorecard_and_report_lie_beside_the_run(models: Path, started: list[str], asked: Settings) -> None:
    (found,) = evaluate_pairs(models / "base", [models / "tuned"], **asked)
    assert found.folder.is_relative_to(models / "runs")
    assert (found.folder / "scorecard-math.json").read_text(encoding="utf-8") == found.scorecard.to_json()
    assert found.report == found.folder / "report-math.html"
    assert found.scorecard.signature in found.report.read_text(encoding="utf-8")
    assert (found.asked, found.screened) == (1, None)


def test_without_a_target_there_is_forgetting_and_no_gain(models: Path, started: list[str], asked: Settings) -> None:
    (found,) = evaluate_pairs(models / "base", [models / "tuned"], **(asked | {"target": None}))
    assert (found.scorecard.target, list(found.scorecard.prior_tasks)) == (None, ["math_arithmetic"])
    assert (found.folder / "scorecard.json").read_text(encoding="utf-8") == found.scorecard.to_json()
    assert found.report == found.folder / "report.html"
    del asked["target"]
    assert evaluate(models / "base", models / "tuned", **asked) == found.scorecard


def test_a_screening_needs_a_target(models: Path, started: list[str], asked: Settings) -> None:
    with pytest.raises(RetentionError, match=r"--screen: .* name it with --target \(math\), or evaluate in full"):
        screen_pairs(models / "base", [models / "tuned"], **(asked | {"target": None}))
    assert started == []


def test_what_is_complete_is_in_the_error_of_what_failed(models: Path, started: list[str], asked: Settings) -> None:
    with pytest.raises(EvaluationFailedError, match="broken: out of memory") as raised:
        evaluate(models / "base", [str(models / "broken"), str(models / "tuned")], **asked)
    (found,) = raised.value.evaluations
    assert found.scorecard.tuned.name == "tuned"
    assert found.report.is_file()


def test_a_base_that_fails_leaves_nothing_to_score(models: Path, started: list[str], asked: Settings) -> None:
    with pytest.raises(EvaluationFailedError, match="broken: out of memory") as raised:
        evaluate(models / "broken", models / "tuned", **asked)
    assert raised.value.evaluations == ()


def test_screening_says_how_much_was_asked(models: Path, started: list[str], asked: Settings) -> None:
    (found,) = screen_pairs(models / "base", [models / "tuned"], **asked)
    assert found.scorecard.screened
    assert found.screened is not None
    assert 0 < found.asked <= 1


def test_the_noise_floor_is_found_by_later_evaluations(models: Path, started: list[str], asked: Settings) -> None:
    settings = {name: value for name, value in asked.items() if name != "target"}
    folder, floor = measure_base_noise(models / "base", **settings)
    assert floor.agrees
    assert (folder / NOISE_FILE).is_file()
    card = evaluate(models / "base", models / "tuned", **asked)
    assert card.noise is not None


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"suite": "core-9"}, SuiteError, "core-9: unknown suite; there are "),
        ({"target": "chess"}, RetentionError, "chess: suite part-1 has no such family; it has math"),
        ({"engine": "tensorflow"}, EngineError, "engine tensorflow: unknown; there are vllm, transformers, openai"),
        ({"tuned": []}, RetentionError, "tuned: no checkpoint is named"),
        ({"tuned": "no/such/folder"}, RetentionError, "no/such/folder: no such folder"),
        ({"bacth": 8}, TypeError, "bacth"),
    ],
)
def test_what_is_wrong_is_named_before_any_engine_starts(
    models: Path, started: list[str], asked: Settings, changed: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        evaluate(models / "base", **({"tuned": models / "tuned"} | asked | changed))
    assert message in str(raised.value)
    assert started == []
