"""Perplexity: the value itself, pooled over tokens, and its spread over examples."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scoring.dynamics.document import N_BINS
from harness.scoring.dynamics.perplexity import Reading, edges, histogram, perplexity, score


@given(st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=40))
def test_perplexity_is_the_inverse_geometric_mean_of_the_probabilities(probabilities: list[float]) -> None:
    nll = sum(-math.log(p) for p in probabilities)
    assert perplexity(nll, len(probabilities)) == pytest.approx(np.prod(probabilities) ** (-1 / len(probabilities)))


def test_a_certain_text_has_perplexity_one_and_a_uniform_guess_that_of_the_vocabulary() -> None:
    assert perplexity(0.0, 5) == 1
    assert perplexity(-1e-15, 5) == 1
    assert perplexity(7 * math.log(896), 7) == pytest.approx(896)


@pytest.mark.parametrize(("nll", "tokens"), [(1.0, 0), (math.inf, 3), (math.nan, 3), (1e6, 2)])
def test_what_has_no_perplexity_is_an_error(nll: float, tokens: int) -> None:
    with pytest.raises(ValueError, match="perplexity"):
        perplexity(nll, tokens)


def test_a_score_pools_tokens_and_spreads_examples() -> None:
    # One short and surprising, one long and certain: pooled by tokens the long one weighs more.
    readings = [Reading("bare", "a", 1, math.log(100)), Reading("bare", "b", 9, 0.0)]
    found = score("bare", readings)
    assert found.perplexity == pytest.approx(100 ** (1 / 10))
    assert (found.n, found.n_questions, found.n_tokens) == (2, 2, 10)
    assert found.quantiles[2] == pytest.approx((1 + 100) / 2)
    assert found.perplexity_ci == pytest.approx((1, 100))
    assert sum(found.histogram) == 2
    assert (found.histogram[0], found.histogram[8]) == (1, 1)
    assert score("bare", readings[::-1]) == found


def test_answers_to_one_question_are_drawn_together() -> None:
    rng = np.random.default_rng(1)
    values = rng.uniform(0.5, 3, size=200)
    apart = score("x", [Reading("rollout", f"q{k}", 1, value) for k, value in enumerate(values)])
    alike = score("x", [Reading("rollout", f"q{k // 20}", 1, values[k // 20]) for k in range(200)])
    width = [high - low for low, high in (apart.perplexity_ci, alike.perplexity_ci)]
    assert width[1] > 2 * width[0]
    assert alike.n_questions == 10


def test_bins_are_quarters_of_a_power_of_ten_and_the_last_is_open() -> None:
    assert len(edges()) == N_BINS + 1
    assert edges()[0::4] == pytest.approx((1, 10, 100, 1e3, 1e4, 1e5, 1e6))
    counts = histogram(np.array([1.0, 1.7, 1.8, 10.0, 999.0, 1e6, 1e9]))
    assert {k: count for k, count in enumerate(counts) if count} == {0: 2, 1: 1, 4: 1, 11: 1, 23: 2}
    for k, edge in enumerate(edges()[:-1]):
        assert histogram(np.array([edge]))[k] == 1
