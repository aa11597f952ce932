"""Files and folders of other tools that hold no answers are named for what they are, with the way out."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.api import open_run
from harness.records import RunError
from leaderboard.cli import cli

PICKLE = b"\x80\x04\x95\x01"
FILES: list[tuple[str, bytes | dict[str, Any] | list[Any], str]] = [
    ("out.pkl", b"anything", "a Python pickle, which can run code when it is read and is never opened"),
    ("out.bin", PICKLE, "a Python pickle"),
    ("model.pt", b"PK\x03\x04", "a Python pickle"),
    ("events.out.tfevents.17.host.1", b"\x18", "an event file of TensorBoard, which has curves but no items"),
    ("run-1.wandb", b":W&B", "the record of a Weights & Biases run"),
    ("wandb-history.jsonl", b'{"_step": 1, "_runtime": 2, "loss": 3}\n', "the record of a Weights & Biases run"),
    ("curve.jsonl", b'{"loss": 1, "step": 3}\n', "the curve of a training, which has no items"),
    ("trackio.db", b"SQLite format 3\0abc", "an SQLite database"),
    ("logs.zip", b"PK\x03\x04abc", "a zip archive: unpack it"),
    ("logs.jsonl.gz", b"\x1f\x8b\x08", "compressed by gzip"),
    ("logs.tar", b"a" * 257 + b"ustar" + b"0" * 9, "a tar archive"),
    ("data.arrow", b"ARROW1\0\0abc", "an Arrow file: write it as parquet"),
    ("model.safetensors", b"\x08\0\0\0\0\0\0\0{}", "weights of a model: evaluate the model"),
    ("model.gguf", b"GGUF\x03", r"weights of a model \(GGUF\)"),
    ("old.xls", b"\xd0\xcf\x11\xe0", r"an old Excel file \(.xls\): save it as"),
    ("not.xlsx", b"hello", "not an Excel file"),
    ("cut.xlsx", b"PK\x03\x04abc", "a broken .xlsx file"),
    ("not.eval", b"hello", "not a log of Inspect, which is a zip archive"),
    ("page.html", b"<!doctype html><p>", "a web page"),
    ("page", b"<html>", "a web page"),
    ("suite.yaml", b"name: x", "a YAML file: a suite or a configuration"),
    ("notes.txt", b"nothing \x1b[2J", r"not a table or log that is known \(it begins with 'nothing \\x1b\[2J'\)"),
    ("cut.json", b'{"a":\n  [1, 2', "broken JSON: is the file complete"),
    (
        "results_1.json",
        {"results": {}, "configs": {}, "n-shot": {}},
        "lm-eval's results without items",
    ),
    ("1_results.json", {"results": {}, "configs": {}, "model_configs": {}}, "lmms-eval's results without items"),
    ("r.json", {"config_general": {}, "results": {}}, "lighteval's results without items: .*--save-details"),
    ("eee.json", {"evaluation_id": 1, "evaluation_results": []}, "an aggregate record of Every Eval Ever"),
    ("stats.json", [{"name": {"name": "em", "split": "test"}}], "HELM's statistics without items"),
    ("display_requests.json", [{"instance_id": "id1"}], "a part of a HELM run: give the run's folder"),
    ("trainer_state.json", {"log_history": [], "global_step": 1}, "the state of a Trainer"),
    ("config.json", {"architectures": ["x"]}, "the configuration of a model"),
    ("out.json", {"evalId": 1, "results": {}}, "an output of promptfoo"),
    ("a.gif", b"GIF89a", "a picture; write the items as CSV"),
    ("a.webp", b"RIFF\x24\0\0\0WEBP", "a picture; write"),
    ("a.tiff", b"II*\0", "a picture; write"),
    ("a.mp4", b"\0\0\0\x18ftyp", "a video; write"),
    ("a.docx", b"PK\x03\x04", "an office document: save its table as CSV"),
    ("README.md", b"# Title", "a text to read, not answers; write"),
    ("run.py", b"print()", "a program, not answers; write"),
    ("book.ipynb", {"cells": [], "nbformat": 4}, "a notebook; write"),
    ("empty.csv", b"", "an empty file: was it written to the end"),
    ("empty.json", b"", "an empty file"),
    ("empty", b"", "an empty file"),
    ("none.json", [], "JSON without any rows; write"),
    ("three.json", b"3", "JSON without any rows; write"),
    ("object.json", {}, "an empty JSON object, which is no log"),
    ("cut-in-line-1.json", b'{"a": ', "line 1 is broken JSON"),
    ("mine.json", {"b": 1, "a": 2}, "JSON with the fields a, b, which is no log that is known; lm-eval, Inspect,"),
]


@pytest.mark.parametrize(("name", "content", "said"), FILES, ids=[name for name, _, _ in FILES])
def test_a_file_is_named_for_what_it_is(
    tmp_path: Path, name: str, content: bytes | dict[str, Any] | list[Any], said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(RunError, match=said) as caught:
        open_run(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert "not valid JSON" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_scorecard_and_a_record_are_named(tmp_path: Path) -> None:
    path = tmp_path / "base.csv"
    path.write_text("item_id,task,family,outcome\n" + "".join(f"{k},t,f,{k % 2}\n" for k in range(30)))
    card = tmp_path / "card.json"
    runner = CliRunner()
    assert runner.invoke(cli, ["compare", str(path), str(path), "--json", str(card)]).exit_code == 0
    result = runner.invoke(cli, ["compare", str(card), str(card)])
    assert result.exit_code == 2
    assert "a scorecard, the result of a comparison: give the two runs" in " ".join(result.output.split())


def test_a_folder_is_named_for_what_it_is(tmp_path: Path) -> None:
    for folder, name, said in (
        ("checkpoint", "model.safetensors", "a checkpoint, not a run: evaluate it"),
        ("board", "events.out.tfevents.1", "a log folder of TensorBoard"),
        ("kit", "m_MMBench.xlsx", "a folder of VLMEvalKit: name one file, such as m_MMBench.xlsx"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(b"x")
        (tmp_path / folder / "config.json").write_text("{}")
        with pytest.raises(RunError, match=said):
            open_run(tmp_path / folder)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "an empty folder without a run"),
        (["a.png", "b.JPG"], r"a folder of pictures without a run \(run.json\) or a log .*\(it has a.png, b.JPG\)"),
        (["notes.txt"], r"a folder without a run .*\(it has notes.txt\); lm-eval, Inspect,"),
        (["base/run.json", "tuned/run.json"], r"a folder of 2 runs \(base, tuned\): name one of them"),
    ],
)
def test_a_folder_without_answers_says_what_it_has(tmp_path: Path, names: list[str], said: str) -> None:
    folder = tmp_path / "held"
    folder.mkdir()
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    with pytest.raises(RunError, match=said):
        open_run(folder)
