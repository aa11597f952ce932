"""Tables: anybody's log is read strictly, and what it does not say is said."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import CheckFailedError
from harness.records import tables
from harness.records.samples import SAMPLES_FILE, RunError
from harness.records.tables import read_table, table_from_rows
from harness.scoring import score_pair
from tests.support.synthetic import TASKS, synthetic_run


def rows(n: int = 4, **changes: Any) -> list[dict[str, Any]]:
    made = []
    for place in range(n):
        outcome = "correct" if place % 2 else "wrong"
        row = {"item_id": f"item-{place}", "task": "sums", "family": "math", "outcome": outcome}
        made.append(row | {name: value(place) if callable(value) else value for name, value in changes.items()})
    return made


def lines(path: Path, written: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in written), encoding="utf-8")
    return path


def test_four_columns_are_enough_and_assumptions_are_said(tmp_path: Path) -> None:
    table = read_table(lines(tmp_path / "base.jsonl", rows()))
    assert table.record.tasks == {"sums": 4}
    assert list(table.samples["score"]) == [0, 1, 0, 1]
    assert set(table.samples["guess_rate"]) == {0}
    said = " ".join(table.record.notes)
    for column in ("guess_rate", "finish_reason", "prompt_digest", "output", "cluster_id"):
        assert f"no {column}:" in said


def test_parquet_and_json_lines_give_the_same_table(tmp_path: Path) -> None:
    written = rows(output=lambda place: f"answer {place}", guess_rate=0.25, group="sums", finish_reason="stop")
    pd.DataFrame(written).to_parquet(tmp_path / "base.parquet")
    columnar = read_table(tmp_path / "base.parquet")
    plain = read_table(lines(tmp_path / "base.jsonl", written))
    pd.testing.assert_frame_equal(columnar.samples, plain.samples, check_dtype=False, check_like=True)
    assert columnar.record.items == plain.record.items


def test_the_samples_file_of_a_run_is_a_table_and_scores_the_same(tmp_path: Path) -> None:
    runs = [
        synthetic_run(tmp_path / name, name=name, accuracy=a, seed=s) for name, a, s in (("b", 0.6, 1), ("t", 0.8, 2))
    ]
    tables_read = [read_table(tmp_path / name / SAMPLES_FILE) for name in ("b", "t")]
    checked, bare = score_pair(*runs, "jigsaw"), score_pair(*tables_read, "jigsaw")
    assert bare.tasks == checked.tasks
    assert bare.balance_ci == checked.balance_ci
    assert checked.provenance.checked
    assert checked.provenance.notes == ()
    assert not bare.provenance.checked
    assert "column n_prompt_tokens was not used" in bare.provenance.notes
    assert (bare.engine, bare.template_policy) == (None, None)
    assert bare.reasons["engine"] == "a bare table does not say"
    assert "|provenance:not-checked|" in bare.signature
    assert "provenance" not in checked.signature
    assert bare.base.samples_sha256[:12] in bare.signature


def test_numbers_serve_as_item_ids(tmp_path: Path) -> None:
    table = read_table(lines(tmp_path / "a.jsonl", rows(item_id=lambda place: place)))
    assert list(table.samples["item_id"]) == ["0", "1", "2", "3"]


def test_columns_nobody_asked_for_are_told(tmp_path: Path) -> None:
    table = read_table(lines(tmp_path / "a.jsonl", rows(mood="good")))
    assert "column mood was not used" in table.record.notes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"outcome": "perhaps"},
            r"outcome is not correct, wrong or unparsed in 4 of 4 rows \(row 1: 'perhaps', .*, \.\.\.\)",
        ),
        ({"outcome": None}, "outcome is not correct, wrong or unparsed in 4 of 4 rows"),
        ({"outcome": 7}, "outcome is not correct, wrong or unparsed"),
        ({"task": ""}, "task is empty or longer than 200 characters"),
        ({"family": "x" * 201}, "family is empty or longer"),
        ({"item_id": "same"}, r"item_id repeats an earlier one; name the task in it in 3 of 4 rows \(row 2: 'same'"),
        ({"guess_rate": 1}, r"guess_rate is not a number in \[0, 1\) in 4 of 4 rows \(row 1: 1"),
        ({"guess_rate": -0.1}, "guess_rate is not a number"),
        ({"score": float("nan")}, r"score is not a number in \[0, 1\] in 4 of 4 rows \(row 1: nan"),
        ({"score": lambda place: 1.5 if place == 2 else 1}, r"in 1 of 4 rows \(row 3: 1.5\)"),
        ({"score": "high"}, "score is not a number"),
        ({"score": float("inf")}, "score is not a number"),
        ({"error": "out of memory"}, "error is set: the item failed"),
        ({"output": 7}, "output is missing or not text"),
        ({"item_id": "\x1b[2J"}, r"row 2: '\\\\x1b\[2J'"),
    ],
)
def test_bad_rows_are_refused_with_counts_and_examples(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = lines(tmp_path / "bad.jsonl", rows(**changes))
    with pytest.raises(RunError, match=message.replace("\\\\\\\\", "\\\\")) as caught:
        read_table(path)
    assert "\x1b" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows|column 'item_id' is missing"),
        ("[1]\n", "line 1 is not a JSON object"),
        ('{"item_id": "a"}\nnot json\n', "line 2 is broken JSON"),
        ("[" * 100_000, "line 1 is broken JSON"),
        ('{"item_id": "a", "task": "t", "family": "f"}\n', "column 'outcome' is missing; a table needs item_id, task"),
    ],
)
def test_files_that_are_no_table_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=message):
        read_table(path)


def test_a_broken_parquet_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.parquet"
    path.write_bytes(b"PAR1" + bytes(100))
    with pytest.raises(RunError, match=r"bad\.parquet: not a readable parquet file"):
        read_table(path)


def test_sizes_are_capped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lines(tmp_path / "a.jsonl", rows(40))
    pd.DataFrame(rows(40)).to_parquet(tmp_path / "a.parquet")
    monkeypatch.setattr(tables, "MAX_ROWS", 30)
    for each in (path, tmp_path / "a.parquet"):
        with pytest.raises(RunError, match=r"40 rows is more than the 30|more than 30 lines"):
            read_table(each)
    monkeypatch.setattr(tables, "MAX_LINE", 50)
    with pytest.raises(RunError, match="line 1 is longer than 50 bytes"):
        read_table(path)
    monkeypatch.setattr(tables, "MAX_FILE", 100)
    with pytest.raises(RunError, match="bytes is more than the 100 that a table may have"):
        read_table(path)


def test_a_small_file_that_unfolds_into_much_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million characters once, and a thousand rows that point at them."""
    n = 1000
    columns = {name: [f"{name}-{k}" if name == "item_id" else "correct" for k in range(n)] for name in tables.REQUIRED}
    output = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, dtype=np.int32)), pa.array(["x" * 1_000_000]))
    pq.write_table(pa.table({**columns, "output": output}), tmp_path / "bomb.parquet", compression="zstd")
    assert (tmp_path / "bomb.parquet").stat().st_size < 1_000_000
    monkeypatch.setattr(tables, "MAX_TEXT", 100_000_000)
    with pytest.raises(RunError, match="more than 100,000,000 bytes of text"):
        read_table(tmp_path / "bomb.parquet")


