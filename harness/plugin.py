"""The functions that a task's YAML names: load its rows, build its question, judge an answer.

A task file lists its generators in ``TASKS`` and sets ``load = plugin.loader(TASKS)``; its YAML then reads::

    task: math_arithmetic
    custom_dataset: !function nano.load
    dataset_kwargs: {task: math_arithmetic, count: 300, seed: 1}
    test_split: test
    output_type: generate_until
    doc_to_text: !function harness.plugin.question
    doc_to_target: answer
    process_results: !function harness.plugin.judge

so that lm-eval's own users can run it too (``lm_eval --include_path tasks``).
"""

import hashlib
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from harness.answers import choices, extraction, mathematics, numbers, options, permutations, statements, yes_no
from harness.answers.likelihoods import LIKELIHOOD_METRICS, likeliest, normalised
from harness.item_cache import Made, cached, code_digest
from harness.items import IMAGE_MARK, Item, Split
from harness.pictures import (
    Collection,
    ListedPictures,
    Places,
    check_images,
    document,
    open_images,
    pictures_of,
    placed,
)
from harness.records import tasks_root
from harness.sources import LocalFile, PictureSource, Row, Source, SourceError, test_split

Generator = Callable[[Split, int, int], Iterator[Item]]
Document = Mapping[str, Any]
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Shots:
    """Examples with their answers that precede each question, from a part of the data that is never asked.

    ``count`` of them are shown, the first of an order drawn from their ids, the same before every question; with
    ``by_group`` those of the question's own group (subject), or as many as it has. A suite may state another count.
    Item ids cover them.
    """

    sources: tuple[Source, ...]
    examples: Callable[[Iterator[Row]], Iterable[Item]]
    count: int = 5
    by_group: bool = False


@dataclass(frozen=True)
class Reader:
    """A task on published data: its sources, how their rows become items, the ``pictures`` that these name, and the
    examples that precede each question."""

    sources: tuple[Source | LocalFile, ...]
    items: Callable[[Iterator[Row]], Iterable[Item]]
    shots: Shots | None = None
    pictures: tuple[Collection | ListedPictures, ...] = ()


def loader(tasks: Mapping[str, Generator]) -> Callable[..., dict[str, Any]]:
    """The ``custom_dataset`` function of a task file: its test items as a ``datasets.Dataset``."""

    code = _shipped_code()

    def load(task: str, count: int, seed: int, **_: Any) -> dict[str, Any]:
        origin = None if code is None else {"tasks": code, "count": count, "seed": seed}
        return {"test": cached(task, origin, lambda: _made(tasks[task]("test", count, seed))).documents}

    return load


def with_letters(
    task: str, sources: tuple[Source, ...], items: Callable[[str, Iterator[Row]], Iterable[Item]]
) -> dict[str, Reader]:
    """Two tasks on the same questions: ``task``, answered in writing, and ``task_letters``, by log-probabilities.

    Item ids cover the task's name, so both can be in one suite.
    """
    return {name: Reader(sources, partial(items, name)) for name in (task, f"{task}_letters")}


def with_options(
    task: str, sources: tuple[Source, ...], items: Callable[[str, Iterator[Row]], Iterable[Item]]
) -> dict[str, Reader]:
    """The task ``task_cloze``, answered by the likelihood of whole options; ``items`` makes its items."""
    name = f"{task}_cloze"
    return {name: Reader(sources, partial(items, name))}


def reader(tasks: Mapping[str, Reader]) -> Callable[..., dict[str, Any]]:
    """The ``custom_dataset`` function of a task file on published data: all its items, in :func:`sampled` order.

    ``dataset_kwargs`` has the task, the seed of that order and, for a task with examples, ``shots``, their number. A
    suite takes the first items it needs.
    """

    code = _shipped_code()

    def load(task: str, seed: int = 0, shots: int | None = None, **_: Any) -> dict[str, Any]:
        chosen = tasks[task]

        def made() -> Made:
            return _made(sampled(preceded(task, _read(chosen), chosen.shots, shots, seed), seed))

        origin = None if code is None else _origin(code, chosen, seed, shots)
        return {"test": cached(task, origin, made).documents}

    return load


