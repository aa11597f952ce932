"""The plan of an evaluation: everything that is decided before any engine starts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from harness.checkpoints import (
    Checkpoint,
    Conditions,
    PromptRenderer,
    conditions_of,
    open_checkpoint,
    renamed,
    same_tokenizer,
    told_apart,
)
from harness.engines import EngineSettings, Placement, checked, place
from harness.errors import RetentionError
from harness.records import Suite, suite_path
from harness.suites import open_suite


class Watcher(Protocol):
    """Is called as things happen, for a progress display."""

    def ignored(self, name: str, what: str) -> None:
        """Files in the folder of checkpoint ``name`` that are not used: the first few of them, and how many more."""

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
    placements: tuple[Placement, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "placements", place(self.settings, (self.base, *self.tuned), self.conditions))

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
        """Where a run lives: its suite, then the checkpoint's name and digest, then the engine and the replicate."""
        digest = checkpoint.record.weights_digest[:12]
        name = checkpoint.record.name.replace("/", "--")
        engine = f"{self.settings.name.replace(':', '-')}-{self.settings.dtype}"
        replicate = f"-replicate{self.replicate}" if self.replicate else ""
        return self.out / self.suite.id / f"{name}-{digest}" / f"{engine}{replicate}"


def make_plan(
    base: str,
    tuned: Sequence[str],
    suite: str,
    target: str | None,
    settings: EngineSettings,
    out: Path,
    served_names: Sequence[str] = (),
    names: Sequence[str] = (),
) -> Plan:
    """Resolve and check everything; raises :class:`~harness.errors.RetentionError` with the way out.

    ``served_names`` are what a server calls the checkpoints, the base first; ``names`` what the tuned are called in
    records, by default their folder or hub id.
    """
    loaded_suite = open_suite(suite)
    if target is not None and target not in loaded_suite.families:
        raise RetentionError(
            f"--target {target}: suite {loaded_suite.id} has no such family; it has {', '.join(loaded_suite.families)}"
        )
    base_checkpoint = open_checkpoint(base)
    opened = [open_checkpoint(reference, base_checkpoint) for reference in tuned]
    named = told_apart([base_checkpoint, *(renamed(opened, names) if names else opened)])
    base_checkpoint, *tuned_checkpoints = map(checked, named)
    for checkpoint in tuned_checkpoints:
        same_tokenizer(base_checkpoint, checkpoint)
    if served_names:
        digests = [each.record.weights_digest for each in (base_checkpoint, *tuned_checkpoints)]
        if len(served_names) != len(digests):
            raise RetentionError(
                f"--model: {len(served_names)} names for {len(digests)} checkpoints; give one each, the base's first"
            )
        settings = replace(settings, served=tuple(zip(digests, served_names, strict=True)))
    renderer_folder = base_checkpoint.base.path if base_checkpoint.base else base_checkpoint.path
    renderer = PromptRenderer(renderer_folder, loaded_suite.prompt)
    conditions = conditions_of(base_checkpoint, settings.max_model_len)
    folder = suite_path(suite).parent
    return Plan(loaded_suite, folder, base_checkpoint, tuple(tuned_checkpoints), renderer, conditions, settings, out)
