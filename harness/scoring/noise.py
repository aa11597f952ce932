"""Noise: how much the base differs from a second run of itself, and what is left of forgetting without it."""

from typing import Any

import numpy as np
import pandas as pd

from harness.errors import CheckFailedError
from harness.records import Run, RunRecord, TableRecord
from harness.scoring.binary import difference_interval
from harness.scoring.pairing import Pair, Source, pair, refusal
from harness.scoring.repeats import repeats_of
from harness.scoring.scorecard import Noise, NoiseScore
from harness.scoring.task_scores import FEW_UNITS, cluster_labels, correct, reasons
from harness.scoring.transitions import Transitions


def score_noise(joined: Pair, base: Source, second: Source) -> Noise:
    """The noise floor of a pair from ``second``, a second run of its base with other batch order or seed.

    F_noise and BT_noise are F and BT of the base against ``second``; F_net = F - F_noise per task, in [-1, 1], not
    clipped, its interval that of a difference of paired rates, over clusters (METRICS.md, "noise floor"). Raises
    ``CheckFailedError`` when ``second`` is of another model, is the same run, or may not be compared with the base.
    """
    _check_second(base, second)
    _check_digest(joined, second)
    try:
        again = pair(base, second).items
    except CheckFailedError as error:
        raise refusal(f"--noise, read as tuned: {str(error).removeprefix('refused: ')}") from error
    return Noise(
        samples_sha256=second.record.samples_sha256,
        seed=second.record.seed if isinstance(second.record, RunRecord) else None,
        tasks={str(name): _noise_of(items, again.loc[items.index]) for name, items in joined.items.groupby("task")},
    )


def _check_digest(joined: Pair, second: Source) -> None:
    if _is_same(second, joined.tuned):
        raise refusal("--noise: these are the answers of the tuned model; give a second run of the base")
    if _is_same(second, joined.base):
        raise refusal("--noise: these are the answers of the base's run itself; give a second run of it")


def _is_same(source: Source, record: RunRecord | TableRecord) -> bool:
    # A run's record tells it from another that gave the same answers, as engines without noise do; a table's does not.
    if isinstance(source, Run):
        return source.record == record
    return source.record.samples_sha256 == record.samples_sha256


def _check_second(base: Source, second: Source) -> None:
    if base.record == second.record:
        raise refusal("--noise: this is the base's run itself; evaluate the base again, in another folder")
    if not isinstance(base, Run) or not isinstance(second, Run):
        return
    if base.record.checkpoint.weights_digest != second.record.checkpoint.weights_digest:
        raise refusal(
            f"--noise: {second.record.checkpoint.name} is not the base {base.record.checkpoint.name} "
            "(their weights differ); give a second run of the base"
        )


def _noise_of(items: pd.DataFrame, again: pd.DataFrame) -> NoiseScore:
    base, tuned = correct(items)
    _, second = correct(again)
    repeats = repeats_of(items)
    lost = (base & ~tuned).astype(float)
    noise = (base & ~second).astype(float)
    fields: dict[str, Any] = {
        "given_known_noise": Transitions.count(base, second).forgotten_given_known,
        "forgotten_net_ci": difference_interval(lost - noise, cluster_labels(items), repeats),
    }
    why = {"given_known_noise": "the base answered no item correctly", "forgotten_net_ci": FEW_UNITS}
    return NoiseScore(
        n=len(items) // repeats,
        forgotten_noise=noise.mean(),
        backward_noise=float(np.mean(~base & second)),
        forgotten_net=(lost - noise).mean(),
        **fields,
        reasons=reasons(fields, why),
    )
