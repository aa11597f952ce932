"""Trial: a tokenizer file is opened and used in a sandbox before anything here opens it.

The tokenizers library is Rust: what it does not survive ends the program, and nothing interrupts it. The limits of the
trial grow with the file; a tokenizer that passed is not tried again.
"""

import functools
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tokenizers

from harness.checkpoints.cache import cached_answer
from harness.checkpoints.scan import CheckpointError
from harness.checkpoints.tokenizer_patterns import WAY_OUT, check_tokenizer_patterns
from harness.sandbox import Failure, Limits, Sandbox

_VERSION = 1
# All characters but those of rare scripts, so many at a time; published tokenizers make at most 18 of one.
_CHARACTERS = (*range(0xD800), *range(0xE000, 0x10000), *range(0x1F000, 0x1FC00))
_BLOCK = 64
_SUSPICIOUS = 4
_MOST_MADE = 256
_LONGEST_MADE = 1 << 20
_MOST_AROUND = 64
# As long as a prompt, in sentences and in one word: some models take the square of a word's length.
_SAMPLE = "Question: What is 12,345.67 + 8%?\n\nA. 3 apples\tB. it's \u00e9\u6f22\U0001f642  Answer: " * 150
_WORD = "x" * 8_000
_LEAST_SECONDS = 5
_MIB = 1024 * 1024


def check_tokenizer(path: Path, content: dict[str, Any], digest: str) -> None:
    """Raise ``CheckpointError`` unless the tokenizer file ``path`` can be opened and used; ``digest`` is its content's.

    It has to open, and to turn every character into little text, in some ten times the memory and time of such files.
    """
    if (share := _dropped(content)) is not None:
        raise CheckpointError(
            f"{path}: model.dropout is {share!r:.40}: a text would be read in other tokens each time; set it to null"
        )
    decisive = json.dumps(["tokenizer", _VERSION, tokenizers.__version__, path.stat().st_size, digest])
    cached_answer(hashlib.sha256(decisive.encode()).hexdigest(), lambda: _tried(path, content))


def _dropped(content: dict[str, Any]) -> Any:
    """The share of a tokenizer's merges that are left out at random, an option of training; None if none are."""
    model = content.get("model")
    share = model.get("dropout") if isinstance(model, dict) else None
    return None if share in (None, 0) else share


def _tried(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    check_tokenizer_patterns(path, content)
    size = 1 << (path.stat().st_size // _MIB).bit_length()
    answer = _box(size).call("try_out", str(path))
    why = answer.message if isinstance(answer, Failure) else answer
    if why is not None:
        raise CheckpointError(f"{path}: not a usable tokenizer: {why[:200]}{WAY_OUT}")
    return {"opens": True}


@functools.cache
def _box(megabytes: int) -> Sandbox:
    """One for all tokenizers of a size; opening one takes 15 bytes and some 100 ns for a byte of its file."""
    limits = Limits(
        memory=(256 + 80 * megabytes) * _MIB,
        cpu_seconds=_LEAST_SECONDS + 2 * megabytes,
        wall_seconds=60 + 20 * megabytes,
    )
    return Sandbox("harness.checkpoints.tokenizer_trial", ["try_out"], limits)


def try_out(path: str) -> str | None:
    """Why the tokenizer file ``path`` cannot be used: it makes much text of a character. None if it can. Runs in the
    sandbox."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # A sandbox allows no threads.
    tokenizer = tokenizers.Tokenizer.from_file(path)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    for block in _blocks():
        if _made_of(tokenizer, block) > _SUSPICIOUS * len(block):
            for character in block:
                if (made := _made_of(tokenizer, character)) > _MOST_MADE:
                    return f"it makes {made:,} characters of {character!a}, more than {_MOST_MADE}"
    for text in (_SAMPLE, _WORD):
        tokenizer.decode(tokenizer.encode(text, add_special_tokens=False).ids)
    around = len(tokenizer.encode("").ids)
    return f"it puts {around:,} tokens around a text" if around > _MOST_AROUND else None


def _blocks() -> Iterator[str]:
    for start in range(0, len(_CHARACTERS), _BLOCK):
        yield "".join(map(chr, _CHARACTERS[start : start + _BLOCK]))


def _made_of(tokenizer: tokenizers.Tokenizer, text: str) -> int:
    """How many characters there are once ``text`` is normalised and split."""
    normal = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
    if tokenizer.pre_tokenizer is None or len(normal) > _LONGEST_MADE:
        return len(normal)
    return sum(len(piece) for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
