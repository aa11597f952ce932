"""Ranking: who of a track is better, as far as the items can tell (harness/scoring/METRICS.md, "Statistics").

All entries of a track answered the same items, so that a resample is one and the same set of items for all of them:
how often each item comes in each resample is one matrix, which items each entry solves another, and their product
holds every entry's every draw (of retention: linearised about its one-sided value). The variance of a difference then
comes from the covariance of two entries' draws.

**Test.** p of a difference is two-sided from Student's t with z = difference / s, where s^2 is the variance of the
difference over the draws plus difference^2 / n: the variance around "no difference", as in McNemar's test, which keeps
a handful of items that all fell one way from looking certain. Percentiles of draws cannot be used: after Holm over the
124,750 pairs of 500 entries a p-value must be below 4e-7, and 10,000 draws know none below 2e-4.

Draws are rounded to 2^-18 before they are multiplied, so that every sum is exact, and the same on every machine.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr, stdtrit

from harness.scoring import ALPHA, RESAMPLES, SEED, Bools, Floats, Scorecard, harmonic_mean, holm
from leaderboard.board.contest import Axis, Comparison, Contender, Contest, Front, Placing, Questions

Counts = NDArray[np.float32]

_POWER = 0.8
# Entries named as dominating another.
_NAMED = 3
# Draws are multiples of this, so that products of two of them sum exactly in a double: 2^36 * 10,000 < 2^53.
_GRAIN = 2.0**-18
# Counts held at once: draws of a block times items of a task.
_BLOCK = 4_000_000


def compare(contests: Sequence[Contest], *, resamples: int = RESAMPLES) -> list[Comparison]:
    """Compare the entries of each contest among themselves, never with those of another.

    Resamples are drawn once for all contests over the same items, from a seed that follows from the suite's digest and
    the task's name, so that an entry's draws never depend on which others are there.
    """
    draws = {place: _Draws(contest, resamples) for place, contest in enumerate(contests) if len(contest.contenders) > 1}
    by_items: dict[str, list[_Draws]] = {}
    for drawn in draws.values():
        by_items.setdefault(drawn.contest.questions.digest, []).append(drawn)
    for alike in by_items.values():
        questions = alike[0].contest.questions
        for task in questions.tasks:
            for rows, counts in _counts(questions, task, resamples):
                for drawn in alike:
                    drawn.add(task, rows, counts)
    compared = []
    for place, contest in enumerate(contests):
        drawn_here = draws.pop(place, None)
        compared.append(_alone(contest) if drawn_here is None else _compare(contest, drawn_here))
    return compared


def _counts(questions: Questions, task: str, resamples: int) -> Iterator[tuple[slice, Counts]]:
    """How often each item of a task comes in each resample (resamples x items), some resamples at a time."""
    cluster, units = questions.cluster[questions.tasks[task]], questions.units(task)
    name = f"{questions.digest}/{task}"
    rng = np.random.default_rng([SEED, int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])])
    block = max(1, _BLOCK // max(len(cluster), units))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = rng.integers(0, units, size=(size, units)) + np.arange(size)[:, None] * units
        counts = np.bincount(drawn.ravel(), minlength=size * units).reshape(size, units).astype(np.float32)
        # Whole clusters come: each of their items as often as they do.
        yield slice(start, start + size), counts if len(cluster) == units else counts[:, cluster]


class _Draws:
    """Draws of gain, retention and balance of every entry of one contest (resamples x entries)."""

    def __init__(self, contest: Contest, resamples: int) -> None:
        self.contest = contest
        self.target = [name for name, task in contest.contenders[0].card.tasks.items() if task.role == "target"]
        self.bases, self.own, cards = _base_runs(contest)
        # The group of each prior task that retention rests on, and what it weighs: both depend on the base alone.
        priors = [_prior(card) for card in cards]
        self.prior = {name: group for prior in priors for name, group in prior.items()}
        weights = [_weights(card, prior) for card, prior in zip(cards, priors, strict=True)]
        self.weight = {
            group: np.array([weight.get(group, 0.0) for weight in weights])[self.own]
            for group in set(self.prior.values())
        }
        self.ratio = {
            group: np.array([one.card.groups[group].ratio or 0.0 for one in contest.contenders])
            for group in set(self.prior.values())
        }
        shape = resamples, len(contest.contenders)
        self.gain = np.zeros(shape, dtype=np.float32)
        self.retention = np.tile(
            np.array([_number(one.card.retention_macro) for one in contest.contenders], dtype=np.float32),
            (resamples, 1),
        )
        self.base = np.zeros((resamples, len(self.bases)), dtype=np.float32)

    def add(self, task: str, rows: slice, counts: Counts) -> None:
        """Add what one task's resamples ``rows`` contribute."""
        if task not in self.prior and task not in self.target:
            return
        questions = self.contest.questions
        place = questions.tasks[task]
        right = np.column_stack(
            [each[place] for each in (*self.bases, *(one.solved for one in self.contest.contenders))]
        )
        tuned = len(self.bases)
        items = counts.sum(axis=1, keepdims=True)
        if task in self.target:
            # Sums of whole numbers: exact, in whatever order they are taken.
            means = (counts @ right.astype(np.float32)) / items
            self.gain[rows] += (means[:, tuned:] - means[:, self.own]) / len(self.target)
            self.base[rows] += means[:, :tuned] / len(self.target)
        else:
            # Linearised: how far the ratio of a group's sums moves from the one that all items give.
            corrected = _corrected(counts, right, questions.guess_rate[place])
            group = self.prior[task]
            moved = corrected[:, tuned:] - corrected[:, self.own] * self.ratio[group]
            self.retention[rows] += (moved * self.weight[group]).astype(np.float32)

    @property
    def balance(self) -> Floats:
        normalised, base = np.zeros_like(self.gain), self.base[:, self.own]
        np.divide(self.gain, 1 - base, out=normalised, where=base < 1)
        return harmonic_mean(np.clip(normalised, 0, 1).astype(float), np.clip(self.retention, 0, 1).astype(float))

    def units(self, tasks: Sequence[str]) -> int:
        return sum(self.contest.questions.units(task) for task in tasks)