def test_tables_that_do_not_match_are_refused_with_counts_and_examples(tmp_path: Path) -> None:
    base = read_table(lines(tmp_path / "base.jsonl", rows(5)))
    fewer = read_table(lines(tmp_path / "fewer.jsonl", rows(3)))
    with pytest.raises(CheckFailedError, match=r"tuned run lacks 2 of 5 items \(item-3, item-4\) of the other"):
        score_pair(base, fewer, "math")
    with pytest.raises(CheckFailedError, match="base run lacks 2 of"):
        score_pair(fewer, base, "math")
    other = read_table(lines(tmp_path / "other.jsonl", rows(5, task="words")))
    with pytest.raises(CheckFailedError, match=r"the tuned table lacks 1 of 1 tasks of the other \(sums\)"):
        score_pair(base, other, "math")
    guessed = read_table(lines(tmp_path / "guessed.jsonl", rows(5, guess_rate=0.5)))
    with pytest.raises(CheckFailedError, match="column 'guess_rate' differs on 5 of 5 items"):
        score_pair(base, guessed, "math")
    asked = [read_table(lines(tmp_path / f"{k}.jsonl", rows(5, prompt_digest=str(k)))) for k in (1, 2)]
    with pytest.raises(CheckFailedError, match=r"prompts differ on 5 of 5 items .*; give two logs of"):
        score_pair(*asked, "math")
    assert score_pair(base, asked[0], "math").target.gain == 0


