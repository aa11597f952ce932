import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from harness.engines.shards import Shard, Shards

GROUP_OF = {"base": 0, "lora": 0, "full": 1, "other": 2}
CHECKPOINTS = st.lists(st.sampled_from(sorted(GROUP_OF)), min_size=1, max_size=200)


def work(shards: Shards, workers: int, order: list[int]) -> list[tuple[int, Shard]]:
    """Let ``workers`` finish their shards in a drawn order; what each took, in the order of taking."""
    state: list[tuple[int | None, str | None]] = [(None, None)] * workers
    busy: list[int] = []
    taken = []
    while len(shards) or busy:
        for worker in range(workers):
            holding = Counter(group for group, _ in state if group is not None)
            if worker not in busy and (shard := shards.take(*state[worker], holding)):
                taken.append((worker, shard))
                state[worker] = (shard.group, shard.checkpoint)
                busy.append(worker)
        assert busy, "work is left and nobody takes it"
        busy.pop(order.pop() % len(busy) if order else 0)
    return taken


@given(CHECKPOINTS, st.integers(1, 20), st.integers(1, 9), st.lists(st.integers(0, 8)))
def test_every_request_is_in_exactly_one_shard_of_its_checkpoint(
    checkpoints: list[str], size: int, workers: int, order: list[int]
) -> None:
    taken = work(Shards(checkpoints, GROUP_OF, size), workers, order)
    places = [place for _, shard in taken for place in shard.places]
    assert sorted(places) == list(range(len(checkpoints)))
    for _, shard in taken:
        assert len(shard.places) <= size
        assert {checkpoints[place] for place in shard.places} == {shard.checkpoint}
        assert shard.group == GROUP_OF[shard.checkpoint]


@given(CHECKPOINTS, st.integers(1, 20), st.lists(st.integers(0, 8)))
def test_one_worker_starts_each_engine_once_and_exchanges_weights_no_more_than_it_must(
    checkpoints: list[str], size: int, order: list[int]
) -> None:
    taken = [shard for _, shard in work(Shards(checkpoints, GROUP_OF, size), 1, order)]
    names = [shard.checkpoint for shard in taken]
    changes = sum(one != other for one, other in itertools.pairwise(names))
    assert changes == len(set(checkpoints)) - 1
    groups = [shard.group for shard in taken]
    assert sum(one != other for one, other in itertools.pairwise(groups)) == len(set(groups)) - 1


def test_workers_spread_over_checkpoints() -> None:
    shards = Shards(["base"] * 40 + ["full"] * 40, GROUP_OF, 10)
    first, second = shards.take(None, None, {}), shards.take(None, None, {0: 1})
    assert {first.group, second.group} == {0, 1}  # type: ignore[union-attr]


def test_no_engine_is_started_for_what_its_worker_takes_next() -> None:
    shards = Shards(["full"] * 10, GROUP_OF, 10)
    assert shards.take(0, "base", {0: 1, 1: 1}) is None
    assert shards.take(1, "full", {0: 1, 1: 1}) is not None


def test_what_a_lost_worker_had_is_taken_next_and_a_group_can_be_dropped() -> None:
    shards = Shards(["base", "full", "full"], GROUP_OF, 1)
    lost = shards.take(1, "full", {})
    assert lost is not None
    shards.put_back(lost)
    assert shards.take(1, "full", {}) == lost
    assert [shard.checkpoint for shard in shards.drop(1)] == ["full"]
    assert len(shards) == 1
