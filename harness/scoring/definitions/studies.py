"""Studies: checkpoints of one training run as a curve, and several trainings compared at the same gain."""

from harness.scoring.definitions.metric import Metric

METRICS = (
    Metric(
        name="matched",
        title="Retention at matched gain",
        formula="linear between checkpoints, where normalised gain first reaches .25, .5 or .75",
        range="1 = all kept; can exceed it or fall below 0",
        unit="ratio",
        sentence="Along one training run from its base (gain 0, retention 1), in training order: the fair way to "
        "compare a method that takes 200 steps with one that takes 27,000. Null where no checkpoint gets there. A "
        "step that skips more than .3 of normalised gain is named: a straight line over it is a guess. Its interval "
        "comes from curves drawn whole, all checkpoints over the same resampled items, and is null where fewer than "
        "95 % of them get there.",
        section="studies",
    ),
    Metric(
        name="matched_over_seeds",
        title="Retention at matched gain, several seeds",
        formula="mean over the seeds of retention at matched gain, also at .9",
        range="1 = all kept; can exceed it or fall below 0",
        unit="ratio",
        sentence="Null unless every seed reaches the gain. The unit is the seed: the interval is Student's t over the "
        "seeds, and that of one seed is over items alone.",
        section="studies",
    ),
    Metric(
        name="claim",
        title="Claim",
        formula="Welch's t between the seeds of two trainings, two-sided, Holm over all claims and gains",
        range="holds, contradicted, undecided or not comparable",
        unit="word",
        sentence="That one training retains more than another at the same gain, declared before anything ran. Holds, "
        "in reports shown, or contradicted: adjusted p below .05, by the sign of the difference. With one seed every "
        "claim is undecided. Not comparable, in reports not reached: one of the two never gets there with every seed. "
        "A test that decides at one gain decides the claim, unless that at another decides the other way.",
        source="Welch 1947, doi:10.1093/biomet/34.1-2.28",
        section="studies",
    ),
    Metric(
        name="predictor",
        title="Predictor",
        formula="Spearman's rank correlation over checkpoints or trainings",
        range="-1 to 1",
        unit="number",
        sentence="How well one number foretells another, such as forward KL the forgotten rate. The interval draws "
        "whole trainings, since checkpoints of one are not independent.",
        source="Spearman 1904, doi:10.2307/1412159",
        section="studies",
    ),
    Metric(
        name="study_detectable",
        title="Detectable, mean of tasks",
        formula="2.8 * sqrt(churn * sum over tasks of 1/n) / number of tasks",
        range="0 or more",
        unit="points",
        sentence="The smallest delta of a mean over the prior tasks that a study's items show with 80 % power, at a "
        "churn of 10 %.",
        section="studies",
    ),
)
