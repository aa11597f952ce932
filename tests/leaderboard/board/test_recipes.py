"""Recipes: entries that differ in their seed alone, and nobody else's, with means, names and tags."""

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leaderboard.board import Row
from leaderboard.board.recipes import Recipe, but_learning_rate, recipes, short_names
from leaderboard.ledger import Evidence, Standing
from tests.support.made_up_board import made_row, made_track, seeds_of

# What a stranger may state alike, and what makes another recipe.
_APART: list[dict[str, Any]] = [
    {"handle": "bob"}, {"repo": "bob/model"}, {"data": "VQA"}, {"learning_rate": 1e-3}, {"steps": 9},
    {"lora_rank": 4}, {"adapter": "lora"}, {"replay": "half"}, {"algorithm": "SFT"}, {"family": "dpo"},
    {"kl_coefficient": 0.1}, {"code": "https://example.org/two"}, {"rollouts": 3}, {"recipe": "mine-1"},
]  # fmt: skip
_STATEMENTS: list[dict[str, Any]] = [{}, *_APART]
entries = st.lists(
    st.tuples(st.sampled_from(_STATEMENTS), st.one_of(st.none(), st.integers(0, 3)), st.floats(-0.2, 1.1)),
    min_size=1,
    max_size=12,
)


def rows_of(found: list[tuple[dict[str, Any], int | None, float]]) -> list[Row]:
    return [
        made_row(f"e{at}", kept=kept, seeds=None if seed is None else (seed,), **fields)
        for at, (fields, seed, kept) in enumerate(found)
    ]


def only(*rows: Row) -> Recipe:
    (found,) = recipes(made_track(*rows))
    return found


def told(found: tuple[Recipe, ...]) -> list[tuple[Any, ...]]:
    return [
        (each.slug, each.name, {row.entry_id for row in each.rows}, each.gain, each.retention, each.tags)
        for each in found
    ]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(entries, st.integers(0, 99))
def test_each_entry_is_in_one_recipe_and_no_two_recipes_share_a_name(
    found: list[tuple[dict[str, Any], int | None, float]], shuffle: int
) -> None:
    rows = rows_of(found)
    made = recipes(made_track(*rows))
    assert sorted(row.entry_id for recipe in made for row in recipe.rows) == sorted(row.entry_id for row in rows)
    for names in ([each.name for each in made], [each.slug for each in made], list(short_names(made).values())):
        assert len(set(names)) == len(made)
    Random(shuffle).shuffle(rows)
    assert told(recipes(made_track(*rows))) == told(made)


def test_seeds_of_one_recipe_are_one_row_whatever_follows_from_the_seed() -> None:
    rows = [
        made_row(f"e{seed}", kept=0.9 - seed / 100, seeds=(seed,), tokens=100 + seed, summary=f"Seed {seed}.")
        for seed in range(3)
    ]
    found = only(*rows)
    assert found.name == "SFT · lr 1e-4 · 3 seeds"
    assert found.seeds == (0, 1, 2)
    assert found.retention is not None
    assert found.retention.values == (0.9, 0.89, 0.88)
    assert found.gain.mean == pytest.approx(0.8)
    assert found.balance is not None


def test_seeds_of_a_named_recipe_went_as_far_as_a_rule_let_each() -> None:
    def stopped(name: str, seed: int, steps: int, **fields: Any) -> Row:
        stated = {"recipe": "grpo-1", "family": "rft", "algorithm": "GRPO", **fields}
        return made_row(name, seeds=(seed,), steps=steps, rollouts=256 * steps, **stated)

    found = only(stopped("one", 0, 40), stopped("two", 1, 39))
    assert found.name == "GRPO · lr 1e-4 · 2 seeds"
    assert (found.manifest.method.steps, found.manifest.method.rollouts) == (None, None)
    assert (found.manifest.method.recipe, found.manifest.method.kl_coefficient) == ("grpo-1", None)
    assert only(stopped("one", 0, 40)).manifest.method.steps == 40
    for apart in ({"recipe": "grpo-2"}, {"handle": "bob"}, {"learning_rate": 1e-3}, {"kl_coefficient": 0.1}):
        assert len(recipes(made_track(stopped("one", 0, 40), stopped("two", 1, 39, **apart)))) == 2
    # Without a name nothing says that the number of steps was not set.
    assert len(recipes(made_track(stopped("one", 0, 40, recipe=None), stopped("two", 1, 39, recipe=None)))) == 2


