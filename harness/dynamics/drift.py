"""Drift: compare the two models' next-token distributions along the base's stored outputs.


Prompts are rendered again from the suite's items and must match the run's (by digest); responses are the base run's
stored outputs. Nothing is sampled: the divergence at each token is exact over the vocabulary
(harness/scoring/METRICS.md, "Why").
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.answers import opened_thought
from harness.checkpoints import (
    ANY_SIZE,
    Checkpoint,
    Conditions,
    Pixels,
    PromptRenderer,
    conditions_of,
    same_tokenizer,
)
from harness.engines import EngineSettings, choose, placement
from harness.errors import CheckFailedError, RetentionError
from harness.lmeval import load_frozen, run_tasks
from harness.protocol import Completion, ContinuationScore, GenerateRequest, Prompt, ScoreRequest
from harness.records import EngineRecord, Run, Suite, suite_path
from harness.scoring import ItemDrift
from harness.suites import open_suite

_FIRST = 16


@dataclass(frozen=True)
class Probe:
    """One prompt and the base's output, as tokens; ``stopped`` if the base ended it by itself."""

    item_id: str
    task: str
    prompt: Prompt
    output: tuple[int, ...]
    stopped: bool

    @property
    def n_tokens(self) -> int:
        return len(self.prompt.token_ids) + len(self.output)


@dataclass(frozen=True)
class DriftPlan:
    """Everything known before a model is loaded, so that the cost can be reported."""

    probes: tuple[Probe, ...]
    base: Checkpoint
    tuned: Checkpoint
    settings: EngineSettings
    conditions: tuple[Conditions, Conditions]

    @property
    def cost(self) -> str:
        tokens = sum(probe.n_tokens for probe in self.probes)
        where = f"{self.settings.dtype} on {placement.device_class()}"
        return f"{len(self.probes):,} items, {tokens:,} tokens, each read once by both models ({where})"


def plan_drift(
    base_run: Run,
    tuned_run: Run,
    base: Checkpoint,
    tuned: Checkpoint,
    *,
    suite: str | None = None,
    limit: int | None = None,
) -> DriftPlan:
    """Render the prompts of the base run and take its outputs; at most ``limit`` items per task, chosen by item id.

    Raises ``RetentionError`` if a checkpoint is not the one of its run, or the prompts differ from the run's.
    """
    for side, run, checkpoint in (("base", base_run, base), ("tuned", tuned_run, tuned)):
        if run.record.checkpoint.weights_digest != checkpoint.record.weights_digest:
            raise RetentionError(
                f"--{side}-checkpoint {checkpoint.record.name}: not the model of the {side} run, "
                f"{run.record.checkpoint.name} (weights {run.record.checkpoint.weights_digest[:12]})"
            )
    if base_run.record.sampling is not None:
        raise RetentionError(
            "drift is measured along greedy answers, one an item, and the base run's are sampled; give a run without "
            "--temperature"
        )
    same_tokenizer(base, tuned)
    reference = suite or f"{base_run.record.suite.name}-{base_run.record.suite.version}"
    loaded = open_suite(reference)
    if loaded.digest != base_run.record.suite.digest:
        raise RetentionError(
            f"suite {loaded.id}: its digest differs from the runs'; give their suite with --suite FILE"
        )
    probes = _probes(loaded, reference, base_run, PromptRenderer(_folder(base), loaded.prompt))
    # Sorted by their ids, which are digests, the first items are a random sample.
    chosen = sorted(probes, key=lambda probe: probe.item_id)
    if limit is not None:
        chosen = [probe for name in loaded.tasks for probe in [p for p in chosen if p.task == name][:limit]]
    settings = EngineSettings(name="transformers", dtype=base_run.record.engine.dtype)  # type: ignore[arg-type]
    choose("transformers")
    stated = base_run.record.conditions if base_run.record.own_pixels else loaded
    pixels = ANY_SIZE if stated is None else Pixels(stated.min_pixels, stated.max_pixels)
    shared = conditions_of(base, settings.max_model_len, pixels=pixels)
    own = shared.with_processor_of(tuned, pixels) if tuned_run.record.own_processor else shared
    return DriftPlan(tuple(chosen), base, tuned, settings, (shared, own))


