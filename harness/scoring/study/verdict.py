"""Verdict: what the claims of a study came to, in counts, words and the one sentence that everything prints.

A claim is tested at several gains, and Holm's adjustment covers all of these tests. One test that decides therefore
decides its claim, whatever the others leave open, unless another decides the other way.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.scoring.study.comparison import LEAST_SEEDS
from harness.scoring.study.results import StudyResults, TargetResult, Tested
from harness.scoring.study.results import Verdict as Test

Outcome = Literal["shown", "contradicted", "shown and contradicted", "undecided", "not reached"]
Ordering = Literal[
    "holds", "holds in part", "contradicted", "contradicted in part", "undecided", "not tested", "not stated"
]
TOY_PARAMETERS = 1_000_000
_NAMED = 30
# What a test is called where it is read; the document keeps the names of its schema.
CLAIM_WORDS: Mapping[Test, Outcome] = {
    "holds": "shown",
    "contradicted": "contradicted",
    "undecided": "undecided",
    "not comparable": "not reached",
}
_ORDER: tuple[Outcome, ...] = ("shown", "contradicted", "shown and contradicted", "undecided", "not reached")
_SENTENCES: Mapping[Ordering, str] = {
    "holds": "The expected ordering holds",
    "holds in part": "The expected ordering holds in part, and nothing contradicts it",
    "contradicted": "The expected ordering is contradicted",
    "contradicted in part": "The expected ordering holds in part and is contradicted in part",
    "undecided": "Whether the expected ordering holds is undecided",
    "not stated": "No ordering was stated before this study ran",
}


@dataclass(frozen=True)
class Claim:
    """That the training ``keeps`` retains more than ``than``, as ``source`` says, with its test at each gain."""

    keeps: str
    than: str
    source: str
    tests: tuple[Tested, ...]

    @property
    def outcome(self) -> Outcome:
        """What the tests say together."""
        found = {CLAIM_WORDS[test.verdict] for test in self.tests}
        if {"shown", "contradicted"} <= found:
            return "shown and contradicted"
        return next(word for word in _ORDER if word in found)


def claims_of(target: TargetResult) -> tuple[Claim, ...]:
    """The claims of a target in the order in which they were stated, each with its tests by rising gain."""
    grouped: dict[tuple[str, str, str], list[Tested]] = {}
    for test in target.claims:
        grouped.setdefault((test.keeps, test.than, test.source), []).append(test)
    return tuple(
        Claim(*key, tuple(sorted(tests, key=lambda test: test.normalised_gain))) for key, tests in grouped.items()
    )


def ordering(claims: Sequence[Claim]) -> Ordering:
    """Whether the ordering that the claims state appears, decided by their outcomes alone."""
    if not claims:
        return "not stated"
    found = Counter(claim.outcome for claim in claims)
    against = found["contradicted"] + found["shown and contradicted"]
    if found["shown and contradicted"] or (against and found["shown"]):
        return "contradicted in part"
    if against:
        return "contradicted"
    if found["shown"]:
        return "holds" if found["shown"] == len(claims) else "holds in part"
    return "not tested" if found["not reached"] == len(claims) else "undecided"


def verdict_sentence(target: TargetResult, planned: int) -> str:
    """The finding of a target in words: how many claims came out how, and what becomes of the expected ordering.

    ``planned`` is the number of seeds of the study; where a training of a claim has fewer, the sentence begins with it.
    """
    claims = claims_of(target)
    found = ordering(claims)
    if not claims:
        return f"{_SENTENCES[found]}."
    if found == "not tested":
        said = _untested(target, claims)
    else:
        alike = all(claim.outcome == found for claim in claims)
        then = "and so is the expected ordering" if alike else _lowered(_SENTENCES[found])
        said = f"{_counts(claims)}{', ' if alike else ': '}{then}.{_single(target, claims)}"
    if _rest_on_one_seed(target, claims) == len(claims):
        return f"One seed{f' of {planned} so far' if planned > 1 else ''}: undecided. {said}"
    named = {name for claim in claims for name in (claim.keeps, claim.than)}
    there = min(len(training.made) for training in target.trainings if training.name in named)
    return said if there >= planned else f"So far, with {there} of {planned} seeds: {_lowered(said)}"


def toy_sentence(results: StudyResults) -> str:
    """That the base of a study is a toy, which comes before any verdict; empty where it is a model.

    A toy has fewer parameters than any base of this project that was trained to answer (nano has 1.5 million).
    """
    count = results.base_parameters
    if not 0 < count < TOY_PARAMETERS:
        return ""
    return f"The base is a toy of {count:,} parameters: this shows that the path runs, and nothing of any model."


def seeds_there(results: StudyResults) -> tuple[int, ...]:
    """The seeds of which at least one training is in the results, in the order of the plan."""
    there = {made.seed for target in results.targets for training in target.trainings for made in training.made}
    return tuple(seed for seed in results.seeds if seed in there)


def missing_sentence(results: StudyResults) -> str:
    """What was planned and is not in the results, a seed of which nothing is there as one; empty where all is."""
    if not results.missing:
        return ""
    there = seeds_there(results)
    seeds = [seed for seed in results.seeds if seed not in there]
    names = [name for name in results.missing if not name.endswith(tuple(f"-seed{seed}" for seed in seeds))]
    parts, early = [], ""
    if len(there) >= LEAST_SEEDS:
        early = " Looking at tests before all seeds are in makes false findings more likely than their p-values say."
    if seeds:
        named = ", ".join(map(str, seeds))
        parts.append(f"{'seed' if len(seeds) == 1 else 'seeds'} {named} ({len(results.seeds)} were planned)")
    if names:
        rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        parts.append(f"{', '.join(names[:_NAMED])}{rest}")
    return f"Not in these numbers: {'; '.join(parts)}.{early}"


def _lowered(sentence: str) -> str:
    return f"{sentence[0].lower()}{sentence[1:]}"


def _counts(claims: Sequence[Claim]) -> str:
    """ "Of 6 claims at matched gain 2 are shown and 4 are undecided"."""
    if len(claims) == 1:
        return f"The one claim at matched gain is {claims[0].outcome}"
    found = Counter(claim.outcome for claim in claims)
    parts = [f"{found[word]} {'is' if found[word] == 1 else 'are'} {word}" for word in _ORDER if found[word]]
    if len(parts) == 1:
        every = "Both" if len(claims) == 2 else f"All {len(claims)}"
        return f"{every} claims at matched gain are {claims[0].outcome}"
    return f"Of {len(claims)} claims at matched gain {', '.join(parts[:-1])} and {parts[-1]}"


def _untested(target: TargetResult, claims: Sequence[Claim]) -> str:
    """That no claim could be tested, and why."""
    named = {name for claim in claims for name in (claim.keeps, claim.than)}
    first = [training.matched[0] for training in target.trainings if training.name in named]
    none = "The one claim" if len(claims) == 1 else f"None of the {len(claims)} claims"
    could = f"{none} could {'not ' if len(claims) == 1 else ''}be tested"
    if any(matched.reached == matched.seeds for matched in first):
        two = "its two trainings" if len(claims) == 1 else "the two trainings of a claim"
        return f"{could}: {two} never both reach a matched gain with every seed."
    level = f"{first[0].normalised_gain * 100:g} %"
    return f"{could}: no training named in them reaches a normalised gain of {level} with every seed."


def _single(target: TargetResult, claims: Sequence[Claim]) -> str:
    """How many claims rest on a training with one seed; empty where none does or all do, which is said first."""
    count = _rest_on_one_seed(target, claims)
    if count in (0, len(claims)):
        return ""
    return f" {count} of them {'rests' if count == 1 else 'rest'} on a training with one seed, which decides nothing."


def _rest_on_one_seed(target: TargetResult, claims: Sequence[Claim]) -> int:
    alone = {
        training.name
        for training in target.trainings
        if max((matched.seeds for matched in training.matched), default=0) < LEAST_SEEDS
    }
    return sum(bool({claim.keeps, claim.than} & alone) for claim in claims)
