"""Patterns of a tokenizer that backtrack are refused; those that tokenizers have are not."""

from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints.scan import CheckpointError
from harness.checkpoints.tokenizer_patterns import check_tokenizer_patterns, probes

PATH = Path("tokenizer.json")
# Of GPT-4o, DeepSeek, and of tokenizers for Chinese, digits and lines.
USUAL = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*",
    "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    r"\d{1,3}(?=(?:\d{3})*\b)",
    r"\n",
    " {2,}",
)


def split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def test_the_patterns_of_real_tokenizers_are_used() -> None:
    check_tokenizer_patterns(PATH, {"pre_tokenizer": {"type": "Sequence", "pretokenizers": list(map(split, USUAL))}})
    check_tokenizer_patterns(PATH, {"pre_tokenizer": {"type": "ByteLevel"}, "normalizer": None})


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        (r"(a+)+$", "pre_tokenizer"),
        (r"(\p{L}+)+!{9}$", "normalizer"),
        (r"(?:\s*\w+\s*)+#", "decoder"),
        (r"(ab|a|b)*c$", "pre_tokenizer"),
        (r"(\d+)*(\d+)*(\d+)*x", "pre_tokenizer"),
        ("(\u00e9+)+$", "pre_tokenizer"),
        (r"(?:abc|abcabc)+$", "pre_tokenizer"),
        (r"(\p{Greek}+)+#", "pre_tokenizer"),
        (r"(\x41+)+\x42$", "pre_tokenizer"),
        (r"(\?+)+#", "pre_tokenizer"),
        (r"capital of France\?[^~]*[^~]*[^~]*[^~]*~", "pre_tokenizer"),
        ("(", "normalizer"),
    ],
)
def test_one_that_backtracks_is_refused_with_the_way_out(pattern: str, part: str) -> None:
    with pytest.raises(CheckpointError, match=r"takes too long or cannot be used .*; restore the tokenizer"):
        check_tokenizer_patterns(PATH, {part: {"type": "Sequence", "normalizers": [split(pattern)]}})


def test_more_patterns_than_any_tokenizer_has_are_not_tried() -> None:
    many = [split(f"a{number}") for number in range(65)]
    with pytest.raises(CheckpointError, match="more than 64 patterns"):
        check_tokenizer_patterns(PATH, {"pre_tokenizer": many})
    with pytest.raises(CheckpointError, match="one of over 4,000 characters"):
        check_tokenizer_patterns(PATH, {"pre_tokenizer": split("a" * 4_001)})


def test_what_is_tried_is_bounded() -> None:
    assert sum(map(len, probes("".join(map(chr, range(0x4E00, 0x5A00)))))) < 2_000_000