def test_a_rule_that_ends_trainings_hides_no_other_learning_rate() -> None:
    def seeds(name: str, steps: tuple[int, int], **fields: Any) -> list[Row]:
        return [made_row(f"{name}{seed}", seeds=(seed,), steps=each, **fields) for seed, each in enumerate(steps)]

    found = recipes(
        made_track(
            *seeds("slow", (40, 39), recipe="slow"),
            *seeds("fast", (37, 39), recipe="fast", learning_rate=1e-3),
            *seeds("long", (90, 90), recipe="long", learning_rate=3e-4),
        )
    )
    by_name = {each.rows[0].entry_id[:4]: but_learning_rate(each) for each in found}
    # A number of steps that all seeds share was set, and may be what makes the difference.
    assert by_name["slow"] == by_name["fast"] != by_name["long"]


def test_a_name_of_a_recipe_tells_it_apart_where_nothing_else_does() -> None:
    rows = [made_row(f"{name}{seed}", seeds=(seed,), recipe=name) for name in ("a1", "b2") for seed in (0, 1)]
    assert sorted(each.name for each in recipes(made_track(*rows))) == [
        "SFT · lr 1e-4 · recipe a1 · 2 seeds",
        "SFT · lr 1e-4 · recipe b2 · 2 seeds",
    ]


@pytest.mark.parametrize("fields", _APART)
def test_another_author_place_or_statement_is_another_recipe(fields: dict[str, Any]) -> None:
    assert len(recipes(made_track(made_row("one", seeds=(0,)), made_row("two", seeds=(1,), **fields)))) == 2


def test_an_author_is_one_however_the_name_is_cased() -> None:
    assert len(only(made_row("one", seeds=(0,)), made_row("two", seeds=(1,), handle="Ada")).rows) == 2


def test_without_a_seed_or_with_one_twice_nothing_says_that_only_the_seed_differs() -> None:
    assert len(recipes(made_track(made_row("one", seeds=None), made_row("two", seeds=(1,))))) == 2
    twice = [made_row(name, seeds=(seed,)) for name, seed in (("one", 0), ("two", 0), ("three", 1), ("four", 2))]
    assert sorted(len(each.rows) for each in recipes(made_track(*twice))) == [1, 1, 2]


@pytest.mark.parametrize("standing", [Standing.FLAGGED, Standing.SUPERSEDED])
def test_what_is_doubted_or_replaced_is_in_no_mean(standing: Standing) -> None:
    rows = seeds_of("e", [0.9, 0.8])
    replaced = made_row("old", kept=0.1, seeds=(0,), standing=standing)
    first, last = recipes(made_track(*rows, replaced))
    assert (len(first.rows), [row.entry_id for row in last.rows]) == (2, ["old"])
    assert str(standing) in [tag.text for tag in last.tags]


def test_recipes_are_in_the_order_of_their_mean_balance_and_not_of_their_best_seed() -> None:
    lucky = seeds_of("lucky", [0.99, 0.1], learning_rate=1e-3)
    steady = seeds_of("steady", [0.9, 0.9])
    nothing = seeds_of("nothing", [1.0, 1.0], gain=0.0, learning_rate=1e-5)
    found = recipes(made_track(*lucky, *steady, *nothing))
    assert [each.rows[0].entry_id[:-1] for each in found] == ["steady", "lucky", "nothing"]


