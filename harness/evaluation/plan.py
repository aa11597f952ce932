"""The plan of an evaluation: everything that is decided before any engine starts."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from harness.checkpoints import (
    ANY_SIZE,
    Checkpoint,
    Conditions,
    Pictures,
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
from harness.evaluation.work import NO_WORK, Work
from harness.items import canonical_json
from harness.records import Sampling, Suite, SuiteTask, suite_path
from harness.suites import image_tasks, open_suite, part_of


class Watcher(Protocol):
    """Is called as things happen, for a progress display."""

    def ignored(self, name: str, what: str) -> None:
        """Files in the folder of checkpoint ``name`` that are not used: the first few of them, and how many more."""

    def checkpoint(self, name: str, role: str, total: int) -> None: ...

    def planned(self, what: str) -> None:
        """What is about to run, or which of the options given is of no use, in a line."""

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
    ``pixels`` is the budget of an image where the user chose one, ``sampling`` how answers are drawn, None where they
    are greedy; ``remarks`` are kept in every run's notes.

    ``own`` has the conditions of each pair by the tuned checkpoint's weights digest, before images and items are seen.
    Those that differ from ``conditions`` are evaluated in a part of the plan by themselves, beside a base in theirs.
    ``work`` is what each checkpoint is asked, none before the items are seen; ``target`` the family that was trained.
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
    pixels: Pixels = ANY_SIZE
    own: Mapping[str, Conditions] = field(default_factory=dict)
    work: Work = NO_WORK
    target: str | None = None
    sampling: Sampling | None = None
    remarks: tuple[str, ...] = ()
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
        return self.conditions.with_processor_of(checkpoint, self.pixels or _pixels(self.suite))

    def notes_on(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        """What was decided otherwise than the user would have it, or of ``checkpoint`` is not used, because the base's
        serves both."""
        conditions = self.conditions_for(checkpoint)
        if checkpoint == self.base:
            return (*self.remarks, *conditions.notes)
        return (
            *self.remarks,
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
        settings = self.settings.with_batch(self.settings.at_once * 3 // 4)
        return replace(self, settings=settings, replicate=1, seed=seed)

    def lengthened(self, need: int) -> "Plan":
        """The same with room for items of up to ``need`` tokens, in every part."""
        own = {digest: conditions.lengthened(need) for digest, conditions in self.own.items()}
        return replace(self, conditions=self.conditions.lengthened(need), own=own)

    def showing(self, pictures: Pictures) -> "Plan":
        """The same for items with such images, in every part."""
        own = {digest: conditions.showing(pictures) for digest, conditions in self.own.items()}
        return replace(self, conditions=self.conditions.showing(pictures), own=own)

    @property
    def n_items(self) -> int:
        return sum(task.count for task in self.suite.tasks.values())

    def folder(self, checkpoint: Checkpoint) -> Path:
        """Where a run lives: its suite, then the checkpoint's name and digest, then the engine and what was chosen of
        it, prompts and a pixel budget that are not the suite's, how answers are drawn, and the replicate.

        A base that answers in other conditions than its own, beside a fine-tune that asks for them, has a run of these.
        """
        digest = checkpoint.record.weights_digest[:12]
        name = checkpoint.record.name.replace("/", "--")
        engine = f"{self.settings.name.replace(':', '-')}-{self.settings.dtype}{self._chosen}"
        own = "-own-processor" if self.conditions_for(checkpoint).record.processor_origin == "tuned" else ""
        drawn = f"-{self.sampling.label}" if self.sampling else ""
        replicate = f"-replicate{self.replicate}" if self.replicate else ""
        beside = f"-{self.conditions.variant}" if self.conditions.variant and checkpoint == self.base else ""
        return self.out / self.suite.id / f"{name}-{digest}" / f"{engine}{self._asked}{own}{drawn}{replicate}{beside}"

    @property
    def _chosen(self) -> str:
        """What was chosen that changes answers, of the engine and of images, so that such runs have their own
        folders."""
        settings, record = self.settings, self.conditions.record
        method = f"-{settings.quantization}" if settings.quantization else ""
        arguments = f"-args-{_digest(settings.engine_args)}" if settings.engine_args else ""
        pixels = f"-pixels-{record.min_pixels}-{record.max_pixels}" if record.pixels_origin == "user" else ""
        return f"{method}{arguments}{pixels}"

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
    pixels: Pixels = ANY_SIZE,
    *,
    sampling: Sampling | None = None,
    remarks: tuple[str, ...] = (),
    items: int | None = None,
    without: Collection[str] = (),
    stage: Callable[[str], None] = lambda what: None,
) -> Plan:
    """Resolve and check everything; raises :class:`~harness.errors.RetentionError` with the way out.

    ``served_names`` are what a server calls the checkpoints, the base first; ``names`` what the tuned are called in
    records, by default their folder or hub id. ``processor`` is whose image processor a tuned checkpoint is given,
    ``asked`` what the user chooses of the prompts, ``pixels`` the budget of an image, within the suite's, ``sampling``
    how answers are drawn where they are not greedy, and ``remarks`` what the runs' notes shall say. With ``items`` the
    plan is for a part of the suite, the first so many of each task (:func:`harness.suites.part_of`), and ``without``
    are tasks that this part leaves out. ``stage`` is called with what is about to begin.
    """
    stage(f"reading suite {suite}")
    whole = open_suite(suite)
    loaded_suite = whole if items is None else whole.model_copy(update={"tasks": _rest(whole, without)})
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
    folder = suite_path(suite).parent
    if items is not None:
        loaded_suite = part_of(loaded_suite, folder, items, whole)
    # What the run states is the policy that it was asked by.
    loaded_suite = loaded_suite.model_copy(update={"prompt": prompts.style})
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
        ).with_pixels(_allowed(pixels, loaded_suite, images=bool(with_images)))
        for beside in ((), *((each,) for each in tuned_checkpoints))
    ]
    if with_images and conditions.processor is None:
        raise RetentionError(
            f"{base_checkpoint.record.name}: has no image processor (preprocessor_config.json or processor_config.json)"
            f", but task {with_images[0]} of suite {loaded_suite.id} has images; use a suite of text, or put the files "
            "of the model that it was made from beside its weights"
        )
    if settings.name == "openai":
        if pixels:
            raise RetentionError("--pixels: a server prepares images itself; start it with --mm-processor-kwargs")
        conditions, *pairs = (each.served() for each in (conditions, *pairs))
    checkpoints = (base_checkpoint, tuple(tuned_checkpoints))
    digests_of = [each.record.weights_digest for each in tuned_checkpoints]
    own = dict(zip(digests_of, pairs, strict=True))
    chosen: dict[str, Any] = {"processor": processor, "pixels": pixels, "own": own, "target": target}
    chosen |= {"sampling": sampling, "remarks": remarks}
    plan = Plan(loaded_suite, folder, *checkpoints, prompts, conditions, settings, out, **chosen)
    parts = plan.parts()
    return parts[0] if len(parts) == 1 else plan


def _rest(suite: Suite, without: Collection[str]) -> dict[str, SuiteTask]:
    return {name: task for name, task in suite.tasks.items() if name not in without}


def _pixels(suite: Suite) -> Pixels:
    return Pixels(suite.min_pixels, suite.max_pixels)


def _allowed(chosen: Pixels, suite: Suite, *, images: bool) -> Pixels:
    """``chosen``, where the suite allows it; ``RetentionError`` where it does not."""
    if not chosen:
        return chosen
    fewest, most = chosen.fewest or 1, chosen.most or 1
    given = f"--pixels {fewest}-{most}"
    if not images:
        raise RetentionError(f"{given}: suite {suite.id} has no images; leave the option out")
    if not 1 <= fewest <= most:
        raise RetentionError(f"{given}: the fewest pixels are more than the most, or less than 1")
    if fewest < (suite.min_pixels or fewest) or most > (suite.max_pixels or most):
        allowed = f"{suite.min_pixels or 'any'} to {suite.max_pixels or 'any'}"
        raise RetentionError(f"{given}: suite {suite.id} allows {allowed} pixels; choose a range within")
    return chosen


def _digest(arguments: Mapping[str, object]) -> str:
    return hashlib.sha256(canonical_json(dict(arguments))).hexdigest()[:8]
