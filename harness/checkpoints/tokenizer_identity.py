"""Same tokenizer: whether a fine-tune's tokenizer does what its base's does, whatever its file looks like.

A file that was saved again by another version has other bytes and the same ids. So two tokenizers are the same if every
token of the base has its id in both, and if both make the same ids of the same texts. Tokens added behind the base's
vocabulary are no difference: the base's tokenizer writes the prompts of both (harness/README.md, invariant 1).
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from harness.checkpoints.checkpoint import Checkpoint
from harness.checkpoints.limits import vocabulary_size
from harness.checkpoints.scan import CheckpointError
from harness.checkpoints.tokenizer import TOKENIZER_FILE, open_tokenizer, vocabulary
from harness.sandbox import Failure, Limits, Sandbox

_LIMITS = Limits(memory=4 * 1024**3, cpu_seconds=60, wall_seconds=300.0)
_BOX = Sandbox("harness.checkpoints.token_ids", ["first_difference"], _LIMITS)
_AT_ONCE = 512
# For pairs that are compared without a suite: what splits words, digits, spaces and characters apart.
_TEXTS = (
    "Question: What is 12,345.67 + 8%?\n\nA. 3 apples\tB. it's John's\n\n  Answer:",
    "def f(x):\n    return {'a': x ** 2, \"b\": [1, 2, 3]}  # done\n\n\n",
    "na\u00efve Stra\u00dfe e\u0301 \ufb01 \u2014 $\\frac{1}{2}$ UPPER lower",
    "\u6f22\u5b57\u304b\u306a \ud55c\uad6d \u0440\u0443\u0441 \U0001f642",
)
_WAY_OUT = "so the two cannot read the same token ids; evaluate a tuned checkpoint of this base"


def tokenizer_folder(checkpoint: Checkpoint) -> Path:
    """Where a checkpoint's own tokenizer is: an adapter without one has that of its base."""
    own = (checkpoint.path / TOKENIZER_FILE).is_file()
    return checkpoint.path if own or checkpoint.base is None else checkpoint.base.path


def tokenizers_agree(base: Checkpoint, tuned: Checkpoint) -> bool:
    """Whether the tokenizer files of both say the same, so that there is nothing to compare."""
    return (base.base or base).record.tokenizer_digest == tuned.record.tokenizer_digest


def same_tokenizer(base: Checkpoint, tuned: Checkpoint) -> None:
    """Both models of a pair must read the same token ids; else ``CheckpointError`` names the first that differ.

    Compares the vocabularies and a few texts; :func:`compare_prompts` compares what a suite asks.
    """
    root = (base.base or base).path
    _refuse_fewer_rows(root, tuned)
    if tokenizers_agree(base, tuned):
        return
    _compare_vocabularies(base, tuned)
    tokenizer = open_tokenizer(root)
    ids = [tuple(tokenizer.encode(text, add_special_tokens=False).ids) for text in _TEXTS]
    compare_prompts(base, tuned, zip(_TEXTS, ids, strict=True))


def compare_prompts(base: Checkpoint, tuned: Checkpoint, prompts: Iterable[tuple[str, tuple[int, ...]]]) -> None:
    """Compare ``tuned`` with the base's ids of ``prompts``; ``CheckpointError`` names the first that differ."""
    for number, text, expected, found in _differences(tuned, prompts):
        raise CheckpointError(
            f"{tuned.record.name}: its tokenizer differs from that of {base.record.name} in prompt {number} "
            f"({text[:60]!a}): the ids {expected} of the base are {found} here, {_WAY_OUT}"
        )


def _refuse_fewer_rows(root: Path, tuned: Checkpoint) -> None:
    """A fine-tune's embedding may have lost rows that only padded the base's, but none of a token."""
    rows, before = vocabulary_size(tuned.path), vocabulary_size(root)
    if rows is None or before is None or rows >= before:
        return
    last = max((token.id for token in vocabulary(root).values() if token.id < before), default=-1)
    if rows <= last:
        raise CheckpointError(
            f"{tuned.path / 'config.json'}: vocab_size is {rows}, but the base's tokenizer has ids up to {last}, "
            f"{_WAY_OUT}"
        )


def _compare_vocabularies(base: Checkpoint, tuned: Checkpoint) -> None:
    mine, theirs = vocabulary((base.base or base).path), vocabulary(tokenizer_folder(tuned))
    for text, token in mine.items():
        if (other := theirs.get(text)) is None or other.id != token.id:
            found = "no such token" if other is None else f"id {other.id}"
            raise CheckpointError(
                f"{tuned.record.name}: its tokenizer differs from that of {base.record.name}: the base's token "
                f"{text[:40]!a} with id {token.id} has {found} here, {_WAY_OUT}"
            )


def _differences(
    tuned: Checkpoint, prompts: Iterable[tuple[str, tuple[int, ...]]]
) -> Iterator[tuple[int, str, list[int], list[int]]]:
    folder, version = tokenizer_folder(tuned), tuned.record.weights_digest
    number, rest = 1, iter(prompts)
    while part := list(islice(rest, _AT_ONCE)):
        found = _BOX.call(
            "first_difference", str(folder), version, [text for text, _ in part], [ids for _, ids in part]
        )
        if isinstance(found, Failure):
            raise CheckpointError(f"{folder / TOKENIZER_FILE}: cannot be compared with the base's: {found.message}")
        if found is not None:
            place, expected, actual = found
            yield number + place, part[place][0], expected, actual
        number += len(part)
