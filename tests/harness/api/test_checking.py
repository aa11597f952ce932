"""Checking from Python: which suite is taken, what is planned, what comes out, and what to run next."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.api import Check, EvaluationFailedError, check, evaluate_pairs, plan, plan_check
from harness.cli import cli
from harness.engines import EngineError, placement, starting
from harness.errors import RetentionError
from harness.records import load_suite, read_record
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
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("RETENTION_DATA", raising=False)
    monkeypatch.setattr("harness.sources.use_hub_or_cache", lambda: None)
    for seed, name in enumerate(("base", "tuned", "broken")):
        write_checkpoint(tmp_path / name, seed=seed)
    return tmp_path


@pytest.fixture
def asked(models: Path) -> Settings:
    suite = part_of_nano(models, "math_arithmetic", "science_facts")
    return {"suite": suite, "items": 20, "out": models / "runs", "engine": "transformers", "dtype": "float32"}


def test_a_plan_with_items_is_of_what_a_check_asks(models: Path, asked: Settings, started: list[str]) -> None:
    pair = (models / "base", models / "tuned")
    before = plan(*pair, **asked).total
    assert (before.items, before.stored) == (2 * 2 * 20, 0)
    check(*pair, **asked)
    after = plan(*pair, **asked).total
    assert (after.items, after.to_answer) == (before.items, 0)
    with pytest.raises(RetentionError, match="items 0: a part has at least one item of each task"):
        plan(*pair, **{**asked, "items": 0})


@pytest.mark.engine
def test_a_real_pair_is_checked_without_naming_a_suite(tmp_path: Path) -> None:
    found = check("nano:base", "nano:sft", target="jigsaw", items=25, out=tmp_path, engine="transformers")
    assert isinstance(found, Check)
    assert (found.choice.suite, found.choice.reason) == ("nano-1", "its tokenizer is that of nano:base")
    assert set(found.scorecard.suite.tasks.values()) == {25}
    assert found.scorecard.suite.comparable == "nano-1-part-25"
    assert found.scorecard.learned.gain > 0.3
    assert len(found.verdict) <= 10
    assert found.summary().splitlines()[-2:] == [f"Report: {found.report}", f"Next: {found.next}"]
    assert found.report.is_file()
    (adapter,) = check("nano:base", ["nano:lora-replay"], items=25, out=tmp_path, engine="transformers")
    assert adapter.scorecard.base.samples_sha256 == found.scorecard.base.samples_sha256
    assert adapter.scorecard.target is None


def test_sizes_are_known_before_an_engine_starts(models: Path, started: list[str], asked: Settings) -> None:
    said: list[str] = []
    planned = plan_check(models / "base", [models / "tuned"], target="math", progress=said.append, **asked)
    assert started == []
    assert said == [f"Suite: {asked['suite']} (as given)"]
    assert [(each.task, each.items, each.is_target) for each in planned.sizes.tasks] == [
        ("math_arithmetic", 20, True),
        ("science_facts", 20, False),
    ]
    assert planned.sizes.smallest_mean_loss == pytest.approx(2.8 * (0.1 / 20) ** 0.5, abs=0.01)
    assert planned.sizes.items == 40


def test_two_checks_of_as_many_items_share_the_base_and_are_not_the_suite(
    models: Path, started: list[str], asked: Settings
) -> None:
    (first,) = check(models / "base", [str(models / "tuned")], **asked)
    (second,) = check(models / "base", [str(models / "tuned")], **asked)
    assert started == ["base", "tuned"]
    assert first.scorecard == second.scorecard
    part = read_record(first.folder).suite
    assert (part.name, part.version, part.tasks) == ("part-1-part", "20", {"math_arithmetic": 20, "science_facts": 20})
    whole = load_suite(str(asked["suite"]))
    assert part.digest != whole.digest
    (more,) = check(models / "base", [str(models / "tuned")], **(asked | {"items": 21}))
    assert more.folder.parents[1] != first.folder.parents[1]


def test_all_items_are_a_run_of_the_suite_itself(models: Path, started: list[str], asked: Settings) -> None:
    (found,) = check(models / "base", [str(models / "tuned")], **(asked | {"items": 1000}))
    assert read_record(found.folder).suite == load_suite(str(asked["suite"])).record
    settings = {name: value for name, value in asked.items() if name != "items"}
    (again,) = evaluate_pairs(models / "base", [models / "tuned"], **settings)
    assert again.scorecard == found.scorecard
    assert started == ["base", "tuned"]


def test_the_next_command_runs_as_printed(models: Path, started: list[str], asked: Settings) -> None:
    found = check(models / "base", models / "tuned", target="math", **asked)
    for _ in range(2):
        words = shlex.split(found.next)
        result = CliRunner().invoke(cli, words[1:])
        assert result.exit_code == 0, result.output
        found = check(models / "base", models / "tuned", target="math", **(asked | {"items": 1000}))
    assert words[:3] == ["retention", "runs", "show"]


def test_a_text_model_without_data_is_asked_what_needs_none(
    models: Path, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    said: list[str] = []
    planned = plan_check(
        models / "base", [models / "tuned"], items=5, engine="transformers", out=models / "runs", progress=said.append
    )
    assert planned.plan.suite.id == "core-text-2-part-8-tasks-5"
    assert "only the 8 of its 28 tasks that need no data: openai/gsm8k and 14 more sets are not here" in said[0]
    (found,) = planned.run()
    next_words = shlex.split(found.next)
    assert next_words[:2] == ["retention", "check"]
    assert next_words[next_words.index("--items") + 1] == "20"


def test_what_failed_leaves_the_checks_that_did_not(models: Path, started: list[str], asked: Settings) -> None:
    with pytest.raises(EvaluationFailedError, match="broken: out of memory") as raised:
        check(models / "base", [str(models / "broken"), str(models / "tuned")], **asked)
    (found,) = raised.value.evaluations
    assert isinstance(found, Check)
    assert found.scorecard.tuned.name == "tuned"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"target": "chess"}, "chess: suite part-1 has no such family; it has math, science"),
        ({"items": 0}, "--items 0: a check asks at least one item of each task"),
        ({"suite": "core-9"}, "core-9: unknown suite; there are "),
        ({"suite": "core-text-2"}, "suite core-text-2: 20 tasks need data that is not here (openai/gsm8k and 14 more)"),
        ({"tuned": []}, "tuned: no checkpoint is named"),
        ({"tuned": "no/such/folder"}, "no/such/folder: no such folder"),
    ],
)
def test_what_is_wrong_is_named_before_any_engine_starts(
    models: Path,
    started: list[str],
    asked: Settings,
    changed: Settings,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(RetentionError) as raised:
        check(models / "base", **({"tuned": models / "tuned"} | asked | changed))
    assert message in str(raised.value)
    assert started == []


def test_evaluate_without_a_suite_names_the_one_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RETENTION_DATA", raising=False)
    with pytest.raises(RetentionError) as raised:
        evaluate_pairs("nano:base", ["nano:sft"], target="jigsaw", engine="transformers")
    said = str(raised.value)
    assert "nano-1 (its tokenizer is that of nano:base) fits this base" in said
    assert "`retention evaluate nano:base nano:sft --suite nano-1 --target jigsaw --engine transformers`" in said
    assert "`retention check nano:base nano:sft --target jigsaw --engine transformers`" in said


def test_the_scorecard_of_a_check_is_a_document(models: Path, started: list[str], asked: Settings) -> None:
    found = check(models / "base", models / "tuned", **asked)
    assert json.loads((found.folder / "scorecard.json").read_text(encoding="utf-8"))["target"] is None
