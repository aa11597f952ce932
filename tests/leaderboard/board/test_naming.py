"""Naming: recipes are called as people say it, and no two alike."""

from typing import Any

import pytest

from leaderboard.board.naming import seed_count, settings, title, weights
from leaderboard.documents.manifest import Manifest
from leaderboard.site.views import METHODS
from tests.support.made_up_board import made_manifest


def stated(adapter: str | None = None, seeds: list[int] | None = None, **method: Any) -> Manifest:
    return made_manifest("one", seeds, "ada", None, adapter, "COCO", method)


@pytest.mark.parametrize(
    ("said", "method"),
    [
        ("SFT", {}),
        ("SFT", {"algorithm": "sft"}),
        ("SFT with replay", {"algorithm": "SFT-with-replay", "replay": "half of each batch"}),
        ("SFT with replay", {"replay": "half of each batch"}),
        ("SFT on own samples", {"family": "sft-on-rollouts", "algorithm": "SFT-on-own-samples"}),
        ("SFT on rollouts", {"family": "sft-on-rollouts"}),
        ("LoRA r16 with replay", {"lora_rank": 16, "replay": "half"}),
        ("LoRA r16", {"algorithm": "SFT", "adapter": "lora", "lora_rank": 16}),
        ("DoRA r8", {"adapter": "DORA", "lora_rank": 8}),
        ("prefix tuning", {"adapter": "prefix_tuning"}),
        ("sideload", {"adapter": "sideload"}),
        ("GRPO", {"family": "rft", "algorithm": "grpo"}),
        ("GRPO, LoRA r16", {"family": "rft", "algorithm": "GRPO", "lora_rank": 16}),
        ("REINFORCE++", {"family": "rft", "algorithm": "REINFORCE++"}),
        ("DPO-Positive", {"family": "dpo", "algorithm": "DPO-Positive"}),
        ("RFT", {"family": "rft"}),
        ("other method with replay", {"family": "other", "replay": "yes"}),
    ],
)
def test_titles_are_as_people_say_them(said: str, method: dict[str, Any]) -> None:
    assert title(stated(**method)) == said


def test_weights_are_full_or_the_kind_of_adapter_with_its_rank() -> None:
    assert weights(stated()) == "full"
    assert weights(stated(lora_rank=8)) == "LoRA r8"
    assert weights(stated(adapter="lora")) == "LoRA"


def test_every_family_has_a_name() -> None:
    assert all(title(stated(family=family)) == name for family, (name, _) in METHODS.items())


def test_settings_have_the_learning_rate_and_no_more_than_it_takes() -> None:
    told = settings([stated(), stated(learning_rate=1e-3, steps=9), stated(learning_rate=None)], ["a", "b", "c"])
    assert told == ["lr 1e-4", "lr 1e-3", ""]


def test_settings_say_what_tells_two_of_one_title_apart() -> None:
    assert settings([stated(steps=160), stated(steps=1)], ["a", "b"]) == ["lr 1e-4 · 160 steps", "lr 1e-4 · 1 step"]
    grpo: dict[str, Any] = {"family": "rft", "algorithm": "GRPO", "steps": 10}
    told = settings([stated(**grpo, kl_coefficient=0.05), stated(**grpo)], ["a", "b"])
    assert told == ["lr 1e-4 · KL 0.05", "lr 1e-4"]
    others = [made_manifest("one", None, handle, None, None, "COCO", {}) for handle in ("ada", "bob")]
    assert settings(others, ["a", "b"]) == ["lr 1e-4 · by ada", "lr 1e-4 · by bob"]
    data = [made_manifest("one", None, "ada", None, None, data, {}) for data in ("COCO", "VQA")]
    assert settings(data, ["a", "b"]) == ["lr 1e-4 · on COCO", "lr 1e-4 · on VQA"]


@pytest.mark.parametrize("dot", "\u00b7\u2022\u2219\u22c5\u30fb")
def test_the_text_of_an_author_is_one_part_of_a_name(dot: str) -> None:
    data = [made_manifest("one", None, "ada", None, None, data, {}) for data in (f"x {dot} 3 seeds", "VQA")]
    assert settings(data, ["a", "b"])[0] == "lr 1e-4 \u00b7 on x - 3 seeds"


def test_where_nothing_stated_tells_two_apart_their_ids_do() -> None:
    assert settings([stated(), stated(), stated(steps=2)], ["aaa", "bbb", "ccc"]) == [
        "lr 1e-4 · aaa", "lr 1e-4 · bbb", "lr 1e-4 · 2 steps",
    ]  # fmt: skip


def test_the_number_of_seeds_is_that_of_entries() -> None:
    assert seed_count([stated(seeds=[0]), stated(seeds=[1])]) == "2 seeds"
    assert seed_count([stated(seeds=[0])]) == "1 seed"
    assert seed_count([stated()]) == seed_count([stated(seeds=[0, 1])]) == ""
