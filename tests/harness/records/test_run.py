"""Run records: those that were written before newer fields still read."""

import json
from pathlib import Path
from typing import Any

from harness.records.run import RECORD_FILE, EngineRecord, read_record

ROOT = Path(__file__).parents[3]
# Written by the code before suites could mark transfer and adjacent tasks, and before runs had replicates or screens.
BEFORE_MARKS = ROOT / "tests" / "fixtures" / "run_before_suite_marks.json"


def test_a_run_record_from_before_newer_fields_still_reads(tmp_path: Path) -> None:
    document = json.loads(BEFORE_MARKS.read_text())
    assert not {"replicate", "screened", "full_log", "judge"} & document.keys()
    assert not {"transfer", "adjacent"} & document["suite"].keys()
    (tmp_path / RECORD_FILE).write_bytes(BEFORE_MARKS.read_bytes())
    record = read_record(tmp_path)
    assert (record.replicate, record.screened, record.suite.transfer, record.suite.adjacent) == (0, None, (), {})
    assert (record.full_log, record.judge) == (None, 1)
    assert record.n_items == sum(record.suite.tasks.values()) == 2800


def test_an_engine_of_which_nothing_was_chosen_is_written_as_before() -> None:
    plain = EngineRecord(name="vllm", version="0.32.0", dtype="bfloat16", mode="compiled", device="H100")
    assert plain.model_dump() == {
        "name": "vllm",
        "version": "0.32.0",
        "dtype": "bfloat16",
        "mode": "compiled",
        "device": "H100",
        "adapter": "none",
    }
    assert plain.fingerprint == "vllm/0.32.0/bfloat16/compiled/H100/none"


def test_what_was_chosen_of_an_engine_is_in_its_environment_and_comes_back() -> None:
    chosen: dict[str, Any] = {"quantization": "fp8", "arguments": {"kv_cache_dtype": "fp8", "enforce_eager": True}}
    record = EngineRecord(name="vllm", version="1", dtype="bfloat16", mode="eager", device="H100", **chosen)
    assert record.environment == "vllm/1/bfloat16/eager/H100/quantization=fp8/enforce_eager=true/kv_cache_dtype=fp8"
    assert EngineRecord.model_validate_json(record.model_dump_json()) == record
    assert len({record, record.model_copy(update={"arguments": {}})}) == 2


def test_two_choices_of_arguments_never_share_a_fingerprint() -> None:
    values: tuple[Any, ...] = (1, "1", 1.5, "1.5", True, "true", None, "null", {}, "{}", "x", '"x"', "x/b=2", "x b", [])
    chosen: list[dict[str, Any]] = [{}, {"a": "x", "b": 2}, *({"a": value} for value in values)]
    record = EngineRecord(name="vllm", version="1", dtype="bfloat16", mode="eager", device="cpu")
    assert len({record.model_copy(update={"arguments": each}).fingerprint for each in chosen}) == len(chosen)
