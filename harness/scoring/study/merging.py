"""Merging: the results of one study whose seeds ran in several places, as if they had run in one.

What was measured is taken over seed by seed; means, intervals, claims and predictors are computed again over all seeds.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.scoring.scorecard import Reasoned
from harness.scoring.study.comparison import (
    check_claims,
    count_verdicts,
    last_over_seeds,
    matched_over_seeds,
    stated_claims,
)
from harness.scoring.study.prediction import predictors_of
from harness.scoring.study.results import Matched, SeedCurve, StudyResults, TargetResult, TrainingResult
from harness.scoring.task_scores import reasons

# What two parts of one study share; a part whose engine or scorer differs would be compared with itself.
_SHARED = ("name", "quick", "base_weights_digest", "suite", "scorer", "environment")
_SHARED_BY_TARGET = ("part",)
_SHARED_BY_TRAINING = ("method", "learning_rate", "settings")

Claims = Sequence[tuple[str, str, str]]


def merge_results(parts: Sequence[StudyResults], claims: Mapping[str, Claims] | None = None) -> StudyResults:
    """The results of one study from ``parts``, which have different seeds of its trainings.

    ``claims`` are (keeps, than, source) by target, in the order to test them; those that the parts test, unless given.
    A claim is tested once both of its trainings are there. Raises ``ValueError``, which names the field, for parts of
    different studies, and for a seed of a training that two parts have.
    """
    first = parts[0]
    _check_same(parts, _SHARED, "results")
    targets = []
    for name in dict.fromkeys(target.target for part in parts for target in part.targets):
        found = [target for part in parts for target in part.targets if target.target == name]
        stated = claims.get(name, ()) if claims is not None else [each for one in found for each in stated_claims(one)]
        targets.append(_target(found, list(dict.fromkeys(stated))))
    commits = {part.commit for part in parts}
    fields: dict[str, Any] = {"commit": commits.pop() if len(commits) == 1 else None}
    why = first.reasons.get("commit") or "the runs are not all of one clean commit"
    kinds = dict.fromkeys(kind for part in parts for kind in part.seconds)
    return first.model_copy(
        update={
            "schema_version": 2,
            "base_parameters": max(part.base_parameters for part in parts),
            "seeds": tuple(dict.fromkeys(seed for part in parts for seed in part.seeds)),
            "packages": _packages(parts),
            "data_as_of": max(part.data_as_of for part in parts),
            "targets": tuple(targets),
            "missing": tuple(name for name in first.missing if all(name in part.missing for part in parts)),
            "seconds": {kind: round(sum(part.seconds.get(kind, 0.0) for part in parts), 1) for kind in kinds},
            **fields,
            "reasons": reasons(fields, {"commit": why}),
        }
    )


def _target(parts: Sequence[TargetResult], claims: Claims) -> TargetResult:
    name = parts[0].target
    first = parts[0]
    _check_same(parts, _SHARED_BY_TARGET, name)
    trainings = []
    for training in dict.fromkeys(each.name for part in parts for each in part.trainings):
        trainings.append(_training(name, [each for part in parts for each in part.trainings if each.name == training]))
    there = {training.name for training in trainings}
    matched = {training.name: training.matched for training in trainings}
    tests = check_claims(matched, [claim for claim in claims if {claim[0], claim[1]} <= there])
    noise = next((part.noise for part in parts if part.noise is not None), None)
    return first.model_copy(
        update={
            "trainings": tuple(trainings),
            "claims": tests,
            "agreement": count_verdicts(tests),
            "predictors": predictors_of(trainings),
            "noise": noise,
            "reasons": {} if noise is not None else first.reasons,
        }
    )


def _training(target: str, parts: Sequence[TrainingResult]) -> TrainingResult:
    name = f"{target}/{parts[0].name}"
    first = parts[0]
    _check_same(parts, _SHARED_BY_TRAINING, name)
    seeds = [made.seed for part in parts for made in part.made]
    if len(set(seeds)) < len(seeds):
        twice = next(seed for seed in seeds if seeds.count(seed) > 1)
        raise ValueError(f"{name}: two of the results have seed {twice}")
    # An interval over items holds for one seed alone.
    only = first.matched if len(seeds) == 1 else ()
    return first.model_copy(
        update={
            "made": tuple(sorted((made for part in parts for made in part.made), key=lambda made: made.seed)),
            "curves": _by_seed([curve for part in parts for curve in part.curves]),
            "matched": only or tuple(_matched(parts, place) for place in range(len(first.matched))),
            "last": last_over_seeds(_by_seed([curve for part in parts for curve in part.last.by_seed])),
            **_perplexity(parts),
        }
    )


def _by_seed(curves: Sequence[SeedCurve]) -> tuple[SeedCurve, ...]:
    return tuple(sorted(curves, key=lambda curve: curve.seed))


def _matched(parts: Sequence[TrainingResult], place: int) -> Matched:
    """Retention at one gain over the seeds of all parts, in the order of the seeds."""
    values = [
        (curve.seed, value)
        for part in parts
        for curve, value in zip(part.curves, part.matched[place].by_seed, strict=True)
    ]
    ordered = [value for _, value in sorted(values, key=lambda each: each[0])]
    return matched_over_seeds(parts[0].matched[place].normalised_gain, ordered)


def _perplexity(parts: Sequence[TrainingResult]) -> dict[str, Any]:
    known = [(part.target_perplexity, len(part.made)) for part in parts if part.target_perplexity is not None]
    complete = len(known) == len(parts)
    mean = sum(value * seeds for value, seeds in known) / sum(seeds for _, seeds in known) if complete else None
    fields = {"target_perplexity": mean}
    return {**fields, "reasons": reasons(fields, {"target_perplexity": "not measured for every seed"})}


def _packages(parts: Sequence[StudyResults]) -> dict[str, str]:
    """The versions of all parts; where they differ, all of them."""
    names = sorted({name for part in parts for name in part.packages})
    versions = {name: dict.fromkeys(part.packages[name] for part in parts if name in part.packages) for name in names}
    return {name: " and ".join(found) for name, found in versions.items()}


def _check_same(parts: Sequence[Reasoned], fields: Sequence[str], where: str) -> None:
    for field in fields:
        if any(getattr(part, field) != getattr(parts[0], field) for part in parts):
            raise ValueError(f"{where}: {field} is not the same in all results")
