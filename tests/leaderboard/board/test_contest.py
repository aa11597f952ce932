"""Contest: which items of a track most entries forgot, each as its own base run solved them."""

from typing import Any

import numpy as np

from harness.scoring import Bools
from leaderboard.board.contest import Contender, Questions, forgotten_most

CARD: Any = None


def questions(solved: Bools) -> Questions:
    """Two tasks of so many items, half and half, each item a cluster of its own."""
    half = len(solved) // 2
    return Questions(
        digest="suite",
        item_ids=tuple(f"item-{at:04}" for at in range(2 * half)),
        tasks={"a_target": slice(0, half), "b_prior": slice(half, 2 * half)},
        cluster=np.concatenate([np.arange(half)] * 2),
        guess_rate=np.zeros(2 * half),
        solved=solved,
    )


def without(right: Bools, *places: int) -> Bools:
    left = right.copy()
    left[list(places)] = False
    return left


def test_items_that_most_forget_come_first() -> None:
    asked = questions(np.ones(24, dtype=bool))
    some = [
        Contender("a", CARD, without(asked.solved, 12, 15)),
        Contender("b", CARD, without(asked.solved, 12, 15, 20)),
    ]
    found = forgotten_most(asked, some, most=2)
    assert [(item.item_id, item.task, item.forgotten_by) for item in found] == [
        ("item-0012", "b_prior", 2),
        ("item-0015", "b_prior", 2),
    ]
    assert len(forgotten_most(asked, some)) == 3


def test_an_entry_forgets_what_its_own_base_run_solved() -> None:
    asked = questions(np.ones(4, dtype=bool))
    other = without(asked.solved, 0)
    found = forgotten_most(asked, [Contender("a", CARD, without(asked.solved, 0, 3), other)])
    assert [item.item_id for item in found] == ["item-0003"]


def test_units_are_clusters() -> None:
    assert questions(np.ones(6, dtype=bool)).units("b_prior") == 3
