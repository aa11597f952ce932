"""Sizes of a tokenizer file: more tokens, merges or characters of a token than any tokenizer has are refused unopened.

A piece of a million characters takes the tokenizers library 300 MB, and overflows its stack when it is freed.
"""

from collections.abc import Iterator
from typing import Any

# The largest that are published: 262,144 tokens and 580,604 merges (Gemma 3), 65,536 added ones (of speech, Llasa).
_MOST_TOKENS = 1_000_000
_MOST_MERGES = 1_000_000
_MOST_ADDED = 100_000
LONGEST_TOKEN = 1024


def absurd_tokenizer(content: dict[str, Any]) -> str | None:
    """What the tokenizer file ``content`` has more of than any tokenizer has; None if nothing."""
    model = content.get("model")
    fields = model if isinstance(model, dict) else {}
    tokens, merges, added = fields.get("vocab"), fields.get("merges"), content.get("added_tokens")
    for values, most, what in (
        (tokens, _MOST_TOKENS, "tokens"),
        (merges, _MOST_MERGES, "merges"),
        (added, _MOST_ADDED, "added tokens"),
    ):
        if isinstance(values, dict | list) and len(values) > most:
            return f"{len(values):,} {what}; a tokenizer has at most {most:,}"
    longest = max(map(_length, (*_texts(tokens), *_texts(added), *fields.values())), default=0)
    if longest > LONGEST_TOKEN:
        return f"a token of {longest:,} characters; a token has at most {LONGEST_TOKEN:,}"
    return None


def _texts(values: Any) -> Iterator[Any]:
    """Tokens as files list them: alone, as a piece with its score (Unigram), or with their properties."""
    for each in values if isinstance(values, dict | list) else ():
        yield each.get("content") if isinstance(each, dict) else each[0] if isinstance(each, list) and each else each


def _length(text: Any) -> int:
    return len(text) if isinstance(text, str) else 0
