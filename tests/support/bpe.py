"""A small byte-level BPE, trained on a few sentences, and what other programs make of its file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from tests.support.fakes import TEMPLATE, write_checkpoint

SENTENCES = (
    "What is the capital of France? The answer is Paris.",
    "Question: What is 12 + 30? Answer: 42",
    "def f(x): return x ** 2  # the square of x",
    "the cat sat on the mat, and the other cat sat there too",
)
SPECIAL = ("<|im_start|>", "<|im_end|>", "<image>")


def small_bpe() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=360, special_tokens=list(SPECIAL), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer


def write_bpe_checkpoint(folder: Path, tokenizer: Tokenizer | None = None, *, seed: int = 0) -> Path:
    """As :func:`write_checkpoint`, with the small BPE for a tokenizer."""
    write_checkpoint(folder, seed=seed)
    (tokenizer or small_bpe()).save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


def change_tokenizer(folder: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """Change the content of a folder's tokenizer file in place."""
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return folder


def as_of_old(content: dict[str, Any]) -> None:
    """As versions of tokenizers before 0.20 wrote it: merges as texts, and without the newer fields."""
    model = content["model"]
    model["merges"] = [" ".join(pair) for pair in model["merges"]]
    for name in ("ignore_merges", "byte_fallback", "dropout"):
        model.pop(name, None)
    for part in (content["pre_tokenizer"], content["decoder"]):
        part.pop("use_regex", None)
    content["padding"] = {"strategy": "BatchLongest", "direction": "Left", "pad_to_multiple_of": None, "pad_id": 0,
                          "pad_type_id": 0, "pad_token": "<|im_end|>"}  # fmt: skip
    content["truncation"] = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}


def reordered(content: dict[str, Any]) -> None:
    """The same content with its fields in another order."""
    items = list(content.items())
    content.clear()
    content.update(reversed(items))
