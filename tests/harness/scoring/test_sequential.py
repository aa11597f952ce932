"""The stopping rule: its boundaries, its type I error and its savings, by integration and by simulation."""

import numpy as np
import pytest

from harness.scoring.sequential import (
    LOOKS,
    SEED,
    boundaries,
    look_rows,
    paired_z,
    stopping,
)

REPETITIONS = 20_000


def simulate(delta: float, n: int = 1000, churn: float = 0.15, seed: int = 1) -> tuple[float, float]:
    """Share of screenings that stop with a decision, and mean share of items asked; ``churn`` = F + BT >= ``delta``.

    Z depends on the counts of items gained and lost alone, so only they are drawn.
    """
    rng = np.random.default_rng(seed)
    moved = rng.binomial(n // LOOKS, churn, size=(REPETITIONS, LOOKS))
    won = rng.binomial(moved, (churn + delta) / (2 * churn))
    gained, lost = won.cumsum(axis=1), (moved - won).cumsum(axis=1)
    z = (gained - lost) / np.sqrt(np.maximum(gained + lost, 1))
    stops = np.abs(z) >= boundaries()
    share = np.where(stops.any(axis=1), (stops.argmax(axis=1) + 1) / LOOKS, 1.0)
    return float(stops.any(axis=1).mean()), float(share.mean())


def test_boundaries_are_those_of_the_literature() -> None:
    """Jennison and Turnbull 2000, table 2.3: C_B(K, .05) = 1.960, 1.977, 2.004, 2.024, 2.040 for K = 1..5."""
    for looks, constant in enumerate((1.960, 1.977, 2.004, 2.024, 2.040), start=1):
        assert boundaries(looks)[-1] == pytest.approx(constant, abs=5e-4)
    assert boundaries() == pytest.approx([4.562, 3.226, 2.634, 2.281, 2.040], abs=1e-3)


def test_stopping_chances_are_those_of_a_simulated_walk() -> None:
    constant = float(boundaries()[-1])
    assert stopping(constant).sum() == pytest.approx(0.05, abs=1e-9)
    walks = np.random.default_rng(0).normal(2.0 / np.sqrt(LOOKS), 1, size=(200_000, LOOKS)).cumsum(axis=1)
    crossed = np.abs(walks) >= constant * np.sqrt(LOOKS)
    first = np.bincount(np.where(crossed.any(axis=1), crossed.argmax(axis=1), LOOKS), minlength=LOOKS + 1)[:LOOKS]
    assert stopping(constant, drift=2.0) == pytest.approx(first / len(walks), abs=4e-3)


def test_a_model_that_did_not_change_is_called_different_one_time_in_twenty() -> None:
    wrong = {(n, churn): simulate(0.0, n, churn)[0] for n in (400, 1000, 5000) for churn in (0.05, 0.15, 0.4)}
    print("type I error by items and churn:", {key: round(value, 4) for key, value in wrong.items()})
    # Discrete counts make it a little smaller with few discordant items; never larger than alpha by more than chance.
    assert all(0.035 < value < 0.056 for value in wrong.values()), wrong


def expected_share(drift: float) -> float:
    """Share of the items that a screening asks on average when Z on all items has mean ``drift``."""
    chances = stopping(float(boundaries()[-1]), drift=drift)
    return float(chances @ (np.arange(1, LOOKS + 1) / LOOKS) + 1 - chances.sum())


def test_larger_changes_need_fewer_items() -> None:
    shares = {delta: simulate(delta)[1] for delta in (0.04, 0.06, 0.08, 0.10)}
    print("share of items asked by true delta (1,000 items, churn .15):", shares)
    for delta, share in shares.items():
        drift = delta * np.sqrt(1000 / (0.15 - delta**2))
        assert share == pytest.approx(expected_share(drift), abs=0.02)
    assert shares[0.10] < shares[0.08] < shares[0.06] < shares[0.04]
    assert 0.30 < shares[0.10] < 0.45
    assert 0.65 < shares[0.04] < 0.80
    assert expected_share(0.0) > 0.97


def test_z_is_mcnemar_for_single_items_and_robust_for_clusters() -> None:
    rng = np.random.default_rng(0)
    differences = rng.choice([-1.0, 0.0, 1.0], size=500, p=[0.1, 0.7, 0.2])
    gained, lost = (differences > 0).sum(), (differences < 0).sum()
    alone = [str(k) for k in range(500)]
    assert paired_z(differences, alone) == pytest.approx((gained - lost) / np.sqrt(gained + lost))
    doubled = np.repeat(differences, 2)
    assert paired_z(doubled, [label for label in alone for _ in range(2)]) == pytest.approx(
        paired_z(differences, alone)
    )
    assert paired_z(np.zeros(3), ["a", "b", "c"]) == 0
    assert paired_z(np.zeros(0), []) == 0


def test_looks_split_whole_clusters_in_a_fixed_order() -> None:
    clusters = [f"image {k // 3}" for k in range(100)]
    looks = look_rows(clusters)
    assert sorted(row for look in looks for row in look) == list(range(100))
    assert all(look == sorted(look) for look in looks)
    of_look = {}
    for number, look in enumerate(looks):
        for row in look:
            assert of_look.setdefault(clusters[row], number) == number
    assert [len({clusters[row] for row in look}) for look in looks] == [7, 7, 7, 7, 6]
    assert look_rows(clusters) == looks
    assert look_rows(clusters, SEED + 1) != looks
    assert look_rows(["a"]) == [[0], [], [], [], []]
    assert look_rows([]) == [[], [], [], [], []]
