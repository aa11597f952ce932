"""Verification: a random part of a pair's runs, generated again from the pinned checkpoints, against what was stored.

The items are drawn by a seed that did not exist when the entry was made (the hash of the commit that merged it), so
that nobody could know which answers would be checked. Both checkpoints answer them, in the environment of the stored
runs, twice: in suite order, and once more in another order and batch size, which shows what is the engine's
noise (:mod:`harness.scoring.agreement` has the test).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from harness.checkpoints import ANY_SIZE, Checkpoint, Pixels, Policy, PromptSettings, shipped_checkpoints
from harness.engines import Dtype, EngineSettings, choose
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation.execution import Execution, PlacedEngine, open_execution, refuse_failed
from harness.evaluation.plan import Plan, Watcher, make_plan
from harness.evaluation.run import run_plan
from harness.lmeval import LoadedTask, select_items
from harness.records import CheckpointRecord, ConditionsRecord, Outcome, Run, RunRecord, read_run
from harness.scoring import ENOUGH, Agreement, SideAgreement, agree, compare_side

ITEMS = 280
_REPO = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}\Z")
_REVISION = re.compile(r"\A[0-9a-f]{40}\Z")


@dataclass(frozen=True)
class Sources:
    """Where the checkpoints and the suite are, where their records cannot say; ``threads`` and ``batch`` are speed."""

    base: str | None = None
    tuned: str | None = None
    suite: str | None = None
    threads: int = 1
    batch: int = 256
    max_model_len: int | None = None


def plan_again(base: Run, tuned: Run, sources: Sources, out: Path) -> Plan:
    """The plan that made the two runs, from their records: same checkpoints, suite, engine, number format, template.

    Raises ``RetentionError`` when a checkpoint cannot be found or is not the recorded one, or when this machine cannot
    give the environment of the runs.
    """
    record = base.record
    if record.template_policy != "shared":
        raise RetentionError("the runs used the tuned model's own chat template, which is not rendered again here")
    if record.sampling is not None:
        raise RetentionError("the runs have sampled answers, which are not generated again here; greedy runs are")
    if record.engine.name == "openai" or record.engine.dtype not in get_args(Dtype):
        raise RetentionError(f"the runs were answered by {record.engine.environment}, which no pinned file can restore")
    settings = EngineSettings(
        name=choose(record.engine.name),
        dtype=record.engine.dtype,  # type: ignore[arg-type]
        max_model_len=sources.max_model_len or (record.conditions.max_model_len if record.conditions else None),
        batch=sources.batch,
        threads=sources.threads,
        adapters="lora" if tuned.record.engine.adapter == "lora" else "auto",
        quantization=record.engine.quantization,
        engine_args=record.engine.arguments,
    )
    plan = make_plan(
        find_reference(record.checkpoint, sources.base, "--base-checkpoint"),
        (find_reference(tuned.record.checkpoint, sources.tuned, "--checkpoint"),),
        sources.suite or f"{record.suite.name}-{record.suite.version}",
        None,
        settings,
        out,
        processor="tuned" if tuned.record.own_processor else "base",
        asked=_asked(record),
        pixels=_pixels(record),
    )
    for option, checkpoint, run in (
        ("--base-checkpoint", plan.base, base),
        ("--checkpoint", plan.tuned[0], tuned),
    ):
        if checkpoint.record.weights_digest != run.record.checkpoint.weights_digest:
            raise RetentionError(
                f"{checkpoint.record.name}: its weights are {checkpoint.record.weights_digest[:12]}, those of the run "
                f"are {run.record.checkpoint.weights_digest[:12]}; name the checkpoint of the run with {option}"
            )
        here = plan.placement_of(checkpoint).record.environment
        if here != run.record.engine.environment:
            raise RetentionError(
                f"the run was made on {run.record.engine.environment}, this machine has {here}; answers are compared "
                "on one environment only: verify where the recorded one is installed (run.json names its packages)"
            )
    if record.conditions is not None and plan.conditions.record.stop_token_ids != record.conditions.stop_token_ids:
        ends, were = plan.conditions.record.stop_token_ids, record.conditions.stop_token_ids
        raise RetentionError(f"answers end at tokens {ends}, in the runs at {were}; name the checkpoints of the runs")
    if plan.suite.digest != record.suite.digest:
        raise RetentionError(f"suite {plan.suite.id}: its digest differs from the runs'; give theirs with --suite FILE")
    if plan.prompts.shared.template_digest != record.template_digest:
        raise RetentionError("the base's chat template is not the one of the runs, by its digest")
    for checkpoint, run in ((plan.base, base), (plan.tuned[0], tuned)):
        _check_processor(plan.conditions_for(checkpoint).record, run)
    return plan


def _pixels(record: RunRecord) -> Pixels:
    """The pixel budget that was chosen for a run, if one was."""
    stated = record.conditions
    return ANY_SIZE if stated is None or not record.own_pixels else Pixels(stated.min_pixels, stated.max_pixels)


def _asked(record: RunRecord) -> PromptSettings:
    """What was chosen of the prompts of a run."""
    policy: Policy = "plain" if record.suite.protocol.startswith("plain") else "chat"
    if record.prompts is None:
        return PromptSettings(policy)
    if record.prompts.template_origin == "file":
        raise RetentionError("the runs used a chat template from a file, which is not rendered again here")
    template = "tuned" if record.prompts.template_origin == "tuned" else None
    return PromptSettings(policy, template, record.prompts.template_arguments)


def _check_processor(here: ConditionsRecord, run: Run) -> None:
    """Images must go through what they went through then; records of before it was written down say nothing of it."""
    stated = run.record.conditions
    if stated is not None and here.processor != stated.processor:
        raise RetentionError(
            f"{run.record.checkpoint.name}: the image processor here is {str(here.processor)[:12]}, the run had "
            f"{str(stated.processor)[:12]}; verify with the files of the base that the run used"
        )


def find_reference(record: CheckpointRecord, reference: str | None, option: str) -> str:
    """What to open for a recorded checkpoint: ``reference``, its hub id at its revision, or a shipped one."""
    if reference is not None:
        return reference
    if record.source == "hub":
        if not _REPO.match(record.name) or not _REVISION.match(record.revision or ""):
            raise RetentionError(
                f"{record.name[:100]!r}: the run names no hub checkpoint at a commit; give {option} REF"
            )
        return f"{record.name}@{record.revision}"
    shipped = shipped_checkpoints()
    if record.name not in shipped:
        raise RetentionError(f"{record.name[:100]!r}: was a local folder; say where its weights are with {option} REF")
    return shipped[record.name]


def draw(item_ids: Mapping[str, Sequence[str]], seed: str, count: int) -> dict[str, list[int]]:
    """Which items ``seed`` draws: places in ``item_ids`` by task, in order, at least ``count`` together if there are.

    Each task gives its share, rounded up. Items are taken in the order of sha256(seed, item id): a uniform draw without
    replacement that needs no random generator, so it is the same for ever.
    """
    total = sum(map(len, item_ids.values()))
    drawn = {}
    for task, ids in item_ids.items():
        share = min(len(ids), -(-count * len(ids) // total))
        order = sorted(range(len(ids)), key=lambda row: hashlib.sha256(f"{seed}:{ids[row]}".encode()).digest())
        drawn[task] = sorted(order[:share])
    return drawn


def verify(base: Run, tuned: Run, plan: Plan, seed: str, watcher: Watcher, *, items: int = ITEMS) -> Agreement:
    """Generate the items that ``seed`` draws again with both checkpoints, and test their agreement with the two runs.

    Raises ``CheckFailedError`` when a prompt is not the stored one or an item fails: then nothing can be compared, and
    nothing is said about the entry.
    """
    total = sum(task.count for task in plan.suite.tasks.values())
    if items < min(ENOUGH, total):
        raise RetentionError(f"--items {items}: fewer than {min(ENOUGH, total)} would often miss altered answers")
    with open_execution(plan, watcher) as opened:
        once = opened.fitted()
        twice = replace(once, plan=once.plan.repeated(int(seed[:8], 16)))
        rows = draw({name: loaded.item_ids for name, loaded in once.tasks.items()}, seed, items)
        part = {name: select_items(once.tasks[name], chosen) for name, chosen in rows.items()}
        regenerator = _Regenerator((once, twice), part)
        sides = [regenerator.side("base", plan.base, base), regenerator.side("tuned", plan.tuned[0], tuned)]
    return Agreement(
        seed=seed,
        environment=base.record.engine.environment,
        tasks={name: len(chosen) for name, chosen in rows.items()},
        base=sides[0],
        tuned=sides[1],
        agrees=agree(*sides),
    )


def regenerate(plan: Plan, watcher: Watcher) -> tuple[Run, Run]:
    """Both complete runs of the plan, generated again into its folder."""
    base, tuned = run_plan(plan, watcher)
    return read_run(base), read_run(tuned)


@dataclass(frozen=True)
class _Regenerator:
    """Generates the drawn items twice: ``passes`` are the plan, and the plan repeated in another order and batch."""

    passes: tuple[Execution, Execution]
    part: dict[str, LoadedTask]

    def side(self, role: str, checkpoint: Checkpoint, run: Run) -> SideAgreement:
        """How the run of one checkpoint agrees with both passes."""
        once, _ = self.passes
        name = checkpoint.record.name
        once.watcher.checkpoint(name, role, 2 * sum(len(loaded.item_ids) for loaded in self.part.values()))
        (first, new), (second, newer) = (self._regenerate(each, checkpoint) for each in self.passes)
        generated = new + newer
        once.watcher.finished(name, once.plan.out, len(first) + len(second) - generated, generated)
        stored = run.samples.set_index("item_id")
        if missing := first.index.difference(stored.index).tolist():
            raise CheckFailedError(
                f"{name}: the stored run lacks {len(missing)} of the suite's items ({missing[0][:12]})"
            )
        stored = stored.loc[first.index]
        differing = int((stored["prompt_digest"] != first["prompt_digest"]).sum())
        if differing:
            raise CheckFailedError(
                f"{name}: {differing} of {len(first)} prompts rendered now are not those of the stored run, so its "
                "answers cannot be compared; verify with the version of the harness that run.json names"
            )
        right = [(frame["outcome"] == Outcome.CORRECT).to_numpy(dtype=bool) for frame in (stored, first, second)]
        same: np.ndarray[tuple[int], np.dtype[np.bool_]] = (stored["output"] == first["output"]).to_numpy(dtype=bool)
        return compare_side(
            right[0], right[1], right[2], same, checkpoint.record.weights_digest, run.record.samples_sha256
        )

    def _regenerate(self, execution: Execution, checkpoint: Checkpoint) -> tuple[pd.DataFrame, int]:
        """The samples of one pass by item id, and how many of their answers are new."""
        placement = execution.plan.placement_of(checkpoint)
        (member,) = placement.members
        with closing(PlacedEngine(execution, placement)) as engine:
            samples = [sample for chunk in engine.answer(member, self.part) for sample in chunk]
        advice = "; a failure is not a disagreement: run the same command again"
        refuse_failed(checkpoint.record.name, samples, advice)
        frame = pd.DataFrame([sample.model_dump() for sample in samples])
        return frame.set_index("item_id"), engine.generated(member)
