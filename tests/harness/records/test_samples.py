import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.records.run import SuiteRecord, read_run
from harness.records.samples import Outcome, RunError, Sample
from harness.records.samples_file import ARROW_SCHEMA, iter_samples, read_samples, write_samples
from tests.support.synthetic import synthetic_run


def sample(number: int = 0, **changes: object) -> Sample:
    fields: dict[str, object] = {
        "item_id": f"{number:064x}",
        "task": "t",
        "family": "f",
        "group": "g",
        "cluster_id": "c",
        "guess_rate": 0.25,
        "output": "The answer is é.",
        "extracted": None,
        "outcome": Outcome.UNPARSED,
        "score": 0.0,
        "finish_reason": "stop",
        "n_prompt_tokens": 3,
        "n_output_tokens": 2,
        "prompt_digest": "0" * 64,
        "error": None,
        "layer": None,
        "details": {},
    }
    return Sample.model_validate(fields | changes)


def test_samples_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = [
        sample(0),
        sample(1, extracted="4", outcome=Outcome.CORRECT, score=1.0, layer="boxed"),
        sample(2, error="too long"),
        sample(3, details={"neighbour": 0.25, "inverse": 0.0}),
    ]
    write_samples(tmp_path / "samples.parquet", [rows[:2], rows[2:]])
    assert list(iter_samples(tmp_path / "samples.parquet")) == rows


def test_the_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    digests = {write_samples(tmp_path / f"{k}.parquet", [[sample(0), sample(1)]]) for k in range(2)}
    assert len(digests) == 1


def test_a_write_that_fails_leaves_no_samples_file(tmp_path: Path) -> None:
    def chunks() -> object:
        yield [sample(0)]
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        write_samples(tmp_path / "samples.parquet", chunks())  # type: ignore[arg-type]
    assert not (tmp_path / "samples.parquet").exists()


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("outcome", ["correct", "maybe"], "unknown outcome 'maybe'"),
        ("guess_rate", [0.0, 1.0], "column 'guess_rate' has values outside"),
        ("score", [0.0, float("nan")], "column 'score' has"),
        ("item_id", ["0" * 64, "0" * 64], "1 items appear more than once"),
        ("task", ["t", None], "column 'task' has 1 missing"),
    ],
)
def test_bad_values_are_refused_with_their_column(
    tmp_path: Path, column: str, values: list[object], message: str
) -> None:
    rows = [sample(k).model_dump() for k in range(2)]
    for row, value in zip(rows, values, strict=True):
        row[column] = value
    pq.write_table(pa.Table.from_pylist(rows, schema=ARROW_SCHEMA), tmp_path / "s.parquet")
    with pytest.raises(RunError, match=message):
        read_samples(tmp_path / "s.parquet")


def test_a_missing_or_unknown_column_is_named(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([sample(0).model_dump()], schema=ARROW_SCHEMA)
    pq.write_table(table.drop(["score"]), tmp_path / "less.parquet")
    pq.write_table(table.append_column("secret", pa.array(["x"])), tmp_path / "more.parquet")
    with pytest.raises(RunError, match="column 'score' is missing"):
        read_samples(tmp_path / "less.parquet")
    with pytest.raises(RunError, match="unknown column 'secret'"):
        read_samples(tmp_path / "more.parquet")


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("details", pa.map_(pa.dictionary(pa.int32(), pa.string()), pa.float64())),
        ("logprobs", pa.list_(pa.list_(pa.float64()))),
        ("output", pa.dictionary(pa.int32(), pa.string())),
        ("score", pa.float32()),
        ("n_prompt_tokens", pa.int64()),
    ],
)
def test_a_column_of_another_type_is_named(tmp_path: Path, column: str, kind: pa.DataType) -> None:
    table = pa.Table.from_pylist([sample(0).model_dump()], schema=ARROW_SCHEMA)
    values = pa.array([None if pa.types.is_nested(kind) else table[column][0].as_py()], kind)
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, values), tmp_path / "s.parquet")
    with pytest.raises(RunError, match=rf"a column has the wrong type \({column} is"):
        read_samples(tmp_path / "s.parquet")


def test_text_that_is_none_is_refused_where_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    table = pa.Table.from_pylist([sample(0).model_dump() | {"output": "@@@@@@@@@@"}], schema=ARROW_SCHEMA)
    pq.write_table(table, path, compression="none")
    path.write_bytes(path.read_bytes().replace(b"@@@@@@@@@@", b"\xff\xfe@@@@@@@@"))
    with pytest.raises(RunError, match=r"s\.parquet: not a readable samples file \(.*UTF8") as caught:
        read_samples(path)
    assert str(caught.value).isprintable()
    pq.write_table(table.replace_schema_metadata({"retentionbench_samples": "9" * 5000}), path)
    assert len(read_samples(path)) == 1


