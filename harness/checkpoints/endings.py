"""Endings: the tokens that end an answer, for both models of a pair alike (harness/README.md, invariant 1).

A model that ends its turn with a token of its own would run on to the budget where only the base's ends an answer.
So an answer ends at any token by which the base says that it does, at the one that its chat template puts after an
answer, and at those that the tuned checkpoint declares.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from harness.checkpoints.configuration import text_config
from harness.checkpoints.scan import read_json
from harness.checkpoints.tokenizer import TOKENIZER_FILE, open_tokenizer

# A tokenizer numbers its tokens in 32 bits.
_NO_TOKEN = 1 << 32


class Vocabulary:
    """The tokens of a checkpoint's ``tokenizer.json``."""

    def __init__(self, tokenizer: Tokenizer, more: Path | None = None) -> None:
        """``more`` is a folder whose tokenizer has tokens beyond these, read only where one of them is wanted."""
        self._tokenizer = tokenizer
        self._special = {number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
        self._folder = more

    @classmethod
    def read(cls, folder: Path) -> "Vocabulary | None":
        """None where the folder has no tokenizer."""
        return cls(open_tokenizer(folder)) if (folder / TOKENIZER_FILE).is_file() else None

    def extended(self, folder: Path) -> "Vocabulary":
        """These tokens, and beyond them those that the tokenizer in ``folder`` adds."""
        return Vocabulary(self._tokenizer, folder)

    def id_of(self, token: str) -> int | None:
        number: int | None = self._tokenizer.token_to_id(token)
        return self._more.id_of(token) if number is None and self._more else number

    def text_of(self, number: int) -> str | None:
        text: str | None = self._tokenizer.id_to_token(number)
        return self._more.text_of(number) if text is None and self._more else text

    def is_special(self, number: int) -> bool:
        return number in self._special or (self._more is not None and self._more.is_special(number))

    @cached_property
    def _more(self) -> "Vocabulary | None":
        return Vocabulary.read(self._folder) if self._folder else None


def declared_ends(folder: Path, vocabulary: Vocabulary) -> set[int]:
    """The tokens that end an answer by the files in ``folder``, which may be an adapter's, as far as they exist.

    What generation_config.json says decides, as it does in transformers, and without it config.json. What is stated
    beside it counts for special tokens alone: composed models often have their parts' defaults there, which are words
    in their vocabulary.
    """
    config = _read(folder, "config.json")
    sources = (_read(folder, "generation_config.json"), config, text_config(config))
    stated = [found for source in sources if (found := _ids(source.get("eos_token_id")))]
    found = {number for ids in stated[1:] for number in ids if vocabulary.is_special(number)}
    decisive = {number for number in (stated[0] if stated else ()) if vocabulary.text_of(number) is not None}
    return found | decisive | set(_named(folder, vocabulary))


def base_ends(folder: Path, vocabulary: Vocabulary | None, ends_of_turn: Iterable[int | None] = ()) -> tuple[int, ...]:
    """The tokens that end an answer of the base in ``folder``, sorted; ``ends_of_turn`` are those that chat templates
    put after one."""
    declared = declared_ends(folder, vocabulary) if vocabulary else set()
    return tuple(sorted(declared | {each for each in ends_of_turn if each is not None}))


def _named(folder: Path, vocabulary: Vocabulary) -> Iterator[int]:
    """The tokens that the tokenizer's files call the end of a sequence."""
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        token = _read(folder, name).get("eos_token")
        text = token.get("content") if isinstance(token, dict) else token
        number = vocabulary.id_of(text) if isinstance(text, str) else None
        if number is not None:
            yield number


def _ids(value: Any) -> set[int]:
    listed = value if isinstance(value, list) else [value]
    return {each for each in listed if type(each) is int and 0 <= each < _NO_TOKEN}


def _read(folder: Path, name: str) -> dict[str, Any]:
    return read_json(folder / name) if (folder / name).is_file() else {}
