"""Noise: a second run of the base, and forgetting less what happens without training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.errors import CheckFailedError
from harness.records.run import Run
from harness.scoring import score_pair
from tests.support.synthetic import JIGSAW, TASKS, SyntheticTask, synthetic_run

ACCURACY = {task.name: 0.8 for task in TASKS}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return synthetic_run(tmp_path_factory.mktemp("base"), accuracy=ACCURACY, churn=0.05, seed=1)


def test_noise_agrees_with_a_loop(base: Run, tmp_path: Path) -> None:
    tuned = synthetic_run(tmp_path / "tuned", name="tuned", accuracy=0.6, seed=2)
    second = synthetic_run(tmp_path / "second", accuracy=ACCURACY, churn=0.1, seed=3)
    card = score_pair(base, tuned, "jigsaw", noise=second)
    assert card.noise.seed == 3
    rows = [run.samples.set_index("item_id") for run in (base, tuned, second)]
    for name, noise in card.noise.tasks.items():
        ids = rows[0].index[rows[0]["task"] == name]
        a, c, again = ([row.at[i, "outcome"] == "correct" for i in ids] for row in rows)
        n = len(ids)
        assert noise.n == n
        assert noise.forgotten_noise == pytest.approx(sum(x and not y for x, y in zip(a, again, strict=True)) / n)
        assert noise.backward_noise == pytest.approx(sum(y and not x for x, y in zip(a, again, strict=True)) / n)
        lost = sum(x and not y for x, y in zip(a, c, strict=True)) / n
        assert noise.forgotten_net == pytest.approx(lost - noise.forgotten_noise)
        assert noise.forgotten_net_ci[0] <= noise.forgotten_net <= noise.forgotten_net_ci[1]


def test_gate_2_net_forgetting_of_a_second_run_covers_zero(base: Run, tmp_path: Path) -> None:
    """The "tuned" model is a third run of the base: nothing is left of its forgetting, and it is not clipped."""
    found = []
    for seed in range(4):
        third = synthetic_run(tmp_path / f"third-{seed}", accuracy=ACCURACY, churn=0.1, seed=10 + seed)
        second = synthetic_run(tmp_path / f"second-{seed}", accuracy=ACCURACY, churn=0.1, seed=20 + seed)
        found += score_pair(base, third, "jigsaw", noise=second).noise.tasks.values()
    assert all(noise.forgotten_noise > 0 for noise in found)
    assert np.mean([noise.forgotten_net_ci[0] <= 0 <= noise.forgotten_net_ci[1] for noise in found]) >= 0.8
    assert min(noise.forgotten_net for noise in found) < 0
    assert np.mean([noise.forgotten_net for noise in found]) == pytest.approx(0, abs=0.02)


def test_without_a_second_run_noise_is_null_with_a_reason(base: Run) -> None:
    card = score_pair(base, base, "jigsaw")
    assert card.noise is None
    assert card.reasons["noise"] == "no second run of the base was given (--noise)"


def test_another_model_is_no_second_run(base: Run, tmp_path: Path) -> None:
    other = synthetic_run(tmp_path, name="other", accuracy=ACCURACY)
    with pytest.raises(CheckFailedError, match="--noise: other is not the base base"):
        score_pair(base, base, "jigsaw", noise=other)


def test_the_same_run_is_no_second_run(base: Run) -> None:
    with pytest.raises(CheckFailedError, match="this is the base's run itself"):
        score_pair(base, base, "jigsaw", noise=base)


def test_a_second_run_of_other_items_is_refused(base: Run, tmp_path: Path) -> None:
    tasks: tuple[SyntheticTask, ...] = (replace(JIGSAW, n=5), *TASKS[1:])
    with pytest.raises(CheckFailedError, match="--noise, read as tuned: suite digest differs"):
        score_pair(base, base, "jigsaw", noise=synthetic_run(tmp_path, tasks, accuracy=ACCURACY, seed=4))


def test_the_tuned_models_answers_are_no_second_run(base: Run, tmp_path: Path) -> None:
    tuned = synthetic_run(tmp_path / "tuned", accuracy=ACCURACY, seed=5)
    with pytest.raises(CheckFailedError, match="--noise: these are the answers of the tuned model"):
        score_pair(base, tuned, "jigsaw", noise=tuned)


def test_what_was_known_and_flips_by_itself_stands_beside_what_was_forgotten(base: Run, tmp_path: Path) -> None:
    second = synthetic_run(tmp_path / "second", accuracy=ACCURACY, churn=0.1, seed=3)
    tuned = synthetic_run(tmp_path / "tuned", name="tuned", accuracy=0.6, seed=2)
    card = score_pair(base, tuned, "jigsaw", noise=second)
    for name, noise in card.noise.tasks.items():
        assert noise.given_known_noise == pytest.approx(noise.forgotten_noise / card.tasks[name].base)
