"""One number: what several tasks say together, when a rank is demanded."""

from harness.scoring.definitions.metric import Metric

_RATIO = "C/A, the sum of corrected tuned scores over that of the base's"
_ONE_SIDED = "1 + (1/A) sum over 10 folds of D_k where the other folds show no gain, D the change of corrected scores"

METRICS = (
    Metric(
        name="group_retention",
        title="Retention of a group",
        formula=_ONE_SIDED,
        range="1 = all kept; can exceed it or fall below 0",
        unit="ratio",
        sentence="Of a capability group's prior tasks together. A is the sum of the base's corrected scores, D_k the "
        "change of them in one of 10 folds of its independent units; a fold counts unless the other nine rose by more "
        "than half a standard error. Gains never pay for losses, and an unchanged model keeps 1 on average. Undefined "
        "where the base is not shown to be above chance on the group: nothing to lose.",
        section="summary",
        fields=("GroupScore.retention",),
        interval="retention_ci",
    ),
    Metric(
        name="group_ratio",
        title="Retention of a group, gains counted",
        formula=_RATIO,
        range="1 = all kept; can exceed it or fall below 0",
        unit="ratio",
        sentence="The plain ratio of a capability group, in which gains on some items pay for losses on others.",
        source="Cochran 1977, Sampling Techniques, section 6.3",
        section="summary",
        fields=("GroupScore.ratio",),
        interval="ratio_ci",
    ),
    Metric(
        name="retention",
        title="Retention",
        symbol="R",
        formula=f"mean over groups of {_ONE_SIDED}",
        range="1 = all kept; can exceed it or fall below 0",
        unit="ratio",
        sentence="How much of what the base knew is left: the mean over the capability groups on which the base is "
        "above chance. Scores are corrected for chance first, and gains never pay for losses. Not enough evidence, "
        "and no number, unless the base is above chance on half of the groups and the interval is at most 30 points "
        "wide. Target, transfer and target-adjacent tasks are not in it.",
        section="summary",
        fields=("Scorecard.retention_macro",),
        interval="retention_macro_ci",
    ),
    Metric(
        name="retention_ratio",
        title="Retention, gains counted",
        formula=f"mean over groups of {_RATIO}",
        range="1 = all kept; can exceed it or fall below 0",
        unit="ratio",
        sentence="Beside retention: the mean of the groups' plain ratios, in which gains count against losses.",
        section="summary",
        fields=("Scorecard.retention_ratio",),
        interval="retention_ratio_ci",
    ),
    Metric(
        name="worst_group",
        title="Worst group",
        formula=f"min over groups of {_ONE_SIDED}",
        range="1 = all kept; can exceed it or fall below 0",
        unit="ratio",
        sentence="The capability group that kept least; a mean can hide it.",
        section="summary",
        fields=("Scorecard.worst_group",),
    ),
    Metric(
        name="balance",
        title="Balance",
        formula="harmonic mean of clip(normalised_gain, 0, 1) and min(retention_macro, 1), where gain_ci lies above 0",
        range="0 to 1",
        unit="ratio",
        sentence="2GR/(G + R), with R at most 1: high only where both gain and retention are; never shown without "
        "them. Undefined unless the gain is shown to be positive: half of such balances would be luck.",
        section="summary",
        fields=("Scorecard.balance",),
        interval="balance_ci",
    ),
)
