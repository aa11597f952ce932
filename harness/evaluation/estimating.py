"""Estimate: what a plan would cost and could show, before any engine starts; nothing is written but by a calibration.

Counts are exact but for the tokens of images, which are exact where the processor's files say how many an image takes.
Time is measured or not stated: from stored runs of the same checkpoints on the same suite and engine, or by answering
for at most half a minute.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from harness.checkpoints import Checkpoint, cache_in, weights_of
from harness.engines import starting
from harness.evaluation.execution import Execution
from harness.evaluation.listing import find_runs
from harness.evaluation.plan import Plan, Watcher
from harness.evaluation.sizes import CHURN, sizes_of
from harness.evaluation.store import STORE_FILE, ResponseStore, StoredEngine, Variant
from harness.evaluation.watching import complete
from harness.evaluation.work import NO_WORK, Work
from harness.evaluation.workload import Load, workload
from harness.protocol import Engine, GenerateRequest
from harness.records import Run, RunRecord, Suite, read_run

CALIBRATION_SECONDS = 30


@dataclass(frozen=True)
class CheckpointEstimate:
    """One checkpoint: its work, and the output tokens that its answers had in a stored run of the suite, its own or
    the base's; None where there is none."""

    name: str
    role: Literal["base", "tuned"]
    work: Work
    expected_output_tokens: int | None


@dataclass(frozen=True)
class Memory:
    """Bytes: of the largest ``weights`` that an engine loads, and of the cache for the longest item (of ``length``
    tokens) and for ``at_once`` such items; None where the configuration does not tell.

    ``quantization`` says that an engine quantises the weights after this: they then take less.
    """

    dtype: str
    weights: int
    length: int
    at_once: int
    cache_one: int | None
    cache_all: int | None
    quantization: str | None = None


@dataclass(frozen=True)
class Duration:
    """Seconds for all that is to be answered, without an engine's start; ``source`` says how they were measured, over
    ``answers``. None where nothing was."""

    seconds: float | None
    source: Literal["stored runs", "calibration", "nothing to answer", "not measured"]
    answers: int = 0


@dataclass(frozen=True)
class Estimate:
    """What an evaluation would cost and could show.

    ``detectable`` is the smallest loss (a share of items) that would be found four times in five on each prior task,
    after Holm, and ``detectable_overall`` that of their mean, where ``churn`` of the items change. ``repeats`` are the
    answers drawn to an item; where there are several, the items of each work are answers.
    """

    suite: str
    engine: str
    checkpoints: tuple[CheckpointEstimate, ...]
    total: Work
    memory: Memory
    duration: Duration
    churn: float
    detectable: dict[str, float]
    detectable_overall: float | None
    unused: tuple[str, ...] = ()
    repeats: int = 1


def brief(plan: Plan) -> str:
    """A plan that fits in a line, without a look into the store: work of one checkpoint, memory, detectable loss."""
    work, needed, losses = plan.work, memory(plan), detectable_losses(plan.suite, plan.target)[0]
    what = "answers" if _repeats(plan) > 1 else "items"
    parts = [f"{work.items:,} {what} a checkpoint", f"{work.prompt_tokens:,} prompt tokens"]
    parts += [f"at most {work.output_tokens:,} output tokens"] * bool(work.output_tokens)
    parts += [f"{work.images:,} images"] * bool(work.images)
    parts += [f"weights {size_of(needed.weights)}"]
    if needed.cache_all is not None:
        parts.append(f"cache {size_of(needed.cache_all)} for {needed.at_once} longest items at once")
    if losses:
        parts.append(f"detects a loss of {100 * max(losses.values()):.1f} points on a task")
    return ", ".join(parts)


def _repeats(plan: Plan) -> int:
    return plan.sampling.repeats if plan.sampling else 1


def size_of(count: int) -> str:
    """Bytes in words: "5.9 MB", "14.2 GB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def estimate(plan: Plan, watcher: Watcher, *, calibrate: bool = False) -> Estimate:
    """What ``plan`` would cost. ``calibrate`` starts the base's engine and has it answer for at most half a minute;
    its answers are stored, so that the evaluation need not generate them again."""
    path = plan.out / STORE_FILE
    with ResponseStore(path if path.is_file() or calibrate else Path(":memory:")) as store:
        told = complete(watcher)
        parts = [each.fitted() for each in Execution(plan, told, store).parts()]
        told.stage("looking for stored answers")
        loads = [(part, load) for part in parts for load in workload(part)]
        known = list(_runs(plan))
        found = tuple(_checkpoint(part.plan, load, known) for part, load in loads)
        total = sum((each.work for each in found), NO_WORK)
        duration = _duration(plan, [load for _, load in loads], known, total.to_answer)
        if calibrate and total.to_answer:
            duration = _calibrated(*max(loads, key=lambda each: each[1].total.to_answer), total.to_answer, watcher)
    losses, overall = detectable_losses(plan.suite, plan.target)
    return Estimate(
        suite=plan.suite.id,
        engine=loads[0][1].member.record.environment,
        checkpoints=found,
        total=total,
        memory=memory(parts[0].plan),
        duration=duration,
        churn=CHURN,
        detectable=losses,
        detectable_overall=overall,
        unused=plan.settings.unused(),
        repeats=_repeats(plan),
    )


def memory(plan: Plan) -> Memory:
    """What the largest engine of ``plan`` takes for weights and cache."""
    settings, length = plan.settings, plan.conditions.record.max_model_len
    dtype = settings.dtype
    cache = cache_in(plan.base)
    one = None if cache is None else cache.size(length, dtype)
    return Memory(
        dtype=dtype,
        weights=max(_loaded((m.checkpoint for m in p.members), dtype) for p in plan.placements),
        length=length,
        at_once=settings.at_once,
        cache_one=one,
        cache_all=None if one is None else one * settings.at_once,
        quantization=settings.quantization,
    )


def _loaded(checkpoints: Iterable[Checkpoint], dtype: str) -> int:
    """The bytes of one engine's weights: one model, and the adapters that it has beside it."""
    several = list(checkpoints)
    models = {each.record.weights_digest: each for each in ((one.base or one) for one in several)}
    adapters = sum(weights_of(each, dtype) for each in several if each.base)
    return max(weights_of(each, dtype) for each in models.values()) + adapters


