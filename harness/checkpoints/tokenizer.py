"""Tokenizers: the base's turns text into ids and ids into text for both models of a pair.

A fine-tune may have added tokens of its own, a pad or chat markers. They stand behind the base's vocabulary, so that no
id of the base means anything else; where the fine-tune writes one, :func:`extended` says what it reads.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer

from harness.checkpoints.scan import CheckpointError, read_json
from harness.checkpoints.template_files import special_tokens
from harness.checkpoints.tokenizer_sizes import LONGEST_TOKEN
from harness.checkpoints.tokenizer_trial import check_tokenizer
from harness.items import canonical_json

TOKENIZER_FILE = "tokenizer.json"
# Rows of an embedding between the base's vocabulary and what was added behind it: paddings are of up to 512 rows.
_MOST_UNUSED = 4096


@dataclass(frozen=True)
class NewToken:
    """A token that a fine-tune has beyond its base's vocabulary; ``special`` ones are left out of an answer's text."""

    id: int
    content: str
    special: bool


def tokenizer_digest(folder: Path) -> str:
    """sha256 (hex) of the tokenizer file of a folder, but for what a trainer stores in it of padding and truncation.

    It is tried out first, since nothing but this digest is known of a tokenizer that is used.
    """
    path = folder / TOKENIZER_FILE
    content = tokenizer_content(folder)
    try:
        digest = hashlib.sha256(canonical_json(content)).hexdigest()
    except (ValueError, RecursionError) as error:  # NaN, half a surrogate pair: no tokenizer reads them.
        raise CheckpointError(f"{path}: contains values that JSON does not allow ({str(error)[:80]})") from error
    check_tokenizer(path, content, digest)
    return digest


def tokenizer_content(folder: Path) -> dict[str, Any]:
    """The tokenizer file without padding and truncation, neither of which affects how text is tokenised here."""
    path = folder / TOKENIZER_FILE
    if not path.is_file():
        raise CheckpointError(f"{path}: missing; save the checkpoint's fast tokenizer beside it with save_pretrained")
    return {**read_json(path), "padding": None, "truncation": None}


def open_tokenizer(folder: Path, content: dict[str, Any] | None = None) -> Tokenizer:
    """The tokenizer of a folder, or of ``content`` in its place; its named special tokens are tokens, as transformers
    makes them."""
    with no_panic(folder / TOKENIZER_FILE):
        tokenizer = Tokenizer.from_str(json.dumps(tokenizer_content(folder) if content is None else content))
        added = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
        named = [token for token in special_tokens(folder).values() if token not in added]
        known = [token for token in named if tokenizer.token_to_id(token) is not None]
        tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in known])
        return tokenizer


@contextmanager
def no_panic(path: Path) -> Iterator[None]:
    """A panic in the tokenizer's Rust code is not an ``Exception`` and would end the program."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, MemoryError, CheckpointError):
        raise
    except BaseException as error:
        raise CheckpointError(f"{path}: not a usable tokenizer ({str(error)[:120]!a})") from error


def new_tokens(base: Path, own: Path) -> tuple[NewToken, ...]:
    """The tokens that the folder ``own`` has beyond the vocabulary of ``base``, in the order of their ids."""
    if own == base or not (own / TOKENIZER_FILE).is_file():
        return ()
    mine, theirs = (vocabulary(folder) for folder in (base, own))
    taken = {token.id for token in mine.values()}
    found = [token for content, token in theirs.items() if content not in mine and token.id not in taken]
    return tuple(sorted(found, key=lambda token: token.id))


def extended(base: Path, added: tuple[NewToken, ...]) -> dict[str, Any]:
    """The content of the base's tokenizer file with ``added`` behind its vocabulary, at their ids."""
    content = tokenizer_content(base)
    following = 1 + max((token.id for token in vocabulary(base).values()), default=-1)
    entries = list(content.get("added_tokens") or [])
    for token in added:
        if not 0 <= token.id - following <= _MOST_UNUSED:
            raise CheckpointError(f"added token {token.content[:40]!a} has id {token.id}, far behind the base's last")
        entries += [_entry(NewToken(unused, f"<|unused-{unused}|>", True)) for unused in range(following, token.id)]
        entries.append(_entry(token))
        following = token.id + 1
    return {**content, "added_tokens": entries}


def _entry(token: NewToken) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": token.id, "content": token.content, **flags, "special": token.special}


def vocabulary(folder: Path) -> dict[str, NewToken]:
    """Every token of a tokenizer file by its content; what is no token is left out."""
    content = tokenizer_content(folder)
    model = content.get("model")
    listed = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(listed, list):  # Unigram: pieces with their scores.
        listed = {each[0]: place for place, each in enumerate(listed) if isinstance(each, list) and each}
    pairs = [(text, place, False) for text, place in (listed or {}).items()] if isinstance(listed, dict) else []
    added = content.get("added_tokens")
    for each in added if isinstance(added, list) else []:
        if isinstance(each, dict):
            pairs.append((each.get("content"), each.get("id"), each.get("special") is True))
    return {
        text: NewToken(place, text, special)
        for text, place, special in pairs
        if isinstance(text, str) and type(place) is int and 0 < len(text) <= LONGEST_TOKEN
    }
