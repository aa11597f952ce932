"""Stored rows are judged again by their tasks' own scoring; what cannot be is said, and no column can be bent."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness import lmeval
from harness.lmeval.recompute import Difference, Recomputer
from harness.records.run import read_record
from harness.records.samples import SAMPLES_FILE
from harness.records.samples_file import read_samples
from harness.records.suites import load_suite
from tests.support.tiny import COUNT, Tiny, model, tiny_run, tiny_suite

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return tiny_suite(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def recomputer(tiny: Tiny) -> Recomputer:
    return Recomputer(tiny.suite, tiny.folder)


@pytest.fixture(scope="module")
def stored(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return tiny_run(tiny, tmp_path_factory.mktemp("run"), model(1)).samples


def test_a_run_recomputes_to_itself(recomputer: Recomputer, stored: pd.DataFrame) -> None:
    found = recomputer.recompute(stored)
    assert (found.rows, found.differences, found.unavailable, found.unknown) == (3 * COUNT, (), {}, ())
    assert set(stored["outcome"]) == {"correct", "wrong"}
    assert set(stored.loc[stored["task"] == "tiny_sums", "layer"]) == {"said"}


@pytest.mark.slow
@pytest.mark.parametrize(("suite", "items"), [("nano-1", 2800), ("nano-2", 4600)])
def test_the_shipped_runs_recompute_to_themselves(suite: str, items: int) -> None:
    recomputer = Recomputer(load_suite(suite))
    runs = [
        *(path.parent for path in ROOT.glob(f"leaderboard/data/bases/{suite}/*/run.json")),
        *(path.parent for path in ROOT.glob("submissions/*/tuned/run.json")),
    ]
    runs = [run for run in runs if read_record(run).suite.digest == recomputer.suite.digest]
    assert len(runs) >= 3
    for run in runs:
        found = recomputer.recompute(read_samples(run / SAMPLES_FILE))
        assert (found.rows, found.differences, found.unavailable) == (items, (), {})


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("outcome", "correct", "outcome"),
        ("score", 1.0, "score"),
        ("extracted", "7", "extracted"),
        ("extracted", None, "extracted"),
        ("layer", "boxed", "layer"),
        ("details", {"words": 3.0}, "details"),
        ("details", {"words": 7.0, "more": 1.0}, "details"),
        ("details", {}, "details"),
        ("family", "science", "family"),
        ("group", "science", "group"),
        ("cluster_id", "alone", "cluster_id"),
        ("guess_rate", 0.5, "guess_rate"),
        ("finish_reason", "length", "outcome"),
        ("output", "I cannot say.", "outcome"),
    ],
)
def test_a_changed_column_is_found(
    recomputer: Recomputer, stored: pd.DataFrame, column: str, value: Any, named: str
) -> None:
    bent = stored.copy()
    row = bent.index[(bent["task"] == "tiny_sums") & (bent["outcome"] == "wrong")][0]
    bent.at[row, column] = value
    differences = recomputer.recompute(bent).differences
    assert {each.item_id for each in differences} == {bent.at[row, "item_id"]}
    assert named in {each.column for each in differences}


def test_an_option_that_was_not_offered_is_no_answer(recomputer: Recomputer, stored: pd.DataFrame) -> None:
    bent = stored.copy()
    row = bent.index[bent["task"] == "tiny_letters"][0]
    bent.at[row, "output"] = "D"
    (difference,) = recomputer.recompute(bent).differences
    assert (difference.column, difference.stored) == ("output", "D")


def _other_option(samples: pd.DataFrame) -> pd.DataFrame:
    bent = samples.copy()
    row = bent.index[(bent["task"] == "tiny_letters") & (bent["outcome"] == "correct")][0]
    bent.loc[row, ["output", "extracted"]] = "B" if bent.at[row, "output"] == "A" else "A"
    return bent


def test_an_option_that_is_not_the_likeliest_is_found(recomputer: Recomputer, stored: pd.DataFrame) -> None:
    assert {each.column for each in recomputer.recompute(_other_option(stored)).differences} == {"output"}


def test_without_log_probabilities_another_option_changes_the_outcome(
    recomputer: Recomputer, stored: pd.DataFrame
) -> None:
    for old in (stored.assign(logprobs=None), stored.drop(columns="logprobs")):
        assert not recomputer.recompute(old).differences
        found = recomputer.recompute(_other_option(old)).differences
        assert {each.column for each in found} == {"outcome", "score"}


@pytest.mark.parametrize("logprobs", [(-1.0, -0.5, -0.1), (0.0, -5.0), (0.0, -5.0, -5.0, -5.0), ()])
def test_log_probabilities_that_do_not_give_the_stored_option_are_found(
    recomputer: Recomputer, stored: pd.DataFrame, logprobs: tuple[float, ...]
) -> None:
    bent = stored.copy()
    row = bent.index[(bent["task"] == "tiny_letters") & (bent["output"] == "A")][0]
    bent.at[row, "logprobs"] = logprobs
    assert {each.column for each in recomputer.recompute(bent).differences} == {"output"}


def test_rows_of_no_item_are_listed(recomputer: Recomputer, stored: pd.DataFrame) -> None:
    bent = stored.copy()
    bent.loc[0, "item_id"] = "0" * 64
    bent.loc[1, "task"] = "tiny_chess"
    found = recomputer.recompute(bent)
    assert sorted(found.unknown) == sorted(["0" * 64, stored.at[1, "item_id"]])
    assert found.rows == 3 * COUNT - 2


def test_failed_rows_are_left_alone(recomputer: Recomputer, stored: pd.DataFrame) -> None:
    bent = stored.copy()
    bent.loc[0, "output"], bent.loc[0, "error"] = "", "too long"
    found = recomputer.recompute(bent)
    assert (found.rows, found.differences) == (3 * COUNT - 1, ())


def test_files_of_version_1_are_compared_in_the_columns_they_have(recomputer: Recomputer, stored: pd.DataFrame) -> None:
    old = stored.copy()
    old["layer"], old["details"] = None, None
    assert recomputer.recompute(old).differences == ()


def test_an_output_that_breaks_the_scoring_is_named_alone(
    tiny: Tiny, stored: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    recomputer = Recomputer(tiny.suite, tiny.folder)
    bent = stored.copy()
    row = bent.index[bent["task"] == "tiny_colours"][5]
    bent.at[row, "output"] = "explode"
    whole = lmeval.judge_again

    def fragile(task: Any, docs: Any, outputs: Any, *rest: Any) -> Any:
        if "explode" in outputs:
            raise RecursionError
        return whole(task, docs, outputs, *rest)

    monkeypatch.setattr("harness.lmeval.recompute.judge_again", fragile)
    (difference,) = recomputer.recompute(bent).differences
    assert difference == Difference(
        "tiny_colours", bent.at[row, "item_id"], "output", "explode", "not an answer that the task can judge"
    )


def test_a_loader_that_breaks_is_no_fault_of_the_rows(tmp_path: Path, stored: pd.DataFrame, tiny: Tiny) -> None:
    for path in tiny.folder.glob("tiny*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    code = (tmp_path / "tiny.py").read_text()
    (tmp_path / "tiny.py").write_text(
        code.replace("def load_letters(count, **_):\n", "def load_letters(**_):\n    1 / 0\n")
    )
    found = Recomputer(tiny.suite, tmp_path).recompute(stored)
    assert list(found.unavailable) == ["tiny_letters"]
    assert "division by zero" in found.unavailable["tiny_letters"]


def test_a_task_whose_data_is_not_here_is_said_and_the_others_are_judged(
    tmp_path: Path, stored: pd.DataFrame, tiny: Tiny
) -> None:
    for name in ("tiny.py", "tiny_sums.yaml", "tiny_letters.yaml", "tiny_colours.yaml"):
        (tmp_path / name).write_bytes((tiny.folder / name).read_bytes())
    code = (tmp_path / "tiny.py").read_text()
    away = """def colours(*_):
    from harness.sources import SourceError
    raise SourceError('data set owner/colours: not here')
    count = 0
