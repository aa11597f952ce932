"""Power: which differences of retention between trainings a study of so many seeds and items would show.

Made-up studies go through the same test as real ones (:func:`check_claims`: Welch between seeds, Holm over all tests of
a target). The retention of one seed at one gain is drawn as

    retention = mean of its training + effect of the seed + noise of the items

The effect of a seed is normal and the same at every gain; the noise is that of so many prior tasks and items whose
answers change, drawn anew at every gain. Retention divides by what the base knows above chance: of a base that knows
little, the same items show only large differences. Of every claim the first training keeps ``difference`` more than the
second, or a multiple of it where claims form a chain.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.scoring.study.comparison import STUDY_LEVELS, check_claims, matched_over_seeds

# Retention near which claims are tested, from the first study, where a base knew nearly all: so much is lost.
_KEPT = 0.92
_CHURN = _KEPT * (1 - _KEPT)
# Differences are searched in steps of half a point, up to twenty.
_STEP, _LARGEST = 0.005, 40


@dataclass(frozen=True)
class StudySize:
    """What a study measures with: ``seeds`` a training, ``items`` of each of ``tasks`` prior tasks at each checkpoint,
    and the spread of retention between seeds, ``seed_sd``, a standard deviation in [0, 1].

    ``above_chance`` is the base's mean score on the prior tasks less its guess rate, in (0, 1], and ``churn`` the
    variance of the change of an answer, in (0, 1]: nearly the share of answers that change their outcome.
    """

    seeds: int
    items: int
    tasks: int
    seed_sd: float
    above_chance: float = 1.0
    churn: float = _CHURN

    @property
    def item_sd(self) -> float:
        """Standard deviation of macro retention that is due to the items: sqrt(churn / items) / above_chance."""
        return float(np.sqrt(self.churn / (self.items * self.tasks))) / self.above_chance


def shown_share(
    size: StudySize, claims: Sequence[tuple[str, str, str]], difference: float, draws: int, seed: int = 0
) -> float:
    """Mean share, in [0, 1], of the tests of ``claims`` (keeps, than, source) that come out as "holds" over ``draws``
    made-up studies, where every true difference is ``difference``; with a difference of 0, the share that is wrong."""
    rng = np.random.default_rng([seed, size.seeds, size.items])
    depths = _depths(claims)
    shown = 0.0
    for _ in range(draws):
        matched = {}
        for name, depth in depths.items():
            effects = rng.normal(0.0, size.seed_sd, size.seeds)
            mean = _KEPT - difference * depth
            noise = rng.normal(0.0, size.item_sd, (len(STUDY_LEVELS), size.seeds))
            matched[name] = [
                matched_over_seeds(level, [float(value) for value in mean + effects + noise[index]])
                for index, level in enumerate(STUDY_LEVELS)
            ]
        tests = check_claims(matched, claims)
        shown += sum(test.verdict == "holds" for test in tests) / len(tests)
    return shown / draws


def _depths(claims: Sequence[tuple[str, str, str]]) -> dict[str, int]:
    """How many claims lead down to each training, along the longest chain."""
    depths = dict.fromkeys(sorted({name for claim in claims for name in claim[:2]}), 0)
    for _ in depths:
        for keeps, than, _source in claims:
            depths[than] = min(max(depths[than], depths[keeps] + 1), len(depths))
    return depths


def detectable_difference(
    size: StudySize, claims: Sequence[tuple[str, str, str]], draws: int, power: float = 0.8
) -> float | None:
    """The least difference of retention, of those in steps of half a point up to 20, that is shown in a share ``power``
    of the tests; None where none is. Found by halving, as a larger difference is shown more often."""
    low, high = 1, _LARGEST + 1
    while low < high:
        middle = (low + high) // 2
        if shown_share(size, claims, middle * _STEP, draws) >= power:
            high = middle
        else:
            low = middle + 1
    return low * _STEP if low <= _LARGEST else None
