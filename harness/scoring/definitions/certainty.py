"""Certainty: intervals, tests, verdicts and ranks. Paired, always: both answers to one item stay together."""

from harness.scoring.definitions.metric import Metric

METRICS = (
    Metric(
        name="interval",
        title="Interval",
        formula="rates: Jeffreys posterior of the four transitions, counts over the design effect; retention: "
        "linearised over clusters; graded scores: paired bootstrap, 10,000 resamples",
        range="95 %",
        unit="word",
        sentence="Over independent units: several questions on one image are one. It never shrinks to a point where "
        "nothing moved. Below 20 clusters Student's t widens it, below 2 units there is none. The seed of the "
        "bootstrap is fixed and recorded, and an interval never depends on which other tasks are scored.",
        source="Agresti and Min 2005, doi:10.1002/sim.1781; Efron 1979, doi:10.1214/aos/1176344552",
        section="statistics",
    ),
    Metric(
        name="design_effect",
        title="Design effect",
        formula="(robust / simple standard error)^2, averaged with one more item that moves with its whole cluster",
        range="1 or more",
        unit="number",
        sentence="How many of a task's clustered items are worth one independent item: 1 where every item stands "
        "alone. One seen on a handful of moved items is a guess, hence the one more. Undefined below two clusters.",
        source="Kish 1965, Survey Sampling",
        section="statistics",
        fields=("TaskScore.design_effect",),
    ),
    Metric(
        name="delta_se",
        title="Standard error of delta",
        formula="sqrt(K/(K-1) * sum over clusters of (sum of (d - mean d))^2) / n",
        range="0 or more",
        unit="points",
        sentence="Of d = c - a, robust to clusters; with single items it is sd(d)/sqrt(n). Undefined with fewer than "
        "two clusters.",
        source="Miller 2024, arXiv 2411.00640",
        section="statistics",
        fields=("TaskScore.delta_se",),
    ),
    Metric(
        name="p_value",
        title="Sign-flip test",
        symbol="p",
        formula="exact two-sided sign flips of the clusters' sums of c - a",
        range="0 to 1",
        unit="probability",
        sentence="The share of patterns of signs whose absolute sum is at least the observed one; with single items "
        "that is McNemar's exact test, and 1 where nothing moved.",
        source="Fisher 1935, The Design of Experiments; McNemar 1947, doi:10.1007/BF02295996",
        section="statistics",
        fields=("TaskScore.p_value",),
    ),
    Metric(
        name="p_holm",
        title="Sign-flip test, adjusted",
        formula="p_value, Holm over the tasks that get a verdict",
        range="0 to 1",
        unit="probability",
        sentence="The p-value of the sign-flip test, adjusted for the number of prior and target-adjacent tasks. "
        "Undefined for other tasks.",
        source="Holm 1979, Scandinavian Journal of Statistics 6, 65-70",
        section="statistics",
        fields=("TaskScore.p_holm",),
    ),
    Metric(
        name="enough_items",
        title="Items enough to retain",
        formula="(1 - margin)^K <= .05",
        range="yes or no",
        unit="word",
        sentence="Whether K independent items could have shown a loss of the margin at all: 149 of them for the "
        'margin of 2 points. Without this rule one item kept of one would be "retained".',
        source="Hanley and Lippman-Hand 1983, doi:10.1001/jama.1983.03330370053031",
        section="statistics",
    ),
    Metric(
        name="base_above_chance",
        title="Base above chance",
        formula="lower 95 % limit of corrected_base > 0, and P(X >= number correct) < .025, X binomial",
        range="yes or no",
        unit="word",
        sentence="Whether the base knows more than guessing gives, beyond what chance explains: else there is nothing "
        "to lose. The interval is robust to clusters; the binomial has the mean guess rate.",
        section="statistics",
        fields=("TaskScore.base_above_chance",),
    ),
    Metric(
        name="verdict",
        title="Verdict",
        formula="forgot or improved: p_holm < .05; retained: Tango's test rejects a loss of the margin at 2.5 %, and "
        "items enough; nothing to lose: base not above chance",
        range="forgot, improved, retained, nothing to lose or inconclusive",
        unit="word",
        sentence="Of each prior and target-adjacent task. The sign of delta tells forgot from improved; the margin is "
        "2 points unless stated. Where the base is not shown to be above chance there is nothing to lose, and only "
        'improved can be said. What is none of the four is inconclusive, said as "cannot say": a large p alone never '
        "means retained.",
        source="Tango 1998, Statistics in Medicine 17, 891-908",
        section="statistics",
        fields=("TaskScore.verdict",),
    ),
    Metric(
        name="smallest_loss",
        title="Smallest loss",
        formula="(z(1 - .05/(2m)) + .84) * sqrt(churn * design effect / n), 1 - .05^(1/clusters) where nothing moved",
        range="0 to 1",
        unit="points",
        sentence="The smallest loss that would be called forgot four times in five, allowing for the m tasks that get "
        "a verdict. A delta below it proves little either way. Where nothing moved: the rule of three over the "
        "independent units.",
        source="Miller 2024, arXiv 2411.00640; Hanley and Lippman-Hand 1983, doi:10.1001/jama.1983.03330370053031",
        section="statistics",
        fields=("TaskScore.smallest_loss",),
    ),
    Metric(
        name="rank",
        title="Rank",
        formula="[1 + number significantly better, M - number significantly worse]",
        range="1 to M",
        unit="word",
        sentence="Of the M ranked entries of one track (suite version, target, base, protocol, environment): those "
        "that somebody other than the author has reproduced or verified. The balance of all pairs of entries is "
        "compared on the same items, Holm over the pairs. Self-reported entries are provisional: they have no rank and "
        "no Pareto status. Flagged, superseded and withdrawn entries are not ranked, nor are those without a balance.",
        section="statistics",
    ),
    Metric(
        name="rank_alone",
        title="Rank, for one entry alone",
        formula="[1 + number significantly better, M - number significantly worse], Holm over its M - 1 comparisons",
        range="1 to M",
        unit="word",
        sentence="The interval that holds the true rank of this one entry, which is as narrow or narrower: only its "
        "own comparisons are adjusted among themselves.",
        source="Mogstad, Romano, Shaikh and Wilhelm 2024, doi:10.1093/restud/rdad006",
        section="statistics",
    ),
    Metric(
        name="balance_difference",
        title="Difference of balance",
        formula="t = d / sqrt(var(d over the draws) + d^2/K), K - 1 degrees of freedom",
        range="p from 0 to 1",
        unit="probability",
        sentence="The test behind the ranks: d is the difference of two entries' balance, drawn by the paired "
        "bootstrap on their common items; K is the smaller number of independent items, of target or prior tasks.",
        section="statistics",
    ),
    Metric(
        name="letters",
        title="Letters",
        formula="two entries share a letter exactly if their balance does not differ significantly",
        range="a to z",
        unit="word",
        sentence="Not transitive: A may share a letter with B and B with C, while A and C differ. A track that would "
        "need more than 26 has none.",
        source="Piepho 2004, doi:10.1198/1061860043515",
        section="statistics",
    ),
    Metric(
        name="front",
        title="Front",
        formula="no entry is at least as good in gain and retention and better in one",
        range="on the front, not distinguishable or dominated",
        unit="word",
        sentence="On the front: nobody has more of one and not less of the other. Not distinguishable: somebody has, "
        "but not significantly in both, by the joint bootstrap and Holm over the pairs. Dominated: significantly "
        "beaten.",
        section="statistics",
    ),
    Metric(
        name="balance_detectable",
        title="Detectable difference of balance",
        formula="(t(1 - .05/(2*pairs)) + .84) * sqrt(median variance of the pairs)",
        range="0 or more",
        unit="ratio",
        sentence="The smallest difference of balance that a typical pair of a track's entries shows with 80 % power "
        "after the correction for all its pairs.",
        section="statistics",
    ),
    Metric(
        name="odd_one_out",
        title="Odd one out",
        formula="P(X >= k), X binomial (n, 1/3), over the n items whose three answers are not all correct or all not",
        range="0 to 1",
        unit="probability",
        sentence="Whether stored answers are those of the checkpoint. Each item of a random part is answered twice "
        "more; on k items the stored answer is the odd one of three. With McNemar between stored and new answers, for "
        "both sides, Holm over the four tests, level .01.",
        source="Fisher 1935, The Design of Experiments, chapter 3",
        section="statistics",
    ),
    Metric(
        name="stopping_rule",
        title="Stopping rule",
        symbol="Z",
        formula="|sum of D| / sqrt(sum of D^2) >= c*sqrt(K/k) at look k of K = 5, c = 2.040",
        range="stops or goes on",
        unit="word",
        sentence="When a screening of many checkpoints leaves one early: D is the sum of c - a over a cluster of the "
        "target's items, looked at after 20, 40, 60, 80 and 100 % of them. A model that did not change is stopped "
        "with a probability of 5 %.",
        source="O'Brien and Fleming 1979, doi:10.2307/2530245",
        section="statistics",
    ),
)