def test_a_run_and_a_table_are_not_compared(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path, TASKS[:1])
    with pytest.raises(CheckFailedError, match=r"give the samples\.parquet of the run"):
        score_pair(run, read_table(tmp_path / SAMPLES_FILE), "jigsaw")


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("correct"), st.just("\ud800"),
    st.just(10**400), st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=2), st.integers()),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(tables.COLUMNS, values)), max_size=3))
def test_anything_is_a_table_or_refused_in_one_line(tmp_path: Path, written: list[dict[str, Any]]) -> None:
    path = lines(tmp_path / "any.jsonl", written)
    try:
        table = read_table(path)
    except RunError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert score_pair(table, table, None).to_json().encode()


def test_half_a_surrogate_pair_is_no_name_and_is_replaced_in_an_output(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="task is missing or not text in 4 of 4 rows"):
        read_table(lines(tmp_path / "a.jsonl", rows(task="\ud800")))
    assert set(read_table(lines(tmp_path / "b.jsonl", rows(output="x\ud800"))).samples["output"]) == {"x?"}


def test_csv_truth_values_and_whole_numbers_are_read(tmp_path: Path) -> None:
    rows = [
        "item_id,task,family,outcome,cluster_id,guess_rate,odd",
        "1,t,f,1,7,0.25,x",
        "2,t,f,0,7,0.25,y",
        "3,t,f,True,,0.25,z",
    ]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    table = read_table(path)
    assert list(table.samples["outcome"]) == ["correct", "wrong", "correct"]
    assert list(table.samples["cluster_id"]) == ["7", "7", ""]
    assert list(table.samples["item_id"]) == ["1", "2", "3"]
    assert any("outcome was read as correct (true, 1) or wrong (false, 0)" in note for note in table.record.notes)
    assert "column odd was not used" in table.record.notes
    path.write_text("item_id,task\n1", encoding="utf-8")
    with pytest.raises(RunError, match="column 'family' is missing"):
        read_table(path)


