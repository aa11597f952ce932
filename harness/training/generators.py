"""Sources of training examples, by name: the same kinds of questions as in suites, on items that no suite has.

    nano-jigsaw       puzzles of 2x2 tiles                                tasks/jigsaw/nano.py, train split
    nano-math         sums and differences, bare and as word problems     tasks/math/nano.py, train split
    nano-science      facts and computed answers                          tasks/science/nano.py, train split
    nano-prior        math, science and vision, in turn: the prior tasks of the jigsaw target
    nano-prior-math   the prior tasks of the mathematics target: science and vision
    nano-prior-science  the prior tasks of the science target: mathematics and vision
    nano2-jigsaw      puzzles of 2x2 tiles with a working                 tasks/jigsaw/nano2.py, train split
    nano2-quantities  stories of two steps                                tasks/quantities/nano2.py, train split
    nano2-prior       what the nano-2 base knows, asked for with working or without
    conversions       conversions of units, after one with its answer      tasks/quantities/conversions.py, train split
    gsm8k             the train split of GSM8K                            tasks/math/gsm8k.py
    endings           texts of HellaSwag with their endings: prior tasks  tasks/general/commonsense.py, in no suite
    science           computed science, half free-form, half lettered     tasks/science/quantities.py, train split
    jigsaw-RxC[-think]  puzzles of the pictures in a user's folder (the paper uses COCO train2017)
    scenes-RxC[-think]  puzzles of procedural landscapes                  harness/pictures/scenes.py, train split

Training and test items are disjoint by construction: generated items by the split of their content key
(``harness.items.split_of``), published sets by their own split, and pictures of a folder are dropped if a suite lists
their sha256 (tests/harness/training/test_generators.py checks every source against every suite).
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import islice
from pathlib import Path

from harness.answers import tagged
from harness.items import Item
from harness.pictures import (
    Folder,
    Grid,
    PhotoError,
    Pictures,
    Pixels,
    Reasoning,
    Recipe,
    Scenes,
    fit,
    make,
    question,
    show,
)
from harness.plugin import Generator, Reader, sampled
from harness.records import load_task_module, tasks_root
from harness.suites import read_lock
from harness.training.dataset import Example, ExampleSet, example_id, example_of, read_examples
from harness.training.recipe import Data, RecipeError

_NANO_MATH = ("math_arithmetic", "math_word")
_NANO_SCIENCE = ("science_facts", "science_computed")
_NANO_VISION = ("vision_colour", "vision_shape", "vision_position", "vision_count")
_NANO: dict[str, tuple[str, ...]] = {
    "nano-jigsaw": ("jigsaw_2x2",),
    "nano-math": _NANO_MATH,
    "nano-science": _NANO_SCIENCE,
    "nano-prior": (*_NANO_MATH, *_NANO_SCIENCE, *_NANO_VISION),
    "nano-prior-math": (*_NANO_SCIENCE, *_NANO_VISION),
    "nano-prior-science": (*_NANO_MATH, *_NANO_VISION),
}
# Targets that several teachers write: family, file and task of each.
_TAUGHT = {
    "nano2-jigsaw": ("jigsaw", "nano2.py", "jigsaw_2x2_working"),
    "nano2-quantities": ("quantities", "nano2.py", "quantities_two_steps"),
    "conversions": ("quantities", "conversions.py", "quantities_conversions"),
}
_NANO2_PRIOR = "nano2-prior"
_GRIDS = {"2x2": Grid(2, 2), "3x3": Grid(3, 3), "1x3": Grid(1, 3), "3x1": Grid(3, 1)}
_PROTOCOLS: dict[str, Reasoning] = {"": "direct", "-think": "think"}
# Digits of an item's id in the lock of a suite.
_DIGITS = 8
# How the last sentence of a worked target starts; the working comes before it.
_CONCLUSIONS = ("<answer>", "The answer is ", "Answer: ")


def load_examples(data: Data) -> ExampleSet:
    """The examples that ``data`` names. Raises ``RecipeError`` for an unknown source or one that has too few items."""
    if data.examples is not None:
        found = read_examples(Path(data.examples).expanduser())
        if data.count is not None and len(found) < data.count:
            raise RecipeError(f"data.count: {data.examples} holds {len(found)} examples, not {data.count}")
        return found[: data.count]
    assert data.source is not None, "checked when the recipe is made"
    if data.source not in SOURCES:
        raise RecipeError(f"data.source {data.source}: unknown; there are {', '.join(SOURCES)}")
    if data.form == "other" and data.source not in _TAUGHT and not data.source.endswith("-think"):
        have = ", ".join((*_TAUGHT, *(name for name in SOURCES if name.endswith("-think"))))
        raise RecipeError(f"data.form other: {data.source} has no other teacher; {have} have")
    try:
        return SOURCES[data.source](data)
    except ValueError as error:
        raise RecipeError(f"data.count {data.count}: {error}") from error


def bare(item: Item) -> str:
    """The target of ``item`` without its working: the bare answer, in the form that the question asks for."""
    starts = [item.target.rfind(mark) for mark in _CONCLUSIONS]
    return item.target[max(0, *starts) :]


def _learnt(items: Iterator[Item] | Sequence[Item], data: Data) -> ExampleSet:
    return ExampleSet.of(
        example_of(item, bare(item) if data.form == "bare" else item.target, data.form) for item in items
    )


def _count(data: Data) -> int:
    if data.count is None:
        raise RecipeError(f"data.count: {data.source} generates any number of items; say how many")
    return data.count


def _generators(*families: str, file: str = "nano.py") -> dict[str, Generator]:
    found: dict[str, Generator] = {}
    for family in families:
        found.update(load_task_module(tasks_root() / family / file).TASKS)
    return found


def _in_turn(makers: dict[str, Generator], tasks: Sequence[str], count: int, seed: int) -> Iterator[Item]:
    """``count`` items of the train split, one of each task in turn."""
    each = -(-count // len(tasks))
    made = zip(*(makers[task]("train", each, seed) for task in tasks), strict=True)
    return islice((item for turn in made for item in turn), count)


def _nano(data: Data) -> ExampleSet:
    assert data.source is not None, "the source chose this function"
    makers = _generators("jigsaw", "math", "science", "general")
    examples = _learnt(_in_turn(makers, _NANO[data.source], _count(data), data.seed), data)
    if data.source != "nano-jigsaw":
        return examples
    return ExampleSet.of(example.model_copy(update={"rows": 2, "columns": 2}) for example in examples)


def _taught(data: Data) -> ExampleSet:
    """A target in the words of a teacher."""
    assert data.source is not None, "the source chose this function"
    family, file, task = _TAUGHT[data.source]
    forms = load_task_module(tasks_root() / family / file).FORMS
    items = forms[data.form][task]("train", _count(data), data.seed)
    sides = {"rows": 2, "columns": 2} if family == "jigsaw" else {"rows": 0, "columns": 0}
    return ExampleSet.of(example_of(item, item.target, data.form, **sides) for item in items)


def _nano2_prior(data: Data) -> ExampleSet:
    makers = _generators("math", "science", "general", file="nano2.py")
    return _learnt(_in_turn(makers, tuple(makers), _count(data), data.seed), data)


def _gsm8k(data: Data) -> ExampleSet:
    items = sampled(load_task_module(tasks_root() / "math" / "gsm8k.py").train_items(), data.seed)
    if data.count is not None and len(items) < data.count:
        raise ValueError(f"GSM8K has {len(items)} training questions")
    return _learnt(items[: data.count], data)


def _endings(data: Data) -> ExampleSet:
    """Texts of HellaSwag that no suite asks to continue, each with its right ending."""
    readers = load_task_module(tasks_root() / "general" / "commonsense.py").TASKS
    held_out = _lock_starts()
    made = {name: _read(readers[name]) for name in readers if name.startswith("general_hellaswag")}
    asked = {_endings_of(item) for items in made.values() for item in items if item.item_id[:_DIGITS] in held_out}
    items = [item for item in sampled(made["general_hellaswag_cloze"], data.seed) if _endings_of(item) not in asked]
    if data.count is not None and len(items) < data.count:
        raise ValueError(f"{len(items)} texts of HellaSwag are in no suite")
    # The answer goes on from the text, as its probability is asked for.
    return _learnt((item.model_copy(update={"target": f" {item.answer}"}) for item in items[: data.count]), data)


def _read(reader: Reader) -> list[Item]:
    return list(reader.items(row for source in reader.sources for row in source.rows()))


def _endings_of(item: Item) -> frozenset[str]:
    return frozenset(item.options)


@cache
def _lock_starts() -> frozenset[str]:
    """The first digits of the ids of all items that shipped suites ask."""
    locks = sorted((tasks_root() / "suites").glob("*.lock"))
    return frozenset(start for lock in locks for starts in read_lock(lock).values() for start in starts)


def _science(data: Data) -> ExampleSet:
    makers = _generators("science", file="quantities.py")
    tasks = ("science_quantities", "science_quantities_choice")
    return _learnt(_in_turn(makers, tasks, _count(data), data.seed), data)


class _WithoutSuites:
    """A folder of pictures without those that a suite uses, by the sha256 of their files."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def names(self) -> Iterator[str]:
        return self._folder.names()

    def open(self, name: str) -> tuple[str, Pixels]:
        digest, pixels = self._folder.open(name)
        if digest in suite_photos():
            raise PhotoError(f"{name}: a picture of a suite, which must not be trained on")
        return digest, pixels


