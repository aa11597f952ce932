"""Plans: what a study trains and evaluates, declared before anything runs, strictly typed, read from one YAML file.

``quick`` in the file overrides the rest, key by key, for the short form of the study; null removes a key.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from harness.engines import Dtype
from harness.errors import RetentionError, first_problem
from harness.records import StrictModel
from harness.training import LEARNT_FROM, METHODS, Method, Name

Scalar = str | int | float | bool | None
Role = Literal["study", "sweep"]
AboveZero = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class PlanError(RetentionError):
    """A plan that breaks its schema; the message names the file, the field and the rule."""


class Policy(StrictModel):
    """The policy whose samples a training learns from: ``training`` is one of the same target and seed, or "base".

    ``checkpoint`` counts that training's saved checkpoints from 1; negative numbers count from its end. ``set`` are
    overrides of the recipe of ``rollouts``.
    """

    training: str
    checkpoint: int = -1
    set: dict[str, Scalar] = {}

    @model_validator(mode="after")
    def _counted_from_one(self) -> "Policy":
        if self.checkpoint == 0:
            raise ValueError("checkpoint counts from 1, or from the end with -1")
        return self


class Training(StrictModel):
    """One method of the study with its settings, trained once per seed. ``set`` overrides the recipe."""

    method: Method
    title: str
    set: dict[str, Scalar] = {}
    policy: Policy | None = None

    @model_validator(mode="after")
    def _policy_where_needed(self) -> "Training":
        if (self.policy is not None) != (self.method in LEARNT_FROM):
            needs = "needs" if self.method in LEARNT_FROM else "does not take"
            raise ValueError(f"method {self.method} {needs} a policy")
        if self.method == "rollouts":
            choices = ", ".join(method for method in METHODS if method != "rollouts")
            raise ValueError(f"rollouts is not a training; choose one of {choices}")
        return self


class Claim(StrictModel):
    """A published claim to test: ``keeps`` retains more than each of ``than`` at the same gain."""

    keeps: str
    than: Annotated[tuple[str, ...], Field(min_length=1)]
    source: str


class Target(StrictModel):
    """What is trained for one target family: a config of ``retention train``, the trainings, and the claims tested.

    ``part`` overrides the plan's number of items per task.
    """

    config: str
    trainings: Annotated[dict[Name, Training], Field(min_length=1)]
    claims: tuple[Claim, ...] = ()
    part: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _names_are_known(self) -> "Target":
        for name, training in self.trainings.items():
            policy = training.policy
            if policy is None or policy.training == "base":
                continue
            if policy.training not in self.trainings:
                raise ValueError(f"trainings.{name}: its policy is {policy.training}, which is not a training here")
            if self.trainings[policy.training].policy is not None:
                raise ValueError(f"trainings.{name}: its policy {policy.training} learns from rollouts itself")
        for claim in self.claims:
            if unknown := {claim.keeps, *claim.than} - set(self.trainings):
                raise ValueError(f"claims: {sorted(unknown)[0]} is not a training here")
        return self


class Prior(StrictModel):
    """What `--power` supposes of the prior tasks: ``above_chance`` is the base's mean score on them less its guess
    rate, ``churn`` the share of answers that change their outcome between base and checkpoint."""

    above_chance: Annotated[float, Field(gt=0, le=1)]
    churn: Annotated[float, Field(gt=0, le=1)]


class Compute(StrictModel):
    """What GPU hours are estimated from before anything has run.

    ``parameters`` count the base's, ``prompt_tokens`` those of a question with its pictures, ``bare_tokens`` and
    ``worked_tokens`` those of an answer without and with its working. ``flops`` is the device's peak per second for
    dense bfloat16, ``training`` and ``sampling`` the shares of it that are reached, and ``start_seconds`` what a step
    takes before its work.
    """

    device: str
    count: Annotated[int, Field(ge=1)]
    flops: AboveZero
    training: Annotated[float, Field(gt=0, le=1)]
    sampling: Annotated[float, Field(gt=0, le=1)]
    start_seconds: Annotated[float, Field(ge=0)]
    parameters: Annotated[int, Field(ge=1)]
    prompt_tokens: Annotated[int, Field(ge=1)]
    bare_tokens: Annotated[int, Field(ge=1)]
    worked_tokens: Annotated[int, Field(ge=1)]


class Plan(StrictModel):
    """A complete study.

    Checkpoints during training are evaluated on ``part`` items of each task, the last ones on ``whole`` items (None:
    the full suite). ``engine`` and ``dtype`` apply to all (None: the default of `retention evaluate`). ``drift`` limits
    the items of each task whose divergence is measured; ``seconds`` has typical durations of a step of each kind, to
    estimate the time left until one has been timed. ``compute`` is what `--dry-run` estimates GPU hours from, ``prior``
    what `--power` needs where a base does not know nearly all that it is asked.
    ``accelerate`` is a file of several devices that every training runs on, a shipped one (gpus, zero2, zero3) or a
    path; all else runs on one device. ``kept`` is the seed whose last checkpoints are kept as deltas of their base, to
    be shipped with the project: what is restored from them answers the whole suite too, and makes that seed's entries.
    """

    name: Name
    title: str
    base: str
    suite: Name
    part: Annotated[int, Field(ge=1)]
    whole: Annotated[int, Field(ge=1)] | None = None
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    targets: Annotated[dict[Name, Target], Field(min_length=1)]
    engine: str | None = None
    dtype: Dtype | None = None
    drift: Annotated[int, Field(ge=1)] | None = None
    seconds: dict[str, float] = {}
    compute: Compute | None = None
    prior: Prior | None = None
    accelerate: str | None = None
    kept: int | None = None
    quick: bool = False

    @model_validator(mode="after")
    def _kept_is_a_seed(self) -> "Plan":
        if self.kept is not None and self.kept not in self.seeds:
            raise ValueError(f"kept: {self.kept} is none of the seeds")
        return self

    def with_images(self, folder: str) -> "Plan":
        """The plan with the folder of pictures that jigsaws of its trainings and its policies' samples are cut from."""
        place = str(Path(folder).expanduser().absolute())
        document = self.model_dump()
        for target in document["targets"].values():
            for training in target["trainings"].values():
                policy = training["policy"]
                for holder in (training, policy) if policy else (training,):
                    holder["set"]["data.folder"] = place
        return Plan.model_validate(document)


