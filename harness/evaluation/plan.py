"""The plan of an evaluation: everything that is decided before any engine starts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from harness.checkpoints import (
    Checkpoint,
    Conditions,
    Pixels,
    Prompts,
    PromptSettings,
    conditions_of,
    open_checkpoint,
    prompts_for,
    renamed,
    same_tokenizer,
    told_apart,
    unused_of,
)
from harness.engines import EngineSettings, Placement, checked, place
from harness.errors import RetentionError
from harness.records import Suite, suite_path
from harness.suites import image_tasks, open_suite


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
    ``processor`` says whose image processor a tuned checkpoint is given: the base's, or its own (custom track).

    ``own`` has the conditions of each pair by the tuned checkpoint's weights digest, before images and items are seen.
    Those that differ from ``conditions`` are evaluated in a part of the plan by themselves, beside a base in theirs.
    """

    suite: Suite
    tasks_folder: Path
    base: Checkpoint
    tuned: tuple[Checkpoint, ...]
    prompts: Prompts
    conditions: Conditions
    settings: EngineSettings
    out: Path
    replicate: int = 0
    seed: int = 0
    processor: Literal["base", "tuned"] = "base"
    own: Mapping[str, Conditions] = field(default_factory=dict)
    placements: tuple[Placement, ...] = field(init=False)

    def __post_init__(self) -> None:
        if len(parts := self.parts()) > 1:
            placements = tuple(each for part in parts for each in part.placements)
        else:
            checkpoints = (self.base, *self.tuned)
            placements = place(self.settings, checkpoints, [self.conditions_for(each) for each in checkpoints])
        object.__setattr__(self, "placements", placements)

    def parts(self) -> "tuple[Plan, ...]":
        """Plans in each of which base and fine-tunes answer in conditions of one length and end; this one, where all of
        it does."""
        alike: dict[str, list[Checkpoint]] = {}
        for each in self.tuned:
            alike.setdefault(self._beside(each).record.digest, []).append(each)
        if alike.keys() <= {self.conditions.record.digest}:
            return (self,)
        return tuple(replace(self, tuned=tuple(tuned), conditions=self._beside(tuned[0])) for tuned in alike.values())

    def _beside(self, tuned: Checkpoint) -> Conditions:
        return self.own.get(tuned.record.weights_digest, self.conditions)

    def conditions_for(self, checkpoint: Checkpoint) -> Conditions:
        """What ``checkpoint`` is given: what the base is, but for an image processor of its own that was asked for."""
        if self.processor == "base" or checkpoint == self.base:
            return self.conditions
        return self.conditions.with_processor_of(checkpoint, _pixels(self.suite))

    def notes_on(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        """What was decided otherwise than the user would have it, or of ``checkpoint`` is not used, because the base's
        serves both."""
        conditions = self.conditions_for(checkpoint)
        if checkpoint == self.base:
            return conditions.notes
        return (
            *conditions.notes,
            *self._beside(checkpoint).pair_notes,
            *unused_of(self.base, checkpoint, conditions, self.prompts),
        )

    def placement_of(self, checkpoint: Checkpoint) -> Placement:
        """An engine for ``checkpoint`` alone, as it is placed among the others."""
        placed = [(each, member) for each in self.placements for member in each.members]
        return next(each.alone(member) for each, member in placed if member.checkpoint == checkpoint)

    def repeated(self, seed: int) -> "Plan":
        """The same runs once more, in another order and in batches of three quarters the size, to measure noise."""
        settings = replace(self.settings, batch=max(1, self.settings.at_once * 3 // 4))
        return replace(self, settings=settings, replicate=1, seed=seed)

    def lengthened(self, need: int) -> "Plan":
        """The same with room for items of up to ``need`` tokens, in every part."""
        own = {digest: conditions.lengthened(need) for digest, conditions in self.own.items()}
        return replace(self, conditions=self.conditions.lengthened(need), own=own)

    @property
    def n_items(self) -> int:
        return sum(task.count for task in self.suite.tasks.values())

    def folder(self, checkpoint: Checkpoint) -> Path:
        """Where a run lives: its suite, then the checkpoint's name and digest, then the engine, prompts that are not
        the suite's, and the replicate.

        A base that answers in other conditions than its own, beside a fine-tune that asks for them, has a run of these.
        """
        digest = checkpoint.record.weights_digest[:12]
        name = checkpoint.record.name.replace("/", "--")
        engine = f"{self.settings.name.replace(':', '-')}-{self.settings.dtype}"
        own = "-own-processor" if self.conditions_for(checkpoint).record.processor_origin == "tuned" else ""
        replicate = f"-replicate{self.replicate}" if self.replicate else ""
        beside = f"-{self.conditions.variant}" if self.conditions.variant and checkpoint == self.base else ""
        return self.out / self.suite.id / f"{name}-{digest}" / f"{engine}{self._asked}{own}{replicate}{beside}"

    @property
    def _asked(self) -> str:
        """How the prompts differ from the suite's own, so that runs of both have their own folders."""
        if self.prompts.are_the_suites:
            return ""
        return f"-{self.prompts.policy}-{self.prompts.shared.template_digest[:8]}"


def make_plan(
    base: str,
    tuned: Sequence[str],
    suite: str,
    target: str | None,
    settings: EngineSettings,
    out: Path,
    served_names: Sequence[str] = (),
    names: Sequence[str] = (),
    processor: Literal["base", "tuned"] = "base",
    asked: PromptSettings | None = None,
    stage: Callable[[str], None] = lambda what: None,
) -> Plan:
    """Resolve and check everything; raises :class:`~harness.errors.RetentionError` with the way out.

    ``served_names`` are what a server calls the checkpoints, the base first; ``names`` what the tuned are called in
    records, by default their folder or hub id. ``processor`` is whose image processor a tuned checkpoint is given,
    ``asked`` what the user chooses of the prompts. ``stage`` is called with what is about to begin.
    """
    stage(f"reading suite {suite}")
    loaded_suite = open_suite(suite)
    if target is not None and target not in loaded_suite.families:
        raise RetentionError(
            f"--target {target}: suite {loaded_suite.id} has no such family; it has {', '.join(loaded_suite.families)}"
        )
    stage(f"reading checkpoint {base}")
    base_checkpoint = open_checkpoint(base)
    opened = []
    for reference in tuned:
        stage(f"reading checkpoint {reference}")
        opened.append(open_checkpoint(reference, base_checkpoint))
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
    stage("planning prompts and engines")
    prompts = prompts_for(base_checkpoint, tuned_checkpoints, loaded_suite.prompt, asked)
    # What the run states is the policy that it was asked by.
    loaded_suite = loaded_suite.model_copy(update={"prompt": prompts.style})
    folder = suite_path(suite).parent
    with_images = image_tasks(loaded_suite, folder)
    conditions, *pairs = [
        conditions_of(
            base_checkpoint,
            settings.max_model_len,
            tuned=beside,
            prompts=prompts,
            budget=max(task.max_tokens or 0 for task in loaded_suite.tasks.values()),
            pixels=_pixels(loaded_suite),
            images=bool(with_images),
        )
        for beside in ((), *((each,) for each in tuned_checkpoints))
    ]
    if with_images and conditions.processor is None:
        raise RetentionError(
            f"{base_checkpoint.record.name}: has no image processor (preprocessor_config.json or processor_config.json)"
            f", but task {with_images[0]} of suite {loaded_suite.id} has images; use a suite of text, or put the files "
            "of the model that it was made from beside its weights"
        )
    checkpoints = (base_checkpoint, tuple(tuned_checkpoints))
    digests_of = [each.record.weights_digest for each in tuned_checkpoints]
    own = dict(zip(digests_of, pairs, strict=True))
    plan = Plan(loaded_suite, folder, *checkpoints, prompts, conditions, settings, out, processor=processor, own=own)
    parts = plan.parts()
    return parts[0] if len(parts) == 1 else plan


def _pixels(suite: Suite) -> Pixels:
    return Pixels(suite.min_pixels, suite.max_pixels)
