"""Notation: outcomes, guess rates, and what happens to an item between base and tuned."""

from harness.scoring.definitions.metric import Metric

METRICS = (
    Metric(
        name="outcome",
        title="Outcome",
        symbol="a, c",
        formula="1 if correct, 0 if wrong or unparsed",
        range="correct, wrong or unparsed",
        unit="word",
        sentence="What became of one answer; a is the base's on an item, c the tuned model's on the same item. Wrong "
        "is an answer that could be read and is not the right one. Unparsed is an output in which no answer could be "
        "found, or that was cut off at the token budget: it counts 0 in every average, and its rate is shown beside "
        "them, because a lost format is not lost knowledge.",
        section="notation",
    ),
    Metric(
        name="guess_rate",
        title="Guess rate",
        symbol="g",
        formula="1/k for k options; 1/m! for an exact jigsaw of m tiles; 0 for a free-form answer",
        range="0 to below 1",
        unit="probability",
        sentence="The chance of solving an item by guessing. It belongs to the item, never to the benchmark as a "
        "whole: 1/2 for yes or no. (Of a jigsaw's graded score, the share of tiles in place, guessing gives 1/m.)",
        section="notation",
    ),
    Metric(
        name="n",
        title="Items",
        symbol="n",
        formula="number of items",
        range="1 or more",
        unit="count",
        sentence="Items of the task, the same for both models.",
        section="notation",
        fields=("TaskScore.n",),
    ),
    Metric(
        name="repeats",
        title="Repeats",
        formula="answers drawn for one item at a temperature above 0",
        range="1 or more",
        unit="count",
        sentence="1 where answers are greedy, the default. With K repeats an item's score is the mean of its K "
        "answers, and the item stays the unit of every interval and test. Transitions then count pairs of answers, "
        "those of base and tuned that were drawn with one seed: there are n K of them, and rates of forgotten and "
        "learned are over them. They hold what sampling alone moves too (`retention noise` at the same temperature "
        "says how much); delta does not.",
        section="notation",
    ),
    Metric(
        name="n_clusters",
        title="Clusters",
        symbol="K",
        formula="number of clusters",
        range="1 to n",
        unit="count",
        sentence="Independent units: items on one image or passage form a cluster; any other item is one by itself.",
        section="notation",
        fields=("TaskScore.n_clusters",),
    ),
    Metric(
        name="n11",
        title="Kept",
        symbol="n11",
        formula="items correct before and after",
        range="0 to n",
        unit="count",
        sentence="Items that the base solves and the tuned model still solves.",
        section="notation",
        fields=("TaskScore.n11",),
    ),
    Metric(
        name="n10",
        title="Forgotten",
        symbol="n10",
        formula="items correct before and not after",
        range="0 to n",
        unit="count",
        sentence="Items that the base solves and the tuned model does not solve any more.",
        section="notation",
        fields=("TaskScore.n10",),
    ),
    Metric(
        name="n01",
        title="Learned",
        symbol="n01",
        formula="items correct after and not before",
        range="0 to n",
        unit="count",
        sentence="Items that only the tuned model solves.",
        section="notation",
        fields=("TaskScore.n01",),
    ),
    Metric(
        name="n00",
        title="Never",
        symbol="n00",
        formula="items correct neither before nor after",
        range="0 to n",
        unit="count",
        sentence="Items that neither model solves.",
        section="notation",
        fields=("TaskScore.n00",),
    ),
)
