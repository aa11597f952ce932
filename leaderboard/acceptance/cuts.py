"""Cuts: whether an output that says that its middle was left out can be one that ``submit prepare`` truncated.

Truncation keeps a quarter of its budget from the head of an output and the rest from its tail, the same budget for
every output of a run (:mod:`leaderboard.submit.shortening`). A mark that was written by hand,
before an answer that is then the only thing to be judged, has another shape, or claims text that the tokens of its row
cannot have given.
"""

from __future__ import annotations

import pandas as pd

from harness.records import FullLog
from leaderboard.entries import KEPT_CHARACTERS, Cut, Findings, cut_of, finding, some

# The longest token of a common vocabulary has so many.
_CHARACTERS_A_TOKEN = 128


def cut_marks(file: str, samples: pd.DataFrame, log: FullLog | None, size: int) -> Findings:
    """Marks of truncation in ``samples``, whose file has ``size`` bytes, against their shape, tokens and full log."""
    marked = [
        (place, found)
        for place, output in enumerate(samples["output"].tolist())
        if (found := cut_of(output)) is not None
    ]
    if not marked:
        return
    rows = samples.iloc[[place for place, _ in marked]]
    cuts = [found for _, found in marked]
    kept = {found.kept for found in cuts}
    misshapen = [not _is_whole(found) for found in cuts]
    if any(misshapen) or len(kept) > 1:
        odd = misshapen if any(misshapen) else [found.kept != max(kept) for found in cuts]
        why = f"{sum(odd)} of {len(cuts)} marks of left-out text are not where truncation puts them"
        yield finding("cut-mark", file, why, "output", items=some(rows.loc[odd, "item_id"]))
        return
    tokens = rows["n_output_tokens"].to_numpy()
    off = [found.length > _CHARACTERS_A_TOKEN * count for found, count in zip(cuts, tokens, strict=True)]
    if any(off):
        why = f"{sum(off)} of {len(cuts)} truncated outputs claim a length that their tokens cannot have"
        yield finding("cut-mark", file, why, "n_output_tokens", items=some(rows.loc[off, "item_id"]))
    if log is not None and log.size <= size:
        why = f"the full log has {log.size} bytes, no more than the {size} of what was truncated"
        yield finding("cut-mark", file, why, "full_log.size")


def _is_whole(found: Cut) -> bool:
    """Whether head and tail are what truncation to one of its budgets leaves."""
    return found.kept in KEPT_CHARACTERS and found.head == found.kept // 4 and found.left_out > 0
