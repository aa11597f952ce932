"""Study scoring: several trainings and seeds at matched gain, claims tested, predictors correlated."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_ind

from harness.records.run import Run
from harness.scoring import score_pair
from harness.scoring.study.comparison import (
    STUDY_LEVELS,
    Curves,
    Seed,
    check_claims,
    count_verdicts,
    last_of,
    matched_over_seeds,
    retest,
)
from harness.scoring.study.results import Matched, SeedCurve, StudyResults
from harness.scoring.trajectory import LEVELS, score_trajectory
from tests.support.synthetic import TASKS, synthetic_run

# Where checkpoints stand: (score on the target, score on the prior tasks) by step.
KEEPS = {100: (0.4, 0.92), 200: (0.7, 0.9), 300: (0.95, 0.88)}
LOSES = {100: (0.4, 0.7), 200: (0.7, 0.5), 300: (0.95, 0.3)}
WEAK = {100: (0.15, 0.9), 200: (0.2, 0.9), 300: (0.25, 0.9)}


def at(target: float, prior: float) -> dict[str, float]:
    return {task.name: prior for task in TASKS} | {"jigsaw_2x2": target}


def trained(folder: Path, name: str, where: dict[int, tuple[float, float]], seeds: int) -> list[Seed]:
    made = []
    for seed in range(seeds):
        runs = {
            step: synthetic_run(
                folder / f"{name}-{seed}-{step}",
                name=f"{name}-{seed}-{step}",
                accuracy=at(*place),
                churn=0.03,
                seed=1 + 17 * seed + step,
            )
            for step, place in where.items()
        }
        made.append(Seed(seed, runs, {step: (0.01 * step, 0.002 * step) for step in where}))
    return made


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return synthetic_run(tmp_path_factory.mktemp("base") / "b", name="base", accuracy=at(0.1, 0.92), churn=0.02)


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Seed]]:
    folder = tmp_path_factory.mktemp("runs")
    arms = {"keeps": KEEPS, "loses": LOSES, "weak": WEAK}
    return {name: trained(folder, name, where, 2) for name, where in arms.items()}


@pytest.fixture(scope="module")
def curves(base: Run, seeds: dict[str, list[Seed]]) -> Curves:
    return Curves(base, seeds, "jigsaw")


def test_points_are_the_scorecards_of_the_checkpoints(base: Run, seeds: dict[str, list[Seed]], curves: Curves) -> None:
    first, second = curves.seeds("keeps")
    assert (first.seed, second.seed) == (0, 1)
    assert [point.step for point in first.points] == [100, 200, 300]
    card = score_pair(base, seeds["keeps"][1].runs[200], "jigsaw")
    point = second.points[1]
    assert point.retention_macro == card.retention_macro
    assert point.gain == card.learned.gain
    assert point.forgotten_rate == pytest.approx(np.mean([t.forgotten_rate for t in card.prior_tasks.values()]))
    assert (point.kl_target, point.kl_prior) == (2.0, 0.4)
    assert SeedCurve.model_validate_json(second.model_dump_json()) == second


def test_matched_retention_is_the_mean_of_the_trajectories_of_the_seeds(
    base: Run, seeds: dict[str, list[Seed]], curves: Curves
) -> None:
    alone = [score_trajectory([base, *seed.runs.values()], "jigsaw") for seed in seeds["keeps"]]
    matched_all = curves.matched("keeps")
    assert tuple(matched.normalised_gain for matched in matched_all) == STUDY_LEVELS
    for place, matched in enumerate(matched_all[: len(LEVELS)]):
        each = [curve.matched[place].retention_macro for curve in alone]
        assert matched.normalised_gain == LEVELS[place]
        assert matched.by_seed == pytest.approx(each)
        assert matched.retention_macro == pytest.approx(np.mean(each))
        assert matched.retention_macro_ci is not None
        low, high = matched.retention_macro_ci
        assert low <= matched.retention_macro <= high
        assert matched.reached == matched.seeds == 2


def test_with_one_seed_the_interval_is_that_of_its_trajectory(base: Run, seeds: dict[str, list[Seed]]) -> None:
    one = seeds["loses"][0]
    alone = score_trajectory([base, *one.runs.values()], "jigsaw")
    (_, matched, *_) = Curves(base, {"loses": [one]}, "jigsaw").matched("loses")
    assert matched.retention_macro_ci == pytest.approx(alone.matched[1].retention_macro_ci, abs=0.01)
    assert matched.seeds == 1


def test_the_spread_of_seeds_widens_the_interval(base: Run, tmp_path: Path) -> None:
    apart = [
        *trained(tmp_path / "a", "a", KEEPS, 1),
        Seed(1, trained(tmp_path / "b", "b", LOSES, 1)[0].runs, {}),
    ]
    alike = [apart[0], Seed(1, trained(tmp_path / "c", "c", KEEPS, 2)[1].runs, {})]
    widths = []
    for pair_of_seeds in (alike, apart):
        interval = Curves(base, {"x": pair_of_seeds}, "jigsaw").matched("x")[1].retention_macro_ci
        assert interval is not None
        widths.append(interval[1] - interval[0])
    assert widths[1] > 3 * widths[0]


def test_a_gain_that_not_every_seed_reaches_has_no_mean(base: Run, seeds: dict[str, list[Seed]]) -> None:
    mixed = [seeds["keeps"][0], Seed(7, seeds["weak"][0].runs, {})]
    (_, matched, *_) = Curves(base, {"x": mixed}, "jigsaw").matched("x")
    assert (matched.reached, matched.retention_macro) == (1, None)
    assert matched.by_seed[0] is not None
    assert matched.by_seed[1] is None
    assert matched.reasons["retention_macro"] == "1 of 2 seeds reach this gain"


def by_seed(**trainings: list[float | None]) -> dict[str, list[Matched]]:
    """Retention of trainings at one gain, a number a seed."""
    return {name: [matched_over_seeds(0.5, values)] for name, values in trainings.items()}


def test_claims_hold_are_contradicted_and_stay_open() -> None:
    found = check_claims(
        by_seed(keeps=[0.97, 0.98, 0.975], loses=[0.6, 0.61, 0.605], weak=[0.9, None, 0.9], alone=[0.99]),
        [("keeps", "loses", "s"), ("loses", "keeps", "s"), ("keeps", "weak", "s"), ("keeps", "keeps", "s"),
         ("alone", "loses", "s")],
    )  # fmt: skip
    assert [test.verdict for test in found] == ["holds", "contradicted", "not comparable", "undecided", "undecided"]
    count = count_verdicts(found)
    assert (count.holds, count.contradicted, count.undecided, count.not_comparable) == (1, 1, 2, 1)
    first = found[0]
    expected = ttest_ind([0.97, 0.98, 0.975], [0.6, 0.61, 0.605], equal_var=False)
    assert first.difference_ci == pytest.approx(
        (expected.confidence_interval().low, expected.confidence_interval().high)
    )
    assert first.p_holm == pytest.approx(3 * expected.pvalue)
    assert found[4].reasons["p_holm"] == "fewer than two seeds of each, or no spread among them"


def test_p_values_are_adjusted_over_the_tests_that_could_be_made() -> None:
    matched = by_seed(a=[0.9, 0.8, 0.85], b=[0.6, 0.71, 0.65], weak=[0.9, None])
    alone = check_claims(matched, [("a", "b", "s")])
    more = check_claims(matched, [("a", "b", "s"), ("a", "a", "s"), ("a", "weak", "s")])
    assert alone[0].p_holm is not None
    assert more[0].p_holm == pytest.approx(2 * alone[0].p_holm)


def test_results_of_an_earlier_scorer_are_tested_again() -> None:
    shipped = sorted(Path("leaderboard/data/studies").glob("*.json"))
    for path in shipped:
        results = StudyResults.model_validate_json(path.read_bytes())
        again = retest(results)
        if results.scorer == 1:
            # Studies of three seeds and fewer, whose few tests decide nothing now.
            assert all(target.agreement.holds == target.agreement.contradicted == 0 for target in again.targets)
        else:
            assert [target.claims for target in again.targets] == [target.claims for target in results.targets]
        assert StudyResults.model_validate_json(again.to_json()) == retest(again)


def test_the_same_runs_give_the_same_numbers(base: Run, seeds: dict[str, list[Seed]], curves: Curves) -> None:
    again = Curves(base, dict(reversed(list(seeds.items()))), "jigsaw")
    assert again.matched("loses") == curves.matched("loses")


def test_last_checkpoints_are_averaged_and_an_absent_one_has_a_reason(base: Run, seeds: dict[str, list[Seed]]) -> None:
    cards = [(seed.seed, 300, score_pair(base, seed.runs[300], "jigsaw")) for seed in seeds["loses"]]
    last = last_of(cards)
    assert last.retention_macro == pytest.approx(np.mean([card.retention_macro for _, _, card in cards]))
    assert last.score == pytest.approx(np.mean([card.learned.score_tuned for _, _, card in cards]))
    assert last_of([]).reasons["gain"] == "no seed was evaluated on the whole suite"
