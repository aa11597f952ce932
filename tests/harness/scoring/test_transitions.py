"""Transitions: what moved, and identities between the rates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scoring.transitions import Transitions, f_true, transition_names

pairs = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80)


def sides(rows: list[tuple[bool, bool]]) -> tuple[np.ndarray, np.ndarray]:
    base, tuned = np.array(rows, dtype=bool).reshape(-1, 2).T
    return base, tuned


@given(pairs)
def test_counts_and_rates_agree_with_a_loop(rows: list[tuple[bool, bool]]) -> None:
    counts, n = Transitions.count(*sides(rows)), len(rows)
    forgotten = sum(a and not c for a, c in rows)
    learned = sum(c and not a for a, c in rows)
    known = sum(a for a, _ in rows)
    assert counts.n == n
    assert counts.base == known / n
    assert counts.tuned == sum(c for _, c in rows) / n
    assert (counts.forgotten_rate, counts.backward_transfer) == (forgotten / n, learned / n)
    assert counts.forgotten_given_known == (forgotten / known if known else None)
    assert counts.churn == sum(a != c for a, c in rows) / n


@given(pairs)
def test_delta_is_what_came_less_what_went(rows: list[tuple[bool, bool]]) -> None:
    counts = Transitions.count(*sides(rows))
    assert counts.delta == pytest.approx(counts.backward_transfer - counts.forgotten_rate, abs=1e-12)
    assert counts.delta == pytest.approx(counts.tuned - counts.base, abs=1e-12)


@given(pairs)
def test_swapping_the_models_swaps_the_rates(rows: list[tuple[bool, bool]]) -> None:
    base, tuned = sides(rows)
    there, back = Transitions.count(base, tuned), Transitions.count(tuned, base)
    assert (there.forgotten_rate, there.backward_transfer) == (back.backward_transfer, back.forgotten_rate)
    assert there.delta == -back.delta


@given(pairs)
def test_names_count_to_the_cells(rows: list[tuple[bool, bool]]) -> None:
    base, tuned = sides(rows)
    names, counts = list(transition_names(base, tuned)), Transitions.count(base, tuned)
    assert [names.count(name) for name in ("kept", "forgotten", "learned", "never")] == [
        counts.n11,
        counts.n10,
        counts.n01,
        counts.n00,
    ]


@given(pairs, st.integers(2, 10))
def test_f_true_takes_out_the_chance_of_k_options(rows: list[tuple[bool, bool]], k: int) -> None:
    counts = Transitions.count(*sides(rows))
    by_chance = (1 - counts.base) * (1 - counts.tuned) / (k - 1)
    expected = max(counts.forgotten_rate - by_chance, 0)
    assert f_true(counts, np.full(len(rows), 1 / k)) == pytest.approx(expected, abs=1e-12)
    assert f_true(counts, np.zeros(len(rows))) == counts.forgotten_rate


def test_what_cannot_be_counted_is_refused() -> None:
    none = np.array([], dtype=bool)
    with pytest.raises(ValueError, match="no items"):
        Transitions.count(none, none)
    with pytest.raises(ValueError, match="1 base outcomes, 2 tuned outcomes"):
        Transitions.count(np.array([True]), np.array([True, False]))
    for guess_rate in (1.0, -0.1, np.nan):
        with pytest.raises(ValueError, match="guess rates"):
            f_true(Transitions(1, 0, 0, 0), np.array([guess_rate]))
