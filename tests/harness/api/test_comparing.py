"""Comparing from Python: whatever holds a run's rows, the same numbers come out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.api import compare, measure_pair_drift, open_run, trajectory
from harness.errors import CheckFailedError, RetentionError
from harness.records import SAMPLES_FILE, RunError
from harness.scoring import Scorecard, score_pair
from tests.support.synthetic import JIGSAW, TASKS, synthetic_run

FEW = (JIGSAW, TASKS[1])
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for seed, (name, accuracy) in enumerate((("base", 0.5), ("tuned", 0.8), ("later", 0.9))):
        synthetic_run(folder / name, FEW, name=name, accuracy=accuracy, seed=seed)
    return folder


def rows(correct: set[int], n: int = 8) -> Rows:
    return [
        {
            "item_id": f"item-{k}",
            "task": "sums" if k % 2 else "words",
            "family": "math" if k % 2 else "language",
            "outcome": "correct" if k in correct else "wrong",
            "guess_rate": 0.25,
            "output": f"answer {k in correct}",
        }
        for k in range(n)
    ]


def numbers(card: Scorecard) -> dict[str, Any]:
    """Everything but which bytes the rows came from."""
    document = card.model_dump(exclude={"signature"})
    for side in ("base", "tuned", "noise"):
        (document[side] or {}).pop("samples_sha256", None)
    return document


def write(folder: Path, name: str, written: Rows) -> Path:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in written), encoding="utf-8")
    return path


def test_run_folders_paths_and_runs_give_the_same_scorecard(runs: Path) -> None:
    opened = [open_run(runs / name) for name in ("base", "tuned")]
    expected = score_pair(*opened, "jigsaw").to_json()
    assert compare(*opened, target="jigsaw").to_json() == expected
    assert compare(runs / "base", str(runs / "tuned"), "jigsaw").to_json() == expected


@given(st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)))
@settings(max_examples=4)
def test_frames_and_dicts_give_the_numbers_of_their_files(
    tmp_path_factory: pytest.TempPathFactory, base: set[int], tuned: set[int], again: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    written = {"base": rows(base), "tuned": rows(tuned), "noise": [row | {"output": "again"} for row in rows(again)]}
    expected = compare(*(write(folder, name, each) for name, each in written.items() if name != "noise"), "math",
                       write(folder, "noise", written["noise"]))  # fmt: skip
    forms: tuple[Callable[[Rows], Any], ...] = (list, pd.DataFrame)
    for form in forms:
        card = compare(form(written["base"]), form(written["tuned"]), "math", form(written["noise"]))
        assert numbers(card) == numbers(expected)
        assert not card.provenance.checked
        assert "|provenance:not-checked|" in card.signature


def test_the_samples_of_a_run_are_a_frame_like_any_other(runs: Path) -> None:
    base, tuned = (open_run(runs / name).samples for name in ("base", "tuned"))
    from_frames = compare(base, tuned, "jigsaw")
    from_files = compare(runs / "base" / SAMPLES_FILE, runs / "tuned" / SAMPLES_FILE, "jigsaw")
    assert from_frames.tasks == from_files.tasks
    assert (from_frames.base.name, from_frames.tuned.name) == ("base", "tuned")


@pytest.mark.parametrize(
    ("base", "tuned", "target", "message"),
    [
        (pd.DataFrame({"task": ["sums"]}), rows(set()), None, "base: column 'item_id' is missing; a table needs item"),
        (rows(set()), [rows(set())[0] | {"outcome": 7}], None, "tuned: outcome is not correct, wrong or unparsed in 1"),
        (rows(set()), 7, None, "tuned: of type int, which is no run; give a run folder, the path of a table or log,"),
        ({"item_id": [1]}, rows(set()), None, "base: of type dict, which is no run"),
        (rows(set()), rows(set()), "chess", "chess: no such family; this suite has language, math"),
        ("nowhere", rows(set()), None, "nowhere/run.json: no such file; is nowhere a run folder"),
    ],
)
def test_what_is_wrong_is_named(base: Any, tuned: Any, target: str | None, message: str) -> None:
    with pytest.raises(RetentionError) as raised:
        compare(base, tuned, target)
    assert message in str(raised.value)


def test_the_margin_is_that_of_the_verdicts(runs: Path) -> None:
    card = compare(runs / "base", runs / "tuned", "jigsaw", margin=0.05)
    assert card.margin == 0.05
    assert "|margin:0.05|" in card.signature


def test_a_run_beside_rows_and_other_items_are_refused(runs: Path) -> None:
    for sides in ((runs / "base", rows(set())), (rows(set()), runs / "base")):
        with pytest.raises(CheckFailedError, match="refused: one is a run folder, the other a bare table"):
            compare(*sides)
    with pytest.raises(CheckFailedError, match="refused: the tuned run lacks 2 of 8 items"):
        compare(rows({1}), rows({1}, n=6))


def test_a_trajectory_of_paths_and_frames(runs: Path) -> None:
    folders = [runs / name for name in ("base", "tuned", "later")]
    with pytest.raises(CheckFailedError, match="tuned and later do not look like checkpoints of one training"):
        trajectory(folders, "jigsaw")
    curve = trajectory(folders, "jigsaw", mixed=True)
    assert [point.model.name for point in curve.points] == ["base", "tuned", "later"]
    again = trajectory([open_run(folder).samples for folder in folders], "jigsaw", mixed=True)
    assert [point.gain for point in again.points] == [point.gain for point in curve.points]
    with pytest.raises(RetentionError, match="a trajectory needs 3 or more"):
        trajectory(folders[:2], "jigsaw")
    with pytest.raises(RunError, match="run 2: row 1 is of type int, not a dict"):
        trajectory([rows({1}), [7], rows({2})], "math")  # type: ignore[list-item]


def test_drift_is_of_runs_alone() -> None:
    with pytest.raises(RetentionError, match="drift needs run folders"):
        measure_pair_drift(rows({1}), rows({2}), "nano:base", "nano:sft")