def _base_runs(contest: Contest) -> tuple[list[Bools], NDArray[np.int64], list[Scorecard]]:
    """What each base run of a contest solved, which of them each entry was compared with, and a scorecard of each.

    Nearly always it is one for all; its place is then 0 for all entries at once.
    """
    found: dict[bytes, tuple[int, Bools, Scorecard]] = {}
    own = []
    for one in contest.contenders:
        right = contest.questions.solved if one.base is None else one.base
        own.append(found.setdefault(right.tobytes(), (len(found), right, one.card))[0])
    places = own if len(found) > 1 else own[:1]
    return [right for _, right, _ in found.values()], np.array(places), [card for *_, card in found.values()]


def _prior(card: Scorecard) -> dict[str, str]:
    """The group of each prior task that retention rests on."""
    return {name: group for group, score in card.groups.items() if score.retention is not None for name in score.tasks}


def _weights(card: Scorecard, groups: Mapping[str, str]) -> dict[str, float]:
    """What one corrected point of a group's sum weighs in retention: 1 / (the base's sum x number of groups)."""
    sums: dict[str, float] = {}
    for name, group in groups.items():
        sums[group] = sums.get(group, 0.0) + card.tasks[name].n * card.tasks[name].corrected_base
    return {group: 1 / (total * len(sums)) for group, total in sums.items()}


def _corrected(counts: Counts, right: Bools, guess_rate: Floats) -> Counts:
    """Sums over the items of each resample of (s - g)/(1 - g), by model."""
    total = np.zeros((len(counts), right.shape[1]), dtype=np.float32)
    for guess in np.unique(guess_rate):
        alike = guess_rate == guess
        chosen = counts[:, alike] if not alike.all() else counts
        found = chosen @ right[alike].astype(np.float32)
        total += ((found - guess * chosen.sum(axis=1, keepdims=True)) / (1 - guess)).astype(np.float32)
    return total


def _alone(contest: Contest) -> Comparison:
    """The comparison of one entry with nobody."""
    (only,) = contest.contenders or (None,)
    if only is None:
        return Comparison()
    status: Front | None = None if only.card.retention_macro is None else "on the front"
    if only.card.balance is None:
        return Comparison(placings={only.entry_id: Placing(front=status, reason=only.card.reasons["balance"])})
    return Comparison(
        (only.entry_id,), {only.entry_id: Placing((1, 1), (1, 1), "a", status)}, np.zeros((1, 1), dtype=bool)
    )


