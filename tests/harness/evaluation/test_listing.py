"""Runs on disk: what is listed, what counts as whole, and that only what nothing uses is deleted."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from harness.errors import RetentionError
from harness.evaluation.listing import _summary, collect, find_garbage, find_runs, store_size, summarise
from harness.evaluation.store import ResponseStore, StoredEngine, StoreError, Variant, source_of
from harness.records.run import Run, ScreenRecord
from harness.records.samples import Outcome
from leaderboard.cli import cli
from tests.support.evaluating import requests
from tests.support.fakes import FakeEngine
from tests.support.synthetic import ENGINE, synthetic_run

LATER = 2e9


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["runs", *arguments])


def run_folder(out: Path, name: str, **record: object) -> Run:
    return synthetic_run(out / "synthetic-1" / name / "fake", name=name, **record)


def store_answers(out: Path, weights: str, count: int, replicate: int = 0) -> None:
    engine = FakeEngine("x" * 400)
    engine.record = ENGINE
    with ResponseStore(out / "store.sqlite") as store:
        stored = StoredEngine(store, Variant(weights, ENGINE, replicate=replicate), lambda: engine)
        assert len(list(stored.generate(requests(count)))) == count


def test_list_says_what_each_run_is_and_whether_it_is_whole(tmp_path: Path) -> None:
    base = run_folder(tmp_path, "base")
    run_folder(tmp_path, "evil\x1b[31m", n_errors=3)
    screen = ScreenRecord(target="jigsaw", seed=1, look=2, looks=5, z=4.0, boundary=3.2)
    run_folder(tmp_path, "fast", screened=screen)
    run_folder(tmp_path, "torn")
    (tmp_path / "synthetic-1/torn/fake/samples.parquet").write_bytes(b"")
    (tmp_path / "synthetic-1/cut/fake").mkdir(parents=True)
    (tmp_path / "synthetic-1/cut/fake/samples.partial").write_bytes(b"")
    states = {found.folder.parent.name: found.state for found in find_runs(tmp_path)}
    assert states == {
        "base": "complete", "cut": "unfinished", "evil\x1b[31m": "failed items", "fast": "screened", "torn": "damaged"
    }  # fmt: skip
    shown = run("list", "--out", str(tmp_path))
    assert shown.exit_code == 0, shown.output
    assert "synthetic-1  base" in shown.output
    assert "\x1b" not in shown.output.replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert "5 runs in" in shown.output
    rows = [json.loads(line) for line in run("list", "--out", str(tmp_path), "--json").output.splitlines()]
    assert [row["complete"] for row in rows] == [True, False, False, False, False]
    assert rows[0]["items"] == base.record.n_items
    assert rows[0]["size"] > 0


def test_show_gives_the_rates_of_each_task(tmp_path: Path) -> None:
    base = run_folder(tmp_path, "base", wall_seconds=12.5)
    folder = str(tmp_path / "synthetic-1/base/fake")
    shown = run("show", folder).output
    assert "12.5 s" in shown
    assert "math_addition" in shown
    document = json.loads(run("show", folder, "--json").output)
    assert document["record"]["wall_seconds"] == 12.5
    assert document["tasks"] == summarise(base)
    share = (base.samples[base.samples["task"] == "math_word"]["outcome"] == "correct").mean()
    assert document["tasks"]["math_word"]["correct"] == pytest.approx(share)
    assert run("show", str(tmp_path / "nowhere")).exit_code == 2


def test_gc_drops_answers_without_a_run_and_nothing_without_yes(tmp_path: Path) -> None:
    base = run_folder(tmp_path, "base").record.checkpoint.weights_digest
    store_answers(tmp_path, base, 30)
    store_answers(tmp_path, base, 7, replicate=1)
    store_answers(tmp_path, "f" * 64, 400)
    size = store_size(tmp_path)
    garbage = find_garbage(tmp_path)
    gone = {source_of("f" * 64, ENGINE.fingerprint): 400, source_of(base, ENGINE.fingerprint, 1): 7}
    assert (garbage.sources, garbage.kept_answers) == (gone, 30)
    for arguments in ((), ("--dry-run",)):
        shown = run("gc", "--out", str(tmp_path), *arguments).output
        assert "400 answers of weights ffffffffffff on synthetic/1.0" in shown
        assert "nothing was deleted; run again with --yes" in shown
        assert store_size(tmp_path) == size
    shown = run("gc", "--out", str(tmp_path), "--yes").output
    assert "deleted; " in shown
    assert store_size(tmp_path) < size / 3
    with ResponseStore(tmp_path / "store.sqlite") as store:
        assert store.sources() == {source_of(base, ENGINE.fingerprint): 30}
        engine = FakeEngine()
        engine.record = ENGINE
        again = StoredEngine(store, Variant(base, ENGINE), lambda: engine)
        assert len(list(again.generate(requests(30)))) == again.reused == 30
    assert "nothing to delete" in run("gc", "--out", str(tmp_path)).output


def test_gc_keeps_what_an_interrupted_run_will_finish(tmp_path: Path) -> None:
    weights = "c" * 64
    store_answers(tmp_path, weights, 5)
    folder = tmp_path / "synthetic-1" / f"base-{'b' * 12}" / "fake"
    folder.mkdir(parents=True)
    partial = folder / "samples.partial"
    partial.write_bytes(b"half")
    assert find_garbage(tmp_path, unfinished=True).sources == {}
    kept = find_garbage(tmp_path, now=LATER)
    assert (kept.unfinished, kept.sources, kept.partial) == ((folder,), {}, ())
    assert "kept: 5 answers while a run is unfinished" in run("gc", "--out", str(tmp_path), "--yes").output
    assert partial.exists()
    given_up = find_garbage(tmp_path, unfinished=True, now=LATER)
    assert list(given_up.sources.values()) == [5]
    assert given_up.partial == (partial,)
    collect(given_up)
    assert not partial.exists()


def test_gc_removes_a_left_over_partial_file_but_not_one_in_the_writing(tmp_path: Path) -> None:
    run_folder(tmp_path, "base")
    partial = tmp_path / "synthetic-1/base/fake/samples.partial"
    partial.write_bytes(b"half")
    assert find_garbage(tmp_path).partial == ()
    os.utime(partial, (0, 0))
    assert run("gc", "--out", str(tmp_path), "--yes").exit_code == 0
    assert not partial.exists()
    assert find_runs(tmp_path)[0].state == "complete"


def test_gc_keeps_the_answers_of_a_run_whose_record_is_damaged(tmp_path: Path) -> None:
    weights = "d" * 64
    store_answers(tmp_path, weights, 5)
    folder = tmp_path / "synthetic-1" / f"tuned-{weights[:12]}" / "fake"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{")
    assert find_garbage(tmp_path, now=LATER).sources == {}


def test_a_missing_folder_and_contradictions_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(RetentionError, match="no such folder"):
        find_runs(tmp_path / "nowhere")
    assert run("list", "--out", str(tmp_path / "nowhere")).exit_code == 2
    assert "contradict" in run("gc", "--out", str(tmp_path), "--yes", "--dry-run").output


def test_a_store_in_use_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store_answers(tmp_path, "a" * 64, 5)
    with ResponseStore(tmp_path / "store.sqlite") as writing, ResponseStore(tmp_path / "store.sqlite") as cleaning:
        cleaning._db.execute("PRAGMA busy_timeout=10")
        writing._db.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"cannot be cleaned up now .*locked"):
            cleaning.drop(cleaning.sources())
        writing._db.execute("ROLLBACK")
        assert sum(cleaning.sources().values()) == 5


def test_f1_and_whole_pictures_come_from_the_answers() -> None:
    # Two pictures of two questions each; of the second one answer was cut off.
    rows = pd.DataFrame(
        {
            "task": "t",
            "cluster_id": ["a", "a", "b", "b"],
            "outcome": [Outcome.CORRECT, Outcome.CORRECT, Outcome.WRONG, Outcome.UNPARSED],
            "details": [{"yes": yes, "gold_yes": gold} for yes, gold in ((1, 1), (0, 0), (1, 0), (1, 1))],
            "off_list": False,
            "error": None,
            "finish_reason": "stop",
            "n_output_tokens": 1,
        }
    )
    found = _summary(rows)
    assert (found["all_right"], found["yes"], found["f1"]) == (0.5, 0.5, 0.5)
    assert _summary(rows.assign(details=[{}] * 4, cluster_id=list("abcd")))["f1"] is None
    assert _summary(rows.assign(cluster_id=list("abcd")))["all_right"] is None
