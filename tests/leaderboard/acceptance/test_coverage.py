"""Steps 4 to 6: merged files stay, every item is answered once and alike, and every stored value is recomputed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.records.run import ConditionsRecord, read_record
from leaderboard.acceptance.coverage import Surroundings
from leaderboard.acceptance.report import Report
from leaderboard.acceptance.steps import examine
from leaderboard.entries.rules import Finding
from tests.support.accepting import accepted
from tests.support.tiny import TinyShelf, model, tiny_shelf, tiny_suite

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TinyShelf:
    return tiny_shelf(tiny_suite(tmp_path_factory.mktemp("tiny")), tmp_path_factory.mktemp("board"))


@pytest.fixture
def entry(made: TinyShelf) -> Path:
    return made.add("tuned", model(1))


def examined(made: TinyShelf, entry: Path) -> Report:
    return examine(entry, made.around)[0]


def refusals(report: Report) -> set[tuple[str, str | None]]:
    return {(found.rule, found.field) for found in report.of("refuse")}


def one(report: Report, rule: str) -> Finding:
    (found,) = [each for each in report.findings if each.rule == rule]
    return found


def test_an_honest_entry_passes_every_step_and_has_numbers(made: TinyShelf, entry: Path) -> None:
    report = examined(made, entry)
    assert (report.verdict, report.of("refuse"), report.of("incomplete")) == ("accepted", (), ())
    assert set(report.steps.values()) == {"passed"}
    assert report.numbers is not None
    assert report.numbers.target == "math"


@pytest.mark.parametrize(
    ("column", "task", "value"),
    [
        ("outcome", "tiny_sums", "correct"),
        ("score", "tiny_sums", 1.0),
        ("extracted", "tiny_colours", "red green"),
        ("layer", "tiny_sums", "boxed"),
        ("details", "tiny_sums", {"words": 1.0}),
        ("guess_rate", "tiny_colours", 0.0),
        ("cluster_id", "tiny_sums", "mine"),
        ("output", "tiny_letters", "D"),
    ],
)
def test_a_forged_value_is_refused_with_the_row_and_both_values(
    made: TinyShelf, entry: Path, column: str, task: str, value: Any
) -> None:
    row: list[str] = []

    def forge(frame: pd.DataFrame) -> None:
        place = frame.index[(frame["task"] == task) & (frame["outcome"] == "wrong")][0]
        frame.at[place, column] = value
        row.append(frame.at[place, "item_id"])

    made.rewrite(entry, forge)
    report = examined(made, entry)
    found = next(each for each in report.findings if each.rule == "recomputation" and each.field == column)
    assert found.file == "tuned/samples.parquet"
    assert found.evidence["examples"][0]["item"] == row[0][:12]
    assert row[0][:12] in found.message
    assert report.steps["recomputation"] == "failed"
    assert report.numbers is None


def drop_rows(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[2:]


def swap_rows(frame: pd.DataFrame) -> None:
    order = [1, 0, *range(2, len(frame))]
    for column in frame.columns:
        frame[column] = frame[column].to_numpy()[order]


def foreign_item(frame: pd.DataFrame) -> None:
    frame.at[0, "item_id"] = "0" * 64


def foreign_task(frame: pd.DataFrame) -> None:
    frame.loc[frame["task"] == "tiny_sums", "task"] = "tiny_chess"


def failed_item(frame: pd.DataFrame) -> None:
    frame.at[0, "output"], frame.at[0, "error"], frame.at[0, "finish_reason"] = "", "out of memory", "error"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (drop_rows, "2 of 60 items are missing, 0 rows belong to no item"),
        (swap_rows, "rows are not in the order of the suite"),
        (foreign_item, "1 of 60 items are missing, 1 rows belong to no item"),
        (foreign_task, "60 rows of tiny_chess, which is not in the suite"),
        (failed_item, "1 of 180 items failed"),
    ],
)
def test_every_item_is_answered_once(
    made: TinyShelf, entry: Path, harm: Callable[[pd.DataFrame], pd.DataFrame | None], said: str
) -> None:
    made.rewrite(entry, harm)
    report = examined(made, entry)
    assert report.steps["coverage"] == "failed"
    assert any(said in found.message for found in report.findings if found.rule == "coverage")


def test_another_prompt_than_the_bases_is_refused_with_its_items(made: TinyShelf, entry: Path) -> None:
    def reword(frame: pd.DataFrame) -> None:
        frame.loc[3:5, "prompt_digest"] = "f" * 64
        frame.loc[3, "n_prompt_tokens"] = 99

    made.rewrite(entry, reword)
    report = examined(made, entry)
    assert {("prompts", "prompt_digest"), ("prompts", "n_prompt_tokens")} <= refusals(report)
    assert any("3 of 180 items" in found.message for found in report.findings)


def test_a_processor_of_its_own_explains_other_numbers_of_tokens_but_no_other_prompts(
    made: TinyShelf, entry: Path
) -> None:
    def reseen(frame: pd.DataFrame) -> None:
        frame.loc[3, "n_prompt_tokens"] = 99
        frame.loc[4, "prompt_digest"] = "f" * 64

    own = ConditionsRecord(max_model_len=512, processor="a" * 64, processor_origin="tuned")
    made.rewrite(entry, reseen, conditions=own)
    found = refusals(examined(made, entry))
    assert ("prompts", "prompt_digest") in found
    assert ("prompts", "n_prompt_tokens") not in found


def test_another_tokenizer_is_refused(made: TinyShelf, entry: Path) -> None:
    checkpoint = read_record(entry / "tuned").checkpoint
    made.rewrite(entry, lambda frame: None, checkpoint=checkpoint.model_copy(update={"tokenizer_digest": "0" * 64}))
    assert ("tokenizer", "checkpoint.tokenizer_digest") in refusals(examined(made, entry))


def test_another_suite_than_the_frozen_one_is_refused(made: TinyShelf, entry: Path) -> None:
    suite = made.tiny.suite.record.model_copy(update={"digest": "0" * 64, "transfer": ("tiny_sums",)})
    made.rewrite(entry, lambda frame: None, suite=suite)
    assert {("suite", "suite.digest"), ("suite", "suite.transfer")} <= refusals(examined(made, entry))


def test_a_suite_that_is_not_open_ends_the_way_there(made: TinyShelf, entry: Path) -> None:
    report = examine(entry, Surroundings(made.shelf))[0]
    assert one(report, "suite").message == "there is no open suite tiny-1"
    assert (report.steps["coverage"], report.steps["recomputation"]) == ("failed", "not reached")


def test_data_that_is_not_here_is_said_by_name_and_is_no_pass(made: TinyShelf, entry: Path, tmp_path: Path) -> None:
    for path in made.tiny.folder.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    code = (tmp_path / "tiny.py").read_text()
    gone = """def colours(*_):
    from harness.sources import SourceError
    raise SourceError('data set owner/colours: not here')
    count = 0
