"""Study results: the document that says what a study showed. Names are those of METRICS.md and the scorecard.

An absent number is null and ``reasons`` beside it says why. Nothing in it depends on when it was written, so the same
runs give the same bytes.
"""

from typing import Annotated, Literal

from pydantic import Field

from harness.records import SuiteRecord
from harness.scoring.scorecard import Change, Count, Interval, Number, Rate, Reasoned, Strict

Correlation = Annotated[Number, Field(ge=-1, le=1)]
Positive = Annotated[Number, Field(ge=0)]
Verdict = Literal["holds", "contradicted", "undecided", "not comparable"]
Setting = str | int | float | bool | None


class CurvePoint(Reasoned):
    """One checkpoint: ``score`` is the mean over the target's tasks, ``forgotten_rate`` and ``unparsed`` are means over
    the prior tasks, ``kl_*`` the forward KL per token on target and prior prompts in nats."""

    step: Count
    weights_digest: str
    score: Rate
    gain: Change
    gain_ci: Interval | None
    normalised_gain: Number | None
    retention_macro: Number | None
    retention_macro_ci: Interval | None
    forgotten_rate: Rate | None
    unparsed: Rate
    kl_target: Number | None
    kl_prior: Number | None


class SeedCurve(Strict):
    """The checkpoints of one training with one seed, by step; the base, with gain 0 and all kept, is not among them."""

    seed: int
    points: tuple[CurvePoint, ...]


class Matched(Reasoned):
    """Retention at a normalised gain, the mean over the seeds; null unless every seed reaches it (``by_seed`` holds
    those that do). The interval is Student's over the seeds; that of one seed is over its items. Along a curve it is
    read by linear interpolation where the curve first gets there."""

    normalised_gain: Rate
    seeds: Count
    reached: Count
    by_seed: tuple[Number | None, ...]
    retention_macro: Number | None
    retention_macro_ci: Interval | None


class Last(Reasoned):
    """The last checkpoints on the whole suite: each seed's, and means over the seeds, null where a seed has none."""

    by_seed: tuple[SeedCurve, ...]
    score: Rate | None
    gain: Change | None
    retention_macro: Number | None
    forgotten_rate: Rate | None


class Made(Strict):
    """How one seed was trained, as its training record says. ``examples`` is the digest of what it learned from,
    ``note`` what was said of it when it was written, ``rollouts`` how many completions the training sampled itself.
    ``target_perplexity`` is that of its examples; documents of before have only the mean over the seeds."""

    seed: int
    recipe: str
    examples: str
    note: str
    steps: Count
    tokens: Count
    rollouts: Count
    wall_seconds: Positive
    target_perplexity: Annotated[Positive | None, Field(exclude_if=lambda value: value is None)] = None


class TrainingResult(Reasoned):
    """One training of the study: what it was, its curves on the part of the suite, and where it ended.

    ``target_perplexity`` is exp(mean token NLL) of what it learned from under the base, the mean over the seeds.
    """

    name: str
    method: str
    title: str
    learning_rate: Positive | None
    settings: dict[str, Setting]
    made: tuple[Made, ...]
    curves: tuple[SeedCurve, ...]
    matched: tuple[Matched, ...]
    last: Last
    target_perplexity: Positive | None


class Tested(Reasoned):
    """A claim that ``keeps`` retains more than ``than``, tested at one normalised gain. ``difference`` is that of
    retention, the mean over seeds; ``p_holm`` Welch's p-value over them, adjusted over all tests of the target."""

    keeps: str
    than: str
    source: str
    normalised_gain: Rate
    difference: Number | None
    difference_ci: Interval | None
    p_holm: Rate | None
    verdict: Verdict


class Agreement(Strict):
    """How many of a target's tests came out how."""

    holds: Count
    contradicted: Count
    undecided: Count
    not_comparable: Count


class Predictor(Reasoned):
    """Spearman's correlation of ``name`` with ``of`` over checkpoints (or trainings); the interval draws trainings."""

    name: str
    of: str
    pairs: Count
    trainings: Count
    spearman: Correlation | None
    spearman_ci: Interval | None


class NoiseFloor(Strict):
    """The base against a second run of itself: the largest forgotten rate of a task, and whether any text differed."""

    forgotten_rate: Rate
    outputs_differ: Count


class TargetResult(Reasoned):
    """All that a study showed on one target. ``detectable`` is the smallest delta of a mean over the prior tasks that
    the part shows with 80 % power, at a churn of 10 %; ``base_score`` the base's on the target's tasks of the part."""

    target: str
    part: SuiteRecord
    detectable: Positive
    base_score: Rate
    noise: NoiseFloor | None
    trainings: tuple[TrainingResult, ...]
    claims: tuple[Tested, ...]
    agreement: Agreement
    predictors: tuple[Predictor, ...]


class StudyResults(Reasoned):
    """A whole study. ``scorer`` is the version whose retention it holds. ``missing`` names the trainings and seeds that
    were planned and are not in it; ``seconds`` is what its steps took, all together, by kind. ``base_parameters`` are
    those that its training records count, 0 in documents of before and then not written."""

    schema_version: Literal[1, 2] = 2
    scorer: Literal[1, 2] = 1
    name: str
    title: str
    quick: bool
    base: str
    base_weights_digest: str
    base_parameters: Annotated[Count, Field(exclude_if=lambda count: count == 0)] = 0
    suite: SuiteRecord
    seeds: tuple[int, ...]
    environment: str
    packages: dict[str, str]
    commit: str | None
    data_as_of: str
    targets: tuple[TargetResult, ...]
    missing: tuple[str, ...]
    seconds: dict[str, Positive]

    def to_json(self) -> str:
        """The document as indented JSON with a final newline: the same bytes for the same study."""
        return self.model_dump_json(indent=2) + "\n"
