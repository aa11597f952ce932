"""The outlay of a study: its steps, GPU hours, disk and data, from its plan and recipes alone.

Nothing is loaded or asked for: the base may be anywhere. GPU hours rest on the plan's ``compute``. With N parameters a
token takes 2N operations where it is read or written and 6N where it is trained on (8N if activations are computed
again); a completion that is reinforced is written, read by the base, and trained on. Divided by what a device reaches,
and with the start of each step, on each of its devices. Without ``compute``, hours are those that ``seconds`` declares.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.checkpoints import open_checkpoint, read_header
from harness.errors import RetentionError
from harness.study.plan import Compute
from harness.study.runner import Step
from harness.study.steps import Study
from harness.suites import Needed, needed_data
from harness.training import Adapter, Data, Recipe, Replay

_BYTES = 2  # Of a weight as checkpoints are saved, bfloat16, where the base is not at hand.
_ADAPTED_BYTES = 4  # Of a weight of an adapter, float32.
_STATE = 12  # Bytes a weight of a trainer's state: the weights and AdamW's two moments in float32.
_ANSWER = 600  # Bytes of a stored answer, compressed, as in the runs of the first study.
_EXAMPLE = 800_000  # Bytes of a puzzle in a set of rollouts: an uncompressed picture of 588x420 pixels.
_HOUR = 3600.0
# Sources of training data that are published sets.
_PUBLISHED = {"gsm8k": "openai/gsm8k", "endings": "Rowan/hellaswag"}


@dataclass(frozen=True)
class Kind:
    """Steps of one kind: how many, and the device hours of all together (None: nothing tells)."""

    kind: str
    count: int
    hours: float | None


@dataclass(frozen=True)
class Outlay:
    """What a study takes. ``rests_on`` says where hours come from; disk is in bytes, None where no size is known.

    ``weights`` are those of its largest checkpoints: the base's own size, or an adapter's.
    """

    study: str
    base: str
    kinds: tuple[Kind, ...]
    device: str
    hours: float | None
    rests_on: str
    trainings: int
    checkpoints: int
    weights: int | None
    disk: Mapping[str, int | None]
    suite_data: tuple[Needed, ...]
    training_data: Mapping[str, str]


def outlay_of(study: Study, steps: Sequence[Step], suite_folder: Path) -> Outlay:
    """The outlay of all steps, done or not; ``RetentionError`` where a recipe does not say how much it reads."""
    compute, plan = study.plan.compute, study.plan
    counts = Counter(step.kind for step in steps)
    if compute is not None:
        hours = _from_compute(study, compute, counts)
        rests_on = (
            f"{compute.parameters / 1e9:.2f} billion parameters, {compute.prompt_tokens} tokens a question, "
            f"{compute.bare_tokens} or {compute.worked_tokens} an answer, 2N operations a token read or written and 6N "
            f"trained on (8N with gradient checkpointing), at {compute.training:.0%} (training) and "
            f"{compute.sampling:.0%} (sampling) of {compute.flops / 1e12:g} TFLOP/s: declared, never measured"
        )
    else:
        hours = {kind: count * plan.seconds[kind] / _HOUR for kind, count in counts.items() if kind in plan.seconds}
        rests_on = "the seconds that the plan declares for a step of each kind, one process each"
        rests_on = rests_on if hours else "nothing: the plan declares neither compute nor seconds"
    kinds = tuple(Kind(kind, count, hours.get(kind)) for kind, count in counts.items())
    known = [each.hours for each in kinds if each.hours is not None]
    files = _base_files(plan.base)
    sizes = [_saved(study, each.recipe, files) for each in study.trained_here]
    return Outlay(
        study=plan.title,
        base=plan.base,
        kinds=kinds,
        device=f"{compute.count} x {compute.device}" if compute else "one process",
        hours=sum(known) if len(known) == len(kinds) else None,
        rests_on=rests_on,
        trainings=len(study.trained_here),
        checkpoints=sum(len(each.checkpoints) for each in study.trained_here),
        weights=_sum(sizes, max),
        disk=_disk(study, sizes),
        suite_data=needed_data(study.suite, suite_folder),
        training_data=_training_data(study),
    )


def _from_compute(study: Study, compute: Compute, counts: Counter[str]) -> dict[str, float]:
    """Device hours by kind of step."""
    devices, reached = compute.count, {"train": compute.training * compute.flops, "": compute.sampling * compute.flops}
    seconds = {kind: count * compute.start_seconds * devices for kind, count in counts.items()}
    read = 2 * compute.parameters
    asked = _suite_tokens(study, compute)
    for trained in study.trained_here:
        recipe, part = trained.recipe, study.count(trained.target)
        answer = _answer_tokens(recipe, compute)
        tokens = recipe.optimisation.steps * recipe.batch * (compute.prompt_tokens + answer)
        trains = (8 if recipe.optimisation.gradient_checkpointing else 6) * compute.parameters * tokens
        kind = f"train/{recipe.method}"
        seconds[kind] += (trains + (read * tokens if recipe.rft else 0)) / reached["train"]
        if recipe.rft:
            seconds[kind] += read * tokens / reached[""]
        seconds["evaluate/part"] += len(trained.checkpoints) * read * asked(part) / reached[""]
        seconds["evaluate/whole"] += read * asked(study.plan.whole) / reached[""]
        if study.plan.drift:
            seconds["dynamics"] += (len(trained.checkpoints) + 1) * 2 * read * asked(study.plan.drift) / reached[""]
    for count in {study.count(target) for target in study.plan.targets}:
        seconds["noise"] += 2 * read * asked(count) / reached[""]
    for recipe in _rollouts(study).values():
        seconds["rollouts"] += read * _samples(recipe) * (compute.prompt_tokens + compute.worked_tokens) / reached[""]
    return {kind: value / _HOUR for kind, value in seconds.items()}


def _suite_tokens(study: Study, compute: Compute) -> Callable[[int | None], int]:
    """Tokens of a run on ``count`` items of each task (None: all): an answer takes its budget, or a worked answer."""

    def tokens(count: int | None) -> int:
        return sum(
            min(task.count, count or task.count)
            * (compute.prompt_tokens + min(task.max_tokens or 1, compute.worked_tokens))
            for task in study.suite.tasks.values()
        )

    return tokens


def _answer_tokens(recipe: Recipe, compute: Compute) -> int:
    bare = recipe.method in ("sft", "replay-sft") and recipe.data.form == "bare"
    return compute.bare_tokens if bare else compute.worked_tokens


def _rollouts(study: Study) -> dict[Path, Recipe]:
    """The recipe of each set of rollouts, once, by its folder."""
    found: dict[Path, Recipe] = {}
    for trained in study.trained_here:
        if trained.examples is not None and (recipe := study.rollouts(trained)) is not None:
            found[trained.examples] = recipe
    return found


def _samples(recipe: Recipe) -> int:
    """How many samples are drawn at most."""
    if recipe.data.count is None:
        raise RetentionError(f"{recipe.name}: data.count: not stated for rollouts; the plan's policy can, under set")
    assert recipe.rollouts is not None, "of a recipe of rollouts"
    return recipe.data.count * recipe.rollouts.per_item


def _base_files(base: str) -> list[Path]:
    """The base's weights, if they are here."""
    here = Path(base).expanduser().is_dir() or base.startswith("nano:")
    return sorted(open_checkpoint(base).path.glob("*.safetensors")) if here else []