"""
    (tmp_path / "tiny.py").write_text(code.replace("def colours(split, count, seed):\n", gone))
    report = examine(entry, Surroundings(made.shelf, [tmp_path / "tiny-1.yaml"]))[0]
    assert report.verdict == "incomplete"
    assert report.steps["recomputation"] == "incomplete"
    assert report.numbers is None
    messages = {found.message for found in report.of("incomplete")}
    assert messages == {
        "could not be recomputed: the data of task tiny_colours is not available (data set owner/colours: not here)"
    }


def test_what_was_merged_is_held_to(made: TinyShelf, entry: Path) -> None:
    accepted(made.shelf, entry.name)
    (written,) = (made.shelf.events / entry.name).iterdir()
    assert examined(made, entry).accepted
    made.rewrite(entry, lambda frame: None, wall_seconds=2.0)
    report = examined(made, entry)
    names = {found.file for found in report.findings if found.rule == "changed-after-merge"}
    assert names == {"SHA256SUMS", "tuned/run.json"}
    written.write_text("{}")
    assert one(examined(made, entry), "changed-after-merge").file == f"events/{entry.name}"
    written.unlink()


def test_a_base_that_entries_stand_on_is_held_to(made: TinyShelf, entry: Path, tmp_path: Path) -> None:
    accepted(made.shelf, entry.name)
    other = made.add("other", model(2))
    assert examined(made, other).accepted
    (home,) = made.shelf.bases.glob("*/*")
    kept = (home / "run.json").read_bytes()
    (home / "run.json").write_bytes(kept.replace(b'"wall_seconds": 1.0', b'"wall_seconds": 3.0'))
    found = [each.file for each in examined(made, other).findings if each.rule == "changed-after-merge"]
    assert found == [f"bases/{home.parent.name}/{home.name}/run.json"]
    (home / "run.json").write_bytes(kept)
    for path in made.shelf.events.rglob("*.json"):
        path.unlink()
