"""Sampling: what a user may ask for, what a record states, and the seed of each answer."""

import pytest

from harness.errors import RetentionError
from harness.records import Sampling, choose_sampling


def test_greedy_needs_no_option() -> None:
    for options in ({}, {"temperature": 0.0}, {"repeats": 1}, {"temperature": 0, "repeats": 1}):
        assert choose_sampling(**options) is None  # type: ignore[arg-type]


def test_a_temperature_alone_draws_one_answer() -> None:
    assert choose_sampling(temperature=1) == Sampling(1.0, 1, 1.0, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"repeats": 4}, "--repeats 4: without a temperature all 4 answers to an item are the same; add --temperature"),
        ({"repeats": 4, "temperature": 0}, "--repeats 4: without a temperature"),
        ({"repeats": 0}, "--repeats 0: an item has 1 answer or more"),
        ({"repeats": 0, "temperature": 1}, "--repeats 0: an item has 1 answer or more"),
        ({"temperature": -1}, "--temperature -1: not a number of 0.01 or more; leave it out for greedy answers"),
        ({"temperature": 0.001}, "--temperature 0.001: not a number of 0.01 or more"),
        ({"temperature": float("nan")}, "--temperature nan: not a number of 0.01 or more"),
        ({"temperature": float("inf")}, "--temperature inf: not a number of 0.01 or more"),
        ({"temperature": 1, "top_p": 0}, "--top-p 0: not a share above 0 and up to 1"),
        ({"temperature": 1, "top_p": 1.5}, "--top-p 1.5: not a share above 0 and up to 1"),
        ({"top_p": 0.9}, "--top-p 0.9: greedy answers are not drawn; add --temperature 0.7, say"),
        ({"sampling_seed": 3}, "--sampling-seed 3: greedy answers are not drawn; add --temperature 0.7, say"),
    ],
)
def test_what_does_not_fit_together_is_refused(options: dict[str, float], message: str) -> None:
    seed = options.pop("sampling_seed", None)
    with pytest.raises(RetentionError) as caught:
        choose_sampling(**options, seed=seed)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_a_record_gives_its_sampling_back() -> None:
    drawn = Sampling(0.7, 8, 0.95, 3)
    assert Sampling.of(drawn.decoding) == drawn
    assert Sampling.of({"temperature": 0.0}) is None


def test_seeds_are_of_item_repeat_run_and_replicate() -> None:
    drawn, item = Sampling(0.7, 8), "a" * 64
    found = {drawn.seed_of(item, repeat) for repeat in range(8)}
    found |= {
        drawn.seed_of("b" * 64, 0),
        drawn.seed_of(item, 0, replicate=1),
        Sampling(0.7, 8, seed=1).seed_of(item, 0),
    }
    assert len(found) == 11
    assert all(0 <= seed < 2**48 for seed in found)
    # Of the temperature they are independent, and they stay what they are.
    assert Sampling(1.0).seed_of(item, 0) == drawn.seed_of(item, 0) == SEED


SEED = 280526509668429


def test_folders_of_two_samplings_differ() -> None:
    labels = {
        each.label for each in (Sampling(0.7, 4), Sampling(0.7, 8), Sampling(0.7, 4, 0.9), Sampling(0.7, 4, seed=1))
    }
    assert len(labels) == 4
