"""Labels: where names stand beside a chart so that each can be read, however close its points lie."""

from __future__ import annotations

from collections.abc import Sequence


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """``places`` moved as little as possible, in the sum of squares, until they lie ``gap`` apart in ``[low, high]``.

    In the order given, which their order keeps; equal ones keep the order given. ``ValueError`` where they do not fit.
    Isotonic regression of the places less their ranks times the gap, by pooling neighbours (Ayer et al. 1955).
    """
    if (len(places) - 1) * gap > high - low + 1e-9:
        raise ValueError(f"{len(places)} labels need {(len(places) - 1) * gap:g} of {high - low:g}")
    order = sorted(range(len(places)), key=lambda at: places[at])
    blocks: list[tuple[float, int]] = []
    for rank, at in enumerate(order):
        total, size = places[at] - rank * gap, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / size:
            total, size = total + blocks[-1][0], size + blocks[-1][1]
            blocks.pop()
        blocks.append((total, size))
    last = max(high - (len(places) - 1) * gap, low)
    level = [min(max(total / size, low), last) for total, size in blocks for _ in range(size)]
    found = [0.0] * len(places)
    for rank, at in enumerate(order):
        found[at] = level[rank] + rank * gap
    return found
