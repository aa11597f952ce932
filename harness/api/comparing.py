"""Comparing finished runs: one pair, or the checkpoints of one training run."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd

from harness.api.opening import open_run
from harness.errors import RetentionError
from harness.records import Run, RunError, Table, table_from_rows
from harness.scoring import MARGIN, ItemDrift, Scorecard, Trajectory, score_pair, score_trajectory

# What is taken for a run: one that was opened, a path as of `open_run`, or rows as of a table.
RunLike: TypeAlias = Run | Table | str | os.PathLike[str] | pd.DataFrame | Iterable[Mapping[str, Any]]


def compare(
    base: RunLike,
    tuned: RunLike,
    target: str | None = None,
    noise: RunLike | None = None,
    *,
    drift: Mapping[str, ItemDrift] | None = None,
    margin: float = MARGIN,
    filter: str | None = None,
    metric: str | None = None,
) -> Scorecard:
    """Score ``tuned`` against ``base``: what was learned on the family ``target``, what was forgotten elsewhere.

    Each run is a run folder, the path of a table (parquet, CSV or JSON lines) or of logs of lm-eval's, a :class:`Run`
    or :class:`Table`, or rows in memory: a data frame with one row an item, or a list with one dict an item. Rows need
    ``item_id``, ``task``, ``family`` and ``outcome`` ("correct", "wrong" or "unparsed"); ``score`` and ``guess_rate``
    (chance level, both in [0, 1]), ``group``, ``cluster_id``, ``output``, ``extracted``, ``finish_reason``,
    ``n_output_tokens`` and ``prompt_digest`` are used where they are there. Nobody checked where a table or rows came
    from, and the scorecard says so.

    Without ``target`` every task is a prior task and only forgetting is measured. ``noise`` is a second run of the
    base, for the noise floor; ``drift`` comes from :func:`measure_pair_drift`; ``margin``, a rate in (0, 1), is the
    loss that "retained" must rule out; ``filter`` and ``metric`` are as in :func:`open_run`.

    Raises :class:`CheckFailedError` where the two were not asked the same in the same way, :class:`RunError` where a
    run cannot be read, and :class:`RetentionError` where no task belongs to ``target``.

    >>> compare("runs/BASE", "runs/TUNED", target="jigsaw").retention_macro
    >>> compare(base_frame, tuned_frame, target="math", noise=base_frame_of_another_seed).to_frame()
    """
    sides = {"base": base, "tuned": tuned}
    base_run, tuned_run = (_run_of(given, side, filter, metric) for side, given in sides.items())
    second = None if noise is None else _run_of(noise, "noise", filter, metric)
    return score_pair(base_run, tuned_run, target, noise=second, drift=drift, margin=margin)


def trajectory(
    runs: Sequence[RunLike],
    target: str | None = None,
    *,
    mixed: bool = False,
    filter: str | None = None,
    metric: str | None = None,
) -> Trajectory:
    """The curve of one training run: gain on ``target`` and retention of its checkpoints, all rates in [0, 1].

    ``runs`` are the base and then two or more checkpoints in the order of training, each as in :func:`compare`.
    Without ``target`` every task is a prior task: there is retention, and neither gain nor a retention matched by it.
    ``mixed`` says that they are of one training although their names differ in more than their last number. Raises
    what :func:`compare` raises, and :class:`RetentionError` for fewer runs.

    >>> trajectory(["runs/BASE", "runs/STEP-100", "runs/STEP-200"], "jigsaw").matched
    """
    opened = [_run_of(given, f"run {place}", filter, metric) for place, given in enumerate(runs, start=1)]
    return score_trajectory(opened, target, mixed=mixed)


def measure_pair_drift(
    base: RunLike,
    tuned: RunLike,
    base_checkpoint: str | os.PathLike[str],
    tuned_checkpoint: str | os.PathLike[str],
    *,
    suite: str | os.PathLike[str] | None = None,
    items: int | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Mapping[str, ItemDrift]:
    """KL divergence per token (nats) between both models along the base's stored outputs, by item id; loads both.

    ``items`` bounds the items of a task, ``suite`` is the suite's YAML file where it is not a shipped one, and
    ``progress`` is called with a line of text now and then. Raises :class:`RetentionError` for runs that are no run
    folders, and :class:`CheckFailedError` where the checkpoints are not those of the runs.

    >>> compare(base, tuned, drift=measure_pair_drift(base, tuned, "nano:base", "nano:sft")).drift
    """
    from harness.checkpoints import open_checkpoint
    from harness.dynamics import measure_drift, plan_drift

    base_run, tuned_run = _run_of(base, "base", None, None), _run_of(tuned, "tuned", None, None)
    if not isinstance(base_run, Run) or not isinstance(tuned_run, Run):
        raise RetentionError("drift needs run folders: a table does not say what the models were asked")
    first = open_checkpoint(os.fspath(base_checkpoint))
    second = open_checkpoint(os.fspath(tuned_checkpoint), first)
    named = None if suite is None else os.fspath(suite)
    return measure_drift(plan_drift(base_run, tuned_run, first, second, suite=named, limit=items), progress)


def _run_of(given: RunLike, side: str, filter: str | None, metric: str | None) -> Run | Table:
    if isinstance(given, Run | Table):
        return given
    if isinstance(given, str | os.PathLike):
        return open_run(given, filter=filter, metric=metric)
    if isinstance(given, Iterable) and not isinstance(given, Mapping | bytes):
        return table_from_rows(given, side)
    raise RunError(
        f"{side}: of type {type(given).__name__}, which is no run; give a run folder, the path of a table or log, "
        "a Run, a data frame or a list of dicts"
    )