def test_without_a_gain_recipes_are_in_the_order_of_what_they_keep() -> None:
    rates = zip((1e-3, 1e-4, 1e-5), (0.5, 0.9, 0.7), strict=True)
    rows = [made_row(f"e{rate:g}", kept=kept, gain=0.0, learning_rate=rate) for rate, kept in rates]
    assert [each.retention.mean for each in recipes(made_track(*rows)) if each.retention] == [0.9, 0.7, 0.5]


def test_a_mean_is_absent_where_a_seed_has_no_value() -> None:
    found = only(*seeds_of("e", [0.9, None, 0.8]))
    assert (found.retention, found.balance) == (None, None)
    assert found.gain.seeds == 3


def test_tags_are_those_of_all_seeds_and_what_they_show_together() -> None:
    def texts(rows: list[Row]) -> list[str]:
        return [tag.text for tag in only(*rows).tags]

    assert texts(seeds_of("e", [0.9, 0.9])) == ["verified"]
    assert texts(seeds_of("e", [0.9, 0.9], gain=0.0)) == ["no gain shown", "verified"]
    assert texts(seeds_of("e", [0.9, 0.9], gain=-0.1)) == ["got worse", "verified"]
    assert texts(seeds_of("e", [0.9, 0.9], gain=[-0.03, -0.01])) == ["no gain shown", "verified"]
    assert texts(seeds_of("e", [0.9, 0.9], gain=[0.025, 0.005])) == ["gain shown by 1 of 2 seeds", "verified"]
    assert texts(seeds_of("e", [0.9, 0.1])) == ["verified", "seeds disagree"]
    assert texts(seeds_of("e", [0.9, 0.9], gain=[0.8, 0.2])) == ["verified", "seeds disagree"]
    assert texts(seeds_of("e", [0.9, 0.9], evidence=Evidence.SELF_REPORTED)) == ["provisional"]
    mixed = [made_row("a", seeds=(0,)), made_row("b", seeds=(1,), evidence=Evidence.SELF_REPORTED)]
    assert texts(mixed) == ["1 of 2 seeds provisional"]


def test_a_recipe_is_as_sure_as_its_weakest_seed_and_stands_after_those_that_are_surer() -> None:
    mixed = [made_row("a", seeds=(0,)), made_row("b", seeds=(1,), evidence=Evidence.REPRODUCED)]
    told = made_row("c", kept=0.99, learning_rate=1e-3, evidence=Evidence.SELF_REPORTED)
    doubted = made_row("d", kept=1.0, learning_rate=1e-2, standing=Standing.FLAGGED)
    found = recipes(made_track(*mixed, told, doubted))
    assert [each.evidence for each in found] == [Evidence.REPRODUCED, Evidence.SELF_REPORTED, Evidence.VERIFIED]
    assert [each.provisional for each in found] == [False, True, False]


def test_another_seed_does_not_move_the_address_of_a_recipe() -> None:
    rows = seeds_of("e", [0.9, 0.8, 0.7])
    assert only(*rows).slug == only(*rows[:2]).slug == only(rows[0]).slug


def test_methods_that_differ_in_learning_rate_alone_are_known() -> None:
    rows = [made_row("a"), made_row("b", learning_rate=1e-3), made_row("c", steps=9, learning_rate=1e-3)]
    by_id = {each.rows[0].entry_id: but_learning_rate(each) for each in recipes(made_track(*rows))}
    assert by_id["a"] == by_id["b"] != by_id["c"]


def test_short_names_say_no_more_than_it_takes() -> None:
    rows = [
        made_row("a"), made_row("b", learning_rate=1e-3), made_row("c", learning_rate=3e-4, steps=1),
        made_row("d", learning_rate=3e-4, steps=2), made_row("e", family="rft", algorithm="GRPO"),
    ]  # fmt: skip
    assert set(short_names(recipes(made_track(*rows))).values()) == {
        "SFT at lr 1e-4", "SFT at lr 1e-3", "SFT · lr 3e-4 · 1 step", "SFT · lr 3e-4 · 2 steps", "GRPO",
    }  # fmt: skip
