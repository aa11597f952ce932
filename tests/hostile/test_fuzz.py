"""Readers of what strangers write: whatever the bytes, a value or the one error of this project, on one line.

Any other exception is a crash. Those that were found here are cases of tests/hostile/ and tests of their modules.
"""

import contextlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.checkpoints.templates import ChatTemplate, TemplateError
from harness.errors import RetentionError
from harness.records.logs.detection import is_log, read_log
from harness.records.run import RECORD_FILE, read_record, read_run
from harness.records.samples import SAMPLES_FILE
from harness.records.samples_file import ARROW_SCHEMA, iter_samples, read_samples
from harness.records.tables import read_table
from harness.scoring import score_pair
from leaderboard.documents.identity import read_sums
from leaderboard.documents.manifest import parse_manifest, read_manifest
from leaderboard.documents.plain_yaml import parse_plain_yaml
from leaderboard.ledger.events import Submitted, append, event_bytes, parse_event, read_ledger
from tests.support.fakes import write_adapter, write_checkpoint
from tests.support.fuzzing import changed, fuzz, mutated, values
from tests.support.synthetic import SyntheticTask, digest, synthetic_run
from tests.support.synthetic_board import add_entry, folders

LONGEST = 2_000


@contextmanager
def the_one_error(*others: type[Exception]) -> Iterator[None]:
    """Lets ``RetentionError`` pass for an answer, if it can be shown: one line, of a length that is read."""
    try:
        yield
    except (RetentionError, *others) as error:
        message = str(error)
        assert message
        assert "\n" not in message
        assert len(message) < LONGEST, message[:500]
        message.encode()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good one of everything: an entry with its runs, a checkpoint and its adapter, a ledger, a log."""
    root = tmp_path_factory.mktemp("good")
    made = folders(root)
    prepared = add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    prepared.folder.rename(root / "entry")
    tasks = [SyntheticTask("sums", "math", "math", n=25), SyntheticTask("colours", "vision", "vision", 0.25, n=20)]
    for side, seed in (("base", 0), ("tuned", 1)):
        synthetic_run(root / "small" / side, tasks, name=side, seed=seed)
    write_checkpoint(root / "model")
    write_adapter(root / "adapter", root / "model", ["layer"])
    submitted = {"name": "x", "suite": "s-1", "target": "math", "base": "b", "contact": "ada", "files": {"a": "0" * 64},
                 "base_samples_sha256": "1" * 64, "tuned_samples_sha256": "2" * 64}  # fmt: skip
    append(root / "events", Submitted, "abcdefghijkl", "ada", **submitted)
    return root


def of(home: Path, name: str) -> bytes:
    return (home / name).read_bytes()


@fuzz(75)
@given(data=st.data())
def test_a_manifest(home: Path, data: st.DataObject) -> None:
    content = data.draw(mutated([of(home, "entry/manifest.yaml")]))
    with the_one_error():
        parse_manifest(parse_plain_yaml(content), "manifest.yaml")


@fuzz(75)
@given(data=st.data())
def test_a_manifest_of_other_values(home: Path, data: st.DataObject) -> None:
    document = data.draw(changed(parse_plain_yaml(of(home, "entry/manifest.yaml"))))
    with the_one_error():
        parse_manifest(document, "manifest.yaml")


@fuzz(100)
@given(content=st.text(st.sampled_from("ab:-?[]{}&*!|>'\"%@`#,\n \t\\<~=.0\u2028\ufeff\u00e9"), max_size=60))
def test_yaml_of_its_own_signs(content: str) -> None:
    with the_one_error():
        parse_plain_yaml(content.encode())


@fuzz(75)
@given(data=st.data())
def test_a_record(home: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = of(home, "entry/tuned/run.json")
    other = data.draw(changed(json.loads(content)).map(lambda each: json.dumps(each).encode()) | mutated([content]))
    (tmp_path / RECORD_FILE).write_bytes(other)
    with the_one_error():
        record = read_record(tmp_path)
        # What is read can be written, shown and compared.
        assert record == record.model_validate_json(record.model_dump_json())
        json.dumps(record.model_dump(), allow_nan=False).encode()


@fuzz(75)
@given(data=st.data())
def test_an_event(home: Path, data: st.DataObject) -> None:
    (path,) = (home / "events" / "abcdefghijkl").iterdir()
    content = path.read_bytes()
    other = data.draw(changed(json.loads(content)).map(_spelled) | mutated([content]))
    with the_one_error():
        assert event_bytes(parse_event(other, path.name)) == other


def _spelled(document: Any) -> bytes:
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


@fuzz(30)
@given(data=st.data())
def test_a_ledger(home: Path, tmp_path: Path, data: st.DataObject) -> None:
    (path,) = (home / "events" / "abcdefghijkl").iterdir()
    folder = tmp_path / "abcdefghijkl"
    folder.mkdir(exist_ok=True)
    (folder / path.name).write_bytes(data.draw(mutated([path.read_bytes()], most=1)))
    with the_one_error():
        read_ledger(folder)


@fuzz(50)
@given(data=st.data())
def test_a_list_of_sums(home: Path, tmp_path: Path, data: st.DataObject) -> None:
    (tmp_path / "SHA256SUMS").write_bytes(data.draw(mutated([of(home, "entry/SHA256SUMS")])))
    with the_one_error():
        read_sums(tmp_path / "SHA256SUMS")


@pytest.fixture(scope="module")
def parquets(home: Path) -> list[bytes]:
    """The same rows in the shapes that parquet has for them."""
    table = pq.read_table(home / "small" / "tuned" / SAMPLES_FILE)
    shapes: list[dict[str, Any]] = [
        {},
        {"compression": "none"},
        {"compression": "none", "use_dictionary": False},
        {"compression": "snappy", "data_page_version": "2.0"},
        {"compression": "none", "use_dictionary": False, "column_encoding": {"output": "DELTA_BYTE_ARRAY"}},
    ]
    files = [of(home, f"small/tuned/{SAMPLES_FILE}")]
    for shape in shapes:
        pq.write_table(table, home / "shape.parquet", **shape)
        files.append(of(home, "shape.parquet"))
    return files


@fuzz(125)
@given(data=st.data())
def test_samples(parquets: list[bytes], tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / SAMPLES_FILE
    path.write_bytes(data.draw(mutated(parquets)))
    with the_one_error():
        read_samples(path).to_dict("records")
    with the_one_error():
        list(iter_samples(path))


@fuzz(75)
@given(data=st.data())
def test_a_table_of_bytes(parquets: list[bytes], tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "table.parquet"
    path.write_bytes(data.draw(mutated(parquets)))
    with the_one_error():
        read_table(path)


ARRAYS = st.sampled_from(
    [
        pa.nulls(3),
        pa.array([1, 2, 3]),
        pa.array([-(2**40), 2**40, None]),
        pa.array([0.5, float("nan"), float("inf")]),
        pa.array(["", "x" * 70_000, "\u202e"]),
        pa.array(["correct", None, "wrong"]),
        pa.array([b"\xff", b"", b"\x00"]),
        pa.array(["a", "b", "a"]).dictionary_encode(),
        pa.array(["a", "b", "c"], pa.large_string()),
        pa.array(["a", "b", "c"], pa.string_view()),
        pa.array([True, False, None]),
        pa.array([[1], [], None]),
        pa.array([{"a": 1}, {"a": None}, None]),
        pa.array([[("a", 1.0), ("a", 2.0)], [], None], pa.map_(pa.string(), pa.float64())),
        pa.array([[("a", float("inf"))], [("", None)], []], pa.map_(pa.string(), pa.float64())),
        pa.array([1, 2, 3], pa.timestamp("us", tz="UTC")),
        pa.array([1, 2, 3], pa.decimal128(38, 10)),
        pa.array([1, 2, 3], pa.duration("ns")),
    ]
)


@fuzz(75)
@given(data=st.data(), names=st.lists(st.sampled_from([*ARROW_SCHEMA.names, "item_id", "other"]), max_size=3))
def test_columns_of_other_types(home: Path, tmp_path: Path, data: st.DataObject, names: list[str]) -> None:
    table = pq.read_table(home / "small" / "tuned" / SAMPLES_FILE).slice(0, 3)
    for name in names:
        array = data.draw(ARRAYS)
        place = table.column_names.index(name) if name in table.column_names else -1
        if place >= 0 and data.draw(st.integers(0, 4)):
            table = table.set_column(place, name, array)
        else:
            table = table.append_column(name, array)  # twice, or one too many
    path = tmp_path / SAMPLES_FILE
    pq.write_table(table, path)
    with the_one_error():
        list(iter_samples(path))
    with the_one_error():
        read_table(path)


@fuzz(20)
@given(data=st.data())
def test_pairs_of_runs(home: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Rows that a reader lets through are scored or refused."""
    rows = pq.read_table(home / "small" / "tuned" / SAMPLES_FILE).to_pylist(maps_as_pydicts="strict")
    for _ in range(data.draw(st.integers(1, 3))):
        row = rows[data.draw(st.integers(0, len(rows) - 1))]
        row[data.draw(st.sampled_from(sorted(row)))] = data.draw(values)
    with contextlib.suppress(pa.ArrowException, UnicodeError, TypeError, OverflowError, ValueError):
        table = pa.Table.from_pylist(rows, schema=ARROW_SCHEMA)
        table.validate(full=True)  # Else a half-built map would end the process where it is written.
        pq.write_table(table, tmp_path / SAMPLES_FILE)
        record = json.loads(of(home, "small/tuned/run.json"))
        with contextlib.suppress(RetentionError):
            record["n_items"] = len(read_samples(tmp_path / SAMPLES_FILE))
        from harness.records.samples import file_sha256

        record["samples_sha256"] = file_sha256(tmp_path / SAMPLES_FILE)
        (tmp_path / RECORD_FILE).write_text(json.dumps(record))
    with the_one_error():
        score_pair(read_run(home / "small" / "base"), read_run(tmp_path), "math")


