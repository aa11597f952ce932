"""Logs of other tools with anything in them: a table that can be scored, or the one error, on one line."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.api import open_run
from harness.errors import RetentionError
from harness.scoring import score_pair
from tests.support import tool_logs
from tests.support.fuzzing import changed, fuzz, mutated
from tests.support.inspect_logs import KEPT
from tests.support.lighteval_details import FOLDER

LONGEST = 2_000


def _read(path: Path) -> None:
    try:
        table = open_run(path)
    except RetentionError as error:
        message = str(error)
        assert message
        assert "\n" not in message
        assert len(message) < LONGEST, message[:500]
        message.encode()
        return
    assert score_pair(table, table, None).to_json().encode()


def _helm(folder: Path) -> list[Path]:
    run = tool_logs.helm(folder, "base", 9)
    names = ("run_spec", "per_instance_stats", "scenario_state", "instances", "display_predictions")
    return [run / f"{name}.json" for name in names]


@fuzz(60)
@given(data=st.data())
def test_a_run_of_helm(tmp_path: Path, data: st.DataObject) -> None:
    files = _helm(tmp_path)
    path = data.draw(st.sampled_from(files))
    path.write_text(json.dumps(data.draw(changed(json.loads(path.read_bytes())))))
    _read(path.parent)


@fuzz(60)
@given(data=st.data())
def test_a_file_of_opencompass(tmp_path: Path, data: st.DataObject) -> None:
    tool_logs.opencompass(tmp_path, "base", 9, details=data.draw(st.booleans()))
    tool_logs.opencompass_ppl(tmp_path / "predictions" / "base" / "little_ppl.json", 9)
    path = data.draw(st.sampled_from(sorted(tmp_path.rglob("*.json"))))
    path.write_text(json.dumps(data.draw(changed(json.loads(path.read_bytes())))))
    for given_path in (path, tmp_path):
        _read(given_path)


@fuzz(60)
@given(data=st.data())
def test_json_lines_of_lmms_eval_and_every_eval_ever(tmp_path: Path, data: st.DataObject) -> None:
    tool_logs.lmms_eval(tmp_path / "lmms", "base", 9)
    tool_logs.every_eval_ever(tmp_path / "eee.jsonl", "base", 9)
    path = data.draw(st.sampled_from(sorted(tmp_path.rglob("*.jsonl"))))
    rows = data.draw(changed([json.loads(line) for line in path.read_text().splitlines()]))
    path.write_text("".join(json.dumps(row) + "\n" for row in (rows if isinstance(rows, list) else [rows])))
    _read(path)


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A log of each form that is not text."""
    folder = tmp_path_factory.mktemp("binary")
    book = tool_logs.vlmevalkit(folder, "base", 9)
    details = FOLDER / "base_little_sums.parquet"
    return {book.name: book.read_bytes(), details.name: details.read_bytes()}


@fuzz(60)
@given(data=st.data())
def test_bytes_of_an_excel_and_a_parquet_file(binary: dict[str, bytes], tmp_path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(binary)))
    path = tmp_path / name
    path.write_bytes(data.draw(mutated([binary[name]])))
    _read(path)


@pytest.fixture(scope="module")
def inspected(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Any]:
    """A log of Inspect in both of its forms."""
    from inspect_ai.log import read_eval_log, write_eval_log

    path = tmp_path_factory.mktemp("inspect") / "log.json"
    write_eval_log(read_eval_log(str(KEPT)), str(path), format="json")
    return KEPT.read_bytes(), json.loads(path.read_bytes())


@pytest.mark.filterwarnings("ignore")
@fuzz(30)
@given(data=st.data())
def test_a_log_of_inspect(inspected: tuple[bytes, Any], tmp_path: Path, data: st.DataObject) -> None:
    archive, document = inspected
    if data.draw(st.booleans()):
        path = tmp_path / "log.eval"
        path.write_bytes(data.draw(mutated([archive])))
    else:
        path = tmp_path / "log.json"
        path.write_text(json.dumps(data.draw(changed(document))))
    _read(path)