def preceded(task: str, items: Iterable[Item], shots: Shots | None, count: int | None, seed: int) -> Iterable[Item]:
    """The items with their examples before the question; ``count`` replaces the number that ``shots`` states."""
    if shots is None:
        if count:
            raise SourceError(f"task {task}: shots is {count}, but the task has no examples; leave shots out")
        return items
    wanted = shots.count if count is None else count
    pool: dict[str, list[Item]] = {}
    for example in sampled(shots.examples(row for source in shots.sources for row in source.rows()), seed):
        pool.setdefault(example.group if shots.by_group else "", []).append(example)
    if not shots.by_group and len(pool.get("", ())) < wanted:
        raise SourceError(
            f"task {task}: shots is {wanted}, but there are {len(pool.get('', ()))} examples; lower shots"
        )
    texts = {group: "".join(map(_answered, found[:wanted])) for group, found in pool.items()}
    return (_preceded(item, texts.get(item.group if shots.by_group else "", "")) for item in items)


def _answered(example: Item) -> str:
    return f"{example.question} {example.target}\n\n"


def _preceded(item: Item, examples: str) -> Item:
    return item.model_copy(update={"question": examples + item.question})


def _origin(code: str, task: "Reader | PictureReader", seed: int, shots: int | None = None) -> dict[str, Any] | None:
    """All that decides the items of a task; None where a source is not pinned."""
    read = (*task.pictures, *(task.shots.sources if task.shots else ())) if isinstance(task, Reader) else ()
    pinned = [source.pinned() for source in (*task.sources, *read)]
    return None if None in pinned else {"tasks": code, "sources": pinned, "seed": seed, "shots": shots}


def _read(task: Reader) -> Iterable[Item]:
    return task.items(row for source in task.sources for row in source.rows())


def _made(items: Iterable[Item]) -> Made:
    return Made(test_split(rows(items))["test"])


def _shipped_code() -> str | None:
    """The digest of the shipped tasks' code, if one of their files is calling :func:`loader` or :func:`reader`.

    None for a task of a user's own, which may read what no digest knows of, and is therefore never cached.
    """
    caller = Path(sys._getframe(2).f_globals.get("__file__") or "/")
    return code_digest(tasks_root()) if caller.resolve().parent.parent == tasks_root().resolve() else None


def sampled(items: Iterable[Item], seed: int) -> list[Item]:
    """The distinct items, shuffled by ``seed`` and their ids alone.

    The first n are a random sample for every n, whatever the order of the source.
    """
    return _in_order({item.item_id: item for item in items}, seed)


def _in_order(different: Mapping[str, _Made], seed: int) -> list[_Made]:
    places = {key: hashlib.sha256(f"{seed}:{key}".encode()).digest() for key in different}
    return [different[key] for key in sorted(different, key=lambda key: places[key])]


@dataclass(frozen=True)
class PictureReader:
    """A task on published pictures; the rows that ``items`` gets have encoded pictures, and its items show them."""

    sources: tuple[PictureSource, ...]
    items: Callable[[Iterator[Row]], Iterable[Item]]


def picture_reader(tasks: Mapping[str, PictureReader]) -> Callable[..., dict[str, Any]]:
    """As :func:`reader`, for pictures: its documents say where their pictures lie, and hold none."""

    code = _shipped_code()

    def load(task: str, seed: int = 0, **_: Any) -> dict[str, Any]:
        chosen = tasks[task]
        origin = None if code is None else _origin(code, chosen, seed)
        return {"test": cached(task, origin, lambda: _placed(chosen, seed)).documents}

    return load


def _placed(task: PictureReader, seed: int) -> Made:
    places: Places = {}
    items = task.items(placed(task.sources, places))
    made = _in_order({item.item_id: document(item, places) for item in items}, seed)
    return Made(test_split(made)["test"])


