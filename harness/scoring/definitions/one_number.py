"""One number: what several tasks say together, when a rank is demanded."""

from harness.scoring.definitions.metric import Metric

METRICS = (
    Metric(
        name="group_retention",
        title="Retention of a group",
        formula="mean over its tasks of clip(retention, 0, 1)",
        range="0 to 1",
        unit="ratio",
        sentence="Of a capability group's prior tasks, those whose retention is defined. Each is cut at 1, so that a "
        "gain on one never pays for a loss on another.",
        section="summary",
        fields=("GroupScore.retention",),
        interval="retention_ci",
    ),
    Metric(
        name="retention",
        title="Retention",
        symbol="R",
        formula="mean over groups of the mean over their tasks of clip(retention, 0, 1)",
        range="0 to 1; 1 = all kept",
        unit="ratio",
        sentence="How much of what the base knew is left: the mean of the capability groups' retention. Scores are "
        "corrected for chance first, and gains in one group never pay for losses in another. Target, transfer and "
        "target-adjacent tasks are not in it.",
        section="summary",
        fields=("Scorecard.retention_macro",),
        interval="retention_macro_ci",
    ),
    Metric(
        name="worst_group",
        title="Worst group",
        formula="min over groups of the mean over their tasks of clip(retention, 0, 1)",
        range="0 to 1",
        unit="ratio",
        sentence="The capability group that kept least; a mean can hide it.",
        section="summary",
        fields=("Scorecard.worst_group",),
    ),
    Metric(
        name="balance",
        title="Balance",
        formula="harmonic mean of clip(normalised_gain, 0, 1) and retention_macro",
        range="0 to 1",
        unit="ratio",
        sentence="2GR/(G + R), and 0 where both are 0: high only where both gain and retention are; never shown "
        "without them.",
        section="summary",
        fields=("Scorecard.balance",),
        interval="balance_ci",
    ),
)
