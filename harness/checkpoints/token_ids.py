"""Token ids: what a tokenizer file makes of texts. Called in a sandbox alone: a stranger's pattern may never end."""

import functools
import os
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from harness.checkpoints.tokenizer import open_tokenizer

# Threads cost more than they save here, and a sandbox allows none.
os.environ["TOKENIZERS_PARALLELISM"] = "false"
_SHOWN = 12


def first_difference(
    folder: str, version: str, texts: Sequence[str], expected: Sequence[list[int]]
) -> tuple[int, list[int], list[int]] | None:
    """The place of the first text whose ids are not the expected ones, and both from where they part.

    ``version`` is a digest of the folder's files, which may change in the life of a sandbox.
    """
    found = _tokenizer(folder, version).encode_batch_fast(list(texts), add_special_tokens=False)
    for place, (encoded, wanted) in enumerate(zip(found, expected, strict=True)):
        if encoded.ids != wanted:
            start = _parting(wanted, encoded.ids)
            return place, wanted[start : start + _SHOWN], encoded.ids[start : start + _SHOWN]
    return None


def _parting(one: list[int], other: list[int]) -> int:
    shorter = min(len(one), len(other))
    return next((place for place in range(shorter) if one[place] != other[place]), shorter)


@functools.lru_cache(maxsize=1)
def _tokenizer(folder: str, version: str) -> Tokenizer:
    return open_tokenizer(Path(folder))
