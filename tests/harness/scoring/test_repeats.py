"""Repeats: several answers to an item are one unit, and pass@k counts what single answers say."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import CheckFailedError
from harness.records import table_from_rows
from harness.records.tables import Table
from harness.scoring import Scorecard, paired_items, score_pair
from harness.scoring.repeats import pass_at, powers, repeat_effect

Answers = list[tuple[bool, ...]]


def rows(
    answers: Sequence[Sequence[bool]], clusters: int = 1, task: str = "t", score: float = 1.0
) -> list[dict[str, Any]]:
    """One row an answer; ``clusters`` items are on one picture, ``score`` is that of a correct answer."""
    return [
        {
            "item_id": f"{task} {item}",
            "task": task,
            "family": "f",
            "group": "g",
            "cluster_id": f"{task} {item // clusters}",
            "outcome": "correct" if right else "wrong",
            "score": score if right else 0.0,
            "guess_rate": 0.25,
            "output": f"{item} {right}",
            "repeat": repeat,
        }
        for item, each in enumerate(answers)
        for repeat, right in enumerate(each)
    ]


def table(name: str, answers: Sequence[Sequence[bool]], clusters: int = 1, score: float = 1.0) -> Table:
    return table_from_rows(rows(answers, clusters, score=score), name)


def copied(answers: Sequence[bool], count: int) -> Answers:
    return [(right,) * count for right in answers]


PAIRS = st.integers(1, 60).flatmap(
    lambda n: st.tuples(*(st.lists(st.booleans(), min_size=n, max_size=n) for _ in range(2)))
)
# What counts answers, names the inputs, or says that there are several.
COUNTED = {"n11", "n10", "n01", "n00", "design_effect", "pass_at"}
NAMED = {"base", "tuned", "decoding", "signature", "provenance", "tasks", "suite"}


def numbers(card: Scorecard) -> dict[str, Any]:
    tasks = {name: task.model_dump(exclude=COUNTED) for name, task in card.tasks.items()}
    return card.model_dump(exclude=NAMED) | {"tasks": tasks}


@settings(deadline=None, max_examples=60)
@given(PAIRS, st.integers(2, 5), st.sampled_from([1, 3]), st.sampled_from([1.0, 0.5]))
def test_copies_of_a_greedy_answer_are_worth_one(
    pair: tuple[list[bool], list[bool]], repeats: int, clusters: int, score: float
) -> None:
    greedy = score_pair(*(table("m", copied(side, 1), clusters, score=score) for side in pair), None)
    drawn = score_pair(*(table("m", copied(side, repeats), clusters, score=score) for side in pair), None)
    close(numbers(drawn), numbers(greedy))
    one, several = greedy.tasks["t"], drawn.tasks["t"]
    for cell in ("n11", "n10", "n01", "n00"):
        assert getattr(several, cell) == repeats * getattr(one, cell)
    assert several.design_effect == pytest.approx(repeats * (one.design_effect or 0))
    assert not one.pass_at
    for each in several.pass_at:
        assert (each.base, each.tuned, each.delta) == pytest.approx((one.base, one.tuned, one.delta))


def close(found: Any, due: Any, at: str = "") -> None:
    """Equal, numbers to nine digits."""
    if isinstance(due, dict):
        assert found.keys() == due.keys(), at
        for name, value in due.items():
            close(found[name], value, f"{at}.{name}")
    elif isinstance(due, list | tuple):
        assert len(found) == len(due), at
        for place, value in enumerate(due):
            close(found[place], value, f"{at}[{place}]")
    elif isinstance(due, float):
        assert found == pytest.approx(due, rel=1e-7, abs=1e-9), at
    else:
        assert found == due, at


@given(
    st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n), min_size=1, max_size=20)))
)
def test_pass_at_k_is_the_mean_at_one_and_never_falls(drawn: tuple[int, list[int]]) -> None:
    repeats, counts = drawn
    found = np.array([pass_at(np.array(counts), repeats, k) for k in range(1, repeats + 1)])
    assert found[0] == pytest.approx(np.array(counts) / repeats)
    assert (np.diff(found, axis=0) >= -1e-12).all()
    assert found[-1].tolist() == [float(count > 0) for count in counts]
    due = [[1 - math.comb(repeats - c, k) / math.comb(repeats, k) for c in counts] for k in range(1, repeats + 1)]
    assert found == pytest.approx(np.array(due))


def test_pass_at_k_is_unbiased() -> None:
    """Over all outcomes of 5 answers that are right with probability .3, its mean is 1 - .7^k."""
    chances = np.array([math.comb(5, c) * 0.3**c * 0.7 ** (5 - c) for c in range(6)])
    for k in range(1, 6):
        assert float(chances @ pass_at(np.arange(6), 5, k)) == pytest.approx(1 - 0.7**k)


@pytest.mark.parametrize("k", [0, 5])
def test_pass_at_k_needs_k_answers(k: int) -> None:
    with pytest.raises(ValueError, match=f"pass@{k} of 4 answers"):
        pass_at(np.array([1]), 4, k)


@pytest.mark.parametrize(
    ("repeats", "shown"), [(1, (1,)), (2, (1, 2)), (3, (1, 2, 3)), (8, (1, 2, 4, 8)), (10, (1, 2, 4, 8, 10))]
)
def test_k_are_powers_of_two_and_the_number_of_answers(repeats: int, shown: tuple[int, ...]) -> None:
    assert powers(repeats) == shown


def test_answers_that_differ_within_an_item_say_more_than_copies() -> None:
    rng = np.random.default_rng(1)
    independent = rng.integers(-1, 2, 400).astype(float)
    copies = np.repeat(rng.integers(-1, 2, 100), 4).astype(float)
    assert repeat_effect(copies, 4) == pytest.approx(4)
    assert repeat_effect(independent, 4) < 1.5
    assert repeat_effect(np.zeros(8), 4) == 4


def sampled(seed: int, rates: np.ndarray, repeats: int = 4) -> Answers:
    drawn = np.random.default_rng(seed).random((len(rates), repeats)) < rates[:, None]
    return [tuple(map(bool, row)) for row in drawn]


def test_an_item_scores_the_mean_of_its_answers() -> None:
    base, tuned = sampled(1, np.full(50, 0.8)), sampled(2, np.full(50, 0.5))
    card = score_pair(table("base", base), table("tuned", tuned), None)
    task = card.tasks["t"]
    assert (task.base, task.tuned) == pytest.approx((np.mean(base), np.mean(tuned)))
    assert (task.n, task.n_clusters, card.repeats) == (50, 50, 4)
    assert task.n11 + task.n10 + task.n01 + task.n00 == 200
    assert task.delta == pytest.approx(task.backward_transfer - task.forgotten_rate)
    assert [each.k for each in task.pass_at] == [1, 2, 4]
    assert task.pass_at[0].delta_ci == task.delta_ci
    assert task.verdict == "forgot"


def test_swapping_the_sides_turns_every_change_around() -> None:
    base, tuned = table("a", sampled(1, np.full(40, 0.7))), table("b", sampled(2, np.full(40, 0.6)))
    there, back = (score_pair(*pair, None).tasks["t"] for pair in ((base, tuned), (tuned, base)))
    assert back.delta == -there.delta
    assert (back.forgotten_rate, back.backward_transfer) == (there.backward_transfer, there.forgotten_rate)
    for one, other in zip(there.pass_at, back.pass_at, strict=True):
        assert other.delta == -one.delta


def test_a_model_against_itself_lost_nothing() -> None:
    run = table("m", sampled(1, np.full(200, 0.7)))
    task = score_pair(run, table("m", sampled(1, np.full(200, 0.7))), None).tasks["t"]
    assert (task.delta, task.n10, task.n01, task.verdict) == (0, 0, 0, "retained")
    assert all(each.delta == 0 for each in task.pass_at)


def test_intervals_of_sampled_answers_hold_the_truth() -> None:
    """200 pairs whose items lose nothing on average: the interval of delta holds 0 in about 95 % of them."""
    rng = np.random.default_rng(5)
    held = 0
    for trial in range(200):
        rates = rng.random(60)
        sides = (table("m", sampled(2 * trial + side, rates, 3)) for side in (0, 1))
        low, high = score_pair(*sides, None).tasks["t"].delta_ci or (1.0, 0.0)
        held += low <= 0 <= high
    assert 180 <= held <= 200


def test_other_numbers_of_answers_are_refused() -> None:
    with pytest.raises(CheckFailedError, match="base has 2 answers an item, tuned 3; sample both alike"):
        score_pair(table("a", copied([True] * 9, 2)), table("b", copied([True] * 9, 3)), None)


def test_paired_answers_are_of_one_repeat() -> None:
    base, tuned = [(True, False), (True, True)], [(True, True), (False, True)]
    rows = paired_items(table("a", base), table("b", tuned))
    assert rows[["item_id", "repeat", "transition"]].values.tolist() == [
        ["t 0", 0, "kept"], ["t 0", 1, "learned"], ["t 1", 0, "forgotten"], ["t 1", 1, "kept"],
    ]  # fmt: skip


def test_a_frame_has_a_column_for_each_pass() -> None:
    card = score_pair(table("a", sampled(1, np.full(30, 0.5))), table("b", sampled(2, np.full(30, 0.5))), None)
    row = card.to_frame().iloc[0]
    assert row["pass@4_tuned"] == card.tasks["t"].pass_at[-1].tuned
    assert "pass@k" in card.summary()
    assert "4 answers to an item" in card.summary()


def test_a_task_whose_options_are_compared_counts_like_the_others() -> None:
    """In a group of two tasks, one of which has one answer an item, each item weighs the same."""
    rng = np.random.default_rng(3)
    sides = [[list(rng.random(40) < rate) for _ in range(2)] for rate in (0.9, 0.8)]

    def both(side: Sequence[Sequence[bool]], repeats: int) -> Table:
        parts = [rows(copied(side[place], count), task=f"t{place}") for place, count in ((0, 1), (1, repeats))]
        return table_from_rows([row for part in parts for row in part], "m")

    greedy, drawn = (score_pair(*(both(side, repeats) for side in sides), None) for repeats in (1, 5))
    close(numbers(drawn), numbers(greedy))
    assert (drawn.tasks["t0"].n11, drawn.tasks["t1"].n11) == (greedy.tasks["t0"].n11, 5 * greedy.tasks["t1"].n11)
    assert not drawn.tasks["t0"].pass_at
