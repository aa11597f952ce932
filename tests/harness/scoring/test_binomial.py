"""The binomial: the same numbers as scipy.stats, which is not loaded for them."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from harness.scoring.binomial import above, chances, two_sided, up_to


@pytest.mark.parametrize("n", [1, 2, 7, 60, 400, 2000])
@pytest.mark.parametrize("p", [0.5, 0.25, 1 / 24])
def test_tails_and_chances_are_those_of_scipy(n: int, p: float) -> None:
    counts = np.arange(n + 1)
    assert np.array_equal(chances(counts, n, p), binom.pmf(counts, n, p))
    assert [above(k, n, p) for k in range(-1, n + 2)] == list(binom.sf(np.arange(-1, n + 2), n, p))
    assert [up_to(k, n, p) for k in range(-1, n + 2)] == pytest.approx(binom.cdf(np.arange(-1, n + 2), n, p), rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 9, 40, 161, 1500])
def test_the_two_sided_p_value_is_that_of_scipy_in_all_digits_that_a_scorecard_holds(n: int) -> None:
    for k in sorted({int(k) for k in np.linspace(0, n, 60)}):
        assert f"{two_sided(k, n):.12g}" == f"{binomtest(k, n, 0.5).pvalue:.12g}", (k, n)


def test_scipy_stats_is_not_loaded() -> None:
    script = "import sys, harness.scoring.binomial; raise SystemExit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
