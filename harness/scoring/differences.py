"""Differences: two models on the same items, task by task, none of them the base of the other.

The statistics are those of a pair (METRICS.md, "Statistics"): the difference of two paired rates, its interval, the
exact sign-flip test of the clusters' sums, adjusted after Holm over all the tests that are read together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.scoring.pairing import Source, pair
from harness.scoring.statistics import ALPHA, holm
from harness.scoring.task_scores import Measured


@dataclass(frozen=True)
class Difference:
    """What the second of two models solves of a task beyond the first.

    ``n`` items; ``first`` and ``second`` are the shares solved, ``delta`` the second less the first, all in [0, 1] or
    [-1, 1]; ``only_first`` and ``only_second`` count the answers that one of them alone got right. ``interval`` is of
    ``delta``, 95 %, None with fewer than two independent items. ``p_value`` is of the test alone, ``p_holm`` allows for
    all tests read together.
    """

    task: str
    n: int
    first: float
    second: float
    delta: float
    interval: tuple[float, float] | None
    only_first: int
    only_second: int
    p_value: float
    p_holm: float

    @property
    def shown(self) -> bool:
        """Whether the two differ beyond chance."""
        return self.p_holm < ALPHA and self.delta != 0


def task_differences(tasks: Sequence[Measured]) -> tuple[Difference, ...]:
    """The difference of each of ``tasks``, whose ``base`` is the first model and whose ``tuned`` the second.

    Holm adjusts over all of them, so that several comparisons read together are given together. Source: METRICS.md,
    "Statistics"; Fisher 1935; Holm 1979.
    """
    adjusted = holm([task.p_value for task in tasks])
    return tuple(_difference(task, p) for task, p in zip(tasks, adjusted, strict=True))


def run_differences(first: Source, second: Source) -> tuple[Difference, ...]:
    """The difference of two runs on every task of their suite; what :func:`pair` refuses is refused here too."""
    items = pair(first, second).items
    return task_differences([Measured.of(str(name), rows) for name, rows in items.groupby("task", sort=True)])


def _difference(task: Measured, p_holm: float) -> Difference:
    counts = task.transitions
    return Difference(
        task=task.name,
        n=task.n,
        first=counts.base,
        second=counts.tuned,
        delta=counts.delta,
        interval=task.delta_interval,
        only_first=counts.n10,
        only_second=counts.n01,
        p_value=task.p_value,
        p_holm=p_holm,
    )