LOGGED = {
    "doc_id": 0, "doc": {}, "doc_hash": digest("d"), "prompt_hash": digest("p"), "target": "2", "filter": "none",
    "arguments": {"gen_args_0": {"arg_0": "Q: 1+1?"}}, "resps": [["2"]], "filtered_resps": ["2"], "metrics": ["acc"],
    "acc": 1.0,
}  # fmt: skip


@fuzz(75)
@given(data=st.data())
def test_a_log_of_lm_eval(tmp_path: Path, data: st.DataObject) -> None:
    options = {f"gen_args_{k}": {"arg_0": "Q", "arg_1": f" {k}"} for k in range(3)}
    chosen = {**LOGGED, "doc_id": 1, "arguments": options, "filtered_resps": [["-1.0", "False"]] * 3}
    documents = data.draw(changed([LOGGED, chosen]))
    rows = documents if isinstance(documents, list) else [documents]
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path = tmp_path / "samples_sums_2026-01-01T00-00-00.jsonl"
    path.write_bytes(data.draw(mutated([content])) if data.draw(st.booleans()) else content)
    with the_one_error():
        is_log(path)
    with the_one_error():
        read_log(path)
    with the_one_error():
        read_table(path)


@fuzz(40)
@given(data=st.data())
def test_a_table_of_lines(home: Path, tmp_path: Path, data: st.DataObject) -> None:
    fields = ("item_id", "task", "family", "outcome", "score", "guess_rate", "output", "error")
    rows = pq.read_table(home / "small" / "tuned" / SAMPLES_FILE).select(fields).slice(0, 4).to_pylist()
    documents = data.draw(changed(rows))
    lines = documents if isinstance(documents, list) else [documents]
    (tmp_path / "table.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with the_one_error():
        read_table(tmp_path / "table.jsonl")


@fuzz(50)
@given(data=st.data(), name=st.sampled_from(["config.json", "tokenizer.json", "tokenizer_config.json",
       "model.safetensors", "chat_template.jinja"]))  # fmt: skip
def test_a_model_folder(home: Path, tmp_path: Path, data: st.DataObject, name: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir(exist_ok=True)
    for path in (home / "model").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    content = of(home, f"model/{name}")
    if name.endswith(".json") and data.draw(st.booleans()):
        (folder / name).write_text(json.dumps(data.draw(changed(json.loads(content)))))
    else:
        (folder / name).write_bytes(data.draw(mutated([content])))
    with the_one_error():
        open_checkpoint(str(folder))
        PromptRenderer(folder).render("a b")


@fuzz(30)
@given(data=st.data())
def test_an_adapter(home: Path, tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / "adapter"
    folder.mkdir(exist_ok=True)
    (folder / "adapter_model.safetensors").write_bytes(of(home, "adapter/adapter_model.safetensors"))
    config = data.draw(changed(json.loads(of(home, "adapter/adapter_config.json"))))
    (folder / "adapter_config.json").write_text(json.dumps(config))
    with the_one_error():
        open_checkpoint(str(folder))


_SIGNS = [
    "{{",
    "}}",
    "{%",
    "%}",
    "[0]",
    "[::-1]",
    "~",
    "'",
    '"',
    "(",
    ")",
    "-",
    "|",
    "*99",
    "\n",
    "x",
    "'a'",
    "range(9)",
]
_WORDS = ["for", "in", "if", "else", "endif", "endfor", "set", "macro", "is", "string", "break", "continue", "loop"]
_NAMES = [
    "messages",
    ".content",
    "|trim",
    "|tojson",
    "|length",
    "|e",
    "bos_token",
    "namespace()",
    "raise_exception('x')",
]


@fuzz(75)
@given(words=st.lists(st.sampled_from(_SIGNS + _WORDS + _NAMES), max_size=30))
def test_a_template(words: list[str]) -> None:
    with the_one_error(TemplateError):
        chat = ChatTemplate(" ".join(words), {})
        chat.render("a")
        chat.is_content_blind(1)


def test_a_manifest_file_that_is_no_file(tmp_path: Path) -> None:
    with the_one_error():
        read_manifest(tmp_path)
