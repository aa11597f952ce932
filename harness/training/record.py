"""The training record of a checkpoint: how it was made, complete enough to repeat, and the fields of a submission.

It does not identify the machine: paths are reduced to their last component, and contents are identified by digests.
"""

import json
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from harness.errors import RetentionError, first_problem
from harness.records import Digest, StrictModel
from harness.training.dataset import About, ExampleSet
from harness.training.recipe import Method, Recipe, seedless_name, source_reference

RECORD_FILE = "training_record.json"
# Called with a phase, the steps done and the total.
Progress = Callable[[str, int, int], None]

_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "numpy", "vllm")
Amount = Annotated[int, Field(ge=0)]
# The methods' names in a submission's manifest (leaderboard.documents.manifest.Method.family).
_FAMILIES: dict[Method, str] = {
    "sft": "sft",
    "replay-sft": "sft",
    "rft": "rft",
    "rollout-sft": "sft-on-rollouts",
    "simulated-rollout-sft": "sft-on-rollouts",
    "self-sft": "sft-on-rollouts",
}
# Licences of the published training sets; generated data has the project's own. That of pictures in a user's folder is
# not known here.
_LICENCES = {"gsm8k": "MIT"}
_OWN_LICENCE = "Apache-2.0"
_OWN_PICTURES = "jigsaw-"
_ALGORITHMS: dict[Method, str] = {
    "sft": "SFT",
    "replay-sft": "SFT-with-replay",
    "rft": "GRPO",
    "rollout-sft": "SFT-on-RFT-rollouts",
    "simulated-rollout-sft": "SFT-on-simulated-rollouts",
    "self-sft": "SFT-on-own-samples",
}


class RecordError(RetentionError):
    """A training record that is missing or malformed."""


class BaseModelRecord(StrictModel):
    """The checkpoint that was trained: its name and the digest of its files."""

    name: str
    weights_digest: Digest


class DataRecord(StrictModel):
    """The training data. ``dropped_long`` counts examples over ``optimisation.max_tokens``, which were left out;
    ``about`` is the ``about.json`` of a written set."""

    source: str
    digest: Digest
    examples: Amount
    dropped_long: Amount = 0
    about: About | None = None

    @classmethod
    def of(cls, source: str, examples: ExampleSet, about: About | None = None) -> "DataRecord":
        """The record of ``examples``, none of them left out."""
        return cls(source=source, digest=examples.digest, examples=len(examples), about=about)


