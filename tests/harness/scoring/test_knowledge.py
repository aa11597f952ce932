"""Knowledge: guessing taken out, against loops and against simulated models that know or guess."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scoring.knowledge import answered_share, corrected_score, knowledge_change

rows_of_items = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.sampled_from([0.0, 0.25, 0.5, 1 / 24])), min_size=1, max_size=60
)


def simulate(
    n: int, guess: float, *, lost: float, gained: float, answers: tuple[float, float], seed: int
) -> tuple[np.ndarray, ...]:
    """Outcomes of two models that know an item or guess it, answering a share of what they do not know."""
    rng = np.random.default_rng(seed)
    known = rng.random(n) < 0.6
    change = rng.random(n)
    known_after = np.where(known, change >= lost / 0.6, change < gained / 0.4)
    correct, unparsed = [], []
    for knows, share in zip((known, known_after), answers, strict=True):
        silent = ~knows & (rng.random(n) >= share)
        correct.append(knows | (~silent & (rng.random(n) < guess)))
        unparsed.append(silent)
    return correct[0], correct[1], np.full(n, guess), unparsed[0], unparsed[1]


@given(rows_of_items)
def test_lost_and_gained_agree_with_a_loop(rows: list[tuple[bool, bool, float]]) -> None:
    base, tuned = (np.array([row[side] for row in rows]) for side in (0, 1))
    guess = np.array([row[2] for row in rows])
    parsed = np.zeros(len(rows), dtype=bool)
    lost = sum((a and not c) / (1 - g) - g * (not a and not c) / (1 - g) ** 2 for a, c, g in rows) / len(rows)
    gained = sum((c and not a) / (1 - g) - g * (not a and not c) / (1 - g) ** 2 for a, c, g in rows) / len(rows)
    change = knowledge_change(base, tuned, guess, parsed, parsed)
    expected = (0, 0) if (base == tuned).all() else (lost, gained)
    assert (change.lost, change.gained) == pytest.approx(expected, abs=1e-9)


@given(rows_of_items, st.sampled_from([0.0, 0.25, 0.5]))
def test_gained_less_lost_is_the_corrected_delta(rows: list[tuple[bool, bool, float]], g: float) -> None:
    base, tuned = (np.array([row[side] for row in rows]) for side in (0, 1))
    parsed = np.zeros(len(rows), dtype=bool)
    change = knowledge_change(base, tuned, np.full(len(rows), g), parsed, parsed)
    assert change.gained - change.lost == pytest.approx((tuned.mean() - base.mean()) / (1 - g), abs=1e-9)


@given(rows_of_items, st.data())
def test_swapping_the_models_swaps_lost_and_gained(rows: list[tuple[bool, bool, float]], data: st.DataObject) -> None:
    base, tuned = (np.array([row[side] for row in rows]) for side in (0, 1))
    guess = np.array([row[2] for row in rows])
    silent = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    there = knowledge_change(base, tuned, guess, silent & ~base, silent & ~tuned & base)
    back = knowledge_change(tuned, base, guess, silent & ~tuned & base, silent & ~base)
    assert (there.lost, there.gained) == pytest.approx((back.gained, back.lost), abs=1e-12)


@pytest.mark.parametrize("answers", [(1.0, 1.0), (1.0, 0.4), (0.8, 0.1)])
def test_models_that_know_or_guess_are_seen_through(answers: tuple[float, float]) -> None:
    simulated = simulate(200_000, 0.25, lost=0.2, gained=0.05, answers=answers, seed=4)
    change = knowledge_change(*simulated)
    assert change.lost == pytest.approx(0.2, abs=0.006)
    assert change.gained == pytest.approx(0.05, abs=0.006)
    assert answered_share(simulated[1], simulated[4], simulated[2]) == pytest.approx(answers[1], abs=0.01)


def test_a_model_that_answers_at_random_knows_nothing_and_lost_what_was_known() -> None:
    rng = np.random.default_rng(2)
    n, guess = 100_000, np.full(100_000, 0.25)
    known = rng.random(n) < 0.7
    base = known | (rng.random(n) < 0.25)
    random = rng.random(n) < 0.25
    parsed = np.zeros(n, dtype=bool)
    assert corrected_score(random, guess) == pytest.approx(0, abs=0.01)
    assert corrected_score(base, guess) == pytest.approx(0.7, abs=0.01)
    assert knowledge_change(base, random, guess, parsed, parsed).lost == pytest.approx(0.7, abs=0.01)


@given(rows_of_items)
def test_corrected_score_agrees_with_a_loop(rows: list[tuple[bool, bool, float]]) -> None:
    expected = sum((s - g) / (1 - g) for s, _, g in rows) / len(rows)
    found = corrected_score(np.array([s for s, _, _ in rows]), np.array([g for _, _, g in rows]))
    assert found == pytest.approx(expected, abs=1e-9)
    assert found <= 1


def test_what_has_no_items_or_an_impossible_guess_rate_is_refused() -> None:
    none, one = np.array([], dtype=bool), np.array([True])
    with pytest.raises(ValueError, match="no items"):
        corrected_score(none, np.array([]))
    with pytest.raises(ValueError, match="no items"):
        knowledge_change(none, none, np.array([]), none, none)
    with pytest.raises(ValueError, match="guess rates"):
        corrected_score(one, np.array([1.0]))
    with pytest.raises(ValueError, match="guess rates"):
        knowledge_change(one, one, np.array([1.0]), ~one, ~one)
