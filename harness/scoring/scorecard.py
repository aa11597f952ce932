"""Scorecard: the document that says what one pair of runs showed. Field names follow metrics.md.

Rates are in [0, 1]. An absent number is null and ``reasons`` beside it says why; NaN and infinity cannot be stored.
There is no date and no time in it, and floats carry 12 significant digits, so equal inputs give equal bytes.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from harness.samples import Digest, EngineRecord, RunRecord, SuiteRecord
from harness.scoring.statistics import Verdict


def _twelve_digits(value: float) -> float:
    # Beyond this the last bits depend on the machine's vector units, and the bytes would too.
    return float(f"{value:.12g}") + 0.0


Number = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_twelve_digits)]
Rate = Annotated[Number, Field(ge=0, le=1)]
Change = Annotated[Number, Field(ge=-1, le=1)]
Count = Annotated[int, Field(ge=0)]
Interval = tuple[Number, Number]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Reasoned(_Strict):
    """A part of the document whose numbers may be absent: ``reasons`` names exactly the fields that are null."""

    reasons: dict[str, str] = {}

    @model_validator(mode="after")
    def _nulls_have_reasons(self) -> "_Reasoned":
        absent = {name for name, value in self if value is None}
        if absent != set(self.reasons):
            raise ValueError(f"null fields {sorted(absent)} and reasons {sorted(self.reasons)} differ")
        return self


class ModelIdentity(_Strict):
    """Which checkpoint answered: names are shown, ``weights_digest`` decides; ``adapter`` is how one was applied."""

    name: str
    kind: Literal["full", "adapter"]
    source: Literal["hub", "local"]
    adapter: Literal["none", "merged", "lora"]
    revision: str | None
    weights_digest: Digest

    @classmethod
    def of(cls, record: RunRecord) -> "ModelIdentity":
        checkpoint = record.checkpoint
        return cls(
            name=checkpoint.name,
            kind=checkpoint.kind,
            source=checkpoint.source,
            adapter=record.engine.adapter,
            revision=checkpoint.revision,
            weights_digest=checkpoint.weights_digest,
        )


class TaskScore(_Reasoned):
    """All metrics of one task (metrics.md, "Forgetting" and "Statistics")."""

    family: str
    group: str
    role: Literal["target", "prior"]
    n: Count
    n11: Count
    n10: Count
    n01: Count
    n00: Count
    base: Rate
    tuned: Rate
    graded_base: Rate
    graded_tuned: Rate
    delta: Change
    delta_se: Number | None
    delta_ci: Interval
    forgotten_rate: Rate
    backward_transfer: Rate
    forgotten_given_known: Rate | None
    churn: Rate
    knowledge_lost: Number
    knowledge_gained: Number
    f_true: Rate
    corrected_base: Number
    corrected_tuned: Number
    retention: Number | None
    format_loss: Rate
    content_loss: Rate
    unparsed_base: Rate
    unparsed_tuned: Rate
    truncated_base: Rate
    truncated_tuned: Rate
    mcnemar_p: Rate
    mcnemar_p_holm: Rate
    minimum_detectable_difference: Number
    verdict: Verdict | None


class TargetScore(_Reasoned):
    """Learning on the target family: means over its tasks, each task weighing the same (metrics.md, "Learning")."""

    family: str
    tasks: tuple[str, ...]
    n: Count
    score_base: Rate
    score_tuned: Rate
    gain: Change
    gain_ci: Interval
    normalised_gain: Number | None
    transfer_gain: Change | None


class GroupScore(_Reasoned):
    """One capability group of prior tasks: mean over its tasks of clip(retention, 0, 1)."""

    tasks: tuple[str, ...]
    n: Count
    retention: Rate | None
    retention_ci: Interval | None


class WorstGroup(_Strict):
    """The capability group that kept least."""

    group: str
    retention: Rate


class Alarm(_Strict):
    """Something about the answers that a reader must know before believing a number."""

    kind: Literal["below_chance", "unparsed_differs", "truncated_differs", "constant_answers", "double_bos"]
    task: str | None
    side: Literal["base", "tuned"] | None
    message: str


class Bootstrap(_Strict):
    """How the intervals were drawn."""

    resamples: Count
    seed: Count


class Scorecard(_Reasoned):
    """All metrics of one pair: a base and a tuned checkpoint, the same items, one engine."""

    schema_version: Literal[1] = 1
    base: ModelIdentity
    tuned: ModelIdentity
    suite: SuiteRecord
    engine: EngineRecord
    decoding: dict[str, str | int | float | bool]
    template_policy: Literal["shared", "native"]
    target: TargetScore
    tasks: dict[str, TaskScore]
    groups: dict[str, GroupScore]
    retention_macro: Rate | None
    retention_macro_ci: Interval | None
    worst_group: WorstGroup | None
    balance: Rate | None
    balance_ci: Interval | None
    alarms: tuple[Alarm, ...]
    margin: Rate
    bootstrap: Bootstrap
    signature: str

    def to_json(self) -> str:
        """The document as indented JSON, in field order, with a final newline: the same bytes for the same pair."""
        return self.model_dump_json(indent=2) + "\n"

    @property
    def prior_tasks(self) -> dict[str, TaskScore]:
        """Prior tasks by name, largest loss first."""
        prior = [(name, task) for name, task in self.tasks.items() if task.role == "prior"]
        return dict(sorted(prior, key=lambda entry: (entry[1].delta, entry[0])))
