"""Definitions: every number has one, it prints itself, and the page printed from them is current."""

from pathlib import Path

import pytest
from pydantic import BaseModel

import harness.scoring
from harness.errors import RetentionError
from harness.scoring import METRICS, SECTIONS, Metric, find_metric, metric_of, metrics_page, scorecard
from harness.scoring.dynamics import document
from harness.scoring.scorecard import DriftScore, GroupScore, NoiseScore, Scorecard, TargetScore, TaskScore

PAGE = Path(harness.scoring.__file__).parent / "METRICS.md"


def test_the_page_is_current() -> None:
    """To renew it: ``retention metrics --markdown > harness/scoring/METRICS.md``."""
    assert PAGE.read_text("utf-8") == metrics_page()


def test_names_anchors_and_fields_are_of_one_metric_each() -> None:
    assert len({metric.anchor for metric in METRICS.values()} | set(SECTIONS)) == len(METRICS) + len(SECTIONS)
    assert {metric.section for metric in METRICS.values()} == set(SECTIONS)
    fields = [field for metric in METRICS.values() for field in metric.fields]
    assert len(fields) == len(set(fields))


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_definition_names_fields_that_are_there_and_stands_alone(metric: Metric) -> None:
    for field in metric.fields:
        part, name = field.split(".")
        model = getattr(scorecard, part, None) or getattr(document, part)
        assert {name, metric.interval or name} <= set(model.model_fields)
    assert metric.formula
    assert metric.range
    assert metric.sentence.endswith((".", ".)"))
    assert "The same" not in metric.sentence
    assert all(address.startswith("https://") for address in metric.links.values())


@pytest.mark.parametrize(
    ("model", "no_numbers"),
    [
        (TaskScore, {"family", "group", "role", "reasons"}),
        (GroupScore, {"tasks", "n", "units", "reasons"}),
        (TargetScore, {"family", "tasks", "n", "transfer_tasks", "reasons"}),
        (NoiseScore, {"n", "reasons"}),
        (DriftScore, {"n", "n_tokens"}),
    ],
)
def test_every_number_of_a_scorecard_has_a_definition(model: type[BaseModel], no_numbers: set[str]) -> None:
    found = {name: metric_of(model.__name__, name) for name in model.model_fields}
    intervals = {metric.interval for metric in found.values() if metric is not None}
    assert {name for name, metric in found.items() if metric is None} == no_numbers | (intervals - {None})


def test_the_summary_numbers_have_definitions() -> None:
    assert [name for name in Scorecard.model_fields if metric_of("Scorecard", name)] == [
        "retention_macro", "retention_ratio", "worst_group", "balance", "alarms",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("forgotten_rate", "forgotten_rate"),
        ("forgotten-rate", "forgotten_rate"),
        ("Forgotten Rate", "forgotten_rate"),
        ("F", "forgotten_rate"),
        ("retention", "retention"),
        ("retention_macro", "retention"),
        ("TaskScore.retention", "task_retention"),
        ("smallest_loss", "smallest_loss"),
        ("p_holm", "p_holm"),
    ],
)
def test_a_metric_is_found_by_any_of_its_names(asked: str, name: str) -> None:
    assert find_metric(asked) is METRICS[name]


def test_an_unknown_metric_is_one_line_with_what_may_have_been_meant() -> None:
    with pytest.raises(RetentionError, match=r"'forgoten_rate': no such metric; did you mean forgotten_rate"):
        find_metric("forgoten_rate")
    for strange in ("", "?", "zzzzzzzz"):
        with pytest.raises(RetentionError, match="`retention metrics` lists all"):
            find_metric(strange)


def test_a_metric_prints_itself() -> None:
    metric = METRICS["f_true"]
    assert str(METRICS["forgotten_rate"]) == "Forgotten rate (F) = n10 / n"
    assert "https://arxiv.org/abs/2510.17776" in metric.to_markdown()
    assert "in JSON   tasks.NAME.f_true" in metric.to_text()
    assert metric.to_dict()["formula"] == metric.formula
    assert METRICS["knowledge_lost"].typeset == "mean of 1[1→0]/(1-g1) − g0·1[0→0]/((1-g0)·(1-g1))"
