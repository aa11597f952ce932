"""Dynamics: the document that says why a fine-tune moves a base as it does (METRICS.md, "Why").

Diagnostics, never ranked: what the base thinks of the training targets, what steps on them would do to prior tasks, and
how far checkpoints drifted. As in a scorecard there is no date in it, floats carry 12 significant digits, and an absent
number is null with its reason. A document may come from anybody: every field is bounded, and what must follow from
other fields is checked.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from harness.records import Digest
from harness.scoring.scorecard import Count, DriftScore, Interval, Number, Rate, Reasoned, Strict
from harness.scoring.transitions import Floats

# Of the spread of a value over examples or pairs.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
N_BINS = 24
MOST_KINDS = 16
MOST_TASKS = 256
MOST_CHECKPOINTS = 32

Label = Annotated[str, Field(min_length=1, max_length=200)]
# A kind of example or the name of a task: a word, so that it can stand in a table's head.
Word = Annotated[str, Field(pattern=r"\A[A-Za-z0-9][A-Za-z0-9 ._:/+-]{0,99}\z")]
Perplexity = Annotated[Number, Field(ge=1)]
NotNegative = Annotated[Number, Field(ge=0)]
Cosine = Annotated[Number, Field(ge=-1, le=1)]


def spread(values: Floats) -> tuple[float, float, float, float, float]:
    """The five ``QUANTILES`` of ``values``, interpolated linearly; ``ValueError`` for none."""
    if not len(values):
        raise ValueError("the spread of no values")
    least, low, middle, high, most = (float(value) for value in np.quantile(values, QUANTILES))
    return least, low, middle, high, most


def _ascending(name: str, values: tuple[float, ...]) -> None:
    if list(values) != sorted(values):
        raise ValueError(f"{name} are not in ascending order")


class Model(Strict):
    """A checkpoint: its name is shown, its digest decides."""

    name: Label
    weights_digest: Digest


class TrainingSet(Strict):
    """A set of examples that was looked at: ``digest`` covers its example ids, ``examples`` counts all it has."""

    source: Label
    digest: Digest
    examples: Count
    policy_weights_digest: Digest | None = None


class ProbeSuite(Strict):
    """Where probes come from, and the family that is the target there, None where the suite does not ask it."""

    suite: Label
    digest: Digest
    target: Word | None


class PerplexityScore(Strict):
    """The base's perplexity on the targets of one kind: pooled over tokens, with its interval over questions.

    ``quantiles`` (5, 25, 50, 75, 95 %) and ``histogram`` are of the examples' own perplexities; the bins are quarters
    of a power of ten from 1 on, the last one open.
    """

    n: Annotated[int, Field(ge=1)]
    n_questions: Annotated[int, Field(ge=1)]
    n_tokens: Annotated[int, Field(ge=1)]
    perplexity: Perplexity
    perplexity_ci: tuple[Perplexity, Perplexity]
    quantiles: tuple[Perplexity, Perplexity, Perplexity, Perplexity, Perplexity]
    histogram: Annotated[tuple[Count, ...], Field(min_length=N_BINS, max_length=N_BINS)]

    @model_validator(mode="after")
    def _agrees(self) -> "PerplexityScore":
        _ascending("quantiles", self.quantiles)
        _ascending("the limits of perplexity_ci", self.perplexity_ci)
        if sum(self.histogram) != self.n:
            raise ValueError(f"histogram counts {sum(self.histogram)} of {self.n} examples")
        if not self.n_questions <= self.n <= self.n_tokens:
            raise ValueError("more questions than examples, or more examples than tokens")
        return self


class InfluencePart(Strict):
    """What steps did over ``n`` pairs of an example and a probe.

    ``magnitude`` is the mean lower bound on the squared norm of the kernel, ``direction`` the mean cosine of the
    gradients, ``lowers`` the share of pairs where it is below 0, ``slope`` the mean change of the log-probability of
    the base's own answer per unit of step, in nats. Intervals are
    over examples.
    """

    n: Annotated[int, Field(ge=1)]
    magnitude: NotNegative
    magnitude_ci: Interval
    magnitude_quantiles: tuple[NotNegative, NotNegative, NotNegative, NotNegative, NotNegative]
    direction: Cosine
    direction_ci: tuple[Cosine, Cosine]
    slope: Number
    slope_ci: Interval
    lowers: Rate

    @model_validator(mode="after")
    def _agrees(self) -> "InfluencePart":
        _ascending("magnitude_quantiles", self.magnitude_quantiles)
        for name in ("magnitude_ci", "direction_ci", "slope_ci"):
            _ascending(f"the limits of {name}", getattr(self, name))
        return self


class InfluenceScore(Reasoned):
    """One kind of example against the prior probes: all tasks together, and each.

    ``n_certain`` examples had nothing to teach (the base is certain of every token) and are left out, and so are
    ``n_certain_probes`` probes, whose log-probability cannot rise.
    ``first_order_error`` is the root mean square of what the real steps did beyond first order, over that of the first
    order; near 0 the formulas hold.
    """

    n_examples: Count
    n_probes: Count
    n_certain: Count
    n_certain_probes: Count
    all: InfluencePart
    tasks: Annotated[dict[Word, InfluencePart], Field(min_length=1, max_length=MOST_TASKS)]
    first_order_error: NotNegative | None

    @model_validator(mode="after")
    def _counts(self) -> "InfluenceScore":
        if sum(part.n for part in self.tasks.values()) != self.all.n or self.all.n > self.n_examples * self.n_probes:
            raise ValueError("the pairs of the tasks are not those of all tasks")
        return self


class Divergence(DriftScore):
    """KL(base || checkpoint) per token along the base's own answers, in nats, averaged over prompts; both ways."""

    @model_validator(mode="after")
    def _agrees(self) -> "Divergence":
        # Rounding leaves about -1e-16 where two models are the same.
        if min(self.forward_kl, self.reverse_kl) < -1e-9 or not 1 <= self.n <= self.n_tokens:
            raise ValueError("a divergence is below 0, or of fewer tokens than prompts")
        for name in ("forward_kl_ci", "reverse_kl_ci"):
            _ascending(f"the limits of {name}", getattr(self, name))
        return self