def detectable_losses(suite: Suite, target: str | None) -> tuple[dict[str, float], float | None]:
    """The smallest loss that would be found on each prior task, and on their mean, None without prior tasks."""
    sizes = sizes_of(suite, target)
    return {each.task: each.smallest_loss for each in sizes.tasks if not each.is_target}, sizes.smallest_mean_loss


def _runs(plan: Plan) -> Iterable[tuple[RunRecord, Path]]:
    """The complete runs of the plan's suite below its folder, of its checkpoints."""
    digests = {each.record.weights_digest for each in (plan.base, *plan.tuned)}
    for found in find_runs(plan.out) if plan.out.is_dir() else ():
        record = found.record
        if record is None or found.state != "complete" or record.suite.digest != plan.suite.digest:
            continue
        if record.checkpoint.weights_digest in digests:
            yield record, found.folder


def _checkpoint(plan: Plan, load: Load, known: Sequence[tuple[RunRecord, Path]]) -> CheckpointEstimate:
    checkpoint = load.member.checkpoint
    digests = [checkpoint.record.weights_digest, plan.base.record.weights_digest]
    own = next((at for d in digests for record, at in known if record.checkpoint.weights_digest == d), None)
    role: Literal["base", "tuned"] = "base" if checkpoint == plan.base else "tuned"
    return CheckpointEstimate(
        checkpoint.record.name, role, load.total, None if own is None else _expected(load, read_run(own))
    )


def _expected(load: Load, run: Run) -> int:
    """The output tokens of what is to be answered, if answers are as long as those of ``run``, task by task."""
    means = run.samples.groupby("task")["n_output_tokens"].mean()
    return round(sum(work.to_answer * float(means.get(task, 0.0)) for task, work in load.tasks.items()))


def _duration(plan: Plan, loads: Sequence[Load], known: Sequence[tuple[RunRecord, Path]], to_answer: int) -> Duration:
    if not to_answer:
        return Duration(0.0, "nothing to answer")
    environments = {load.member.record.environment for load in loads}
    timed = [record for record, _ in known if record.generated and record.engine.environment in environments]
    answers = sum(record.generated or 0 for record in timed)
    if not answers:
        return Duration(None, "not measured")
    return Duration(to_answer * sum(each.wall_seconds for each in timed) / answers, "stored runs", answers)


def _calibrated(execution: Execution, load: Load, to_answer: int, watcher: Watcher) -> Duration:
    """Answers of a fixed random part of what is missing, until the time is over; the engine's start is not counted."""
    chosen = sorted(load.missing, key=lambda request: request.item_id)
    alone = load.placement.alone(load.member)
    started: list[Engine] = []

    def start() -> Engine:
        watcher.engine_starting(alone.name, load.member.record.fingerprint)
        started.append(starting.start(alone))
        clock[0] = time.monotonic()
        return started[0]

    clock = [time.monotonic()]
    variant = Variant.of(load.member, alone.conditions, execution.plan.replicate)
    engine = StoredEngine(execution.store, variant, start)
    count = 0
    try:
        waiting = iter(chosen)
        while batch := list(islice(waiting, execution.plan.settings.at_once)):
            for kind in (True, False):
                part = [each for each in batch if isinstance(each, GenerateRequest) is kind]
                answers = engine.generate(part) if kind else engine.score(part)  # type: ignore[arg-type]
                with closing(answers):  # type: ignore[type-var]
                    for _ in answers if part else ():
                        count += 1
                        if time.monotonic() - clock[0] > CALIBRATION_SECONDS:
                            return _measured(count, clock[0], to_answer)
    finally:
        for each in started:
            each.close()
    return _measured(count, clock[0], to_answer)


def _measured(count: int, began: float, to_answer: int) -> Duration:
    return Duration(to_answer * (time.monotonic() - began) / count, "calibration", count)
