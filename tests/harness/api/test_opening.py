"""Runs, tables, logs and suites are opened as what they are."""

from pathlib import Path

import pytest

from harness.api import open_run, open_suite, suites
from harness.records import SAMPLES_FILE, Run, RunError, SuiteError, Table
from tests.support.fakes import part_of_nano
from tests.support.synthetic import TASKS, synthetic_run


def test_a_run_folder_is_a_run_and_its_samples_file_a_table(tmp_path: Path) -> None:
    synthetic_run(tmp_path, TASKS[:1])
    assert isinstance(open_run(str(tmp_path)), Run)
    assert isinstance(open_run(tmp_path / SAMPLES_FILE), Table)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"nowhere/run\.json: no such file; is .*nowhere a run folder"):
        open_run(tmp_path / "nowhere")


def test_suites_are_opened_by_name_or_file(tmp_path: Path) -> None:
    assert "nano-1" in suites()
    assert all(name.endswith("-draft") for name in suites(drafts=True))
    assert open_suite("nano-1").families == ["general", "jigsaw", "math", "science"]
    assert list(open_suite(part_of_nano(tmp_path, "math_word")).tasks) == ["math_word"]
    with pytest.raises(SuiteError, match=r"core-9: unknown suite; there are .*nano-1"):
        open_suite("core-9")