def _compare(contest: Contest, drawn: _Draws) -> Comparison:
    contenders = contest.contenders
    there = [at for at, one in enumerate(contenders) if one.card.retention_macro is not None]
    axes = _axes(contenders, drawn, there)
    fronts, dominators = _fronts(len(contenders), there, axes)
    over: dict[str, _Over] = {
        one.entry_id: {"dominated_by": _named(contenders, found), "dominators": len(found)}
        for one, found in zip(contenders, dominators, strict=True)
    }
    ranked = [at for at, one in enumerate(contenders) if one.card.balance is not None]
    ranked.sort(key=lambda at: (-_number(contenders[at].card.balance), contenders[at].entry_id))
    units = min(drawn.units(drawn.target), drawn.units(list(drawn.prior)))
    tests = _Tests.of(
        np.array([_number(contenders[at].card.balance) for at in ranked]), drawn.balance[:, ranked], units
    )
    better = tests.better()
    alone = tests.better_one_by_one()
    letters = tie_letters(~(better | better.T))
    placings = {}
    for row, at in enumerate(ranked):
        one = contenders[at]
        rank = 1 + int(better[:, row].sum()), len(ranked) - int(better[row].sum())
        own = 1 + int((alone[row] < 0).sum()), len(ranked) - int((alone[row] > 0).sum())
        placings[one.entry_id] = Placing(rank, own, letters[row] if letters else "", fronts[at], **over[one.entry_id])
    for at, one in enumerate(contenders):
        if at not in ranked:
            reason = one.card.reasons["balance"]
            placings[one.entry_id] = Placing(front=fronts[at], reason=reason, **over[one.entry_id])
    return Comparison(
        order=tuple(contenders[at].entry_id for at in ranked),
        placings=placings,
        better=better,
        pairs=len(ranked) * (len(ranked) - 1) // 2,
        detectable=tests.detectable(),
        tested=tuple(contenders[at].entry_id for at in there),
        apart={axis: holm_rejects(tests.p) for axis, tests in axes.items()},
    )


class _Over(TypedDict):
    """Who dominates an entry, as its placing has it."""

    dominated_by: tuple[str, ...]
    dominators: int


def _named(contenders: Sequence[Contender], found: Sequence[int]) -> tuple[str, ...]:
    """The ids of the contenders at ``found`` with the best balance; where none has one, with the best retention."""
    those = [contenders[at].card for at in found]
    order = sorted(
        range(len(found)),
        key=lambda at: (
            -_number(those[at].balance),
            -_number(those[at].retention_macro),
            contenders[found[at]].entry_id,
        ),
    )
    return tuple(contenders[found[at]].entry_id for at in order[:_NAMED])


def _number(value: float | None) -> float:
    return 0.0 if value is None else value


@dataclass(frozen=True)
class _Tests:
    """Two-sided tests of the differences between all entries: ``difference[a, b]`` = a - b, ``p`` is symmetric."""

    difference: Floats
    variance: Floats
    p: Floats
    units: int

    @classmethod
    def of(cls, values: Floats, draws: Floats | Counts, units: int) -> _Tests:
        """From point values (entries), their draws (resamples x entries) and the number of independent items."""
        difference = values[:, None] - values[None, :]
        variance = _variance_of_differences(draws)
        error = np.sqrt(variance + difference**2 / units)
        z = np.divide(np.abs(difference), error, out=np.zeros_like(error), where=error > 0)
        return cls(difference, variance, 2 * stdtr(max(units - 1, 1), -z), units)

    def better(self) -> Bools:
        """Whether a is significantly better than b, after Holm over all pairs."""
        return holm_rejects(self.p) & (self.difference > 0)

    def better_one_by_one(self) -> NDArray[np.int8]:
        """For each entry by itself, whether it is significantly better (1) or worse (-1) than each other, after Holm
        over its own comparisons."""
        found = np.zeros(self.p.shape, dtype=np.int8)
        for row, p in enumerate(self.p):
            others = np.delete(np.arange(len(p)), row)
            rejected = others[np.asarray(holm(p[others])) < ALPHA] if len(others) else others
            found[row, rejected] = np.sign(self.difference[row, rejected])
        return found

    def detectable(self) -> float | None:
        """The difference that a typical pair shows with 80 % power at the first step of Holm; 2.8 standard errors for
        one pair."""
        pairs = self.variance[np.triu_indices(len(self.variance), 1)]
        if not len(pairs):
            return None
        factor = stdtrit(max(self.units - 1, 1), 1 - ALPHA / (2 * len(pairs))) + ndtri(_POWER)
        return float(f"{factor * np.sqrt(np.median(pairs)):.6g}")


def _variance_of_differences(draws: Floats | Counts) -> Floats:
    """Variance over the resamples of every entry's draws minus every other's; exactly 0 where two are equal."""
    grains = np.rint(draws.astype(float) / _GRAIN)
    grains -= np.rint(grains.mean(axis=0))
    products, means = grains.T @ grains / len(grains), grains.mean(axis=0)
    covariance = products - np.outer(means, means)
    own = np.diag(covariance)
    variance: Floats = np.maximum(own[:, None] + own[None, :] - 2 * covariance, 0) * _GRAIN**2
    return variance


