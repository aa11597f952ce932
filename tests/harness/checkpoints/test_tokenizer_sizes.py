"""More tokens, merges or characters than any tokenizer has are refused; the largest that are published are not."""

from typing import Any

import pytest

from harness.checkpoints.tokenizer_sizes import absurd_tokenizer

Fields = dict[str, Any]


def words(count: int) -> dict[str, int]:
    return {f"t{number}": number for number in range(count)}


def added(count: int) -> list[Fields]:
    return [{"id": number, "content": f"<|{number}|>"} for number in range(count)]


def test_the_largest_that_are_published_are_not_too_large() -> None:
    gemma = {"type": "BPE", "vocab": words(262_208), "merges": ["a b"] * 580_604}
    assert absurd_tokenizer({"model": gemma, "added_tokens": added(6_415)}) is None
    assert absurd_tokenizer({"model": {"vocab": words(128_256)}, "added_tokens": added(65_536)}) is None
    assert absurd_tokenizer({"model": {"type": "Unigram", "vocab": [["a" * 16, 0.0]] * 250_100}}) is None
    assert absurd_tokenizer({"model": {"type": "BPE", "vocab": {" " * 512: 0}}}) is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"model": {"vocab": words(1_000_001)}}, "1,000,001 tokens; a tokenizer has at most"),
        ({"model": {"vocab": [["a", 0.0]] * 1_000_001}}, "1,000,001 tokens"),
        ({"model": {"merges": ["a b"] * 1_000_001}}, "1,000,001 merges"),
        ({"added_tokens": added(100_001)}, "100,001 added tokens"),
        ({"model": {"vocab": {"a" * 1_025: 0}}}, "a token of 1,025 characters"),
        ({"model": {"vocab": [["a" * 1_025, 0.0]]}}, "a token of 1,025 characters"),
        ({"added_tokens": [{"content": "a" * 1_025}]}, "a token of 1,025 characters"),
        ({"model": {"continuing_subword_prefix": "a" * 1_025}}, "a token of 1,025 characters"),
    ],
)
def test_what_no_tokenizer_has_is_refused_before_it_is_opened(content: Fields, says: str) -> None:
    found = absurd_tokenizer(content)
    assert found is not None
    assert says in found


@pytest.mark.parametrize("content", [{}, {"model": 3}, {"model": {"vocab": 3, "merges": None}, "added_tokens": "x"},
                                     {"model": {"vocab": [[], 3, [3]]}, "added_tokens": [3, {}]}])  # fmt: skip
def test_what_is_no_tokenizer_is_left_to_the_trial(content: Fields) -> None:
    assert absurd_tokenizer(content) is None
