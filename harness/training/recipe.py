"""Recipes: everything that determines a training, strictly typed, read from one YAML file per setting.

A config file has what all methods of a setting share, and under ``methods`` what differs::

    name: nano-jigsaw
    base: nano:base
    target: jigsaw
    suite: nano-1
    data: {source: nano-jigsaw, count: 6400, seed: 1}
    optimisation: {steps: 200, batch: 32, lr: 3.0e-4}
    checkpoints: {count: 8}
    methods:
      sft: {}
      replay-sft: {replay: {share: 0.5, source: nano-prior, count: 6400}}
      rft: {optimisation: {batch: null}, rft: {prompts: 12, group: 12, kl: 0.05}}
      rollouts: {rollouts: {per_item: 4}}

:func:`load_recipe` merges the method's part into the shared one, key by key, and then ``--set`` overrides
(``optimisation.lr=1e-4``); null removes a shared value or section. The result is one :class:`Recipe`, whose digest,
with the weights digest of its base and the digest of its examples, identifies a training.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import Field, ValidationError, model_validator

from harness.errors import RetentionError, first_problem
from harness.items import canonical_json
from harness.records import StrictModel

Method = Literal["sft", "rft", "rollouts", "rollout-sft", "simulated-rollout-sft", "self-sft", "replay-sft"]
DataForm = Literal["bare", "worked", "other"]
DATA_FORMS: tuple[DataForm, ...] = get_args(DataForm)
METHODS: tuple[Method, ...] = get_args(Method)
# Methods that learn from a set of examples written by `rollouts`, and the kind of example each needs.
LEARNT_FROM: dict[str, str] = {
    "rollout-sft": "rollout",
    "simulated-rollout-sft": "simulated",
    "self-sft": "self",
}

Share = Annotated[float, Field(ge=0, le=1)]
AboveZero = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(pattern=r"\A[a-z0-9][a-z0-9._-]{0,63}\z")]


class RecipeError(RetentionError):
    """A config or an override that breaks the schema; the message names the file, the field and the rule."""


class Data(StrictModel):
    """The training data: a named source of ``harness.training.generators``, or a folder written by ``rollouts``.

    The target is the bare answer for ``form`` "bare", and includes the source's working for "worked"; "other" is a
    working in the words of another teacher, which the targets of nano-2 and puzzles with a thought have. ``count`` of
    None takes all that the source has. ``folder`` has the pictures of a jigsaw.
    """

    source: Name | None = None
    examples: str | None = None
    form: DataForm = "bare"
    count: Count | None = None
    seed: int = 0
    folder: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "Data":
        if (self.source is None) == (self.examples is None):
            raise ValueError(
                "give either source (a named generator) or examples (a folder that `retention train rollouts` wrote; "
                "--data)"
            )
        return self


class Optimisation(StrictModel):
    """AdamW on ``batch`` examples per step (for rft ``rft.prompts`` x ``rft.group`` completions, and no batch here).

    ``micro_batch`` examples are on a device at once (None: all of them); ``warmup`` counts steps, ``decay_share`` is
    the last part of the steps, in which "trapezoid" decays linearly. ``dtype`` is that of the computation, of sampling
    rollouts too: if all weights are trained, they and the optimiser's state stay float32. ``max_tokens`` is the longest
    target: examples with longer ones are left out and counted. ``threads`` is for a CPU; two were slower than one at
    nano size. ``workers`` are processes that prepare batches ahead (0: the trainer itself).
    """

    steps: Count
    batch: Count | None = None
    micro_batch: Count | None = None
    lr: AboveZero
    warmup: Annotated[int, Field(ge=0)] = 0
    schedule: Literal["constant", "linear", "cosine", "trapezoid"] = "constant"
    decay_share: Share = 0.4
    weight_decay: NotNegative = 0.0
    betas: tuple[Share, Share] = (0.9, 0.999)
    max_grad_norm: AboveZero = 1.0
    dtype: Literal["float32", "bfloat16"] = "float32"
    max_tokens: Count | None = None
    gradient_checkpointing: bool = False
    threads: Count = 1
    workers: Annotated[int, Field(ge=0)] = 0


class Adapter(StrictModel):
    """LoRA; ``target_modules`` is a list of module names or one regular expression over whole names."""

    rank: Count
    alpha: AboveZero
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    target_modules: tuple[str, ...] | str = "all-linear"


class Replay(StrictModel):
    """``share`` of every batch are examples of prior tasks, drawn from the named source."""

    share: Annotated[float, Field(gt=0, lt=1)]
    source: Name
    form: Literal["bare", "worked"] = "worked"
    count: Count | None = None
    seed: int = 0


class Stop(StrictModel):
    """When a training by reinforcement has learnt its target: the mean over ``over`` steps of the share of completions
    that are exact reaches ``exact``. Each item is sampled before the policy is trained on it, and once, so that these
    are development items; none is of a suite."""

    exact: Annotated[float, Field(gt=0, le=1)]
    over: Count = 5


class Rft(StrictModel):
    """GRPO (arXiv 2402.03300): a step samples ``group`` completions of each of ``prompts`` prompts.

    ``kl`` is the coefficient of the KL penalty against the base, ``scale_rewards`` says over what advantages are
    divided by their standard deviation ("none": not divided), ``epsilon`` is the clipping range, ``iterations`` the
    number of updates per sample. ``rewards`` are the weights of the terms: share of right positions, exact answer,
    answer format. ``generation`` is the sampler: transformers, or vLLM on the trainer's GPUs. With ``share_prompts`` a
    prompt is processed once for all completions of its group (:mod:`harness.training.shared_prompts`). ``stop`` ends
    the training where there is nothing left to learn but the form of its answers; the checkpoints of later steps are
    then those of that step.
    """

    prompts: Count
    group: Annotated[int, Field(ge=2)]
    temperature: AboveZero = 1.0
    max_tokens: Count = 64
    kl: NotNegative = 0.0
    scale_rewards: Literal["group", "batch", "none"] = "group"
    epsilon: AboveZero = 0.2
    iterations: Count = 1
    loss: Literal["grpo", "bnpo", "dr_grpo", "dapo"] = "dapo"
    rewards: dict[Literal["hits", "exact", "format"], NotNegative] = {"hits": 1.0, "exact": 1.0, "format": 1.0}
    generation: Literal["transformers", "vllm"] = "transformers"
    share_prompts: bool = False
    stop: Stop | None = None

    @model_validator(mode="after")
    def _stops_by_a_reward(self) -> "Rft":
        if self.stop is not None and not self.rewards.get("exact"):
            raise ValueError("stop: goes by the exact answers, which rewards gives no weight")
        return self


class Rollouts(StrictModel):
    """Sampling a policy on training items and keeping the correct samples.

    ``policy`` is a checkpoint as ``open_checkpoint`` takes it (None: the recipe's base). ``kind`` "rollout" keeps the
    correct samples of a trained policy, "self" those of the initial base, "simulated" joins the wording of an early
    policy with the gold answer. Each item is sampled ``per_item`` times; at most ``keep_per_item`` distinct texts per
    item, and ``keep`` in all, are kept.
    """

    policy: str | None = None
    kind: Literal["rollout", "simulated", "self"] = "rollout"
    per_item: Count = 1
    keep_per_item: Count = 1
    keep: Count | None = None
    temperature: AboveZero = 1.0
    max_tokens: Count = 64
    seed: int = 0
    engine: str | None = None
    batch: Count = 64


class Checkpoints(StrictModel):
    """When checkpoints are saved during training: ``count`` times, the last at the end.

    "even" saves at equal intervals; "early" at steps * (k / count)^2, more often while the model changes fast. Every
    ``resume_every`` steps the trainer's state is saved in addition; it is deleted at the end.
    """

    count: Annotated[int, Field(ge=5)] = 8
    spacing: Literal["even", "early"] = "even"
    resume_every: Count | None = None


class Recipe(StrictModel):
    """The recipe of one training: ``base`` as ``open_checkpoint`` takes it, ``target`` a family of ``suite``."""

    name: Name
    method: Method
    base: str
    target: Name
    suite: Name
    data: Data
    optimisation: Optimisation
    adapter: Adapter | None = None
    replay: Replay | None = None
    rft: Rft | None = None
    rollouts: Rollouts | None = None
    checkpoints: Checkpoints = Checkpoints()
    seed: int = 0

    @model_validator(mode="after")
    def _complete(self) -> "Recipe":
        for section, method in (("rft", "rft"), ("rollouts", "rollouts"), ("replay", "replay-sft")):
            if (getattr(self, section) is not None) != (self.method == method):
                state = "needs" if self.method == method else "does not take"
                raise ValueError(f"method {self.method} {state} a section {section}")
        if (self.optimisation.batch is None) != (self.method == "rft"):
            says = "counts its batch by rft.prompts and rft.group" if self.method == "rft" else "needs a batch"
            raise ValueError(f"optimisation.batch: method {self.method} {says}")
        if self.method in LEARNT_FROM and self.data.examples is None:
            raise ValueError(
                f"method {self.method} learns from a folder of {LEARNT_FROM[self.method]} examples; write one with "
                "`retention train rollouts` and give it with --data"
            )
        if self.replay is not None and not 0 < self.replayed_rows < self.batch:
            raise ValueError(f"replay.share {self.replay.share} of a batch of {self.batch} rounds to no or all rows")
        return self

    @property
    def batch(self) -> int:
        """Examples per step; for rft, completions per step."""
        if self.rft is not None:
            return self.rft.prompts * self.rft.group
        assert self.optimisation.batch is not None, "checked when the recipe is made"
        return self.optimisation.batch

    @property
    def replayed_rows(self) -> int:
        """Rows of each batch that are of prior tasks."""
        return round(self.batch * self.replay.share) if self.replay else 0

    @property
    def saved_steps(self) -> tuple[int, ...]:
        """The steps after which a checkpoint is kept, ascending; may be fewer than ``checkpoints.count``."""
        steps, count = self.optimisation.steps, self.checkpoints.count
        power = 2 if self.checkpoints.spacing == "early" else 1
        return tuple(sorted({max(1, round(steps * (k / count) ** power)) for k in range(1, count + 1)}))

    @property
    def digest(self) -> str:
        """sha256 hex over all fields except paths (base, folders, policy), whose contents have their own digests in the
        training record."""
        kept = _without(self.model_dump(mode="json"), _PLACES)
        # A recipe without a stop is the one that it was before there were any.
        if kept["rft"] and kept["rft"]["stop"] is None:
            kept["rft"].pop("stop")
        return _digest(kept)

    def published(self) -> dict[str, Any]:
        """The fields with local paths reduced to their last component, so that a record does not reveal them."""
        document = self.model_dump(mode="json")
        for path in _PLACES:
            section, _, field = path.rpartition(".")
            holder = document.get(section) if section else document
            if holder and holder.get(field) and Path(holder[field]).expanduser().is_absolute():
                holder[field] = Path(holder[field]).name
        return document


def seedless_name(published: Mapping[str, Any], *made_from: str) -> str:
    """What trainings of one recipe with different seeds share: its name, and 12 digits of a digest of all that it sets
    but the seed, places, and how a machine goes about it.

    ``published`` are its fields as in a training record, ``made_from`` names what it learns from was made by.
    """
    fields = _without(published, (*_PLACES, *_MACHINE, "seed"))
    # What is not set changes nothing, so that a field that recipes get later renames none.
    stated = {
        name: {key: each for key, each in value.items() if each is not None} if isinstance(value, dict) else value
        for name, value in fields.items()
        if value is not None
    }
    return f"{published['name']}-{_digest([stated, *made_from])[:12]}"


def source_reference(source: str, form: str) -> str:
    """A named source with the form of its targets, as ``retention dynamics --train`` takes it: NAME, or NAME/FORM."""
    return source if form == "bare" else f"{source}/{form}"


_PLACES = ("base", "data.examples", "data.folder", "rollouts.policy")
_MACHINE = ("optimisation.threads", "optimisation.workers", "optimisation.micro_batch",
            "optimisation.gradient_checkpointing", "checkpoints.resume_every")  # fmt: skip


def _digest(content: Any) -> str:
    return hashlib.sha256(canonical_json(content)).hexdigest()


def _without(document: Mapping[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    kept = {name: dict(value) if isinstance(value, dict) else value for name, value in document.items()}
    for path in paths:
        section, _, field = path.rpartition(".")
        holder = kept.get(section) if section else kept
        if isinstance(holder, dict):
            holder.pop(field, None)
    return kept


def configs_root() -> Path:
    """The folder of the shipped configs."""
    return Path(__file__).parent / "configs"


def accelerate_file(reference: str) -> Path:
    """A shipped accelerate file by its name (gpus, zero2, zero3), or a user's YAML file; raises ``RecipeError``."""
    shipped = {path.stem: path for path in sorted((configs_root() / "accelerate").glob("*.yaml"))}
    path = shipped.get(reference, Path(reference).expanduser().absolute())
    if path.suffix not in (".yaml", ".yml") or not path.is_file():
        raise RecipeError(f"{reference}: no accelerate file; there are {', '.join(shipped)}, or give a .yaml file")
    return path


def config_names() -> list[str]:
    """The shipped settings, by name."""
    return sorted(path.stem for path in configs_root().glob("*.yaml"))


def load_recipe(
    reference: str | Path,
    method: str,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    *,
    seed: int | None = None,
) -> Recipe:
    """The recipe of ``method`` in a shipped config (its name) or a user's own (a path to a YAML file).

    ``overrides`` are ``a.b=value`` texts, the value written as in YAML, or a mapping of dotted names to values.
    Raises ``RecipeError`` naming the file and the field.
    """
    path = _config_path(str(reference))
    document = _read(path)
    methods = document.pop("methods", {})
    if method not in METHODS:
        raise RecipeError(f"{method}: unknown method; there are {', '.join(METHODS)}")
    if not isinstance(methods, dict) or method not in methods:
        raise RecipeError(f"{path}: methods: {method} is missing; add it, or choose one of {', '.join(methods)}")
    document = _merged(document, {"method": method, **(methods[method] or {})})
    for name, value in _pairs(overrides):
        document = _merged(document, _nested(name, value))
    if seed is not None:
        document["seed"] = seed
    try:
        return Recipe.model_validate({name: value for name, value in document.items() if value is not None})
    except ValidationError as error:
        raise RecipeError(f"{path}: methods.{method}: {first_problem(error)}") from error


def _config_path(reference: str) -> Path:
    if reference in config_names():
        return configs_root() / f"{reference}.yaml"
    own = Path(reference).expanduser()
    if own.suffix in (".yaml", ".yml") and own.is_file():
        return own
    raise RecipeError(f"{reference}: unknown config; there are {', '.join(config_names())}, or give a .yaml file")


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: not valid YAML ({' '.join(str(error).split())[:160]})") from error
    if not isinstance(document, dict):
        raise RecipeError(f"{path}: not a mapping of fields")
    return document


def _pairs(overrides: Mapping[str, Any] | Sequence[str]) -> list[tuple[str, Any]]:
    if isinstance(overrides, Mapping):
        return list(overrides.items())
    pairs = []
    for text in overrides:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise RecipeError(f"--set {text}: write FIELD=VALUE, for example optimisation.lr=1e-4")
        try:
            pairs.append((name, yaml.safe_load(value)))
        except yaml.YAMLError as error:
            raise RecipeError(f"--set {text}: {value} is not a YAML value") from error
    return pairs


def _nested(name: str, value: Any) -> dict[str, Any]:
    head, _, rest = name.partition(".")
    return {head: _nested(rest, value) if rest else value}


def _merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` on top of ``base``: mappings key by key, everything else replaced."""
    merged = dict(base)
    for name, value in over.items():
        before = merged.get(name)
        merged[name] = _merged(before, value) if isinstance(before, dict) and isinstance(value, Mapping) else value
    return merged
