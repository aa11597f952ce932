"""Merging: the results of one study whose seeds ran in several places, as if they had run in one.

What was measured is taken over seed by seed; means, intervals, claims and predictors are computed again over all seeds.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any

from harness.scoring.scorecard import Reasoned
from harness.scoring.study.comparison import (
    STUDY_LEVELS,
    check_claims,
    count_verdicts,
    last_over_seeds,
    matched_over_seeds,
    mean_over_seeds,
    stated_claims,
)
from harness.scoring.study.prediction import predictors_of
from harness.scoring.study.results import Matched, SeedCurve, StudyResults, TargetResult, TrainingResult
from harness.scoring.task_scores import reasons

# What two parts of one study share; a part whose engine or scorer differs would be compared with itself.
_SHARED = ("name", "quick", "base_weights_digest", "suite", "scorer", "environment")
_SHARED_BY_TARGET = ("part",)
_SHARED_BY_TRAINING = ("method", "learning_rate", "settings")

_AND = " and "
_NOT_MEASURED = "not measured for every seed"

Claims = Sequence[tuple[str, str, str]]


def merge_results(parts: Sequence[StudyResults], claims: Mapping[str, Claims] | None = None) -> StudyResults:
    """The results of one study from ``parts``, which have different seeds of its trainings.

    ``claims`` are (keeps, than, source) by target, in the order to test them; those that the parts test, unless given.
    A claim is tested once both of its trainings are there. Raises ``ValueError``, which names the field, for parts of
    different studies, and for a seed of a training that two parts have.
    """
    first = parts[0]
    _check_same(parts, _SHARED, "results")
    for part in parts:
        for target in part.targets:
            for training in target.trainings:
                _check_whole(f"{target.target}/{training.name}", training)
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


def only_seeds(results: StudyResults, held: Collection[tuple[str, str, int]]) -> StudyResults:
    """The results of what is ``held`` alone: target, training and seed. What follows from the seeds is left to merging.

    Raises ``ValueError``, which names the training, where it does not say what belongs to which seed.
    """
    targets = []
    for target in results.targets:
        trainings = []
        for training in target.trainings:
            _check_whole(f"{target.target}/{training.name}", training)
            seeds = {made.seed for made in training.made if (target.target, training.name, made.seed) in held}
            if seeds:
                trainings.append(_only_seeds(training, seeds))
        if trainings:
            targets.append(target.model_copy(update={"trainings": tuple(trainings)}))
    return results.model_copy(update={"targets": tuple(targets)})


def _only_seeds(training: TrainingResult, seeds: Collection[int]) -> TrainingResult:
    places = [place for place, made in enumerate(training.made) if made.seed in seeds]
    if len(places) == len(training.made):
        return training
    last = tuple(curve for curve in training.last.by_seed if curve.seed in seeds)
    matched = [
        matched_over_seeds(each.normalised_gain, [each.by_seed[place] for place in places]) for each in training.matched
    ]
    perplexity: dict[str, Any] = {"target_perplexity": None}
    return training.model_copy(
        update={
            "made": tuple(training.made[place] for place in places),
            "curves": tuple(training.curves[place] for place in places),
            "matched": tuple(matched),
            "last": training.last.model_copy(update={"by_seed": last}),
            **perplexity,
            "reasons": reasons(perplexity, {"target_perplexity": _NOT_MEASURED}),
        }
    )


def _check_whole(name: str, training: TrainingResult) -> None:
    """Raise ``ValueError`` unless curves, matched values and last checkpoints are of the seeds that were made."""
    seeds = [made.seed for made in training.made]
    wrong = {
        "made": not seeds or len(set(seeds)) < len(seeds),
        "curves": [curve.seed for curve in training.curves] != seeds,
        "matched": [each.normalised_gain for each in training.matched] != list(STUDY_LEVELS)
        or any(len(each.by_seed) != len(seeds) for each in training.matched),
        "last": any(curve.seed not in seeds or len(curve.points) != 1 for curve in training.last.by_seed),
    }
    for field, is_wrong in wrong.items():
        if is_wrong:
            raise ValueError(f"{name}: {field}: not one of each seed at each gain")


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
    alone = first.matched if len(seeds) == 1 else ()
    return first.model_copy(
        update={
            "made": tuple(sorted((made for part in parts for made in part.made), key=lambda made: made.seed)),
            "curves": _by_seed([curve for part in parts for curve in part.curves]),
            "matched": alone or tuple(_matched(parts, place) for place in range(len(first.matched))),
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
    by_seed = [made.target_perplexity for part in parts for made in part.made]
    if all(value is not None for value in by_seed):
        return {"target_perplexity": mean_over_seeds(by_seed), "reasons": {}}
    known = [(part.target_perplexity, len(part.made)) for part in parts if part.target_perplexity is not None]
    complete = len(known) == len(parts)
    mean = sum(value * seeds for value, seeds in known) / sum(seeds for _, seeds in known) if complete else None
    fields = {"target_perplexity": mean}
    return {**fields, "reasons": reasons(fields, {"target_perplexity": _NOT_MEASURED})}


def _packages(parts: Sequence[StudyResults]) -> dict[str, str]:
    """The versions of all parts; where they differ, all of them."""
    names = sorted({name for part in parts for name in part.packages})
    versions = {name: [part.packages[name].split(_AND) for part in parts if name in part.packages] for name in names}
    return {name: _AND.join(dict.fromkeys(chain.from_iterable(found))) for name, found in versions.items()}


def _check_same(parts: Sequence[Reasoned], fields: Sequence[str], where: str) -> None:
    for field in fields:
        if any(getattr(part, field) != getattr(parts[0], field) for part in parts):
            raise ValueError(f"{where}: {field} is not the same in all results")
