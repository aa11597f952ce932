"""Scorecard: the document that says what one pair of runs showed. METRICS.md says what each number means.

``schema_version`` is that of the scorer: 2 since its statistics are of clusters and retention is one-sided without a
clip. Cards of version 1 are read (``harness.scoring.version1``); their numbers are those of the scorer that wrote them.

Rates are in [0, 1]. An absent number is null and ``reasons`` beside it says why; NaN and infinity cannot be stored.
There is no date and no time in it, and floats carry 12 significant digits, so equal inputs give equal bytes.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from harness.records import Digest, EngineRecord, Form, RunRecord, StrictModel, SuiteRecord, TableRecord
from harness.scoring.statistics import Verdict
from harness.scoring.version1 import upgrade

if TYPE_CHECKING:
    import pandas as pd


def _twelve_digits(value: float) -> float:
    # Beyond this the last bits depend on the machine's vector units, and the bytes would too.
    return float(f"{value:.12g}") + 0.0


def _rounded(value: float) -> float:
    # What is 0 but for rounding is 0.
    return 0.0 if abs(value) < 1e-12 else _twelve_digits(value)


Number = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_rounded)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), AfterValidator(_twelve_digits)]
Rate = Annotated[Number, Field(ge=0, le=1)]
Change = Annotated[Number, Field(ge=-1, le=1)]
Count = Annotated[int, Field(ge=0)]
Interval = tuple[Number, Number]


class Strict(StrictModel):
    """A part of a document: no field beyond those named, and all of them written."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Reasoned(Strict):
    """A part of the document whose numbers may be absent: ``reasons`` names exactly the fields that are null."""

    reasons: dict[str, str] = {}

    @model_validator(mode="after")
    def _nulls_have_reasons(self) -> "Reasoned":
        absent = {name for name, value in vars(self).items() if value is None}
        if absent != set(self.reasons):
            raise ValueError(f"null fields {sorted(absent)} and reasons {sorted(self.reasons)} differ")
        return self


class ModelIdentity(Strict):
    """Which checkpoint answered: names are shown, ``weights_digest`` decides; ``adapter`` is how one was applied.

    Of a bare table only its name and bytes are known: the other fields are null.
    """

    name: str
    source: Literal["hub", "local", Form]
    samples_sha256: Digest
    kind: Literal["full", "adapter"] | None = None
    adapter: Literal["none", "merged", "lora"] | None = None
    revision: str | None = None
    weights_digest: Digest | None = None

    @classmethod
    def of(cls, record: RunRecord | TableRecord) -> "ModelIdentity":
        if isinstance(record, TableRecord):
            return cls(name=record.name, source=record.form, samples_sha256=record.samples_sha256)
        checkpoint = record.checkpoint
        return cls(
            name=checkpoint.name,
            source=checkpoint.source,
            samples_sha256=record.samples_sha256,
            kind=checkpoint.kind,
            adapter=record.engine.adapter,
            revision=checkpoint.revision,
            weights_digest=checkpoint.weights_digest,
        )


class Provenance(Strict):
    """Whether suite, engine, template, decoding and prompts of both sides were checked to be the same, and what was
    assumed where they could not be; where they were, what of the tuned checkpoint the base's took the place of, and
    whether the base run does not state its conditions."""

    checked: bool
    notes: tuple[str, ...]


Role = Literal["target", "transfer", "adjacent", "prior"]


class PassAt(Reasoned):
    """pass@k of sampled answers: the chance that one of ``k`` answers to an item at least is correct, over the items.

    pass@1 is the mean, and the interval of its change that of delta.
    """

    k: Annotated[int, Field(ge=1)]
    base: Rate
    base_ci: Interval | None
    tuned: Rate
    tuned_ci: Interval | None
    delta: Change
    delta_ci: Interval | None