def picture_loader(tasks: Mapping[str, PictureReader]) -> Callable[[Document], list[Image.Image]]:
    """The ``doc_to_image`` function to go with :func:`picture_reader`: files as the set has them, opened lazily."""

    def load(doc: Document) -> list[Image.Image]:
        shown = pictures_of(doc, tasks[doc["task"]].sources)
        return open_images(check_images(shown, doc.get("image_digests"), f"item {doc['item_id'][:12]}"))

    return load


def rows(items: Iterable[Item]) -> Iterator[dict[str, Any]]:
    """Items as lm-eval documents: the fields of :class:`~harness.items.Item` that a run needs, and the item's id."""
    for item in items:
        absent = {"images"} if item.pictures else {"pictures", "image_digests"}
        shown = {"n_images": len(item.pictures)} if item.pictures else {}
        yield {**item.model_dump(exclude={"task", "target", *absent}), **shown, "item_id": item.item_id}


def cluster(shared: str) -> str:
    """A short ``cluster_id`` for the items that share a passage, a stem or a context: 16 hex digits of its sha256."""
    return hashlib.sha256(shared.encode()).hexdigest()[:16]


def question(doc: Document) -> str:
    """The question with a placeholder for each image, where lm-eval's own vision models insert it: before the text, but
    for those that the text itself places."""
    text: str = doc["question"]
    count: int = doc.get("n_images", len(doc.get("images") or ()))
    return f"{IMAGE_MARK * (count - text.count(IMAGE_MARK))}{text}"


def images(doc: Document) -> list[Image.Image]:
    """The images of a document."""
    return open_images(doc["images"])


def opener(open_picture: Callable[[str], bytes]) -> Callable[[Document], list[Image.Image]]:
    """The ``doc_to_image`` function of items that name their pictures: each is opened when it is asked for.

    ``open_picture`` gives the encoded file of a picture by its name.
    """

    def images(doc: Document) -> list[Image.Image]:
        encoded = [open_picture(name) for name in doc["pictures"]]
        return open_images(check_images(encoded, doc["image_digests"], f"item {doc['item_id'][:12]}"))

    return images


def judge(doc: Document, results: Sequence[str]) -> dict[str, Any]:
    """``process_results`` of tasks whose answer is one of the options, a number or a short text."""
    output, gold = results[0], str(doc["answer"])
    if doc["options"]:
        judged = choices.judge_choice(output, gold, doc["options"])
        return {**_metrics(judged), "off_list": int(judged.off_list)}
    if numbers.read_numeral(gold) is not None:
        return _metrics(numbers.judge_number(output, gold))
    return _metrics(extraction.judge_text(output, gold))


def judge_math(doc: Document, results: Sequence[str]) -> dict[str, Any]:
    """``process_results`` of mathematics: numbers, expressions or words, compared for mathematical equivalence."""
    judged = mathematics.judge_math(results[0], str(doc["answer"]))
    return {**_metrics(judged), "layer": judged.layer}


def judge_quantity(doc: Document, results: Sequence[str], rel_tol: float = 0.0) -> dict[str, Any]:
    """``process_results`` of short questions for one number: as :func:`judge_math`, but an output that is only a
    number, with or without its unit, counts as the answer too (layer "number")."""
    output = statements.answer_of(results[0]).strip()
    bare = next(statements.stated(output), None) is None and numbers.read_numeral(output) is not None
    judged = mathematics.judge_math(f"Answer: {output}" if bare else output, str(doc["answer"]), rel_tol)
    return {**_metrics(judged), "layer": "number" if bare and judged.layer else judged.layer}


def judge_lettered(doc: Document, results: Sequence[str]) -> dict[str, Any]:
    """``process_results`` of :func:`~harness.answers.forms.lettered` questions with a generated answer."""
    judged = choices.judge_lettered(results[0], str(doc["answer"]), doc["options"])
    return {
        **judged.metrics(),
        "off_list": int(judged.lenient.off_list),
        "extracted": judged.lenient.extracted,
        "layer": judged.layer,
    }