def test_bool_outcomes_and_integer_clusters_of_json_are_read(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    lines = [{"item_id": k, "task": "t", "family": "f", "outcome": k % 2 == 0, "cluster_id": k // 2} for k in range(4)]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    table = read_table(path)
    assert list(table.samples["outcome"]) == ["correct", "wrong"] * 2
    assert list(table.samples["cluster_id"]) == ["0", "0", "1", "1"]


def test_a_correct_outcome_with_a_score_of_0_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    path.write_text('{"item_id": "a", "task": "t", "family": "f", "outcome": "correct", "score": 0}')
    with pytest.raises(RunError, match="score is 0 although the outcome is correct in 1 of 1 rows"):
        read_table(path)


def test_rows_in_memory_give_the_table_of_their_file(tmp_path: Path) -> None:
    written = rows(output=lambda place: f"answer {place}", guess_rate=0.25, score=lambda place: place / 4, extra=1)
    read = read_table(lines(tmp_path / "base.jsonl", written))
    for given_rows in (written, pd.DataFrame(written), iter(written)):
        table = table_from_rows(given_rows, "base")
        pd.testing.assert_frame_equal(table.samples, read.samples, check_dtype=False, check_like=True)
        assert replace(table.record, samples_sha256="") == replace(read.record, samples_sha256="")


def test_the_digest_of_rows_is_that_of_what_they_say(tmp_path: Path) -> None:
    written = rows(score=0.5)
    digest = table_from_rows(written, "base").record.samples_sha256
    assert digest == table_from_rows(pd.DataFrame(written), "other").record.samples_sha256
    assert digest != table_from_rows(rows(score=0.25), "base").record.samples_sha256
    assert digest != table_from_rows(rows(score=0.5, task="products"), "base").record.samples_sha256


def test_rows_of_numpy_numbers_and_of_any_pandas_type_are_read() -> None:
    numbers = table_from_rows(rows(item_id=np.int64, score=np.float32(0.5), n_output_tokens=np.int32(7)), "base")
    assert list(numbers.samples["item_id"]) == ["0", "1", "2", "3"]
    assert set(numbers.samples["score"]) == {0.5}
    frame = pd.DataFrame(rows(item_id=lambda place: place, group="sums"), index=list("abcd"))
    for types in ({"task": "category", "outcome": "string"}, {"item_id": "Int64", "family": "string[pyarrow]"}):
        table = table_from_rows(frame.astype(types), "base")
        assert list(table.samples["item_id"]) == ["0", "1", "2", "3"]
        assert table.record.tasks == {"sums": 4}
    assert isinstance(frame["item_id"].iloc[0], np.integer), "the caller's frame is left as it was"


@pytest.mark.parametrize(
    ("given_rows", "message"),
    [
        (pd.DataFrame({"task": ["sums"]}), "base: column 'item_id' is missing; a table needs item_id, task, family"),
        (pd.DataFrame([[1, 2]], columns=["item_id", "item_id"]), "base: column 'item_id' is there twice"),
        (pd.DataFrame(rows(outcome="right"), index=list("abcd")), "not correct, wrong or unparsed in 4 of 4 rows"),
        (
            pd.DataFrame(rows(score=pd.Timestamp("2026-01-01"))),
            r"base: score is not a number in \[0, 1\] in 4 of 4 rows",
        ),
        (rows(outcome=7), r"base: outcome is not correct, wrong or unparsed in 4 of 4 rows \(row 1: 7"),
        (rows(task=["sums"]), "base: task is missing or not text"),
        ([], "base: column 'item_id' is missing"),
        ([*rows(), ("item-9", "sums")], "base: row 5 is of type tuple, not a dict of columns and values"),
        ("item_id,task", "base: row 1 is of type str, not a dict"),
        ([{1: 2}], "base: column 'item_id' is missing"),
    ],
)
def test_wrong_rows_in_memory_are_named(given_rows: Any, message: str) -> None:
    with pytest.raises(RunError, match=message):
        table_from_rows(given_rows, "base")


def test_more_rows_in_memory_than_a_table_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 3)
    with pytest.raises(RunError, match="base: 4 rows is more than the 3 a table may have"):
        table_from_rows(rows(), "base")


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "json", "parquet", "frame"])
def test_common_names_are_read_as_the_columns_that_they_mean(tmp_path: Path, form: str) -> None:
    frame = pd.DataFrame(
        {
            "question": [f"What is {place} + {place}?" for place in range(4)],
            "answer": [str(2 * place) for place in range(4)],
            "dataset": "sums",
            "prediction": [f"It is {place}" for place in range(4)],
            "is_correct": [True, False, True, False],
            "mood": "good",
        }
    )
    path = tmp_path / f"table.{form}"
    if form in ("csv", "tsv"):
        frame.to_csv(path, index=False, sep="," if form == "csv" else "\t")
    elif form in ("json", "jsonl"):
        frame.to_json(path, orient="records", lines=form == "jsonl", indent=None if form == "jsonl" else 2)
    elif form == "parquet":
        frame.to_parquet(path)
    table = table_from_rows(frame, "mine") if form == "frame" else read_table(path)
    assert table.record.tasks == {"sums": 4}
    assert list(table.samples["outcome"]) == ["correct", "wrong", "correct", "wrong"]
    assert list(table.samples["output"]) == list(frame["prediction"])
    assert set(table.samples["family"]) == {"sums"}
    notes = set(table.record.notes)
    assert {
        "no item_id: items are paired by the content of question, answer",
        "column dataset was read as task",
        "column is_correct was read as outcome",
        "column prediction was read as output",
        "no family: each task is a family of its own",
        "column mood was not used",
    } <= notes
    assert score_pair(table, table, None).tasks["sums"].n11 == 2


def test_a_score_alone_says_what_is_correct(tmp_path: Path) -> None:
    written = [{"id": place, "score": place / 2} for place in range(3)]
    table = read_table(lines(tmp_path / "a.jsonl", written))
    assert list(table.samples["outcome"]) == ["wrong", "wrong", "correct"]
    assert list(table.samples["item_id"]) == ["0", "1", "2"]
    assert table.record.tasks == {"items": 3}
    with pytest.raises(RunError, match=r"outcome is not correct, wrong or unparsed|score is not a number in \[0, 1\]"):
        read_table(lines(tmp_path / "b.jsonl", [{"id": place, "score": 50 * place} for place in range(3)]))


