"""References: what entries that were reproduced or verified show, against which others of their base are held.

Only what somebody other than an author has run says what a real fine-tune of a base looks like: how much it gains and
keeps, how many prior items it forgets, and which wrong answers it gives where the base is wrong too.

Binomial tails are those of scipy.special: importing scipy.stats takes longer than validating an entry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincinv

from harness.records import Outcome, Run
from harness.scoring import Scorecard

Interval = tuple[float, float]

_TWO_OPTIONS = 0.5
# How often two wrong answers in free text are the same by chance, at most.
_COINCIDENCE = 0.02


@dataclass(frozen=True)
class Share:
    """``hits`` of ``of``, with the exact 95 % interval (Clopper and Pearson 1934)."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        return self.hits / self.of if self.of else 0.0

    @property
    def interval(self) -> Interval:
        if not self.of:
            return 0.0, 1.0
        missed = self.of - self.hits
        low = float(betaincinv(self.hits, missed + 1, 0.025)) if self.hits else 0.0
        return low, float(betaincinv(self.hits + 1, missed, 0.975)) if missed else 1.0

    def chance(self, p: float) -> float:
        """The chance, in [0, 1], of at least so many hits where each has chance ``p``."""
        return float(betainc(self.hits, self.of - self.hits + 1, p)) if self.hits else 1.0


@dataclass(frozen=True)
class Mistakes:
    """Of the prior items that neither the base nor the tuned model solves, where both state an answer: on how many it
    is the same wrong one, and on how many that would be ``by_chance``, were the tuned model's drawn at random from the
    item's wrong options (g / (1 - g) at guess rate g; 2 % where an item has none). Items with one wrong option tell
    nothing and are left out."""

    same: Share
    by_chance: float


@dataclass(frozen=True)
class Reference:
    """An entry's gain and retention with their 95 % intervals, and what became of the prior items.

    ``forgotten`` and ``learned`` are of those that the base solves and does not solve.
    """

    entry: str
    family: str
    gain: float
    gain_ci: Interval | None
    retention: float | None
    retention_ci: Interval | None
    forgotten: Share
    learned: Share
    mistakes: Mistakes


def reference(entry: str, family: str, base: Run, tuned: Run, card: Scorecard) -> Reference:
    """What an entry of method family ``family`` shows, from its two runs and their scorecard."""
    tasks = card.prior_tasks.values()
    lost, kept, won, never = (sum(getattr(task, cell) for task in tasks) for cell in ("n10", "n11", "n01", "n00"))
    return Reference(
        entry=entry,
        family=family,
        gain=card.learned.gain,
        gain_ci=card.learned.gain_ci,
        retention=card.retention_macro,
        retention_ci=card.retention_macro_ci,
        forgotten=Share(lost, lost + kept),
        learned=Share(won, won + never),
        mistakes=mistakes(base, tuned, frozenset(card.prior_tasks)),
    )


def mistakes(base: Run, tuned: Run, tasks: frozenset[str]) -> Mistakes:
    """How the wrong answers of two runs agree on the items of ``tasks``."""
    columns = ["item_id", "task", "outcome", "extracted", "guess_rate"]
    both = base.samples[columns].merge(tuned.samples[columns], on="item_id", suffixes=("", "_tuned"))
    wrong = (both["outcome"] == Outcome.WRONG) & (both["outcome_tuned"] == Outcome.WRONG) & both["task"].isin(tasks)
    several = both["guess_rate"] < _TWO_OPTIONS
    stated = both[wrong & several & both["extracted"].notna() & both["extracted_tuned"].notna()]
    guess = stated["guess_rate"].to_numpy(dtype=float)
    by_chance = float(np.maximum(guess / (1 - guess), _COINCIDENCE).sum())
    same = int((stated["extracted"] == stated["extracted_tuned"]).sum())
    return Mistakes(Share(same, len(stated)), by_chance)
