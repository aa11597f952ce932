"""Comparisons remembered by content: a track in which nothing changed is not compared again."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leaderboard.board.cache import Cache, code_digest
from leaderboard.board.contest import Comparison, Contest, Placing
from leaderboard.board.ranking import compare


def compare_all(contests: Sequence[Contest], cache: Cache) -> list[Comparison]:
    """:func:`~leaderboard.board.ranking.compare` of those contests that the cache does not know."""
    keys = [_key(contest) for contest in contests]
    known = [_read(cache.get(key)) for key in keys]
    missing = [place for place, found in enumerate(known) if found is None]
    for place, made in zip(missing, compare([contests[place] for place in missing]), strict=True):
        known[place] = made
        cache.put(keys[place], _written(made))
    return [found for found in known if found is not None]


def _key(contest: Contest) -> str:
    """sha256 over the code, the questions, and what every contender answered and scored."""
    asked = contest.questions
    digest = hashlib.sha256(f"comparison {code_digest()} {asked.digest}\n".encode())
    digest.update("\n".join(asked.item_ids).encode())
    digest.update(json.dumps({name: [place.start, place.stop] for name, place in asked.tasks.items()}).encode())
    for column in (asked.cluster, asked.guess_rate, asked.solved):
        digest.update(np.ascontiguousarray(column).tobytes())
    for one in contest.contenders:
        digest.update(f"\n{one.entry_id}\n{one.card.model_dump_json()}\n".encode())
        digest.update(np.ascontiguousarray(one.solved).tobytes())
        if one.base is not None:
            digest.update(b"base" + np.ascontiguousarray(one.base).tobytes())
    return digest.hexdigest()


def _written(compared: Comparison) -> bytes:
    document = {
        "order": compared.order,
        "placings": {
            name: [
                placing.rank,
                placing.alone,
                placing.letters,
                placing.front,
                placing.reason,
                placing.dominated_by,
                placing.dominators,
            ]
            for name, placing in compared.placings.items()
        },
        "better": _packed(compared.better),
        "pairs": compared.pairs,
        "detectable": compared.detectable,
        "tested": compared.tested,
        "apart": {axis: _packed(matrix) for axis, matrix in compared.apart.items()},
    }
    return json.dumps(document).encode()


def _read(content: bytes | None) -> Comparison | None:
    """A comparison as it was written; None for anything else."""
    if content is None:
        return None
    try:
        document = json.loads(content)
        order = tuple(map(str, document["order"]))
        tested = tuple(map(str, document["tested"]))
        return Comparison(
            order,
            {name: _placing(*fields) for name, fields in document["placings"].items()},
            _square(document["better"], len(order)),
            document["pairs"],
            document["detectable"],
            tested,
            {axis: _square(packed, len(tested)) for axis, packed in document["apart"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _packed(matrix: NDArray[np.bool_]) -> str:
    return base64.b64encode(np.packbits(matrix).tobytes()).decode()


def _square(packed: str, size: int) -> NDArray[np.bool_]:
    bits = np.unpackbits(np.frombuffer(base64.b64decode(packed), dtype=np.uint8), count=size**2)
    return bits.reshape(size, size).astype(bool)


def _placing(
    rank: list[int] | None,
    alone: list[int] | None,
    letters: str,
    front: Any,
    reason: str | None,
    dominated_by: list[str],
    dominators: int,
) -> Placing:
    whole, own = (None if each is None else (each[0], each[1]) for each in (rank, alone))
    return Placing(whole, own, letters, front, reason, tuple(dominated_by), dominators)
