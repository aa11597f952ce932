"""The shown_copy loss is found four times in five, after Holm and on clusters too."""

import numpy as np
import pytest

from harness.scoring.clusters import design_effect
from harness.scoring.power import smallest_loss
from harness.scoring.sign_flip import sign_flip


def test_the_formula() -> None:
    assert smallest_loss(0.25, 100) == pytest.approx(2.8016 * 0.05, rel=1e-4)
    assert smallest_loss(0.25, 100, tests=20) > 1.3 * smallest_loss(0.25, 100)
    assert smallest_loss(1.0, 2) == 1
    with pytest.raises(ValueError, match="no items"):
        smallest_loss(0.1, 0)
    with pytest.raises(ValueError, match="no tests"):
        smallest_loss(0.1, 10, tests=0)


def test_where_nothing_moved_it_is_the_rule_of_three() -> None:
    assert smallest_loss(0, 300) == pytest.approx(3 / 300, rel=0.01)
    assert smallest_loss(0, 300, units=50) == pytest.approx(3 / 50, rel=0.04)
    assert smallest_loss(0, 1) == pytest.approx(0.95)


@pytest.mark.parametrize("tests", [1, 9, 20])
def test_it_is_found_four_times_in_five(tests: int) -> None:
    n, churn = 1000, 0.1
    loss = smallest_loss(churn, n, tests)
    cells = np.random.default_rng(8).multinomial(n, [(churn + loss) / 2, (churn - loss) / 2, 1 - churn], size=1000)
    found = np.mean([sign_flip(np.repeat([-1, 1], [lost, won])) < 0.05 / tests for lost, won, _ in cells])
    assert 0.74 < found < 0.85


def test_it_is_found_four_times_in_five_on_clusters() -> None:
    rng = np.random.default_rng(6)
    clusters, churn = np.repeat(np.arange(87), 6), 0.12
    null = np.repeat(rng.choice([-1.0, 0.0, 1.0], 87, p=[0.06, 0.88, 0.06]), 6)
    loss = smallest_loss(churn, 87 * 6 / design_effect(null, clusters))
    chances = [(churn + loss) / 2, 1 - churn, max(churn - loss, 0) / 2]
    chances = np.array(chances) / sum(chances)
    found = np.mean([sign_flip(6 * rng.choice([-1, 0, 1], 87, p=chances)) < 0.05 for _ in range(500)])
    assert 0.7 < found < 0.97
