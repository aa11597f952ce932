"""Sizes: how many items of each task a run will have, and how small a loss they can show, known before it starts."""

from dataclasses import dataclass

from harness.records import Suite
from harness.scoring import mean_minimum_detectable_difference, smallest_loss

# Share of the items whose outcome differs between the models, as `retention suite show` takes it.
CHURN = 0.1


@dataclass(frozen=True)
class TaskSize:
    """One task: ``items``, of which ``clusters`` are independent groups, and the smallest loss that would be found with
    80 % power (a rate in (0, 1]) after adjusting for the number of prior tasks."""

    task: str
    family: str
    is_target: bool
    items: int
    clusters: int
    smallest_loss: float


@dataclass(frozen=True)
class Sizes:
    """All tasks in suite order; ``smallest_mean_loss`` is the smallest loss of the mean over the prior tasks that would
    be found with 80 % power (a rate), None where there is no prior task. Both take ``churn`` of the items to change."""

    tasks: tuple[TaskSize, ...]
    smallest_mean_loss: float | None
    churn: float = CHURN

    @property
    def items(self) -> int:
        return sum(each.items for each in self.tasks)


def sizes_of(suite: Suite, target: str | None, churn: float = CHURN) -> Sizes:
    """The sizes of a run of ``suite``, whose family ``target`` was trained; ``churn`` is a rate in (0, 1]."""
    prior = [place.count for place in suite.tasks.values() if place.family != target]
    tasks = tuple(
        TaskSize(
            task=name,
            family=place.family,
            is_target=place.family == target,
            items=place.count,
            clusters=place.clusters or place.count,
            smallest_loss=smallest_loss(churn, place.count, max(len(prior), 1)),
        )
        for name, place in suite.tasks.items()
    )
    return Sizes(tasks, mean_minimum_detectable_difference(churn, prior) if prior else None, churn)
