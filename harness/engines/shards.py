"""Shards: which piece of the work a free worker takes next. Pure, so that it can be tested without any worker.

A shard is some requests to one checkpoint. Starting an engine takes long and exchanging its weights takes a moment, so
a worker stays with its checkpoint while there is work for it, then with its engine, and only then starts another.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """Requests at ``places`` of a call, all to ``checkpoint``, which an engine of ``group`` can answer as."""

    group: int
    checkpoint: str
    places: tuple[int, ...]


class Shards:
    """All shards of one call that no worker has taken, by checkpoint."""

    def __init__(self, checkpoints: Sequence[str], group_of: Mapping[str, int], size: int) -> None:
        """``checkpoints`` names the checkpoint of each request; a shard has at most ``size`` requests."""
        places: dict[str, list[int]] = {}
        for place, checkpoint in enumerate(checkpoints):
            places.setdefault(checkpoint, []).append(place)
        self._waiting = {
            checkpoint: deque(
                Shard(group_of[checkpoint], checkpoint, tuple(mine[start : start + size]))
                for start in range(0, len(mine), size)
            )
            for checkpoint, mine in places.items()
        }
        self.groups = {group_of[checkpoint] for checkpoint in places}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def take(self, group: int | None, checkpoint: str | None, holding: Mapping[int, int]) -> Shard | None:
        """The next shard for a worker whose engine is of ``group`` and that answered as ``checkpoint`` last.

        ``holding`` counts the workers whose engine is of each group. None: what is left will be taken by them sooner
        than another engine could be started.
        """
        if checkpoint is not None and self._waiting.get(checkpoint):
            return self._waiting[checkpoint].popleft()
        if group is not None and (shard := self._longest(lambda queue: queue[0].group == group)):
            return shard
        left = {each: sum(len(queue) for queue in self._waiting.values() if queue and queue[0].group == each)
                for each in self.groups}  # fmt: skip
        worth = [each for each in sorted(left) if left[each] > holding.get(each, 0)]
        if not worth:
            return None
        chosen = max(worth, key=lambda each: left[each] / (1 + holding.get(each, 0)))
        return self._longest(lambda queue: queue[0].group == chosen)

    def put_back(self, shard: Shard) -> None:
        self._waiting[shard.checkpoint].appendleft(shard)

    def drop(self, group: int) -> list[Shard]:
        """Take away all shards of a group."""
        dropped = [shard for queue in self._waiting.values() for shard in queue if shard.group == group]
        for shard in dropped:
            self._waiting[shard.checkpoint].remove(shard)
        return dropped

    def _longest(self, wanted: Callable[[deque[Shard]], bool]) -> Shard | None:
        queues = [queue for queue in self._waiting.values() if queue and wanted(queue)]
        return max(queues, key=len).popleft() if queues else None
