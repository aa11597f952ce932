"""Cells: every number has a name that reads back, and a hash that moves with definition, inputs and value alone."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scoring import GroupScore, Metric, Scorecard, TargetScore, TaskScore
from leaderboard.entries.shelf import Shelf
from leaderboard.numbers import cells
from leaderboard.numbers.cells import CELL, CellError, CellRef, cells_of, find_cell, headline, parse_cell
from tests.support.synthetic_board import add_entry, folders

ID = "abcdefghijk2"


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    made = folders(tmp_path_factory.mktemp("cells"))
    prepared = add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8, "math_word": 0.4})
    root = made.submissions.parent
    return Shelf(made.submissions, made.bases, root / "events", root / "releases").scored(prepared.entry_id).card


def test_every_number_of_the_scorecard_is_a_cell(card: Scorecard) -> None:
    found = cells_of(ID, card)
    assert found["gain"].value == card.learned.gain
    assert found["gain"].interval == card.learned.gain_ci
    assert found["worst_group"].value == card.worst_group.retention  # type: ignore[union-attr]
    for task, score in card.tasks.items():
        for name in cells.TASK:
            assert found[f"task/{task}/{name}"].value == getattr(score, name)
    groups, tasks = len(card.groups) * len(cells.GROUP), len(card.tasks) * len(cells.TASK)
    assert len(found) == len(cells.SUMMARY) + groups + tasks


@pytest.mark.parametrize(
    ("model", "defined", "elsewhere"),
    [
        (TaskScore, cells.TASK, {"family", "group", "role", "verdict", "base_above_chance", "reasons", "pass_at"}),
        (GroupScore, cells.GROUP, {"tasks", "n", "units", "reasons"}),
        (TargetScore, cells.SUMMARY, {"family", "tasks", "n", "transfer_tasks", "reasons"}),
    ],
)
def test_no_number_of_the_scorecard_lacks_a_definition(
    model: type[TaskScore], defined: dict[str, Metric], elsewhere: set[str]
) -> None:
    """A new field of the scorecard must get a definition here, or be named as no number."""
    intervals = {definition.interval for definition in defined.values()}
    assert set(model.model_fields) - elsewhere - intervals <= set(defined)


def test_ids_read_back(card: Scorecard) -> None:
    for metric, cell in cells_of(ID, card).items():
        ref = parse_cell(cell.reference)
        assert ref == CellRef(ID, metric, "synthetic-1", cell.hash)
        assert find_cell(ref, card) == cell
        assert parse_cell(cell.id).hash is None


def test_hashes_are_all_different_and_do_not_depend_on_the_process(card: Scorecard) -> None:
    found = cells_of(ID, card)
    assert len({cell.hash for cell in found.values()}) == len(found)
    again = Scorecard.model_validate(json.loads(card.to_json()))
    assert {metric: cell.hash for metric, cell in cells_of(ID, again).items()} == {
        metric: cell.hash for metric, cell in found.items()
    }
    assert headline(ID, card) == {metric: cell.hash for metric, cell in found.items() if metric in cells.SUMMARY}


def test_the_hash_moves_with_definition_inputs_and_value(card: Scorecard, monkeypatch: pytest.MonkeyPatch) -> None:
    before = cells_of(ID, card)["gain"].hash
    target = card.learned
    changed = [
        card.model_copy(update={"target": target.model_copy(update={"gain": target.gain + 0.01})}),
        card.model_copy(update={"target": target.model_copy(update={"gain_ci": (0.0, 1.0)})}),
        card.model_copy(update={"suite": card.suite.model_copy(update={"digest": "0" * 64})}),
        card.model_copy(update={"base": card.base.model_copy(update={"samples_sha256": "0" * 64})}),
        card.model_copy(update={"tuned": card.tuned.model_copy(update={"samples_sha256": "0" * 64})}),
    ]
    hashes = [cells_of(ID, other)["gain"].hash for other in changed] + [cells_of("bbcdefghijk2", card)["gain"].hash]
    monkeypatch.setitem(cells.SUMMARY, "gain", replace(cells.SUMMARY["gain"], formula="another formula"))
    hashes.append(cells_of(ID, card)["gain"].hash)
    assert len({before, *hashes}) == len(hashes) + 1
    # What the number does not rest on leaves its hash alone.
    other = card.model_copy(update={"alarms": (), "signature": "x", "margin": 0.5})
    monkeypatch.undo()
    assert cells_of(ID, other)["gain"].hash == before


def test_a_number_that_is_not_defined_is_a_cell_with_its_reason(card: Scorecard) -> None:
    cell = cells_of(ID, card)["transfer_gain"]
    assert cell.value is None
    assert "transfer" in str(cell.reason)


@pytest.mark.parametrize(
    "text",
    ["", "gain", f"{ID}:gain", f"{ID}:gain@", f"{ID}:gain@nano-1#12345", f"{ID}:gain@nano-1#0123456789AB",
     "short:gain@x", f"{ID}:gain@nano-1\n", f"{ID.upper()}:gain@nano-1", f"{ID}:a/b/c/d@nano-1", f"{ID}:gain@nano 1",
     f"\u202e{ID}:gain@nano-1"],
)  # fmt: skip
def test_what_is_no_cell_id_is_named(text: str) -> None:
    with pytest.raises(CellError, match="not a cell id"):
        parse_cell(text)


def test_an_unknown_number_or_suite_is_named(card: Scorecard) -> None:
    with pytest.raises(CellError, match=r"has no number gane; it has alarms, balance"):
        find_cell(parse_cell(f"{ID}:gane@synthetic-1"), card)
    with pytest.raises(CellError, match="has no number"):
        find_cell(parse_cell(f"{ID}:../../etc@synthetic-1"), card)
    with pytest.raises(CellError, match="answers suite synthetic-1, not nano-1"):
        find_cell(parse_cell(f"{ID}:gain@nano-1"), card)


@given(st.text(min_size=1, max_size=40))
def test_any_task_name_makes_a_metric_that_reads_back(name: str) -> None:
    metric = f"task/{cells.part_name(name)}/delta"
    if len(metric) < 280:
        match = CELL.fullmatch(f"{ID}:{metric}@nano-1")
        assert match is not None
        assert match["metric"] == metric


def test_the_names_of_cells_are_stable(card: Scorecard) -> None:
    """Citations in papers hold these; a name may be added, never changed."""
    assert [metric for metric in cells_of(ID, card) if "/" not in metric] == [
        "score_base", "score_tuned", "gain", "normalised_gain", "transfer_gain", "retention_macro", "retention_ratio",
        "worst_group", "balance", "alarms",
    ]  # fmt: skip


def test_a_shelf_knows_no_folder_outside(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, tmp_path, tmp_path, tmp_path)
    for name in ("../etc", "", "a" * 13, "ABCDEFGHIJK2", f"{ID}\n"):
        with pytest.raises(Exception, match="not an entry id"):
            shelf.folder(name)
