"""The manifest of a submission: its author's statements, strictly typed, unknown keys refused.

Scores are never taken from here; the manifest says who made the model, how, and from what.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from harness.errors import RetentionError
from harness.records import StrictModel
from leaderboard.documents.fields import (
    Bool,
    Count,
    Digest,
    Files,
    Label,
    Name,
    Note,
    Number,
    Positive,
    SuiteName,
    SuiteVersion,
    Url,
    refuse_newer,
)
from leaderboard.documents.plain_yaml import read_plain_yaml, yaml_text

MANIFEST_FILE = "manifest.yaml"
# What a reader takes for owner/name of the hub, or for an address.
_REPOSITORY = re.compile(r"\A([A-Za-z0-9][\w.-]*/[\w.-]+|[a-z]+://.*)\Z", re.ASCII)
# What fields with a pattern expect, for error messages: the pattern itself would tell an author little.
_FORMS = {
    "handle": "an account name of letters, digits and hyphens (an e-mail address is never published)",
    "license": "an SPDX identifier such as Apache-2.0",
    "repo": "owner/name",
    "revision": "the 40 hex digits of a commit (branches and tags move)",
    "weights_digest": "64 lower-case hex digits",
    "base_run": "64 lower-case hex digits",
}


class ManifestError(RetentionError):
    """A manifest that breaks its schema; the message names the file, the field and the rule."""


class SuiteRef(StrictModel):
    """The suite and the protocol of both runs."""

    id: SuiteName
    version: SuiteVersion
    protocol: Label


class ModelRef(StrictModel):
    """An immutable model: a hub repository at a commit, or a local folder named by its digest."""

    repo: Annotated[str, Field(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9_.-]{1,96}\z")] | None = None
    revision: Annotated[str, Field(pattern=r"\A[0-9a-f]{40}\z")] | None = None
    local: Name | None = None
    weights_digest: Digest
    files: Files
    dtype: Label
    architecture: Label

    @model_validator(mode="after")
    def _one_source(self) -> ModelRef:
        if (self.repo is None) == (self.local is None):
            raise ValueError("give either repo with revision, or local")
        if (self.repo is None) != (self.revision is None):
            raise ValueError("repo needs revision: the 40 hex digits of a commit (branches and tags move)")
        if self.local is not None and _REPOSITORY.search(self.local):
            raise ValueError("local reads as a repository or an address; write repo and revision, or a name without /")
        return self

    @property
    def name(self) -> str:
        return self.repo or self.local or ""

    @property
    def link(self) -> str | None:
        """The address of the files at this commit, for a model on the hub."""
        return f"https://huggingface.co/{self.repo}/tree/{self.revision}" if self.repo else None


class AdapterRef(StrictModel):
    """A fine-tune stored as an adapter on the manifest's base."""

    adapter: ModelRef
    adapter_type: Label


class Method(StrictModel):
    """How the fine-tune was made; a field left out is shown as not disclosed.

    ``recipe`` is what its author calls all that was set before the training but the seed, such as the name of a config
    and a digest of it. Entries of one author that share it, and all that is stated here but steps and rollouts, are
    seeds of one recipe: a rule may end each training, or stop its sampling, elsewhere.
    """

    family: Literal["sft", "rft", "dpo", "sft-on-rollouts", "distill", "merge", "other"]
    algorithm: Label | None = None
    learning_rate: Positive | None = None
    steps: Count | None = None
    tokens: Count | None = None
    rollouts: Count | None = None
    kl_coefficient: Positive | None = None
    lora_rank: Count | None = None
    replay: Note | None = None
    seeds: Annotated[list[Count], Field(max_length=32)] | None = None
    recipe: Label | None = None
    code: Url | None = None
    summary: Note | None = None


class TrainingData(StrictModel):
    """One data set the fine-tune saw, and whether it overlaps the suite."""

    id: Note
    revision: Label | None = None
    role: Label
    license: Note
    overlap_with_suite: Literal["none", "train-split", "test", "unknown"]


class Selection(StrictModel):
    """How many checkpoints were evaluated before this one was submitted, and how it was chosen."""

    attempts_evaluated: Annotated[Count, Field(ge=1)]
    chosen_by: Note


class Contact(StrictModel):
    """The contact for questions: an account name, never an e-mail address."""

    handle: Annotated[str, Field(pattern=r"\A[A-Za-z0-9][A-Za-z0-9-]{0,38}\z")]


def _tuned_kind(value: Any) -> str:
    return "adapter" if isinstance(value, AdapterRef) or (isinstance(value, dict) and "adapter" in value) else "full"


class Manifest(StrictModel):
    """``manifest.yaml``: one submission as stated by its author.

    ``base_run`` names the run of the base that the fine-tune was evaluated with
    (:func:`leaderboard.documents.base_run_id`); without it, it is the first one of this base on the suite.
    """

    schema_: Annotated[Literal["retentionbench-manifest-1"], Field(alias="schema")]
    suite: SuiteRef
    track: Literal["standard", "custom"]
    base: ModelRef
    base_run: Digest | None = None
    tuned: Annotated[
        Annotated[ModelRef, Tag("full")] | Annotated[AdapterRef, Tag("adapter")], Discriminator(_tuned_kind)
    ]
    target: Label
    method: Method
    training_data: Annotated[list[TrainingData], Field(max_length=50)]
    selection: Selection
    license: Annotated[str, Field(pattern=r"\A[A-Za-z0-9][A-Za-z0-9.+-]{0,63}\z")]
    contact: Contact
    references: Annotated[list[Url], Field(max_length=5)] = []
    consent: Bool
    claims: Annotated[dict[Label, Number], Field(max_length=50)] | None = None

    @model_validator(mode="after")
    def _consented(self) -> Manifest:
        if not self.consent:
            raise ValueError("consent must be true: the stored outputs are published with the entry")
        return self

    @property
    def tuned_model(self) -> ModelRef:
        return self.tuned.adapter if isinstance(self.tuned, AdapterRef) else self.tuned


def read_manifest(path: Path) -> Manifest:
    """Read and check one manifest file."""
    return parse_manifest(read_plain_yaml(path), str(path))


def parse_manifest(document: object, name: str) -> Manifest:
    """Check a document against the schema; ``name`` says where it came from in an error."""
    if not isinstance(document, dict):
        raise ManifestError(f"{name}: not a mapping of fields")
    try:
        refuse_newer(document, "manifest", name)
    except RetentionError as error:
        raise ManifestError(str(error)) from error
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        # Under `tuned` pydantic names the kind of reference too, which is not a field of the file.
        place = [part for at, part in enumerate(first["loc"]) if not (at == 1 and first["loc"][0] == "tuned")]
        field = ".".join(map(str, place)) or "document"
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "string_pattern_mismatch":
            message = f"write {_FORMS.get(str(first['loc'][-1]), 'letters, digits and . _ + / - without spaces')}"
        raise ManifestError(f"{name}: {field}: {message}") from error


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write ``manifest`` as YAML that :func:`read_manifest` reads back to an equal object."""
    document = manifest.model_dump(mode="json", by_alias=True, exclude_none=True)
    path.write_text(yaml_text(document), "utf-8")