def holm_rejects(p: Floats) -> Bools:
    """Which differences are significant at 5 % after Holm over the pairs of a symmetric matrix of p-values.

    Source: harness/scoring/METRICS.md, "Statistics"; Holm 1979. Only p-values below 5 % are sorted: no other can be
    rejected.
    """
    rows, columns = np.triu_indices(len(p), 1)
    each = p[rows, columns]
    small = np.flatnonzero(each < ALPHA)
    small = small[np.argsort(each[small], kind="stable")]
    kept = each[small] * (len(each) - np.arange(len(small))) >= ALPHA
    small = small[: int(np.argmax(kept)) if kept.any() else len(small)]
    rejected: Bools = np.zeros(p.shape, dtype=bool)
    rejected[rows[small], columns[small]] = True
    rejected[columns[small], rows[small]] = True
    return rejected


def tie_letters(alike: Bools, most: int = len(string.ascii_lowercase)) -> list[str] | None:
    """Letters such that two entries share one exactly if they are ``alike``; None where ``most`` do not suffice.

    Runs of neighbours that are all alike come first. Where a pair further apart is alike although somebody between
    them differs (their errors are larger), a letter of its own covers it and as many others as it can: after Piepho
    2004, with greedy cliques, since the least number of letters is a hard problem.
    """
    size = len(alike)
    groups: list[NDArray[np.int64]] = []
    start_of = [0] * size
    for row in range(size):
        different = np.flatnonzero(~alike[row, :row])
        start_of[row] = max(start_of[row - 1] if row else 0, int(different[-1]) + 1 if len(different) else 0)
        if row and start_of[row] > start_of[row - 1]:
            groups.append(np.arange(start_of[row - 1], row))
    if size:
        groups.append(np.arange(start_of[-1], size))
    covered = np.zeros_like(alike)
    for group in groups[: most + 1]:
        covered[np.ix_(group, group)] = True
    while len(groups) <= most and len(left := np.argwhere(np.triu(alike & ~covered, 1))):
        one, other = left[0]
        members, candidates = [int(one), int(other)], alike[one] & alike[other]
        for entry in np.flatnonzero(candidates):
            if candidates[entry] and entry not in (one, other):
                members.append(int(entry))
                candidates &= alike[entry]
        group = np.array(sorted(members))
        groups.append(group)
        covered[np.ix_(group, group)] = True
    if len(groups) > most:
        return None
    letters = [""] * size
    for letter, group in zip(string.ascii_lowercase, sorted(groups, key=lambda each: each.tolist()), strict=False):
        for entry in group:
            letters[entry] += letter
    return letters


def _axes(contenders: Sequence[Contender], drawn: _Draws, there: Sequence[int]) -> dict[Axis, _Tests]:
    """The tests of gain and of retention between all entries that have a retention."""
    places = list(there)
    return {
        "gain": _Tests.of(
            np.array([contenders[at].card.learned.gain for at in there]),
            drawn.gain[:, places],
            drawn.units(drawn.target),
        ),
        "retention": _Tests.of(
            np.array([_number(contenders[at].card.retention_macro) for at in there]),
            drawn.retention[:, places],
            max(drawn.units(list(drawn.prior)), 1),
        ),
    }


def _fronts(
    entries: int, there: Sequence[int], axes: Mapping[Axis, _Tests]
) -> tuple[list[Front | None], list[list[int]]]:
    """Pareto status of each of ``entries`` in (gain, retention), None for those that are not ``there``: without a
    retention; and who dominates it.

    On the front: no entry is at least as good in both and better in one. Dominated: for some entry that is, both
    differences are significant (the larger of the two p-values counts, by intersection and union), after Holm over the
    pairs; an axis on which both are exactly equal needs no test. Else not distinguishable from the front.
    """
    gain, kept = axes["gain"], axes["retention"]
    above = (gain.difference >= 0) & (kept.difference >= 0) & ((gain.difference > 0) | (kept.difference > 0))
    p = np.maximum(np.where(gain.difference == 0, 0, gain.p), np.where(kept.difference == 0, 0, kept.p))
    surely = holm_rejects(np.where(above | above.T, p, 1.0)) & above
    statuses: list[Front | None] = [None] * entries
    dominators: list[list[int]] = [[] for _ in range(entries)]
    for row, at in enumerate(there):
        statuses[at] = "dominated" if surely[:, row].any() else "not distinguishable"
        if not above[:, row].any():
            statuses[at] = "on the front"
        dominators[at] = [there[other] for other in np.flatnonzero(surely[:, row])]
    return statuses, dominators
