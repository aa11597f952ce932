"""Drift: the divergence itself, against scipy and by its laws, and its means over items."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax, rel_entr

from harness.scoring.drift import ItemDrift, summarise, token_kl
from harness.scoring.scorecard import TaskScore

logits = st.lists(st.floats(-30, 30), min_size=2, max_size=12)


@given(logits, st.integers(0, 2**32 - 1))
def test_divergence_agrees_with_scipy_and_obeys_its_laws(row: list[float], seed: int) -> None:
    p = log_softmax(np.array([row, row[::-1]]), axis=1)
    q = log_softmax(np.random.default_rng(seed).normal(size=p.shape), axis=1)
    forward = token_kl(p.copy(), q)
    assert forward == pytest.approx(rel_entr(np.exp(p), np.exp(q)).sum(axis=1), abs=1e-9)
    assert (forward >= -1e-12).all()
    assert (token_kl(p, p) == 0).all()


def test_a_token_ruled_out_costs_nothing_on_one_side_and_everything_on_the_other() -> None:
    with np.errstate(divide="ignore"):
        p, q = np.log([[0.5, 0.5, 0.0]]), np.log([[0.25, 0.5, 0.25]])
    assert token_kl(p, q) == pytest.approx([0.5 * np.log(2)])
    assert token_kl(q, p) == [np.inf]


def task(role: str) -> TaskScore:
    return TaskScore.model_construct(role=role)


def test_means_are_over_items_and_told_by_role() -> None:
    tasks = {"goal": task("target"), "old": task("prior"), "older": task("prior"), "near": task("adjacent")}
    items = {
        "a": ItemDrift("goal", 10, 2.0, 1.0),
        "b": ItemDrift("old", 5, 0.5, 0.25),
        "c": ItemDrift("old", 500, 0.1, 0.05),
        "d": ItemDrift("older", 5, 0.3, 0.3),
        "e": ItemDrift("near", 5, 9.0, 9.0),
    }
    drift = summarise(items, tasks)
    assert drift.target.forward_kl == 2
    assert drift.prior.forward_kl == pytest.approx(0.3)
    assert drift.prior.reverse_kl == pytest.approx(0.2)
    assert (drift.prior.n, drift.prior.n_tokens) == (3, 510)
    assert drift.tasks["near"].forward_kl == 9
    low, high = drift.prior.forward_kl_ci
    assert 0.1 <= low < 0.3 < high <= 0.5
    assert summarise(dict(reversed(items.items())), tasks) == drift


def test_what_was_not_measured_is_null_with_a_reason() -> None:
    drift = summarise({"b": ItemDrift("old", 5, 0.5, 0.25)}, {"old": task("prior")})
    assert drift.target is None
    assert drift.reasons == {"target": "no target prompt was measured"}


def test_an_infinite_divergence_is_no_number() -> None:
    with pytest.raises(ValueError, match="not finite"):
        summarise({"b": ItemDrift("old", 5, np.inf, 0.25)}, {"old": task("prior")})
