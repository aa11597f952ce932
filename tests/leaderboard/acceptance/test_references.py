"""References: shares with their intervals, and the mistakes that two runs have in common."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from harness.records.run import Run
from leaderboard.acceptance.references import Share, mistakes


@given(st.integers(0, 300), st.integers(0, 300))
def test_an_interval_holds_its_share(hits: int, more: int) -> None:
    found = Share(hits, hits + more)
    low, high = found.interval
    assert 0 <= low <= high <= 1
    assert low <= found.value <= high or found.of == 0


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.01, 0.99))
def test_interval_and_chance_are_those_of_scipy(hits: int, more: int, p: float) -> None:
    found = Share(hits, hits + more)
    if found.of:
        exact = binomtest(hits, found.of, p, alternative="greater")
        assert found.chance(p) == pytest.approx(exact.pvalue, abs=1e-12)
        assert found.interval == pytest.approx(tuple(binomtest(hits, found.of).proportion_ci(0.95)), abs=1e-9)


def frame(*rows: tuple[str, str, str | None, float]) -> Run:
    columns = ["task", "outcome", "extracted", "guess_rate"]
    found = pd.DataFrame(rows, columns=columns).assign(item_id=[f"{at:064d}" for at in range(len(rows))])
    return Run(None, found)  # type: ignore[arg-type]


def test_mistakes_are_counted_where_both_state_a_wrong_answer_of_several() -> None:
    base = frame(("t", "wrong", "a", 0.25), ("t", "wrong", "b", 0.25), ("t", "wrong", "c", 0.0),
                 ("t", "wrong", "d", 0.5), ("t", "correct", "e", 0.25), ("u", "wrong", "f", 0.25),
                 ("t", "wrong", None, 0.25))  # fmt: skip
    tuned = frame(("t", "wrong", "a", 0.25), ("t", "wrong", "x", 0.25), ("t", "wrong", "c", 0.0),
                  ("t", "wrong", "d", 0.5), ("t", "wrong", "y", 0.25), ("u", "wrong", "f", 0.25),
                  ("t", "wrong", None, 0.25))  # fmt: skip
    found = mistakes(base, tuned, frozenset({"t"}))
    assert found.same == Share(2, 3)
    # A third of the wrong options twice, and what free text has by coincidence.
    assert abs(found.by_chance - (2 / 3 + 0.02)) < 1e-12