class CheckpointDrift(Reasoned):
    """How far one checkpoint moved from the base: on target prompts, on prior prompts, task by task."""

    model: Model
    target: Divergence | None
    prior: Divergence | None
    tasks: Annotated[dict[Word, Divergence], Field(max_length=MOST_TASKS)]


class Settings(Strict):
    """How it was measured.

    At most ``limit`` examples of a kind were read for the perplexity; ``examples`` of a kind and ``probes`` of a task
    made the pairs of the influence, whose steps changed the weights by at most ``relative_step`` of their norm and
    log p of the example itself by at most ``own_change`` nats, to first order; ``prompts`` counts those of a task (and
    of the training data) for the drift, whose models ran in ``drift_dtype``. Everything else is float32. Answers of the
    base are greedy, of at most ``answer_tokens`` tokens.
    """

    device: Label
    seed: Count
    limit: Count
    examples: Count
    probes: Count
    prompts: Count
    answer_tokens: Count
    relative_step: Annotated[Number, Field(gt=0, lt=1)]
    own_change: Annotated[Number, Field(gt=0)]
    drift_dtype: Literal["float32", "bfloat16", "float16"]


class Dynamics(Reasoned):
    """Everything that was measured of one base, its training data and, where they are there, its checkpoints."""

    schema_version: Literal[1] = 1
    base: Model
    training: Annotated[tuple[TrainingSet, ...], Field(min_length=1, max_length=MOST_KINDS)]
    probes: ProbeSuite | None
    settings: Settings
    perplexity: Annotated[dict[Word, PerplexityScore], Field(min_length=1, max_length=MOST_KINDS)]
    influence: Annotated[dict[Word, InfluenceScore], Field(min_length=1, max_length=MOST_KINDS)] | None
    target_prompts: Literal["suite", "training data"] | None
    drift: Annotated[tuple[CheckpointDrift, ...], Field(min_length=1, max_length=MOST_CHECKPOINTS)] | None

    @model_validator(mode="after")
    def _kinds(self) -> "Dynamics":
        if strange := set(self.influence or {}) - set(self.perplexity):
            raise ValueError(f"influence: {sorted(strange)[0]} is no kind whose perplexity is told")
        if self.influence is not None and self.probes is None:
            raise ValueError("influence: its probes are of no suite")
        if (self.drift is None) != (self.target_prompts is None):
            raise ValueError("target_prompts: told exactly where drift is")
        return self

    def to_json(self) -> str:
        """The document as indented JSON with a final newline: the same bytes for the same measurements."""
        return self.model_dump_json(indent=2) + "\n"

    def drift_of(self, weights_digest: str) -> CheckpointDrift | None:
        """The drift of the checkpoint with these weights, if it was measured."""
        return next((each for each in self.drift or () if each.model.weights_digest == weights_digest), None)
