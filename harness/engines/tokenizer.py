"""The tokenizer that turns an engine's ids into text: the base's, for every checkpoint of a pair.

A fine-tune's own file never decides what its answers read: it could rewrite them. What it adds are the tokens behind
the base's vocabulary, in a copy of the base's files that lasts as long as this process.
"""

import functools
import json
from pathlib import Path

from harness.checkpoints import (
    Checkpoint,
    Conditions,
    NewToken,
    extended,
    new_tokens,
    read_json,
    staged_folder,
)
from harness.temporary import lasting_folder

# What names classes, code or ids of the base's files, and is read from the copy's tokenizer.json instead.
_LEFT_OUT = frozenset({"auto_map", "added_tokens_decoder", "tokenizer_class"})


def tokenizer_folder(conditions: Conditions, checkpoint: Checkpoint) -> Path:
    """Where an engine of ``checkpoint`` finds its tokenizer; without conditions for one it is the checkpoint's own."""
    if conditions.tokenizer is None:
        return (checkpoint.base or checkpoint).staged
    added = new_tokens(conditions.tokenizer, checkpoint.path)
    return _with(conditions.tokenizer, added) if added else staged_folder(conditions.tokenizer)


@functools.cache
def _with(base: Path, added: tuple[NewToken, ...]) -> Path:
    folder = lasting_folder("tokenizer-")
    (folder / "tokenizer.json").write_text(json.dumps(extended(base, added)), encoding="utf-8")
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        if (base / name).is_file():
            kept = {key: value for key, value in read_json(base / name).items() if key not in _LEFT_OUT}
            (folder / name).write_text(json.dumps(kept), encoding="utf-8")
    config = folder / "tokenizer_config.json"
    stated = read_json(config) if config.is_file() else {}
    config.write_text(json.dumps(stated | {"tokenizer_class": "PreTrainedTokenizerFast"}), encoding="utf-8")
    return folder