class TrainingRecord(StrictModel):
    """``training_record.json``: one training up to ``step``.

    ``curve`` has a row per step: "step", and the trainer's metrics ("loss", "lr", "reward", "kl", ...). ``tokens``
    counts all input tokens, ``target_tokens`` those included in the loss, ``rollouts`` the sampled completions (rft).
    ``submission`` is what `retention submit prepare --training` takes from it. ``wall_seconds`` adds up all processes,
    a killed one up to its last saved state.
    """

    schema_version: Literal[1] = 1
    method: Method
    recipe: dict[str, Any]
    recipe_digest: Digest
    base: BaseModelRecord
    data: DataRecord
    replay: DataRecord | None = None
    seed: int
    step: Amount
    tokens: Amount
    target_tokens: Amount
    rollouts: Amount = 0
    parameters: Amount
    trained_parameters: Amount
    curve: tuple[dict[str, float], ...]
    wall_seconds: Annotated[float, Field(ge=0)]
    device: str
    threads: Amount
    processes: Annotated[int, Field(ge=1)] = 1
    versions: dict[str, str]
    submission: dict[str, Any] = {}

    def method_fields(self) -> dict[str, Any]:
        """The applicable fields of a submission's ``method`` (leaderboard.documents.manifest.Method)."""
        optimisation, adapter, rft = (self.recipe[name] for name in ("optimisation", "adapter", "rft"))
        sampled = self.rollouts or (self.data.about.sampled if self.data.about else None)
        fields = {
            "family": _FAMILIES[self.method],
            "algorithm": _ALGORITHMS[self.method],
            "learning_rate": optimisation["lr"],
            "steps": self.step,
            "tokens": self.tokens,
            "rollouts": sampled,
            "kl_coefficient": rft["kl"] if rft else None,
            "lora_rank": adapter["rank"] if adapter else None,
            "replay": self._replay_note(),
            "seeds": [self.seed],
            "recipe": self._recipe_name(),
            "summary": self._summary(),
        }
        return {name: value for name, value in fields.items() if value is not None}

    def training_data(self) -> list[dict[str, str]]:
        """The entries of a submission's ``training_data`` whose licence is known here."""
        about, replay = self.data.about, self.recipe["replay"]
        # What was sampled is neither form of its source, and reinforcement reads no targets.
        form = "bare" if about or self.method == "rft" else self.recipe["data"]["form"]
        train = (about.source if about else self.data.source, form)
        sources = [(*train, "train")]
        if replay is not None:
            sources.append((replay["source"], replay["form"], "replay"))
        return [
            {
                "id": source_reference(source, form),
                "role": role,
                "license": _LICENCES.get(source, _OWN_LICENCE),
                "overlap_with_suite": "train-split",
            }
            for source, form, role in sources
            if not source.startswith(_OWN_PICTURES)
        ]

    def of_a_step(self) -> "TrainingRecord":
        """The record of a checkpoint along the way: as a seed of the recipe only the last one is submitted."""
        method = {name: value for name, value in self.submission["method"].items() if name != "recipe"}
        return self.model_copy(update={"submission": {**self.submission, "method": method}})

    def _recipe_name(self) -> str | None:
        """None where nothing says which sets that were sampled differ in their seed alone."""
        about = self.data.about
        if about is None:
            return seedless_name(self.recipe)
        return None if about.recipe is None else seedless_name(self.recipe, about.recipe)

    def _replay_note(self) -> str | None:
        replay = self.recipe["replay"]
        return f"{100 * replay['share']:.0f} % of each batch from {replay['source']}" if replay else None

    def _summary(self) -> str:
        optimisation, rft = self.recipe["optimisation"], self.recipe["rft"]
        size = (
            f"{rft['prompts']} prompts x {rft['group']} completions"
            if rft
            else f"{optimisation['batch']} examples a step"
        )
        about = self.data.about
        origin = f", targets sampled from {about.policy}" if about and about.policy else ""
        place = f"step {self.step} of {optimisation['steps']}"
        return (
            f"Recipe {self.recipe['name']} of this project, {self.method}: {place}, {size}, "
            f"data {self.data.source}{origin}, seed {self.seed}; recipe digest {self.recipe_digest[:12]}."
        )


def record_of(recipe: Recipe, base: BaseModelRecord, data: DataRecord, **measured: Any) -> TrainingRecord:
    """The record of a training by ``recipe``; ``measured`` are the fields that only the training knows."""
    record = TrainingRecord(
        method=recipe.method,
        recipe=recipe.published(),
        recipe_digest=recipe.digest,
        base=base,
        data=data,
        seed=recipe.seed,
        versions=versions(),
        **measured,
    )
    stated = {"target": recipe.target, "method": record.method_fields(), "training_data": record.training_data()}
    return record.model_copy(update={"submission": stated})


def write_record(folder: Path, record: TrainingRecord) -> None:
    """Write ``training_record.json`` into ``folder``."""
    text = json.dumps(record.model_dump(mode="json"), indent=2, sort_keys=True, allow_nan=False) + "\n"
    partial = folder / f"{RECORD_FILE}.partial"
    partial.write_text(text, encoding="utf-8")
    partial.replace(folder / RECORD_FILE)


def read_record(folder: Path) -> TrainingRecord:
    """Read ``training_record.json`` of ``folder``; ``RecordError`` names the file and the field."""
    path = folder / RECORD_FILE
    try:
        return TrainingRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RecordError(f"{path}: missing; give the folder of a training, or one of its step folders") from error
    except ValidationError as error:
        raise RecordError(f"{path}: {first_problem(error)}") from error


def versions(names: tuple[str, ...] = _PACKAGES) -> Mapping[str, str]:
    """Versions of those packages that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