def letters(doc: Document) -> list[str]:
    """``doc_to_choice`` of :func:`~harness.answers.forms.lettered` questions answered by log-probabilities."""
    return list(options.LETTERS[: len(doc["options"])])


def gold_place(doc: Document) -> int:
    """``doc_to_target`` to go with :func:`letters`: the index of the gold letter."""
    return options.LETTERS.index(str(doc["answer"]))


def judge_letters(doc: Document, results: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    """``process_results`` to go with :func:`letters`: the most probable letter is the answer, the first in a tie.

    ``letter_mass`` is the probability in [0, 1] that the answer starts with any of the letters: near 0, the model was
    about to write something else. ``margin`` is the lead of the chosen letter over the next, in nats.
    """
    logprobs = [logprob for logprob, _ in results]
    chosen = letters(doc)[logprobs.index(max(logprobs))]
    best, second = sorted(logprobs, reverse=True)[:2]
    right = int(chosen == doc["answer"])
    return {
        "acc": right,
        "score": float(right),
        "unparsed": 0,
        "extracted": chosen,
        "layer": "logprobs",
        "letter_mass": min(1.0, sum(map(math.exp, logprobs))),
        "margin": best - second,
    }


def whole_options(doc: Document) -> list[str]:
    """``doc_to_choice`` of :func:`~harness.answers.forms.whole` questions: the options' own texts."""
    return list(doc["options"])


def right_place(doc: Document) -> int:
    """``doc_to_target`` to go with :func:`whole_options`: the index of the right option."""
    return list(doc["options"]).index(doc["answer"])


def judge_options(doc: Document, results: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    """``process_results`` to go with :func:`whole_options`: whether the likeliest option is the right one.

    ``acc``, ``acc_norm`` and ``acc_bytes`` compare log-probabilities as they are, by character and by byte; the suite
    names the one that counts. ``right``, ``right_norm`` and ``right_bytes`` are these scores of the right option.
    """
    logprobs, texts, place = [logprob for logprob, _ in results], whole_options(doc), right_place(doc)
    right = {metric: int(likeliest(logprobs, texts, metric) == place) for metric in LIKELIHOOD_METRICS}
    scores = {
        metric.replace("acc", "right"): normalised(logprobs, texts, metric)[place] for metric in LIKELIHOOD_METRICS
    }
    return {**right, **scores, "unparsed": 0, "layer": "likelihood"}


def judge_jigsaw(doc: Document, results: Sequence[str]) -> dict[str, Any]:
    """``process_results`` of jigsaws: score is the hit rate, acc the exact order.

    A document with a grid (``rows``, ``columns``) also gets the details and the layer that found the order.
    """
    output, gold = results[0], str(doc["answer"])
    if "rows" not in doc:
        return _metrics(permutations.judge_permutation(output, gold))
    judged = permutations.judge_order(output, gold, doc["rows"], doc["columns"])
    return {**_metrics(judged.judgement), **judged.details, "layer": judged.layer}


def judge_yes_no(doc: Document, results: Sequence[str]) -> dict[str, Any]:
    """``process_results`` of questions with a yes or a no, with what F1 and the share of pictures all of whose
    questions are right are made of."""
    made = yes_no.judge_yes_no(results[0], str(doc["answer"]), str(doc["question"])).metrics()
    return {**made, "f1": (made["yes"], made["gold_yes"]), "picture": (doc["cluster_id"], made["acc"])}


def _metrics(judgement: extraction.Judgement) -> dict[str, Any]:
    return {**judgement.metrics(), "extracted": judgement.extracted}


def distinct(extracted: Sequence[str | None]) -> int:
    """Aggregation of ``extracted``: the number of distinct answers; 1 means that the model is stuck on one."""
    return len(set(extracted))


f1 = yes_no.f1_of_yes
all_right = yes_no.share_all_right