def _saved(study: Study, recipe: Recipe, files: Sequence[Path]) -> int | None:
    """Bytes of a checkpoint: as the base's own files where they are here, or as the plan declares it. Of an adapter two
    narrow matrices for each that it adapts: nothing tells where the base is not here."""
    if (adapter := recipe.adapter) is None:
        declared = study.plan.compute.parameters * _BYTES if study.plan.compute else None
        return sum(path.stat().st_size for path in files) if files else declared
    matrices = [tensor for path in files for tensor in read_header(path) if len(tensor.shape) == 2]
    narrow = sum(sum(each.shape) for each in matrices if _adapts(adapter, each.name.removesuffix(".weight")))
    return adapter.rank * narrow * _ADAPTED_BYTES if files else None


def _adapts(adapter: Adapter, module: str) -> bool:
    """Whether PEFT adapts a module by ``target_modules``: names, a pattern of whole names, or all but embeddings."""
    wanted, name = adapter.target_modules, module.rpartition(".")[2]
    if wanted == "all-linear":
        return "embed" not in name and name != "lm_head"
    return bool(re.fullmatch(wanted, module)) if isinstance(wanted, str) else name in wanted


def _sum(sizes: Iterable[int | None], joined: Callable[[list[int]], int] = sum) -> int | None:
    known = list(sizes)
    return None if None in known else joined([0, *(each for each in known if each is not None)])


def _disk(study: Study, sizes: Sequence[int | None]) -> dict[str, int | None]:
    """Bytes by what they are of; ``sizes`` are a checkpoint's of each training. Last checkpoints under their own names
    are links; one training's state at a time."""
    kept = [_kept(recipe) for recipe in _rollouts(study).values()]
    items = sum(
        len(each.checkpoints) * _items(study, study.count(each.target)) + _items(study, study.plan.whole)
        for each in study.trained_here
    )
    states = [
        size and size // (_BYTES if each.recipe.adapter is None else _ADAPTED_BYTES) * _STATE
        for each, size in zip(study.trained_here, sizes, strict=True)
    ]
    saved = [size and size * len(each.checkpoints) for each, size in zip(study.trained_here, sizes, strict=True)]
    return {
        "checkpoints": _sum(saved),
        "a trainer's state": _sum(states, max),
        "rollouts": sum(kept) * (_EXAMPLE if _sees(study) else _ANSWER),
        "runs": items * _ANSWER,
    }


def _kept(recipe: Recipe) -> int:
    assert recipe.rollouts is not None, "of a recipe of rollouts"
    most = (recipe.data.count or 0) * recipe.rollouts.keep_per_item
    return min(most, recipe.rollouts.keep or most)


def _items(study: Study, count: int | None) -> int:
    return sum(min(task.count, count or task.count) for task in study.suite.tasks.values())


def _sees(study: Study) -> bool:
    return any((each.recipe.data.source or "").startswith(("jigsaw-", "scenes-")) for each in study.trained_here)


def _training_data(study: Study) -> dict[str, str]:
    """What trainings and rollouts read, by the name of its source: how many examples, and whether it is here."""
    found: dict[str, str] = {}
    for recipe in [*(each.recipe for each in study.trained_here), *_rollouts(study).values()]:
        sources: list[Data | Replay] = [recipe.data, *([recipe.replay] if recipe.replay else [])]
        for data in sources:
            if data.source is None:
                continue
            count = "all" if data.count is None else f"{data.count:,}"
            place = "made here"
            if data.source in _PUBLISHED:
                place = f"{_PUBLISHED[data.source]}, from the hub or --data-dir"
            elif data.source.startswith("jigsaw-"):
                place = f"pictures: {_pictures(recipe)}"
            found.setdefault(data.source, f"{count} examples, {place}")
    return found


def _pictures(recipe: Recipe) -> str:
    folder = recipe.data.folder
    if folder is None:
        return "none named; give their folder with --images (COCO train2017: 118,287 pictures, 18 GB)"
    return folder if Path(folder).expanduser().is_dir() else f"{folder}, which is no folder here"
