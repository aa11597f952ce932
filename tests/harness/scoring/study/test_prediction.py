"""Prediction: rank correlations of what is known of trainings with what they forget."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from harness.scoring.study.prediction import predictor, predictors_of, spearman
from tests.support.studies import Arm, study


def test_a_predictor_finds_a_relation_and_draws_whole_trainings() -> None:
    rng = np.random.default_rng(0)
    groups = [[(x, x**3 + rng.normal(0, 0.01)) for x in rng.random(6)] for _ in range(8)]
    found = predictor("x", "y", groups)
    assert (found.pairs, found.trainings) == (48, 8)
    assert found.spearman is not None
    assert found.spearman > 0.95
    assert found.spearman_ci is not None
    assert found.spearman_ci[0] <= found.spearman <= found.spearman_ci[1]
    nothing = predictor("x", "y", [[(rng.random(), rng.random()) for _ in range(6)] for _ in range(8)])
    assert nothing.spearman_ci is not None
    assert nothing.spearman_ci[0] < 0 < nothing.spearman_ci[1]


def test_a_predictor_without_enough_to_go_on_is_null() -> None:
    assert predictor("x", "y", [[(1.0, 2.0)]]).reasons["spearman"] == "1 pairs, or one side does not vary"
    assert spearman([(1.0, float(n)) for n in range(9)]) is None
    few = predictor("x", "y", [[(float(n), float(n)) for n in range(9)]])
    assert few.spearman == pytest.approx(1)
    assert few.reasons == {"spearman_ci": "1 trainings are too few to draw from"}


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=4, max_size=30))
def test_spearman_is_that_of_scipy(pairs: list[tuple[int, int]]) -> None:
    x, y = zip(*pairs, strict=True)
    found = spearman([(float(a), float(b)) for a, b in pairs])
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)


def test_predictors_of_a_study_are_over_checkpoints_and_between_trainings() -> None:
    ends = {name: (0.9 - 0.1 * place, 0.88 - 0.1 * place) for place, name in enumerate("abcd")}
    arms = {name: Arm(each, perplexity=1.0 + place) for place, (name, each) in enumerate(ends.items())}
    # Reinforcement does not learn from the answers whose perplexity was measured.
    made = study({**arms, "rft": Arm((0.99, 0.98), method="rft", perplexity=1000.0)})
    found = {each.name: each for each in predictors_of(made.targets[0].trainings)}
    between = found["perplexity of the training targets under the base"]
    assert between.pairs == 8
    assert between.spearman is not None
    assert between.spearman > 0.9
    assert found["normalised gain"].pairs == 20
    assert found["forward KL on prior prompts"].reasons["spearman"]