@pytest.mark.parametrize(
    ("version", "missing"), [("1", ["layer", "details", "off_list"]), ("2", ["off_list"]), ("3", ["logprobs"])]
)
def test_a_file_of_an_older_version_reads_without_newer_columns(
    tmp_path: Path, version: str, missing: list[str]
) -> None:
    table = pa.Table.from_pylist([sample(0).model_dump()], schema=ARROW_SCHEMA).drop(missing)
    pq.write_table(table.replace_schema_metadata({"retentionbench_samples": version}), tmp_path / "old.parquet")
    pq.write_table(table, tmp_path / "new.parquet")
    assert list(iter_samples(tmp_path / "old.parquet")) == [sample(0)]
    with pytest.raises(RunError, match=f"column {sorted(missing)[0]!r} is missing"):
        read_samples(tmp_path / "new.parquet")


def test_only_a_wrong_answer_is_off_list(tmp_path: Path) -> None:
    rows = [sample(0, extracted="red", outcome=Outcome.WRONG, off_list=True)]
    write_samples(tmp_path / "samples.parquet", [rows])
    assert list(iter_samples(tmp_path / "samples.parquet")) == rows
    write_samples(tmp_path / "unparsed.parquet", [[sample(0, off_list=True)]])
    with pytest.raises(RunError, match="off_list"):
        read_samples(tmp_path / "unparsed.parquet")


def test_log_probabilities_are_kept_and_are_numbers(tmp_path: Path) -> None:
    rows = [sample(0, logprobs=(-1.5, -0.25)), sample(1), sample(2, logprobs=())]
    write_samples(tmp_path / "samples.parquet", [rows])
    assert list(iter_samples(tmp_path / "samples.parquet")) == rows
    bad = pa.Table.from_pylist([{**sample(0).model_dump(), "logprobs": [math.nan, None]}], schema=ARROW_SCHEMA)
    pq.write_table(bad, tmp_path / "bad.parquet")
    with pytest.raises(RunError, match="logprobs"):
        list(iter_samples(tmp_path / "bad.parquet"))


def test_a_changed_samples_file_is_noticed(tmp_path: Path) -> None:
    synthetic_run(tmp_path)
    path = tmp_path / "samples.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(RunError, match="sha256 differs"):
        read_run(tmp_path)


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"run\.json: no such file"):
        read_run(tmp_path)
    (tmp_path / "run.json").write_text('{"schema_version": 1}')
    with pytest.raises(RunError, match=r"run\.json: checkpoint: Field required"):
        read_run(tmp_path)


def test_a_suite_record_says_what_its_version_means() -> None:
    def record(version: str) -> SuiteRecord:
        return SuiteRecord(name="core-text", version=version, digest="0" * 64, protocol="chat-greedy", tasks={})

    assert [record(version).is_draft for version in ("1", "1a", "2-draft")] == [False, False, True]
    assert record("1").comparable == record("1a").comparable == "core-text-1"
    assert record("2").comparable != record("1").comparable


def drawn(number: int, repeat: int, seed: int | None = 7) -> Sample:
    return sample(number, repeat=repeat, seed=seed)


def test_sampled_answers_come_back_with_their_seeds(tmp_path: Path) -> None:
    rows = [drawn(0, 0, 2**48 - 1), drawn(0, 1, 5), drawn(1, 0, None)]
    write_samples(tmp_path / "samples.parquet", [rows], sampled=True)
    assert list(iter_samples(tmp_path / "samples.parquet")) == rows
    assert pq.read_schema(tmp_path / "samples.parquet").metadata[b"retentionbench_samples"] == b"5"


def test_greedy_files_have_no_column_of_sampled_ones(tmp_path: Path) -> None:
    write_samples(tmp_path / "samples.parquet", [[sample(0)]])
    assert pq.read_schema(tmp_path / "samples.parquet").names == ARROW_SCHEMA.names


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(0, 0), (0, 0)], "1 answers have the item and the repeat of another"),
        ([(0, 0), (0, 2)], "the answers to 1 items are not numbered 0, 1, 2"),
        ([(0, 1)], "the answers to 1 items are not numbered 0, 1, 2"),
    ],
)
def test_repeats_that_do_not_count_are_refused(tmp_path: Path, rows: list[tuple[int, int]], message: str) -> None:
    write_samples(tmp_path / "samples.parquet", [[drawn(*row) for row in rows]], sampled=True)
    with pytest.raises(RunError, match=message):
        read_samples(tmp_path / "samples.parquet")


def test_an_older_file_has_no_repeats(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([sample(0).model_dump()], schema=ARROW_SCHEMA)
    pq.write_table(table.append_column("repeat", pa.array([0], pa.int32())), tmp_path / "samples.parquet")
    with pytest.raises(RunError, match="unknown column 'repeat'"):
        read_samples(tmp_path / "samples.parquet")
