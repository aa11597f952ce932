"""Entries of drawn bytes and values, with every digest made to fit: each is accepted or refused by a rule, none breaks
a step, and the board takes it or leaves it out for a reason."""

import hashlib
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.records.run import RECORD_FILE
from harness.records.samples import SAMPLES_FILE
from harness.records.samples_file import ARROW_SCHEMA
from leaderboard.acceptance.coverage import Surroundings
from leaderboard.acceptance.report import report_lines
from leaderboard.acceptance.steps import examine
from leaderboard.board.board import load_board
from leaderboard.documents.identity import SUMS_FILE, seal
from leaderboard.documents.manifest import MANIFEST_FILE
from leaderboard.documents.plain_yaml import parse_plain_yaml
from leaderboard.site.build import render
from tests.support.fuzzing import changed, fuzz, mutated, values
from tests.support.tiny import TinyShelf, model, tiny_shelf, tiny_suite

RUN = f"tuned/{RECORD_FILE}"
ROWS = f"tuned/{SAMPLES_FILE}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[TinyShelf, Path, Surroundings]:
    """A board of one's own, the files of an honest entry of it, and what the entry is held against."""
    board = tiny_shelf(tiny_suite(tmp_path_factory.mktemp("tiny")), tmp_path_factory.mktemp("board"))
    entry = board.add("honest", model(1))
    good = tmp_path_factory.mktemp("good") / entry.name
    entry.rename(good)
    return board, good, board.around


@st.composite
def spoilt(draw: st.DrawFn, good: Path) -> dict[str, bytes]:
    """The files that differ from those of the good entry."""
    name = draw(st.sampled_from([MANIFEST_FILE, RUN, ROWS, SUMS_FILE]))
    content = (good / name).read_bytes()
    if name == SUMS_FILE or draw(st.integers(0, 2)) == 0:
        return {name: draw(mutated([content]))}
    if name == MANIFEST_FILE:
        document = draw(changed(parse_plain_yaml(content)))
        return {name: yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass")}
    if name == RUN:
        return {name: json.dumps(draw(changed(json.loads(content)))).encode()}
    rows = pq.read_table(good / name).to_pylist(maps_as_pydicts="strict")
    for _ in range(draw(st.integers(1, 3))):
        row = rows[draw(st.integers(0, len(rows) - 1))]
        row[draw(st.sampled_from(sorted(row)))] = draw(values)
    sink = pa.BufferOutputStream()
    try:
        pq.write_table(pa.Table.from_pylist(rows, schema=ARROW_SCHEMA), sink)
    except (pa.ArrowException, UnicodeError, TypeError, OverflowError, ValueError):
        assume(False)
    return {name: sink.getvalue().to_pybytes()}


@fuzz(40)
@given(data=st.data())
def test_no_entry_breaks_a_step_or_the_board(made: tuple[TinyShelf, Path, Surroundings], data: st.DataObject) -> None:
    board, good, around = made
    folder = board.shelf.submissions / good.name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(good, folder)
    files = data.draw(spoilt(good))
    for name, content in files.items():
        (folder / name).write_bytes(content)
    if ROWS in files:
        document = json.loads((folder / RUN).read_bytes())
        document["samples_sha256"] = hashlib.sha256(files[ROWS]).hexdigest()
        (folder / RUN).write_text(json.dumps(document))
    if SUMS_FILE not in files:
        seal(folder)
    report, _ = examine(folder, around)
    assert [found.line for found in report.findings if found.rule == "broken"] == []
    assert "cannot be scored" not in " ".join(found.line for found in report.findings)
    json.dumps(report.model_dump(mode="json"), allow_nan=False).encode()
    "\n".join(report_lines(report)).encode()
    loaded = load_board(board.shelf.submissions, board.shelf.bases)
    assert len(loaded.rows) + len(loaded.bad) == 1
    assert not any(bad.reason.startswith(("cannot be read", "cannot be scored")) for bad in loaded.bad), loaded.bad
    assert report.verdict == "refused" or loaded.rows
    render(loaded)
