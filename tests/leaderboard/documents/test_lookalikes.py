"""Skeletons: what looks the same has one, whatever it is written with; what does not has another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.documents.lookalikes import skeleton


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("nano-sft", "n\u0430no-sft"),
        ("nano", "NAN0"),
        ("grpo", "grp0"),
        ("modern", "modem"),
        ("Ill", "l1I"),
        ("nano-sft", "nano\u2010sft"),
        ("NANO", "\ua4e0\ua4ee\ua4e0\ua4f3"),
        ("ada", "\u0251da"),
        ("caf\u00e9", "cafe\u0301"),
        ("nano-sft", "nano\u2014sft"),
        ("ada's", "ada\u2019s"),
        ("sft: two", "sft\ua789 two"),
        ('"sft"', "\u201csft\u201d"),
        ("a \u00b7 b", "a \u2022 b"),
    ],
)
def test_what_looks_the_same_has_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), [("sft", "dpo"), ("lr-1e-4", "lr-1e-5"), ("run-2", "run-3"), ("é", "e")])
def test_what_differs_to_the_eye_has_two(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@given(st.text(max_size=40))
def test_a_skeleton_is_its_own(name: str) -> None:
    assert skeleton(skeleton(name)) == skeleton(name)