class TaskScore(Reasoned):
    """All metrics of one task.

    ``knowledge_lost`` and ``knowledge_gained`` are estimates under independent guessing: models that repeat their
    guesses push them below 0. Where K answers to an item were sampled, ``n`` counts items, the four transitions the n K
    pairs of answers (both of one seed), and ``pass_at`` has pass@k for k = 1, 2, 4, ... K; it is left out where answers
    are greedy.
    """

    family: str
    group: str
    role: Role
    n: Count
    n_clusters: Count
    design_effect: Number | None
    n11: Count
    n10: Count
    n01: Count
    n00: Count
    base: Rate
    tuned: Rate
    graded_base: Rate
    graded_tuned: Rate
    graded_delta: Change
    graded_delta_ci: Interval | None
    delta: Change
    delta_se: Number | None
    delta_ci: Interval | None
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
    off_list_base: Rate = 0.0
    off_list_tuned: Rate = 0.0
    truncated_base: Rate
    truncated_tuned: Rate
    p_value: Probability
    p_holm: Probability | None
    smallest_loss: Rate | None
    base_above_chance: bool | None
    verdict: Verdict | None
    pass_at: Annotated[tuple[PassAt, ...], Field(exclude_if=lambda found: not found)] = ()


class TargetScore(Reasoned):
    """Learning on the target family: means over its tasks, each task weighing the same.

    ``transfer_gain`` is the gain on ``transfer_tasks``, the variants that the suite marks as never trained on.
    """

    family: str
    tasks: tuple[str, ...]
    n: Count
    score_base: Rate
    score_tuned: Rate
    gain: Change
    gain_ci: Interval | None
    normalised_gain: Number | None
    transfer_tasks: tuple[str, ...]
    transfer_gain: Change | None
    transfer_gain_ci: Interval | None


class GroupScore(Reasoned):
    """One capability group of prior tasks, over ``units`` independent units (clusters).

    ``ratio`` is the sum of corrected tuned scores over that of the base's: 1 is all kept, more is improved.
    ``retention`` is the one-sided form that is averaged: a gain counts as all kept. Both null where the base is not
    shown to be above chance on the group, so that there is nothing to lose.
    """

    tasks: tuple[str, ...]
    n: Count
    units: Count | None
    retention: Number | None
    retention_ci: Interval | None
    ratio: Number | None
    ratio_ci: Interval | None


class WorstGroup(Strict):
    """The capability group that kept least."""

    group: str
    retention: Number


class RestsOn(Strict):
    """What retention rests on: the groups on which the base is above chance, of all, and what is in them."""

    groups: Count
    of_groups: Count
    tasks: Count
    of_tasks: Count
    items: Count
    units: Count


class NoiseScore(Reasoned):
    """One task of the base against a second run of itself.

    ``forgotten_noise`` and ``backward_noise`` are F and BT of that pair; ``forgotten_net`` = F - F_noise, unclipped.
    ``given_known_noise`` is the share of what the base solved that its second run does not.
    """

    n: Count
    forgotten_noise: Rate
    backward_noise: Rate
    given_known_noise: Rate | None
    forgotten_net: Change
    forgotten_net_ci: Interval | None


class Noise(Strict):
    """The noise floor: which second run of the base it is from, and its tasks."""

    samples_sha256: Digest
    seed: int | None
    tasks: dict[str, NoiseScore]


class DriftScore(Strict):
    """KL divergence per token, in nats, averaged over the tokens of each stored base output, then over items.

    ``forward_kl`` = KL(base || tuned), ``reverse_kl`` = KL(tuned || base), both along the base's outputs and over the
    whole vocabulary.
    """

    n: Count
    n_tokens: Count
    forward_kl: Number
    forward_kl_ci: Interval
    reverse_kl: Number
    reverse_kl_ci: Interval


class Drift(Reasoned):
    """How far the tuned model's distribution moved, on target and prior prompts and task by task."""

    target: DriftScore | None
    prior: DriftScore | None
    tasks: dict[str, DriftScore]


AlarmKind = Literal[
    "screened",
    "below_chance",
    "unparsed_differs",
    "off_list_differs",
    "truncated_differs",
    "length_differs",
    "constant_answers",
    "double_bos",
    "no_bos",
    "bos_differs",
    "template_differs",
    "prompts_chosen",
    "processor_differs",
]