def plans_root() -> Path:
    """The folder of the shipped plans."""
    return Path(__file__).parent / "plans"


def plan_names() -> list[str]:
    """The shipped plans, by name."""
    return sorted(path.stem for path in plans_root().glob("*.yaml"))


def load_plan(reference: str, *, quick: bool = False) -> Plan:
    """A shipped plan by its name, or a user's YAML file; raises ``PlanError`` naming the file and the field."""
    path = plans_root() / f"{reference}.yaml" if reference in plan_names() else Path(reference).expanduser()
    if path.suffix not in (".yaml", ".yml") or not path.is_file():
        raise PlanError(f"{reference}: unknown study; there are {', '.join(plan_names())}, or give a .yaml file")
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PlanError(f"{path}: not valid YAML ({' '.join(str(error).split())[:160]})") from error
    if not isinstance(document, dict):
        raise PlanError(f"{path}: not a mapping of fields")
    shorter = document.pop("quick", None)
    if quick:
        if not isinstance(shorter, dict):
            raise PlanError(f"{path}: quick: this study has no short form")
        document = {**_laid_over(document, shorter), "quick": True}
    try:
        return Plan.model_validate(document)
    except ValidationError as error:
        raise PlanError(f"{path}: {first_problem(error)}") from error


def _laid_over(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, value in over.items():
        before = found.get(key)
        if value is None:
            found.pop(key, None)
        elif isinstance(before, Mapping) and isinstance(value, Mapping):
            found[key] = _laid_over(before, value)
        else:
            found[key] = value
    return found
