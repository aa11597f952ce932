"""What a machine may withhold: each run ends, whole or with one line, and nothing that was stored is lost."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from harness.engines import placement, starting
from harness.errors import RetentionError
from harness.evaluation.plan import make_plan
from harness.evaluation.run import run_plan
from harness.evaluation.store import STORE_FILE
from harness.records.run import read_run
from harness.records.suites import tasks_root
from tests.support.evaluating import SETTINGS, Silent
from tests.support.fakes import RECORD, FakeEngine, write_checkpoint
from tests.support.killing import forked

_BEGUN = 1
# No folder, and none that root could make.
NOWHERE = "/dev/null/nowhere"


@pytest.fixture(scope="module")
def suite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    whole = yaml.safe_load((tasks_root() / "suites" / "nano-1.yaml").read_text())
    kept = {"math_arithmetic": whole["tasks"]["math_arithmetic"]}
    path = tmp_path_factory.mktemp("suite") / "own-1.yaml"
    path.write_text(yaml.safe_dump(whole | {"name": "own", "tasks": kept}, sort_keys=False))
    return path


@pytest.fixture(autouse=True)
def fake_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "start", lambda *_: FakeEngine())
    monkeypatch.setattr(placement, "describe", lambda *_: RECORD)


def few_descriptors(runs: Path) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def full_disk(runs: Path) -> None:
    """No file may grow any more, in the middle of what is stored."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))


def no_folder_for_temporary_files(runs: Path) -> None:
    os.environ["TMPDIR"] = NOWHERE


def corrupted_store(runs: Path) -> None:
    runs.mkdir(parents=True, exist_ok=True)
    (runs / STORE_FILE).write_bytes(b"this is no database" * 1000)


def newer_store(runs: Path) -> None:
    runs.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(runs / STORE_FILE) as database:
        database.execute("PRAGMA user_version=99")
    database.close()


def no_folder(runs: Path) -> None:
    runs.parent.mkdir(parents=True, exist_ok=True)
    runs.write_text("a file")


def clock_set_back(runs: Path) -> None:
    """Files of an earlier run are from the future."""
    runs.mkdir(parents=True, exist_ok=True)
    sqlite3.connect(runs / STORE_FILE).close()
    os.utime(runs / STORE_FILE, (time.time() + 10**7,) * 2)


@pytest.mark.parametrize(
    ("limit", "folder", "says"),
    [
        (few_descriptors, "runs", None),
        (no_folder_for_temporary_files, "runs", None),
        (clock_set_back, "runs", None),
        (lambda runs: None, "gr\u00f6\u00dfe & co/\u6a21 \u578b/runs", None),
        (full_disk, "runs", "store.sqlite: an answer could not be stored"),
        (corrupted_store, "runs", "store.sqlite: cannot be used as a response store"),
        (newer_store, "runs", "store version 99 is newer than this program; upgrade"),
        (no_folder, "runs", "store.sqlite: cannot be used as a response store"),
    ],
)
def test_a_run_ends_whole_or_with_one_line_and_goes_on(
    tmp_path: Path, suite_file: Path, limit: Callable[[Path], None], folder: str, says: str | None
) -> None:
    models = [write_checkpoint(tmp_path / f"model{seed}", seed=seed) for seed in (0, 1)]

    def run(runs: Path) -> list[Path]:
        return run_plan(make_plan(str(models[0]), [str(models[1])], str(suite_file), "math", SETTINGS, runs), Silent())

    runs, message = tmp_path / folder, tmp_path / "message"

    def limited() -> None:
        limit(runs)
        try:
            run(runs)
        except RetentionError as error:
            os.write(answer, str(error).encode())
            os._exit(_BEGUN)

    answer = os.open(message, os.O_WRONLY | os.O_CREAT)
    code = forked(limited)
    os.close(answer)
    said = message.read_text()
    assert (code, bool(said)) == ((0, False) if says is None else (_BEGUN, True)), said
    if says is not None:
        assert says in said
        assert "\n" not in said
        # The way out: a store that is none is moved away.
        if limit is not full_disk:
            (runs if runs.is_file() else runs / STORE_FILE).rename(tmp_path / "moved")
    samples = [read_run(each).samples for each in run(runs)]
    assert [len(each) for each in samples] == [300, 300]
    assert not list(runs.rglob("*.partial"))


def test_a_store_that_is_full_keeps_what_it_has(tmp_path: Path, suite_file: Path) -> None:
    models = [write_checkpoint(tmp_path / f"model{seed}", seed=seed) for seed in (0, 1)]
    runs = tmp_path / "runs"
    plan = make_plan(str(models[0]), [], str(suite_file), "math", SETTINGS, runs)
    assert run_plan(plan, Silent())

    def limited() -> None:
        full_disk(runs)
        try:
            run_plan(make_plan(str(models[0]), [str(models[1])], str(suite_file), "math", SETTINGS, runs), Silent())
        except RetentionError:
            os._exit(_BEGUN)

    assert forked(limited) == _BEGUN
    watcher = Silent()
    shutil.rmtree(plan.folder(plan.base))
    run_plan(plan, watcher)
    assert [(reused, generated) for _, reused, generated in watcher.finished_runs] == [(300, 0)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"HOME": None},
        {"TMPDIR": NOWHERE},
        {"COLUMNS": "0"},
        {"HOME": NOWHERE, "TERM": "dumb"},
    ],
    ids=["LANG=C", "no HOME", "no TMPDIR", "no width", "HOME is nowhere"],
)
def test_two_tables_are_compared_in_any_environment(tmp_path: Path, environment: dict[str, Any]) -> None:
    folder = tmp_path / "gr\u00f6\u00dfe & co"
    folder.mkdir()
    for name, right in (("base", 9), ("tuned", 12)):
        rows = [
            {"item_id": str(k), "task": f"t\u00e4{k % 2}", "family": "math", "outcome": k < right} for k in range(20)
        ]
        pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)
    kept = {name: value for name, value in {**os.environ, **environment}.items() if value is not None}
    command = [sys.executable, "-m", "leaderboard.cli", "compare", "base.csv", "tuned.csv", "--target", "math"]
    done = subprocess.run(command, cwd=folder, env=kept, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert b"Traceback" not in done.stderr
    assert b"math" in done.stdout