class Alarm(Strict):
    """Something about the answers that a reader must know before believing a number."""

    kind: AlarmKind
    task: str | None
    side: Literal["base", "tuned"] | None
    message: str


class Bootstrap(Strict):
    """How the intervals were drawn."""

    resamples: Count
    seed: Count


class Scorecard(Reasoned):
    """All metrics of one pair: a base and a tuned checkpoint, the same items, one engine.

    ``retention_macro`` is the mean of the groups' one-sided retention, ``retention_ratio`` that of their plain ratios,
    both null where ``rests_on`` is too little to say. ``balance`` is null unless the gain is shown to be positive.
    ``screened`` marks a pair that was stopped early: it sorts checkpoints, and is never published. ``judge`` is the
    version of the rules by which both sides were judged; None for bare tables, which others judged, and 1 in cards from
    before.
    """

    schema_version: Literal[1, 2] = 2
    screened: bool = False
    base: ModelIdentity
    tuned: ModelIdentity
    provenance: Provenance
    judge: Count | None = 1
    suite: SuiteRecord
    engine: EngineRecord | None
    decoding: dict[str, str | int | float | bool]
    template_policy: Literal["shared", "native"] | None
    target: TargetScore | None
    tasks: dict[str, TaskScore]
    target_adjacent: tuple[str, ...]
    groups: dict[str, GroupScore]
    retention_macro: Number | None
    retention_macro_ci: Interval | None
    retention_ratio: Number | None
    retention_ratio_ci: Interval | None
    rests_on: RestsOn | None
    worst_group: WorstGroup | None
    balance: Rate | None
    balance_ci: Interval | None
    noise: Noise | None
    drift: Drift | None
    alarms: tuple[Alarm, ...]
    margin: Rate
    bootstrap: Bootstrap
    signature: str

    @model_validator(mode="before")
    @classmethod
    def _read_version_1(cls, document: Any) -> Any:
        is_old = isinstance(document, dict) and document.get("schema_version") == 1
        return upgrade(document) if is_old else document

    def to_json(self) -> str:
        """The document as indented JSON, in field order, with a final newline: the same bytes for the same pair."""
        return self.model_dump_json(indent=2) + "\n"

    def summary(self) -> str:
        """The findings in plain text, several lines: gain, prior tasks by loss, retention, balance, alarms, signature.

        Rates in it are per cent and differences points; the fields of the scorecard are rates in [0, 1].
        """
        from harness.scoring import views

        return views.as_text(self)

    def to_frame(self) -> "pd.DataFrame":
        """One row a task, the target's first and then prior tasks by loss.

        Columns: ``model`` (the tuned checkpoint's name, so that frames of several pairs can be put together), ``task``,
        and the fields of :class:`TaskScore`, an interval as two columns (``delta_ci_low``, ``delta_ci_high``). Rates
        are in [0, 1], changes in [-1, 1]; what is not defined is missing, and ``tasks[name].reasons`` says why.
        """
        from harness.scoring import views

        return views.as_frame(self)

    def _repr_html_(self) -> str:
        """What a notebook shows: the findings and a table of the tasks."""
        from harness.scoring import views

        return views.as_html(self)

    @property
    def repeats(self) -> int:
        """How many answers to an item were sampled; 1 where they are greedy, or one was drawn."""
        return int(self.decoding.get("repeats", 1))

    @property
    def learned(self) -> TargetScore:
        """The target's numbers; ``ValueError`` where the pair was scored without a target."""
        if self.target is None:
            raise ValueError("this scorecard has no target")
        return self.target

    @property
    def prior_tasks(self) -> dict[str, TaskScore]:
        """Prior tasks by name, largest loss first."""
        return self.tasks_of("prior")

    def tasks_of(self, role: Role) -> dict[str, TaskScore]:
        """Tasks of one role by name, largest loss first."""
        found = [(name, task) for name, task in self.tasks.items() if task.role == role]
        return dict(sorted(found, key=lambda entry: (entry[1].delta, entry[0])))
