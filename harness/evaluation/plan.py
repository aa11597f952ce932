"""The plan of an evaluation: everything that is decided before any engine starts."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from harness.checkpoints import (
    Checkpoint,
    Conditions,
    PromptRenderer,
    conditions_of,
    open_checkpoint,
    same_tokenizer,
)
from harness.engines import EngineSettings, Placement, place
from harness.errors import RetentionError
from harness.records import Suite, suite_path
from harness.suites import open_suite


class Watcher(Protocol):
    """Is called as things happen, for a progress display."""

    def checkpoint(self, name: str, role: str, total: int) -> None: ...

    def engine_starting(self, name: str, engine: str) -> None: ...

    def answered(self, count: int) -> None: ...

    def waiting(self, folder: Path) -> None:
        """Another command is writing the run in ``folder``; this one waits for it."""

    def finished(self, name: str, folder: Path, reused: int, generated: int) -> None: ...


@dataclass(frozen=True)
class Plan:
    """Everything decided before any engine starts: all bad input is found here.

    A ``replicate`` above 0 repeats its runs beside the first ones, in an order of requests shuffled by ``seed``.
    ``placements`` says which engine answers for which checkpoints; it follows from the settings and is made with them.

    ``own`` has the conditions of the tuned checkpoints, by weights digest, that ask for others than ``conditions``:
    they are evaluated in a part of the plan by themselves, beside a base that answers in theirs.
    """

    suite: Suite
    tasks_folder: Path
    base: Checkpoint
    tuned: tuple[Checkpoint, ...]
    renderer: PromptRenderer
    conditions: Conditions
    settings: EngineSettings
    out: Path
    replicate: int = 0
    seed: int = 0
    own: Mapping[str, Conditions] = field(default_factory=dict)
    placements: tuple[Placement, ...] = field(init=False)

    def __post_init__(self) -> None:
        if len(parts := self.parts()) > 1:
            placements = tuple(each for part in parts for each in part.placements)
        else:
            placements = place(self.settings, (self.base, *self.tuned), self.conditions)
        object.__setattr__(self, "placements", placements)

    def parts(self) -> "tuple[Plan, ...]":
        """Plans in each of which all checkpoints answer in the same conditions; this one, where all of it does."""
        if not self.own:
            return (self,)
        alike: dict[str, list[Checkpoint]] = {}
        for each in self.tuned:
            alike.setdefault(self._conditions(each).record.digest, []).append(each)
        return tuple(
            replace(self, tuned=tuple(tuned), conditions=self._conditions(tuned[0]), own={}) for tuned in alike.values()
        )

    def _conditions(self, tuned: Checkpoint) -> Conditions:
        return self.own.get(tuned.record.weights_digest, self.conditions)

    def placement_of(self, checkpoint: Checkpoint) -> Placement:
        """An engine for ``checkpoint`` alone, as it is placed among the others."""
        placed = [(each, member) for each in self.placements for member in each.members]
        return next(each.alone(member) for each, member in placed if member.checkpoint == checkpoint)

    def repeated(self, seed: int) -> "Plan":
        """The same runs once more, in another order and in batches of three quarters the size, to measure noise."""
        settings = replace(self.settings, batch=max(1, self.settings.at_once * 3 // 4))
        return replace(self, settings=settings, replicate=1, seed=seed)

    @property
    def n_items(self) -> int:
        return sum(task.count for task in self.suite.tasks.values())

    def folder(self, checkpoint: Checkpoint) -> Path:
        """Where a run lives: its suite, then the checkpoint's name and digest, then the engine and the replicate.

        A base that answers in other conditions than its own, beside a fine-tune that asks for them, has a run of these.
        """
        digest = checkpoint.record.weights_digest[:12]
        name = checkpoint.record.name.replace("/", "--")
        engine = f"{self.settings.name.replace(':', '-')}-{self.settings.dtype}"
        replicate = f"-replicate{self.replicate}" if self.replicate else ""
        variant = f"-{self.conditions.variant}" if self.conditions.variant and checkpoint == self.base else ""
        return self.out / self.suite.id / f"{name}-{digest}" / f"{engine}{replicate}{variant}"


def make_plan(
    base: str,
    tuned: Sequence[str],
    suite: str,
    target: str | None,
    settings: EngineSettings,
    out: Path,
    served_names: Sequence[str] = (),
) -> Plan:
    """Resolve and check everything; raises :class:`~harness.errors.RetentionError` with the way out.

    ``served_names`` are what a server calls the checkpoints, the base first.
    """
    loaded_suite = open_suite(suite)
    if target is not None and target not in loaded_suite.families:
        raise RetentionError(
            f"--target {target}: suite {loaded_suite.id} has no such family; it has {', '.join(loaded_suite.families)}"
        )
    base_checkpoint = open_checkpoint(base)
    tuned_checkpoints = tuple(open_checkpoint(reference) for reference in tuned)
    for checkpoint in tuned_checkpoints:
        same_tokenizer(base_checkpoint, checkpoint)
        if checkpoint.base and checkpoint.base.record.weights_digest != base_checkpoint.record.weights_digest:
            raise RetentionError(
                f"{checkpoint.record.name}: its adapter_config.json names base {checkpoint.base.record.name}, "
                f"not {base_checkpoint.record.name}; evaluate it against its own base"
            )
    if served_names:
        digests = [each.record.weights_digest for each in (base_checkpoint, *tuned_checkpoints)]
        if len(served_names) != len(digests):
            raise RetentionError(
                f"--model: {len(served_names)} names for {len(digests)} checkpoints; give one each, the base's first"
            )
        settings = replace(settings, served=tuple(zip(digests, served_names, strict=True)))
    renderer_folder = base_checkpoint.base.path if base_checkpoint.base else base_checkpoint.path
    renderer = PromptRenderer(renderer_folder, loaded_suite.prompt)
    chosen, budget = settings.max_model_len, max(task.max_tokens or 0 for task in loaded_suite.tasks.values())
    conditions, *pairs = [
        conditions_of(base_checkpoint, chosen, tuned=beside, renderer=renderer, budget=budget)
        for beside in ((), *((each,) for each in tuned_checkpoints))
    ]
    tuned_digests = [each.record.weights_digest for each in tuned_checkpoints]
    own = {digest: pair for digest, pair in zip(tuned_digests, pairs, strict=True) if pair.record != conditions.record}
    for note in dict.fromkeys(text for each in (conditions, *pairs) for text in each.notes):
        logging.getLogger(__name__).warning("%s", note)
    folder = suite_path(suite).parent
    plan = Plan(loaded_suite, folder, base_checkpoint, tuned_checkpoints, renderer, conditions, settings, out, own=own)
    parts = plan.parts()
    return parts[0] if len(parts) == 1 else plan
