"""Permutations: read the order that a jigsaw's answer states, and judge it place by place.

An order is a list of the numbers 1..m: its k-th number names the displayed tile that belongs at place k, places and
tiles counted row by row (tasks/jigsaw/README.md). As for letters there are two readings. The **lenient** one decides
the outcome: the last list of m numbers, in the answer tag if there is one, otherwise in what is said; in brackets, row
under row, with words between, or with a stop behind. The **strict** one is written down beside it (``valid``): the tag
holds the m numbers, each once, separated by commas, and nothing else. Their difference is the cost of the format.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.answers.extraction import Judgement, unparsed
from harness.answers.statements import MAX_ANSWER, answer_of, tagged
from harness.records import Outcome

# A number, or something that ends a list of numbers; what is neither (spaces, commas, brackets, arrows, "and", "tile")
# only separates them.
_PART = re.compile(
    r"([0-9]+)|(?:\b(?:and|then|tiles?)\b|[\s,;\u3001\uff0c\uff1b|/&>#\[\](){}*_`'\"→-])+|([^0-9])", re.IGNORECASE
)


@dataclass(frozen=True)
class Reading:
    """Numbers found by the lenient reading; ``layer`` says where: in a "tag", an "open-tag" or the "text"."""

    numbers: tuple[int, ...]
    layer: str

    @property
    def is_permutation(self) -> bool:
        return sorted(self.numbers) == list(range(1, len(self.numbers) + 1))


@dataclass(frozen=True)
class OrderJudgement:
    """A :class:`Judgement`, where the order was found, and what else is known of it (``details``, all in [0, 1]).

    ``valid``: the strict reading holds, so that what is right is right to the letter. ``neighbour``: neighbour
    accuracy of the order, 0 without one. ``inverse``: the order is not the gold one but its inverse, that is the
    answer to "where does each displayed tile go?". ``lenient``, ``lenient_score``, ``lenient_valid``: exact, hit rate
    and permutation of the list that was read, which may have repeats.
    """

    judgement: Judgement
    layer: str | None
    details: dict[str, float]


def judge_permutation(output: str, gold: str) -> Judgement:
    """Judge a jigsaw answer: the last list of the m numbers 1..m, each once.

    Score = hit rate k/m over places; correct exactly when k = m. No such list is unparsed with score 0. Raises
    ``ValueError`` when ``gold`` is not a permutation.
    """
    expected = gold_order(gold)
    return _judged(output, read_leniently(output, len(expected)), expected)


def judge_order(output: str, gold: str, rows: int, columns: int) -> OrderJudgement:
    """Judge the answer to a jigsaw of ``rows`` x ``columns`` tiles: :func:`judge_permutation`, and the details.

    Raises ``ValueError`` when ``gold`` is not a permutation of 1..rows*columns.
    """
    expected = gold_order(gold)
    if len(expected) != rows * columns:
        raise ValueError(
            f"gold {gold!r} has {len(expected)} numbers, a jigsaw of {rows}x{columns} has {rows * columns}"
        )
    read = read_leniently(output, len(expected))
    judged = _judged(output, read, expected)
    order = read.numbers if read is not None and read.is_permutation else None
    details = {
        "valid": float(order is not None and _strictly(output) == order),
        "neighbour": 0.0 if order is None else neighbour_accuracy(order, expected, rows, columns),
        "inverse": float(read is not None and read.numbers != expected and read.numbers == inverse(expected)),
        "lenient": float(read is not None and read.numbers == expected),
        "lenient_score": 0.0 if read is None else _hits(read.numbers, expected),
        "lenient_valid": float(order is not None),
    }
    return OrderJudgement(judged, None if read is None else read.layer, details)


def neighbour_accuracy(order: Sequence[int], gold: Sequence[int], rows: int, columns: int) -> float:
    """Share of the 2ab - a - b pairs of places side by side, in the picture put together by ``order`` in a grid of
    a rows and b columns, whose two tiles are neighbours in the original picture, in the same direction; in [0, 1].

    A block of tiles that is whole but moved as one keeps its inner pairs. Both arguments are permutations of 1..ab.
    """
    home = {tile: place for place, tile in enumerate(gold)}  # displayed tile -> its place in the original, from 0
    placed = [home[tile] for tile in order]  # place in the restored picture -> original place of its tile
    right = sum(
        placed[place + 1] == placed[place] + 1 and placed[place] % columns < columns - 1
        for place in range(rows * columns)
        if place % columns < columns - 1
    )
    below = sum(placed[place + columns] == placed[place] + columns for place in range((rows - 1) * columns))
    return (right + below) / (2 * rows * columns - rows - columns)


def inverse(order: Sequence[int]) -> tuple[int, ...]:
    """The order that says of each displayed tile to which place it goes."""
    places = {tile: place for place, tile in enumerate(order, start=1)}
    return tuple(places[tile] for tile in range(1, len(order) + 1))


def gold_order(gold: str) -> tuple[int, ...]:
    """The gold answer as numbers; ``ValueError`` when it is not a permutation of 1..m."""
    order = _permutation(gold)
    if order is None:
        raise ValueError(f"gold {gold!r} is not a permutation of 1..m")
    return order


def read_leniently(output: str, count: int) -> Reading | None:
    """The list of ``count`` numbers that ``output`` states in whatever form, or None; linear in its length.

    The last complete ``<answer>`` tag decides if there is one, then an opened tag that was never closed, then all that
    is said. There, the last list of exactly ``count`` numbers is read: numbers with nothing but spaces, line breaks,
    commas, brackets, arrows and the like between them, or the words "and", "then", "tile".
    """
    text = answer_of(output)
    closed, opened = tagged(text)
    found, layer = (
        (closed, "tag") if closed is not None else (opened, "open-tag") if opened is not None else (text, "text")
    )
    if layer != "text" and len(found or "") > MAX_ANSWER:
        return None
    numbers = _last_list(found or "", count)
    return None if numbers is None else Reading(numbers, layer)


def _last_list(text: str, count: int) -> tuple[int, ...] | None:
    last: tuple[int, ...] | None = None
    listed: list[int] = []
    for part in _PART.finditer(text):
        digits, end = part.groups()
        if digits:
            # A number of four digits is no tile; read as 0 it fills its place and hits nothing.
            listed.append(int(digits) if len(digits) < 4 else 0)
        elif end:
            last = tuple(listed) if len(listed) == count else last
            listed = []
    return tuple(listed) if len(listed) == count else last


def _judged(output: str, read: Reading | None, expected: tuple[int, ...]) -> Judgement:
    if read is None:
        held = tagged(answer_of(output))[0]
        return unparsed(None if held is None or len(held) > MAX_ANSWER else held.strip() or None)
    stated = ",".join(map(str, read.numbers))
    if not read.is_permutation:
        return unparsed(stated)
    score = _hits(read.numbers, expected)
    return Judgement(stated, Outcome.CORRECT if read.numbers == expected else Outcome.WRONG, score)


def _strictly(output: str) -> tuple[int, ...] | None:
    held = tagged(answer_of(output))[0]
    return None if held is None or len(held) > MAX_ANSWER else _permutation(held)


def _hits(numbers: Sequence[int], expected: Sequence[int]) -> float:
    return sum(mine == theirs for mine, theirs in zip(numbers, expected, strict=True)) / len(expected)


def _permutation(text: str) -> tuple[int, ...] | None:
    parts = [part.strip() for part in text.split(",")]
    places = {str(k): k for k in range(1, len(parts) + 1)}
    if set(parts) != set(places):
        return None
    return tuple(places[part] for part in parts)
