"""Patterns of a tokenizer file: regular expressions that split and rewrite text, tried in a sandbox before they serve.

The regex engine of the tokenizers library backtracks, in Rust, where no signal of Python's reaches it: a short prompt
may take it minutes, and then it panics. Each pattern is tried on texts of its own characters, repeated.
"""

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.checkpoints.scan import CheckpointError
from harness.sandbox import Failure, Limits, Sandbox

_MOST = 64
_LONGEST = 4_000
_LIMITS = Limits(memory=256 * 1024 * 1024, cpu_seconds=3, wall_seconds=60)
# As far as a part of a pattern that may match in two ways doubles its time each; and one whose time is a high power.
_REPEATED = (40, 4_000)
_TAILS = ("!", "\x01", "")
_USUAL = "a0 \n-\u00e9"
_MOST_CHARACTERS = 24
_NEEDED = 12
_MOST_IN_PAIRS = 10
_MOST_WORDS = 12
_BEHIND_A_WORD = 400
# Where each script of the basic plane has letters.
_LETTERS = "".join(char for char in map(chr, range(0x370, 0x3200)) if char.isalpha())
# Of GPT-2, Llama 3 and Qwen 2, which most tokenizers have.
_KNOWN = frozenset({
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
})  # fmt: skip


def check_tokenizer_patterns(path: Path, content: dict[str, Any]) -> None:
    """Raise ``CheckpointError`` for a pattern in the tokenizer file ``path`` that would take too long on some text."""
    parts = (content.get(name) for name in ("normalizer", "pre_tokenizer", "decoder"))
    stated = sorted({pattern for part in parts for pattern in _of(part)})
    patterns = [pattern for pattern in stated if pattern not in _KNOWN]
    if len(patterns) > _MOST or any(len(pattern) > _LONGEST for pattern in patterns):
        raise CheckpointError(f"{path}: more than {_MOST} patterns, or one of over {_LONGEST:,} characters{WAY_OUT}")
    if patterns and (why := _refused(tuple(patterns))) is not None:
        raise CheckpointError(f"{path}: not a usable tokenizer: {why}{WAY_OUT}")


WAY_OUT = "; restore the tokenizer of the model that it was trained from (save_pretrained of that tokenizer)"


def _of(part: Any) -> Iterator[str]:
    """Every regular expression in a part of a tokenizer file."""
    waiting = [part]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            if isinstance(value.get("Regex"), str):
                yield value["Regex"]
            waiting += value.values()


@functools.cache
def _refused(patterns: tuple[str, ...]) -> str | None:
    with Sandbox("harness.checkpoints.tokenizer_patterns", ["split_probes"], _LIMITS) as box:
        for pattern in patterns:
            answer = box.call("split_probes", pattern)
            if isinstance(answer, Failure):
                return f"its pattern {pattern[:60]!a} takes too long or cannot be used ({answer.message[:120]})"
    return None


def split_probes(pattern: str) -> int:
    """How many pieces ``pattern`` splits texts of its own characters into. Runs in the sandbox."""
    from tokenizers import Regex
    from tokenizers.pre_tokenizers import Split

    split = Split(Regex(pattern), "isolated")
    return sum(len(split.pre_tokenize_str(probe)) for probe in probes(pattern))


def probes(pattern: str) -> Iterator[str]:
    """Texts on which a pattern backtracks if it does: each of its characters and words, and each two of a few, over and
    over, and characters over and over behind a word that it begins with."""
    literal = _literal(pattern)
    own = [char for char in dict.fromkeys(literal) if char.isalnum() or not char.isascii()]
    # The engine looks for a text that a pattern cannot match without, before it begins.
    everything = "\x01" + "".join(char * _NEEDED for char in dict.fromkeys(literal) if not char.isspace())
    tails = (*_TAILS, everything[: _MOST_CHARACTERS * _NEEDED], everything[:0:-1][: _MOST_CHARACTERS * _NEEDED])
    characters = [*own[:_MOST_CHARACTERS], *(char for char in (*_of_scripts(pattern), *_USUAL) if char not in own)]
    for char, tail in itertools.product(characters, tails):
        for count in _REPEATED:
            yield char * count + tail
    few = [*own[:_MOST_IN_PAIRS], *_USUAL[: max(0, _MOST_IN_PAIRS - len(own))]]
    for (one, other), tail in itertools.product(itertools.permutations(few, 2), tails):
        yield (one + other) * _REPEATED[0] + tail
    for word, tail in itertools.product(_words(literal), tails):
        yield word * _REPEATED[0] + tail
        yield from (word + char * count + tail for char in _USUAL for count in (_REPEATED[0], _BEHIND_A_WORD))
    for sign, tail in itertools.product(_signs(literal), tails):
        yield sign * _REPEATED[0] + tail


def _literal(pattern: str) -> str:
    """The characters that a pattern names, those that it names by their numbers and by an escape among them."""
    plain = re.sub(r"\\[pP]\{[^}]*\}|\\[A-Za-wyzA-TV-Z]", "", pattern)
    numbered = re.sub(r"\\(?:x\{?|u)([0-9a-fA-F]{2,6})\}?", lambda found: chr(min(int(found[1], 16), 0xFFFF)), plain)
    return re.sub(r"\\(.)", r"\1", numbered)


def _words(literal: str) -> list[str]:
    """Runs of letters and digits in ``literal``, and of such with spaces between them: the longest few."""
    found = {run for form in (r"\w{2,}", r"\w[\w ?!.,:]+\w[ ?!.,:]?") for run in re.findall(form, literal)}
    return sorted(found, key=lambda run: (-len(run), run))[:_MOST_WORDS]


def _signs(literal: str) -> list[str]:
    return [char for char in dict.fromkeys(literal) if char.isascii() and not char.isalnum()][:_MOST_CHARACTERS]


def _of_scripts(pattern: str) -> list[str]:
    """A letter of each script or other property that a pattern names, as far as Unicode's names have it."""
    named = dict.fromkeys(name.upper() for name in re.findall(r"\\[pP]\{\^?(\w{3,20})\}", pattern))
    letters = (next((char for char in _LETTERS if unicodedata.name(char, "").startswith(name)), "") for name in named)
    return [char for char in itertools.islice(letters, _MOST_IN_PAIRS) if char]