@cache
def suite_photos() -> frozenset[str]:
    """The sha256 (hex) of every photograph that a shipped suite uses."""
    found: set[str] = set()
    for listing in sorted((tasks_root() / "jigsaw").glob("*.csv")):
        with listing.open(encoding="utf-8", newline="") as file:
            found.update(row["sha256"] for row in csv.DictReader(file))
    return frozenset(found)


def _own_pictures(grid: Grid, protocol: Reasoning, data: Data) -> ExampleSet:
    if data.folder is None:
        raise RecipeError(f"data.folder: {data.source} uses your own pictures; give their folder with --images")
    return _puzzles(grid, protocol, data, _WithoutSuites(Folder(Path(data.folder).expanduser())))


def _landscapes(grid: Grid, protocol: Reasoning, data: Data) -> ExampleSet:
    _count(data)
    return _puzzles(grid, protocol, data, Scenes("train", data.seed))


def _puzzles(grid: Grid, protocol: Reasoning, data: Data, pictures: Pictures) -> ExampleSet:
    """Puzzles whose images are cut on access."""
    assert data.source is not None, "the source chose this function"
    task = data.source.replace("-", "_")
    recipe = Recipe(task, grid, protocol, seed=data.seed)
    made = make(recipe, pictures, data.source, data.count)
    if not made.documents or (data.count is not None and made.pictures < data.count):
        raise ValueError(made.summary())
    documents = made.documents
    targets = [_written(grid, document["answer"], data) for document in documents]

    def cut(index: int) -> Example:
        document = documents[index]
        fitted = fit(pictures.open(document["picture"])[1], grid, recipe.patch)
        assert fitted is not None, "a document is only made of a picture that fits"
        order = tuple(map(int, document["answer"].split(",")))
        return Example(
            item_id=document["item_id"],
            task=task,
            question=question(grid, protocol, recipe.layout),
            answer=document["answer"],
            target=targets[index],
            kind=data.form,
            images=tuple(show(fitted, grid, order, recipe.layout)),
            rows=grid.rows,
            columns=grid.columns,
        )

    ids = [
        example_id(document["item_id"], target, data.form) for document, target in zip(documents, targets, strict=True)
    ]
    return ExampleSet(ids, targets, cut)


def _written(grid: Grid, answer: str, data: Data) -> str:
    """The answer alone, or after another teacher's reasoning, which names the tile of each place."""
    if data.form != "other":
        return tagged("", answer)
    places = [f"row {row}, column {column}" for row in range(1, grid.rows + 1) for column in range(1, grid.columns + 1)]
    said = [f"{place} takes piece {tile}" for place, tile in zip(places, answer.split(","), strict=True)]
    return tagged(f"<think>Matching the edges: {'; '.join(said)}.</think>", answer)


def _jigsaws() -> dict[str, Callable[[Data], ExampleSet]]:
    return {
        f"{kind}-{name}{suffix}": partial(cutter, grid, protocol)
        for kind, cutter in (("jigsaw", _own_pictures), ("scenes", _landscapes))
        for name, grid in _GRIDS.items()
        for suffix, protocol in _PROTOCOLS.items()
    }


SOURCES: dict[str, Callable[[Data], ExampleSet]] = {
    **dict.fromkeys(_NANO, _nano),
    **dict.fromkeys(_TAUGHT, _taught),
    _NANO2_PRIOR: _nano2_prior,
    "gsm8k": _gsm8k,
    "endings": _endings,
    "science": _science,
    **_jigsaws(),
}
