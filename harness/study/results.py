"""Results: a study's folder, read back and scored again from the stored answers.

Scorecards written by evaluations are not used; incomplete trainings are listed as missing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checkpoints import CheckpointError, open_checkpoint
from harness.errors import RetentionError
from harness.evaluation import NOISE_FILE
from harness.evaluation import NoiseFloor as MeasuredNoise
from harness.records import Run, RunRecord, SuiteRecord, read_record, read_run
from harness.scoring import (
    SCORER_VERSION,
    Curves,
    Dynamics,
    Made,
    NoiseFloor,
    Seed,
    StudyResults,
    TargetResult,
    TrainingResult,
    check_claims,
    count_verdicts,
    last_of,
    mean_minimum_detectable_difference,
    mean_over_seeds,
    merge_results,
    predictors_of,
    reasons,
    score_pair,
)
from harness.study.plan import Target
from harness.study.runner import Folder, Step
from harness.study.steps import Study, Trained
from harness.suites import open_suite
from harness.training import TrainingRecord
from harness.training import read_record as read_training_record

RESULTS_FILE = "results.json"
_CHURN = 0.1


@dataclass(frozen=True)
class _Found:
    """One training: its record, its runs by step, and the last checkpoint's run on the full suite."""

    trained: Trained
    record: TrainingRecord
    runs: Mapping[int, Run]
    whole: Run | None
    dynamics: Dynamics | None


class Runs:
    """The run folders of a study by weights digest, on one suite."""

    def __init__(self, folder: Path, suite: SuiteRecord) -> None:
        self._folders: dict[str, Path] = {}
        for path in sorted(folder.glob(f"{suite.name}-{suite.version}/*/*/run.json")):
            record = read_record(path.parent)
            if record.replicate == 0 and record.suite.digest == suite.digest and not record.n_errors:
                self._folders[record.checkpoint.weights_digest] = path.parent

    def folder(self, digest: str) -> Path | None:
        """The run folder of the checkpoint with this weights digest."""
        return self._folders.get(digest)

    def find(self, checkpoint: Path) -> Path | None:
        """The run folder of the checkpoint in this folder; None if either is missing."""
        try:
            return self.folder(open_checkpoint(str(checkpoint)).record.weights_digest)
        except CheckpointError:
            return None

    def of(self, checkpoint: Path) -> Run | None:
        """The run of the checkpoint in this folder; None if either is missing."""
        folder = self.find(checkpoint)
        return read_run(folder) if folder else None


def collect(study: Study, steps: Sequence[Step], known: StudyResults | None = None) -> StudyResults:
    """The results of the study so far, with those that are ``known`` from elsewhere (:mod:`harness.study.known`).

    Raises ``RetentionError`` if no training has been evaluated yet, or if ``known`` was evaluated otherwise.
    """
    own = _own(study, steps)
    if known is None or not known.targets:
        if own is None:
            raise RetentionError(f"{study.out}: no training was evaluated yet; run the same command again to continue")
        return own
    stated = {study.family(target): _claims(declared) for target, declared in study.plan.targets.items()}
    try:
        merged = merge_results([known] if own is None else [known, own], stated)
    except ValueError as error:
        raise RetentionError(
            f"{study.out}: cannot be put together with the results that are known: {error}; `--results` without "
            "--known gives those of this folder"
        ) from error
    held = {
        (target.target, training.name, made.seed)
        for target in merged.targets
        for training in target.trainings
        for made in training.made
    }
    missing = tuple(
        each.key.removeprefix("train/")
        for target in study.plan.targets
        for each in study.trained
        if each.target == target and (each.recipe.target, each.name, each.seed) not in held
    )
    return merged.model_copy(update={"title": study.plan.title, "seeds": study.plan.seeds, "missing": missing})


def _claims(declared: Target) -> list[tuple[str, str, str]]:
    return [(claim.keeps, than, claim.source) for claim in declared.claims for than in claim.than]


def _own(study: Study, steps: Sequence[Step]) -> StudyResults | None:
    """What this folder has besides what was run elsewhere; None if that is nothing."""
    targets, missing, records = [], [], []
    packages: dict[str, str] = {}
    parameters = 0
    for target in study.plan.targets:
        base, found, absent = _found(study, target)
        missing += absent
        if base is not None and found:
            targets.append(_target(study, target, base, found))
            parameters = max(parameters, *(each.record.parameters for each in found))
            records += [base.record, *(run.record for each in found for run in each.runs.values())]
            packages |= {name: version for each in found for name, version in each.record.versions.items()}
    if not targets:
        return None
    first = records[0]
    commits = {record.commit if not record.dirty else None for record in records}
    fields: dict[str, Any] = {"commit": commits.pop() if len(commits) == 1 else None}
    folder, seconds = Folder(study.out), dict[str, float]()
    for step in steps:
        if done := folder.done(step.key):
            seconds[step.kind] = round(seconds.get(step.kind, 0.0) + done.seconds, 1)
    return StudyResults(
        scorer=SCORER_VERSION,
        name=study.plan.name,
        title=study.plan.title,
        quick=study.plan.quick,
        base=study.base_name,
        base_weights_digest=study.base.record.weights_digest,
        base_parameters=parameters,
        suite=_suite(study.whole),
        seeds=study.plan.seeds,
        environment=first.engine.environment,
        packages=dict(sorted((packages | first.packages).items())),
        data_as_of=max(record.created[:10] for record in records),
        targets=tuple(targets),
        missing=tuple(missing),
        seconds=seconds,
        **fields,
        reasons=reasons(fields, {"commit": "the runs are not all of one clean commit"}),
    )


