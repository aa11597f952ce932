"""Facets: rows are filtered by exact values, and a facet that tells nothing apart is not offered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leaderboard.board.board import Board, load_board
from leaderboard.site import facets
from leaderboard.site.views import METHODS
from tests.support.synthetic_board import rich_board


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made, events = rich_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases, events)


def test_values_are_words_that_can_stand_in_an_attribute_and_an_address(board: Board) -> None:
    for row in board.rows:
        for found in facets.values([row]).values():
            assert found
            assert all(value and value == value.strip() and " " not in value for value in found)


def test_entries_of_a_recipe_are_found_by_the_values_of_each(board: Board) -> None:
    one, other = board.rows[:2]
    both = facets.values([one, other])
    for each in (one, other):
        for facet, found in facets.values([each]).items():
            assert set(found) <= set(both[facet])


def test_only_facets_that_tell_rows_apart_are_offered_with_their_counts(board: Board) -> None:
    groups = [facets.values([row]) for row in board.rows]
    found = {facet.name: facet for facet in facets.facets(groups)}
    assert "base" not in found
    methods = {value: count for value, _, count in found["method"].options}
    assert sum(methods.values()) == len(board.rows)
    assert list(methods) == [family for family in METHODS if family in methods]
    assert methods["sft"] == sum(row.manifest.method.family == "sft" for row in board.rows)
    rates = [float(value) for value, _, _ in found["rate"].options]
    assert rates == sorted(rates)
    assert {label for _, label, _ in found["replay"].options} == {"with replay", "none stated"}
    assert facets.facets(groups[:1]) == ()


def test_weights_are_full_or_the_kind_of_adapter(board: Board) -> None:
    row = board.rows[0]
    lora = row.manifest.method.model_copy(update={"lora_rank": 16})
    groups = [facets.values([row]), {**facets.values([row]), "weights": ("lora",)}]
    assert facets.values([row])["weights"] == ("full",)
    (weights,) = [facet for facet in facets.facets(groups) if facet.name == "weights"]
    assert weights.options == (("full", "full", 1), ("lora", "LoRA", 1))
    tuned = replace(row, manifest=row.manifest.model_copy(update={"method": lora}))
    assert facets.values([tuned])["weights"] == ("lora",)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("Qwen/Qwen2.5-VL-7B-Instruct", "7B"),
        ("HuggingFaceTB/SmolLM2-360M", "360M"),
        ("x/model_0.5b", "0.5B"),
        ("nano-base", None),
        ("v2-beta", None),
        ("org/7Band", None),
    ],
)
def test_the_size_is_what_a_name_states(name: str, size: str | None) -> None:
    assert facets.size(name) == size
