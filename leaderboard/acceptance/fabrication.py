"""Fabrication: signs that outputs were written rather than generated. Each asks for verification first, and no more.

Recomputing scores cannot find an entry whose answers were copied from gold with a little noise: nothing in it
contradicts anything else. It can look unlike what models do, and these functions say where. Each is given an entry as a
:class:`~leaderboard.acceptance.references.Reference`, and those that were reproduced or verified beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from harness.scoring import points, share
from leaderboard.acceptance.references import Reference
from leaderboard.documents import TUNED_FOLDER
from leaderboard.entries import Findings, cut_of, finding, some, without_mark

_SAMPLES = f"{TUNED_FOLDER}/samples.parquet"
# A gain, or prior items learned, from which on a training has surely moved the model.
_MOVED, _LEARNED = 0.2, 20
# No training that moved a model so far is known to forget fewer of what the base solves: the least among the reproduced
# and verified entries of the board is 2.9 % (entry hhkiwni7rppe), what batches and kernels alone change is below 1 %.
_LEAST_FORGOTTEN = 0.01
# One entry is no distribution.
_REFERENCES = 2
_FEW = 30
# Whose right answers are kept to this share has most of its wrong ones too.
_KEPT = 0.8
_CHANCE_P = 0.2
_RECOUNTED = 0.02


def outside_references(entry: Reference, others: Sequence[Reference]) -> Findings:
    """A gain or a retention whose whole interval lies above those of all entries of its method family and base."""
    alike = [other for other in others if other.family == entry.family]
    for name, own, known in (
        ("gain", entry.gain_ci, [other.gain_ci for other in alike]),
        ("retention", entry.retention_ci, [other.retention_ci for other in alike]),
    ):
        highest = max((limits[1] for limits in known if limits is not None), default=None)
        if own is None or highest is None or len(alike) < _REFERENCES or own[0] <= highest:
            continue
        why = (
            f"{name} of at least {own[0] * 100:.1f}, where the {len(alike)} reproduced or verified entries of this "
            f"method family and base reach {highest * 100:.1f}"
        )
        yield finding("outside-references", _SAMPLES, why, "outcome", metric=name, low=own[0], highest=highest)


def few_losses(entry: Reference, others: Sequence[Reference]) -> Findings:
    """Hardly any prior item forgotten, though much was learned: surely fewer than of any reference, or than 1 %."""
    if not entry.forgotten.of or not (
        (entry.gain >= _MOVED and entry.gain_ci is not None and entry.gain_ci[0] > 0) or entry.learned.hits >= _LEARNED
    ):
        return
    moved = [other.forgotten.interval[0] for other in others if other.gain >= _MOVED]
    least = min(moved) if len(moved) >= _REFERENCES else _LEAST_FORGOTTEN
    if entry.forgotten.interval[1] < least:
        why = (
            f"{entry.forgotten.hits} of {entry.forgotten.of} prior items were forgotten, at a gain of "
            f"{points(entry.gain)} points and {entry.learned.hits} prior items learned"
        )
        yield finding("few-losses", _SAMPLES, why, "outcome", forgotten=entry.forgotten.hits, least=least)


def unlike_mistakes(entry: Reference, others: Sequence[Reference]) -> Findings:
    """Wrong answers that agree with the base's no more than chance, or more or less than those of the references.

    Which wrong answers a model gives is its fingerprint, which a fine-tune keeps about as well as its right ones
    (:func:`leaderboard.acceptance.references.mistakes`). So a reference that forgot less agrees at least as much as
    this entry may, and one that forgot more at most.
    """
    found, kept = entry.mistakes, 1 - entry.forgotten.value
    if found.same.of < _FEW:
        return
    low, high = found.same.interval
    said = f"on {share(found.same.value)} of {found.same.of} prior items that neither solves"
    if kept >= _KEPT and found.same.chance(found.by_chance / found.same.of) > _CHANCE_P:
        why = f"its wrong answer is the base's {said}, no more than chance, where {share(kept)} of the right ones are"
        yield finding("unlike-mistakes", _SAMPLES, why, "extracted", same=found.same.hits, items=found.same.of)
        return
    enough = [other for other in others if other.mistakes.same.of >= _FEW]
    forgot_more = [other for other in enough if other.forgotten.value >= entry.forgotten.value]
    forgot_less = [other for other in enough if other.forgotten.value <= entry.forgotten.value]
    for side, is_odd in (
        ([other.entry for other in forgot_more if other.mistakes.same.interval[0] > high], "less"),
        ([other.entry for other in forgot_less if other.mistakes.same.interval[1] < low], "more"),
    ):
        if side:
            forgot = "more" if is_odd == "less" else "less"
            why = f"its wrong answer is the base's {said}, {is_odd} than of entry {side[0]}, which forgot {forgot}"
            yield finding("unlike-mistakes", _SAMPLES, why, "extracted", same=found.same.hits, items=found.same.of)
            return


def recounted(file: str, samples: pd.DataFrame, count: Callable[[list[str]], list[int]]) -> Findings:
    """Token counts that the text does not have: ``count`` gives those of texts by the tokenizer that the record names.

    A generation ends with one more token, which is no text, or at its budget. What is generated token by token is not
    always split as its text is, which few outputs show.
    """
    rows = samples[samples["finish_reason"].isin(("stop", "length"))]
    if len(rows) < _FEW:
        return
    outputs = rows["output"].tolist()
    counted = count([without_mark(output) for output in outputs])
    due = [number + (reason == "stop") for number, reason in zip(counted, rows["finish_reason"].tolist(), strict=True)]
    stated = rows["n_output_tokens"].tolist()
    # Of a truncated output only the kept text can be counted.
    off = [
        said < number - 2 if cut_of(output) else abs(said - number) > 1
        for said, number, output in zip(stated, due, outputs, strict=True)
    ]
    if sum(off) > _RECOUNTED * len(rows):
        why = f"{sum(off)} of {len(rows)} outputs have another number of tokens by the tokenizer that the run names"
        yield finding("token-recount", file, why, "n_output_tokens", items=some(rows.loc[off, "item_id"]))


def finish_reasons(file: str, task: str, rows: pd.DataFrame, budget: int) -> Findings:
    """Outputs of a task that are said to have run out of tokens, below its budget."""
    off = rows.loc[(rows["finish_reason"] == "length") & (rows["n_output_tokens"] < budget), "item_id"]
    if len(off):
        why = f"{task}: {len(off)} outputs ended for want of tokens, with fewer than the {budget} that the task allows"
        yield finding("finish-reason", file, why, "finish_reason", items=some(off))
