"""A real run in the forms of other tools, read back by their own readers and schemas."""

import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from harness.exports.every_eval_ever import SCHEMA_VERSION
from harness.exports.writing import ExportError, export_run
from harness.records.run import Run, read_run
from harness.records.samples import Outcome
from harness.records.suites import SuiteError
from leaderboard.cli import cli
from tests.support.every_eval_ever import SchemaMissingError, published_schema

ROOT = Path(__file__).parents[3]
RUN = ROOT / "submissions" / "3exsg3n533zb" / "tuned"


@pytest.fixture(scope="module")
def run() -> Run:
    return read_run(RUN)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    path = tmp_path_factory.mktemp("out") / "run.jsonl"
    made = export_run(RUN, path, format="every-eval-ever")
    assert (made.items, made.questions, made.notes) == (2800, 2800, ())
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_records_hold_to_the_published_schema(records: list[dict[str, Any]]) -> None:
    try:
        schema = published_schema("instance_level_eval")
    except SchemaMissingError as error:
        pytest.fail(str(error))
    assert schema["version"] == SCHEMA_VERSION
    judge = jsonschema.Draft7Validator(schema)
    for record in records:
        judge.validate(record)
    # The schema does judge: without its output a record is refused.
    with pytest.raises(jsonschema.ValidationError):
        judge.validate({**records[0], "output": None})


def test_records_say_what_the_run_says(records: list[dict[str, Any]], run: Run) -> None:
    assert [record["sample_id"] for record in records] == list(run.samples["item_id"])
    right = run.samples["outcome"] == Outcome.CORRECT
    assert [record["evaluation"]["is_correct"] for record in records] == list(right)
    assert sum(record["evaluation"]["score"] for record in records) == pytest.approx(run.samples["score"].sum())
    first = records[0]
    assert first["input"]["raw"].startswith("<image>This picture was cut into 4 tiles")
    hashed = first["input"]["raw"] + "".join(first["input"]["reference"])
    assert first["sample_hash"] == hashlib.sha256(hashed.encode()).hexdigest()
    unread = [record for record in records if record["metadata"]["outcome"] == "unparsed"]
    assert len(unread) == (run.samples["outcome"] == Outcome.UNPARSED).sum() > 0
    assert all(record["metadata"]["explanation"].startswith("unparsed: ") for record in unread)


def test_the_same_run_gives_the_same_records(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        export_run(RUN, tmp_path / name, format="every-eval-ever")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_questions_that_are_not_at_hand_are_left_out_and_said_to_be(tmp_path: Path) -> None:
    own = tmp_path / "run"
    own.mkdir()
    (own / "samples.parquet").write_bytes((RUN / "samples.parquet").read_bytes())
    record = json.loads((RUN / "run.json").read_text(encoding="utf-8"))
    record["suite"]["name"] = "own"
    (own / "run.json").write_text(json.dumps(record), encoding="utf-8")
    made = export_run(own, tmp_path / "out.jsonl", format="every-eval-ever")
    assert made.questions == 0
    assert made.notes == ("own-1 is not a shipped suite: name its file with --suite to have the questions",)
    first = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert (first["input"], first["sample_hash"]) == ({"raw": "", "reference": []}, None)
    found = export_run(own, tmp_path / "found.jsonl", format="every-eval-ever", suite="nano-1")
    assert found.questions == 2800


@pytest.mark.parametrize(
    ("out", "settings", "message"),
    [
        ("a.json", {"format": "every-eval-ever"}, r"--format every-eval-ever writes \.jsonl"),
        ("a.jsonl", {"format": "inspect"}, r"--format inspect writes \.eval or \.json"),
        ("there.jsonl", {"format": "every-eval-ever"}, "already exists; remove it"),
        ("a.jsonl", {"format": "every-eval-ever", "pictures": True}, "has no place for pictures"),
        ("a.jsonl", {"format": "helm"}, "--format helm: not one of inspect, every-eval-ever"),
        ("there.jsonl/a.jsonl", {"format": "every-eval-ever"}, "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_named(tmp_path: Path, out: str, settings: Any, message: str) -> None:
    (tmp_path / "there.jsonl").write_text("")
    with pytest.raises(ExportError, match=message):
        export_run(RUN, tmp_path / out, **settings)


def test_a_suite_that_is_not_the_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="unknown suite"):
        export_run(RUN, tmp_path / "a.jsonl", format="every-eval-ever", suite="none-1")


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    out = tmp_path / "a.jsonl"
    arguments = ["runs", "export", str(RUN), "--format", "every-eval-ever", "--out", str(out)]
    said = CliRunner().invoke(cli, [*arguments, "--json"])
    assert said.exit_code == 0, said.output
    assert json.loads(said.output) == {"path": str(out), "items": 2800, "questions": 2800, "notes": []}
    again = CliRunner().invoke(cli, arguments)
    assert again.exit_code != 0