"""
    (tmp_path / "tiny.py").write_text(code.replace("def colours(split, count, seed):\n", away))
    found = Recomputer(tiny.suite, tmp_path).recompute(stored)
    assert found.unavailable == {"tiny_colours": "data set owner/colours: not here"}
    assert (found.rows, found.differences) == (2 * COUNT, ())


def test_a_score_that_does_not_follow_from_the_option_is_not_recomputed(tiny: Tiny, stored: pd.DataFrame) -> None:
    letters = tiny.suite.tasks["tiny_letters"].model_copy(update={"metric": "acc_norm"})
    suite = tiny.suite.model_copy(update={"tasks": {**tiny.suite.tasks, "tiny_letters": letters}})
    recomputer = Recomputer(suite, tiny.folder)
    found = recomputer.recompute(stored.assign(logprobs=None))
    assert "does not follow from the chosen option" in found.unavailable["tiny_letters"]
    assert recomputer.recompute(stored).unavailable == {}


def test_another_item_set_than_the_frozen_one_is_not_judged(tiny: Tiny, stored: pd.DataFrame) -> None:
    sums = tiny.suite.tasks["tiny_sums"].model_copy(update={"digest": "0" * 64})
    suite = tiny.suite.model_copy(update={"tasks": {**tiny.suite.tasks, "tiny_sums": sums}})
    assert "frozen suite" in Recomputer(suite, tiny.folder).recompute(stored).unavailable["tiny_sums"]


def test_what_was_asked_is_known_of_every_kind_of_task(recomputer: Recomputer) -> None:
    assert recomputer.budget("tiny_sums") == 24
    assert recomputer.budget("tiny_letters") is None
    assert not recomputer.shows_images
    colours = list(recomputer.answer_keys("tiny_colours").values())
    assert all(each.answer in each.options for each in colours)
    assert {each.answer for each in recomputer.answer_keys("tiny_letters").values()} == {"A", "B", "C"}
    assert {each.options for each in recomputer.answer_keys("tiny_sums").values()} == {()}


def test_what_is_kept_is_bounded_and_changes_nothing(
    tiny: Tiny, stored: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.lmeval.recompute._MOST_KEPT", 100)
    recomputer = Recomputer(tiny.suite, tiny.folder)
    for _ in range(3):
        assert recomputer.recompute(stored).differences == ()
        assert len(recomputer._cache) <= COUNT


def test_a_kept_judgement_is_not_mixed_up_with_another_task_or_ending(
    recomputer: Recomputer, stored: pd.DataFrame
) -> None:
    once = recomputer.recompute(stored)
    cut = stored.copy()
    cut["finish_reason"] = "length"
    assert len({each.item_id for each in recomputer.recompute(cut).differences}) == 3 * COUNT
    assert recomputer.recompute(stored) == once
