"""Datastore: every answer of an entry as a line that its published schema takes, whose means are the aggregate's."""

import hashlib
import json
import re
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import leaderboard
from harness.records import read_run
from leaderboard.board.board import Row, load_board
from leaderboard.site.exports.datastore import datastore_files
from tests.support.every_eval_ever import SchemaMissingError, published_schema

ROOT = Path(leaderboard.__file__).parents[1]
ENTRY = "4eauwmhpomvr"


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> Row:
    folder = tmp_path_factory.mktemp("submissions")
    shutil.copytree(ROOT / "submissions" / ENTRY, folder / ENTRY)
    (found,) = load_board(folder, ROOT / "leaderboard/data/bases").rows
    return found


@pytest.fixture(scope="module")
def files(row: Row) -> dict[str, bytes]:
    return dict(datastore_files(row, "https://board.example.org/"))


@pytest.fixture(scope="module")
def record(files: dict[str, bytes]) -> Any:
    return json.loads(next(data for name, data in files.items() if name.endswith(".json")))


@pytest.fixture(scope="module")
def lines(files: dict[str, bytes]) -> list[Any]:
    (content,) = [data for name, data in files.items() if name.endswith(".jsonl")]
    return [json.loads(line) for line in content.splitlines()]


def judge(name: str) -> Any:
    try:
        return jsonschema.Draft7Validator(published_schema(name))
    except SchemaMissingError as error:
        pytest.fail(str(error))


def test_both_files_hold_to_the_published_schemas(record: Any, lines: list[Any]) -> None:
    judge("eval").validate(record)
    of_instances = judge("instance_level_eval")
    for line in lines[::100]:
        of_instances.validate(line)


def test_the_record_names_its_lines(files: dict[str, bytes], record: Any, lines: list[Any]) -> None:
    said = record["detailed_evaluation_results"]
    content = files[said["file_path"].removeprefix("data/")]
    assert said["checksum"] == hashlib.sha256(content).hexdigest()
    assert said["total_rows"] == len(lines)
    assert {line["evaluation_id"] for line in lines} == {record["evaluation_id"]}
    assert {line["model_id"] for line in lines} == {record["model_info"]["id"]}


def test_means_and_counts_of_lines_are_those_of_the_record(record: Any, lines: list[Any]) -> None:
    right: dict[str, list[bool]] = defaultdict(list)
    for line in lines:
        right[line["evaluation_result_id"]].append(line["evaluation"]["is_correct"])
    results = {each["evaluation_result_id"]: each for each in record["evaluation_results"]}
    assert set(right) <= set(results)
    for result, answers in right.items():
        found = results[result]
        assert found["metric_config"]["metric_id"] == "accuracy"
        assert found["score_details"]["uncertainty"]["num_samples"] == len(answers)
        assert found["score_details"]["score"] == pytest.approx(sum(answers) / len(answers))


def test_samples_are_the_items_that_each_number_is_of(row: Row, record: Any) -> None:
    samples = read_run(row.folders[1]).samples
    role = {name: task.role for name, task in row.card.tasks.items()}
    counts = samples.groupby(samples.task.map(role)).size()
    said = {
        each["metric_config"]["metric_id"].removeprefix("retentionbench."): each["score_details"]["uncertainty"]
        for each in record["evaluation_results"]
        if each["evaluation_name"] == "nano-1"
    }
    assert said["gain"]["num_samples"] == counts["target"]
    assert said["retention_macro"]["num_samples"] == counts["prior"], "the base is above chance on every prior task"
    assert said["balance"]["num_samples"] == counts["target"] + counts["prior"] == len(samples)
    assert "bootstrap" not in json.dumps(said), "no interval of these is drawn by resampling"


def test_no_question_is_given_away_and_every_answer_is(row: Row, lines: list[Any]) -> None:
    samples = read_run(row.folders[1]).samples
    assert {line["sample_id"]: line["output"]["raw"] for line in lines} == {
        item: [output] for item, output in zip(samples["item_id"], samples["output"], strict=True)
    }
    assert {line["input"]["raw"] for line in lines} == {""}


def test_the_same_entry_gives_the_same_files(row: Row, files: dict[str, bytes]) -> None:
    assert dict(datastore_files(row, "https://board.example.org/")) == files
    assert all(re.fullmatch(r"retentionbench/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+/[0-9a-f-]{36}(_samples)?\.jsonl?", name)
               for name in files)  # fmt: skip