def _found(study: Study, target: str) -> tuple[Run | None, list[_Found], list[str]]:
    """The base's run on the target's part, the complete trainings, and the names of the others."""
    trainings = [each for each in study.trained if each.target == target and not study.ran_elsewhere(target, each.seed)]
    name = study.part(target)
    if not name.is_file():
        return None, [], [each.key.removeprefix("train/") for each in trainings]
    part, whole = Runs(study.runs, _suite(name)), whole_runs(study)
    base_folder = part.folder(study.base.record.weights_digest)
    base = read_run(base_folder) if base_folder else None
    found, missing = [], []
    for each in trainings:
        runs = {step: run for step, folder in each.checkpoints.items() if (run := part.of(folder)) is not None}
        if len(runs) == len(each.checkpoints):
            found.append(
                _Found(each, read_training_record(each.last), runs, whole.of(each.last), _dynamics(study, each))
            )
        else:
            missing.append(each.key.removeprefix("train/"))
    return base, found, missing


def _suite(reference: Path | str) -> SuiteRecord:
    return open_suite(str(reference)).record


def whole_runs(study: Study) -> Runs:
    """The runs of the last checkpoints."""
    there = study.plan.whole is None or Path(study.whole).is_file()
    return Runs(study.runs, _suite(study.whole) if there else study.suite.record)


def _dynamics(study: Study, trained: Trained) -> Dynamics | None:
    path = study.dynamics(trained)
    return Dynamics.model_validate_json(path.read_bytes()) if path.is_file() else None


def _target(study: Study, target: str, base: Run, found: Sequence[_Found]) -> TargetResult:
    plan = study.plan.targets[target]
    family = found[0].trained.recipe.target
    by_name = {name: [each for each in found if each.trained.name == name] for name in plan.trainings}
    by_name = {name: each for name, each in by_name.items() if each}
    curves = Curves(base, {name: [_seed(one) for one in each] for name, each in by_name.items()}, family)
    whole_base = whole_runs(study).folder(study.base.record.weights_digest)
    trainings = tuple(_training(study, curves, name, each, whole_base, family) for name, each in by_name.items())
    claims = [claim for claim in _claims(plan) if {claim[0], claim[1]} <= by_name.keys()]
    tests = check_claims({training.name: training.matched for training in trainings}, claims)
    card = next(iter(curves.cards.values()))
    noise = _noise(study, base.record)
    fields: dict[str, Any] = {"noise": noise}
    return TargetResult(
        target=family,
        part=base.record.suite,
        detectable=mean_minimum_detectable_difference(_CHURN, [task.n for task in card.prior_tasks.values()]),
        base_score=card.learned.score_base,
        trainings=trainings,
        claims=tests,
        agreement=count_verdicts(tests),
        predictors=predictors_of(trainings),
        **fields,
        reasons=reasons(fields, {"noise": "the second run of the base was not made"}),
    )


def _seed(found: _Found) -> Seed:
    kl: dict[int, tuple[float | None, float | None]] = {}
    drifts = found.dynamics.drift if found.dynamics and found.dynamics.drift else ()
    for drift in drifts:
        for step, run in found.runs.items():
            if run.record.checkpoint.weights_digest == drift.model.weights_digest:
                parts = (drift.target, drift.prior)
                kl[step] = tuple(None if part is None else part.forward_kl for part in parts)  # type: ignore[assignment]
    return Seed(found.trained.seed, found.runs, kl)


def _training(
    study: Study, curves: Curves, name: str, found: Sequence[_Found], whole_base: Path | None, family: str
) -> TrainingResult:
    declared = study.plan.targets[found[0].trained.target].trainings[name]
    base = read_run(whole_base) if whole_base else None
    cards = [
        (each.trained.seed, each.record.step, score_pair(base, each.whole, family))
        for each in found
        if base is not None and each.whole is not None
    ]
    fields: dict[str, Any] = {"target_perplexity": mean_over_seeds([_perplexity(each.dynamics) for each in found])}
    return TrainingResult(
        name=name,
        method=declared.method,
        title=declared.title,
        learning_rate=found[0].trained.recipe.optimisation.lr,
        settings=dict(sorted(declared.set.items())),
        made=tuple(_made(each) for each in found),
        curves=curves.seeds(name),
        matched=curves.matched(name),
        last=last_of(cards),
        **fields,
        reasons=reasons(fields, {"target_perplexity": "not measured for every seed"}),
    )


def _made(found: _Found) -> Made:
    record = found.record
    return Made(
        seed=record.seed,
        recipe=record.recipe_digest,
        examples=record.data.digest,
        note=record.data.about.note if record.data.about else "",
        steps=record.step,
        tokens=record.tokens,
        rollouts=record.rollouts,
        wall_seconds=record.wall_seconds,
        target_perplexity=_perplexity(found.dynamics),
    )


def _perplexity(dynamics: Dynamics | None) -> float | None:
    """exp(mean token NLL) of all kinds of the training data, under the base."""
    if dynamics is None:
        return None
    scores = dynamics.perplexity.values()
    tokens = sum(score.n_tokens for score in scores)
    return math.exp(sum(score.n_tokens * math.log(score.perplexity) for score in scores) / tokens)


def _noise(study: Study, base: RunRecord) -> NoiseFloor | None:
    runs = Runs(study.runs, base.suite)
    folder = runs.folder(base.checkpoint.weights_digest)
    if folder is None or not (folder / NOISE_FILE).is_file():
        return None
    floor = MeasuredNoise.model_validate_json((folder / NOISE_FILE).read_bytes())
    return NoiseFloor(
        forgotten_rate=max(task.forgotten_rate for task in floor.tasks.values()),
        outputs_differ=sum(task.outputs_differ for task in floor.tasks.values()),
    )
