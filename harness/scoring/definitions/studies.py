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
    Metric(
        name="mean_over_seeds",
        title="Mean over seeds",
        formula="mean over the entries of one recipe, which differ in their seed and what follows from it",
        range="that of the number it is the mean of",
        unit="ratio",
        sentence="Of gain, retention and balance. The unit is the seed: from three seeds on it has Student's 95 % "
        "interval over them, which is not cut at 0 or 1. Where that holds every share from 0 to 1, the seeds lie so "
        "far apart that any value fits. Null where a seed has no such number.",
        section="studies",
    ),
    Metric(
        name="seeds_disagree",
        title="Seeds disagree",
        formula="Cochran's Q over the seeds' 95 % intervals, chi-square with seeds - 1 degrees, Holm over the recipes "
        "of a track",
        range="0 to 1, adjusted p-value; the seeds disagree below .05",
        unit="probability",
        sentence="Whether the seeds of a recipe have one value of retention, or of gain, as far as their items can "
        "tell. The intervals are over items that all seeds share, and what is common to the seeds widens every "
        "interval but moves none apart from another: the test errs towards agreement. Null with one seed.",
        source="Cochran 1954, doi:10.2307/3001666",
        section="studies",
    ),
    Metric(
        name="lead_over_seeds",
        title="Lead of a recipe",
        formula="Welch's t between the seeds of two recipes, two-sided, Holm over all pairs compared",
        range="0 to 1, adjusted p-value; shown below .05",
        unit="probability",
        sentence="Whether one recipe retains more than another. Those within 5 points of the highest mean gain are "
        "compared, and called of about equal gain. A recipe of one seed is not tested.",
        source="Welch 1947, doi:10.1093/biomet/34.1-2.28",
        section="studies",
    ),
)