def test_its_own_names_come_before_common_ones(tmp_path: Path) -> None:
    table = read_table(lines(tmp_path / "a.jsonl", rows(4, id="other", correct=False)))
    assert list(table.samples["item_id"]) == [f"item-{place}" for place in range(4)]
    assert {"column id was not used", "column correct was not used"} <= set(table.record.notes)


def test_a_missing_column_is_named_beside_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"column 'item_id' is missing; a table needs .*, and this one has mood, loud"):
        read_table(lines(tmp_path / "a.jsonl", [{"mood": 1, "loud": 2}]))


def answers(numbers: list[tuple[str, Any]], **changes: Any) -> list[dict[str, Any]]:
    fixed = {"task": "t", "family": "f", "outcome": "correct", **changes}
    return [{"item_id": item, "repeat": repeat, **fixed} for item, repeat in numbers]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_sampled_answers_to_one_item_are_numbered(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    frame = pd.DataFrame(answers([("x", 0), ("x", 1), ("y", 0), ("y", 1)]))
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    elif suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    table = read_table(path)
    assert (table.record.repeats, table.record.tasks, len(table.samples)) == (2, {"t": 2}, 4)
    assert table.record.decoding == {"repeats": 2}


def test_numbers_that_are_all_0_say_nothing(tmp_path: Path) -> None:
    table = read_table(lines(tmp_path / "a.jsonl", answers([("x", 0), ("y", 0)])))
    assert "repeat" not in table.samples
    assert table.record.repeats == 1


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([("x", 0), ("x", 0)], r"item_id repeats an earlier one of the same repeat in 1 of 2 rows \(row 2: 'x'\)"),
        ([("x", 1), ("x", 2)], "repeat does not count the answers to its item 0, 1, 2, ... in 2 of 2 rows"),
        ([("x", 0), ("x", 2)], "repeat does not count the answers to its item"),
        ([("x", 0), ("x", 0.5)], r"repeat is not a whole number of 0 or more in 1 of 2 rows \(row 2: 0.5\)"),
        ([("x", 0), ("x", -1)], "repeat is not a whole number of 0 or more"),
        ([("x", 0), ("x", None)], "repeat is not a whole number of 0 or more"),
        ([("x", 0), ("x", 1), ("y", 0)], r"item_id has fewer answers than other items of its task in 1 of 3 rows"),
    ],
)
def test_repeats_that_do_not_count_are_refused(tmp_path: Path, numbers: list[tuple[str, Any]], message: str) -> None:
    with pytest.raises(RunError, match=message):
        read_table(lines(tmp_path / "a.jsonl", answers(numbers)))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("item_id;task;family;outcome;score\na;t;f;correct;1,0\nb;t;f;wrong;0,5\n", "utf-8-sig"),
        ("item_id;task;family;outcome;score\na;t;f;correct;1.0\nb;t;f;wrong;0.5\n", "utf-8"),
        ("sep=;\nitem_id;task;family;outcome;score\r\na;t;f;correct;1\r\nb;t;f;wrong;0,5\r\n", "utf-8"),
        ("item_id\ttask\tfamily\toutcome\tscore\na\tt\tf\tcorrect\t1\nb\tt\tf\twrong\t0.5\n", "utf-16"),
        ("item_id,task,family,outcome,score\na,t,f,correct,1\nb,t,f,wrong,0.5\n,,,,\n,,,,\n", "utf-8"),
    ],
    ids=["semicolons", "semicolons-and-points", "sep-line", "utf-16", "empty-rows"],
)
def test_what_spreadsheets_make_of_a_table_is_read(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(text.encode(encoding))
    samples = read_table(path).samples
    assert list(samples["item_id"]) == ["a", "b"]
    assert list(samples["score"]) == [1, 0.5]


def test_a_csv_that_is_read_two_ways_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes("item_id,task,family,outcome\nä,t,f,correct\n".encode("latin-1"))
    with pytest.raises(RunError, match=r"not UTF-8 .*save it as UTF-8 \(in Excel: CSV UTF-8\)"):
        read_table(path)
    path.write_text("item_id,task,family,outcome,outcome\na,t,f,correct,wrong\n")
    with pytest.raises(RunError, match="column 'outcome' is there twice"):
        read_table(path)


def test_a_header_in_capitals_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("Item_ID, Task ,Family,Outcome\na,t,f,correct\n")
    table = read_table(path)
    assert list(table.samples["task"]) == ["t"]
    assert "column Item_ID was read as item_id" in table.record.notes
