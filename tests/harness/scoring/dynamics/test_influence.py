"""Influence: against a linear softmax model, whose kernel, Jacobian and gradients are known on paper."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from harness.scoring.dynamics.influence import Pair, cosine, error_norm, jacobian_norm, magnitude, score

VOCABULARY, WIDTH = 5, 3
Array = NDArray[np.float64]


@dataclass
class Linear:
    """Logits W x: K(v, u) = <x_v, x_u> I, so ||K||_F^2 = V <x_v, x_u>^2 for texts of one token."""

    weights: Array

    def log_p(self, x: Array) -> Array:
        return log_softmax(x @ self.weights.T, axis=1)

    def gradient(self, x: Array, tokens: list[int]) -> Array:
        """Of the summed log p(tokens) in the weights, by hand: sum over positions of (e_y - p) x^T."""
        p = softmax(x @ self.weights.T, axis=1)
        return (np.eye(len(self.weights))[tokens] - p).T @ x

    def step(self, x: Array, tokens: list[int], size: float) -> "Linear":
        return Linear(self.weights + size * self.gradient(x, tokens))


def model(seed: int) -> tuple[Linear, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return Linear(rng.normal(size=(VOCABULARY, WIDTH))), rng


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_norms_agree_with_the_matrices_written_out(seed: int, positions: int) -> None:
    linear, rng = model(seed)
    log_p = linear.log_p(rng.normal(size=(positions, WIDTH)))
    tokens = [int(token) for token in rng.integers(VOCABULARY, size=positions)]
    p = np.exp(log_p)
    jacobians = [np.eye(VOCABULARY) - np.outer(np.ones(VOCABULARY), row) for row in p]
    assert jacobian_norm(log_p) == pytest.approx(sum(np.linalg.norm(a) ** 2 for a in jacobians))
    assert error_norm(log_p, tokens) == pytest.approx(np.linalg.norm(p - np.eye(VOCABULARY)[tokens]) ** 2)
    least = positions * (VOCABULARY - 1)
    assert least - 1e-9 <= jacobian_norm(log_p) <= 2 * least + 1e-9
    assert 0 <= error_norm(log_p, tokens) <= 2 * positions + 1e-9


def test_norms_at_their_ends() -> None:
    uniform = np.full((1, 4), math.log(1 / 4))
    with np.errstate(divide="ignore"):
        certain = np.log(np.array([[1.0, 0, 0, 0]]))
    assert jacobian_norm(uniform) == pytest.approx(3)
    assert jacobian_norm(certain) == pytest.approx(6)
    assert error_norm(certain, [0]) == 0
    assert error_norm(certain, [2]) == pytest.approx(2)


def test_norms_take_tensors_too() -> None:
    torch = pytest.importorskip("torch")
    log_p = np.log([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    tensor = torch.tensor(log_p)
    assert jacobian_norm(tensor, torch.exp) == pytest.approx(jacobian_norm(log_p))
    assert error_norm(tensor, [1, 2], torch.exp) == pytest.approx(error_norm(log_p, [1, 2]))


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 3))
def test_a_small_step_obeys_the_law_and_bounds_the_kernel(seed: int, length: int, answer: int) -> None:
    """delta log p = s A K (-G) to first order, and the magnitude stays below ||K||_F^2."""
    linear, rng = model(seed)
    u, v = rng.normal(size=(length, WIDTH)), rng.normal(size=(answer, WIDTH))
    tokens = [int(token) for token in rng.integers(VOCABULARY, size=length)]
    size = 1e-5
    before, after = linear.log_p(v), linear.step(u, tokens, size).log_p(v)
    error = np.eye(VOCABULARY)[tokens] - np.exp(linear.log_p(u))
    expected = np.zeros_like(before)
    for row, p in enumerate(np.exp(before)):
        jacobian = np.eye(VOCABULARY) - np.outer(np.ones(VOCABULARY), p)
        expected[row] = size * sum(jacobian @ error[m] * (v[row] @ u[m]) for m in range(length))
    scale = np.abs(expected).max()
    assert after - before == pytest.approx(expected, abs=1e-2 * scale + 1e-12)
    found = magnitude(
        float(((after - before) ** 2).sum()), jacobian_norm(before), error_norm(linear.log_p(u), tokens), size
    )
    kernel = VOCABULARY * float(((v @ u.T) ** 2).sum())
    assert 0 <= found <= kernel * (1 + 1e-2)


def test_magnitude_of_one_token_is_known_on_paper() -> None:
    """Two tokens at even odds: the bound is k^2, half of ||K||_F^2 = 2 k^2, at any small step."""
    linear = Linear(np.zeros((2, 1)))
    x_u, x_v = np.array([[2.0]]), np.array([[3.0]])
    before = linear.log_p(x_v)
    found = []
    for size in (1e-6, 1e-4):
        change = float(((linear.step(x_u, [0], size).log_p(x_v) - before) ** 2).sum())
        found.append(magnitude(change, jacobian_norm(before), error_norm(linear.log_p(x_u), [0]), size))
    # delta = s k (1/2, -1/2), so k^2 / 2 over ||A||^2 ||G||^2 = 1 * 1/2, and k = 6.
    assert found == pytest.approx([36, 36], rel=1e-3)


def test_the_slope_is_what_a_step_changes_and_the_cosine_its_sign() -> None:
    linear, rng = model(7)
    u, v = rng.normal(size=(2, WIDTH)), rng.normal(size=(3, WIDTH))
    one, other = linear.gradient(v, [0, 1, 2]), linear.gradient(u, [3, 4])
    slope = float((one * other).sum())
    size = 1e-6
    moved = (linear.step(u, [3, 4], size).log_p(v) - linear.log_p(v))[range(3), [0, 1, 2]].sum()
    assert moved / size == pytest.approx(slope, rel=1e-3)
    found = cosine(slope, float(np.linalg.norm(one)), float(np.linalg.norm(other)))
    assert math.copysign(1, found) == math.copysign(1, moved)
    assert cosine(4.0000001, 2, 2) == 1
    assert cosine(-4.0000001, 2, 2) == -1


@pytest.mark.parametrize(("jacobian", "error", "step"), [(0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0)])
def test_no_step_has_no_magnitude(jacobian: float, error: float, step: float) -> None:
    with pytest.raises(ValueError, match="influence"):
        magnitude(1.0, jacobian, error, step)
    with pytest.raises(ValueError, match="gradient is zero"):
        cosine(0.0, 0.0, 1.0)


def pair(example: str, probe: str, task: str, value: float, direction: float, actual: float = 1.0) -> Pair:
    return Pair("bare", example, probe, task, value, direction, 10 * direction, 1.0, actual)


PAIRS = [
    pair("a", "p", "sums", 1.0, 0.5),
    pair("a", "q", "facts", 2.0, -0.5),
    pair("b", "p", "sums", 3.0, 0.25),
    pair("b", "q", "facts", 6.0, -0.75, actual=1.5),
]


def test_a_score_is_told_by_task_and_its_intervals_are_over_examples() -> None:
    found = score("bare", PAIRS, n_certain=3)
    assert (found.n_examples, found.n_probes, found.n_certain) == (2, 2, 3)
    assert found.all.magnitude == 3
    assert found.all.direction == pytest.approx(-0.125)
    assert found.all.slope == pytest.approx(-1.25)
    assert found.all.lowers == 0.5
    assert found.tasks["facts"].lowers == 1
    assert found.tasks["facts"].direction == pytest.approx(-0.625)
    # Two examples: a resample holds one of them twice, or both.
    assert found.tasks["facts"].direction_ci == pytest.approx((-0.75, -0.5))
    assert found.all.magnitude_ci == pytest.approx((1.5, 4.5))
    assert found.first_order_error == pytest.approx(0.5 / 2)
    assert score("bare", PAIRS[::-1], n_certain=3) == found


def test_what_is_not_finite_is_no_score() -> None:
    with pytest.raises(ValueError, match="not finite"):
        score("bare", [pair("a", "p", "sums", math.inf, 0.5)])
    with pytest.raises(ValueError, match="no "):
        score("bare", [])


def test_where_no_step_changed_anything_the_error_is_null_with_its_reason() -> None:
    found = score("bare", [Pair("bare", "a", "p", "sums", 0.0, 0.0, 0.0, 0.0, 0.0)])
    assert found.first_order_error is None
    assert "first_order_error" in found.reasons