def _folder(checkpoint: Checkpoint) -> Path:
    return checkpoint.base.path if checkpoint.base else checkpoint.path


def _probes(suite: Suite, reference: str, run: Run, renderer: PromptRenderer) -> list[Probe]:
    tasks = load_frozen(suite, suite_path(reference).parent)
    engine = _ReplayEngine(run, renderer)
    for _ in run_tasks(suite, tasks, engine, renderer, lambda _: None):
        pass
    return engine.probes


class _ReplayEngine:
    """An engine that replays the base's stored answers and records the requests as probes."""

    def __init__(self, run: Run, renderer: PromptRenderer) -> None:
        self.record: EngineRecord = run.record.engine
        self.probes: list[Probe] = []
        self._rows: pd.DataFrame = run.samples.set_index("item_id")
        self._renderer = renderer

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            row = self._row(request.item_id, request.prompt)
            written = row["output"].removeprefix(opened_thought(request.prompt.text))
            output = self._renderer.continuation(request.prompt, written)
            stopped = row["finish_reason"] == "stop"
            self.probes.append(Probe(request.item_id, row["task"], request.prompt, output, stopped))
            yield index, Completion(written, "stop", 0, 0)

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, tuple[ContinuationScore, ...]]]:
        for index, request in enumerate(requests):
            row = self._row(request.item_id, request.prompt)
            stored = [self._renderer.continuation(request.prompt, space + row["output"]) for space in (" ", "")]
            chosen = next((each for each in request.continuations if each in stored), None)
            logprobs = row["logprobs"]
            if chosen is None and logprobs is not None and len(logprobs) == len(request.continuations):
                # An option that stands in its sentence is no continuation by itself.
                chosen = request.continuations[logprobs.index(max(logprobs))]
            if chosen is None:
                raise CheckFailedError(f"item {request.item_id[:12]}: the stored answer is not one of its options")
            # The option was given, not generated: there is no decision to stop after it.
            self.probes.append(Probe(request.item_id, row["task"], request.prompt, chosen, stopped=False))
            yield index, tuple(ContinuationScore(0.0, each == chosen) for each in request.continuations)

    def close(self) -> None:
        """Nothing to close."""

    def _row(self, item_id: str, prompt: Prompt) -> "pd.Series":
        row = self._rows.loc[item_id]
        if row["prompt_digest"] != prompt.digest:
            raise CheckFailedError(f"item {item_id[:12]}: this version renders a different prompt than the run's")
        return row


def measure_drift(plan: DriftPlan, report: Callable[[str], None]) -> dict[str, ItemDrift]:
    """Run both models on every probe; ``report`` gets the cost first, and a time estimate after the first probes.

    Empty outputs that the base did not end by itself have no position to compare; they are left out and reported.
    """
    from harness.dynamics.two_models import TwoModels

    report(plan.cost)
    probes = [probe for probe in plan.probes if probe.output or probe.stopped]
    if len(probes) < len(plan.probes):
        report(f"{len(plan.probes) - len(probes)} items have no output to compare and are left out")
    found: dict[str, ItemDrift] = {}
    models = TwoModels(plan.base, plan.tuned, plan.settings, plan.conditions)
    try:
        started, timed = time.monotonic(), 0
        for place, probe in enumerate(probes):
            n_tokens, forward, reverse = models.divergence(probe.prompt, probe.output, probe.stopped)
            found[probe.item_id] = ItemDrift(probe.task, n_tokens, forward, reverse)
            if place == 0:
                # The first call also loads kernels, which would spoil the estimate of a short job.
                started = time.monotonic()
            else:
                timed += probe.n_tokens
            if place == _FIRST:
                rest = sum(each.n_tokens for each in probes[place + 1 :])
                report(f"about {(time.monotonic() - started) / timed * rest:.0f} s")
    finally:
        models.close()
    return found
