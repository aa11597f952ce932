"""Known: results of the same study from elsewhere, whose seeds are taken over and not run again."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from harness.errors import RetentionError, first_problem
from harness.scoring import SCORER_VERSION, StudyResults, merge_results, only_seeds
from harness.study.steps import Study

Held = set[tuple[str, str, int]]


def read_results(path: Path) -> StudyResults:
    """A results file; raises ``RetentionError``, which names it, if it is none."""
    try:
        return StudyResults.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RetentionError(f"{path}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        raise RetentionError(f"{path}: {first_problem(error)}; give a results.json of `retention study`") from error


def read_known(study: Study, paths: Sequence[Path]) -> StudyResults:
    """What results files have of ``study``: each target and seed of which one of them has every training to its end.

    Raises ``RetentionError``, which names the file and the field, for results of another study, of other recipes, of
    another base, suite or scorer, and where two files have one seed.
    """
    families = [study.family(target) for target in study.plan.targets]
    if len(set(families)) < len(families):
        raise RetentionError(f"{study.plan.name}: targets: two are of one family, which results cannot tell apart")
    parts = []
    for path in paths:
        results = read_results(path)
        _check(study, results, path)
        try:
            parts.append(only_seeds(results, _held(study, results)))
        except ValueError as error:
            raise RetentionError(f"{path}: {error}; give a results.json of `retention study`") from error
    try:
        return merge_results(parts)
    except ValueError as error:
        raise RetentionError(f"{', '.join(map(str, paths))}: {error}") from error


def complete_seeds(study: Study, known: StudyResults) -> set[tuple[str, int]]:
    """The plan's targets and seeds that ``known`` has."""
    held = {
        (target.target, made.seed)
        for target in known.targets
        for training in target.trainings
        for made in training.made
    }
    return {
        (target, seed)
        for target in study.plan.targets
        for seed in study.plan.seeds
        if (study.family(target), seed) in held
    }


def _check(study: Study, results: StudyResults, path: Path) -> None:
    wanted: dict[str, object] = {
        "name": study.plan.name,
        "quick": study.plan.quick,
        "scorer": SCORER_VERSION,
    }
    if study.base_digest:  # Not where the base is not here, and steps are only listed.
        wanted["base_weights_digest"] = study.base_digest
    if study.plan.whole is None:
        wanted["suite"] = study.suite.record
    for field, value in wanted.items():
        if (found := getattr(results, field)) != value:
            shown = "" if field == "suite" else f" is {found}, where this study has {value}"
            raise RetentionError(f"{path}: {field}{shown or ' is not that of this study'}; give results of this study")
    recipes = {(each.recipe.target, each.name, each.seed): each.recipe.digest for each in study.trained}
    for target in results.targets:
        for training in target.trainings:
            for made in training.made:
                key = (target.target, training.name, made.seed)
                if key in recipes and made.recipe != recipes[key]:
                    name = f"{target.target}/{training.name}, seed {made.seed}"
                    raise RetentionError(f"{path}: {name}: was trained by another recipe than the plan's now")


def _held(study: Study, results: StudyResults) -> Held:
    """What is taken over: a seed of a target only whole, with its last checkpoints, and its perplexities if planned."""
    there: Held = set()
    for result in results.targets:
        for training in result.trainings:
            ended = {curve.seed for curve in training.last.by_seed}
            explained = study.plan.drift is None or training.target_perplexity is not None
            measured = {made.seed for made in training.made if explained or made.target_perplexity is not None}
            there |= {(result.target, training.name, seed) for seed in ended & measured}
    held: Held = set()
    for target, declared in study.plan.targets.items():
        for seed in study.plan.seeds:
            every = {(study.family(target), name, seed) for name in declared.trainings}
            held |= every if every <= there else set()
    return held
