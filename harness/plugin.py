"""The callables that a task's YAML names: rows for lm-eval, what is asked, and how an answer is judged.

A task file lists its generators in ``TASKS`` and says ``load = plugin.loader(TASKS)``; its YAML then reads::

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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from PIL import Image

from harness.answers import choices, extraction, mathematics, numbers, options, permutations, statements
from harness.items import IMAGE_MARK, Item, Split
from harness.pictures import opened
from harness.sources import Row, Source, test_split

Generator = Callable[[Split, int, int], Iterator[Item]]
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Reader:
    """A task on published data: where its rows lie, and the items made of them."""

    sources: tuple[Source, ...]
    items: Callable[[Iterator[Row]], Iterable[Item]]


def loader(tasks: Mapping[str, Generator]) -> Callable[..., dict[str, Any]]:
    """The ``custom_dataset`` function of a task file: its test items as a ``datasets.Dataset``."""

    def load(task: str, count: int, seed: int, **_: Any) -> dict[str, Any]:
        return test_split(rows(tasks[task]("test", count, seed)))

    return load


def with_letters(
    task: str, sources: tuple[Source, ...], items: Callable[[str, Iterator[Row]], Iterable[Item]]
) -> dict[str, Reader]:
    """Two tasks on the same questions: ``task``, answered in writing, and ``task_letters``, by log-probabilities.

    Items name their task, so that both may stand in one suite.
    """
    return {name: Reader(sources, partial(items, name)) for name in (task, f"{task}_letters")}


def reader(tasks: Mapping[str, Reader]) -> Callable[..., dict[str, Any]]:
    """The ``custom_dataset`` function of a task file on published data: all its items, in :func:`sampled` order.

    ``dataset_kwargs`` name the task and the seed of that order. A suite takes the first items it needs.
    """

    def load(task: str, seed: int = 0, **_: Any) -> dict[str, Any]:
        chosen = tasks[task]
        items = chosen.items(row for source in chosen.sources for row in source.rows())
        return test_split(rows(sampled(items, seed)))

    return load


def sampled(items: Iterable[Item], seed: int) -> list[Item]:
    """The different items in an order drawn by ``seed`` from their ids alone.

    The first n are a random sample for every n, and the same one however the source is ordered.
    """
    different = {item.item_id: item for item in items}
    places = {key: hashlib.sha256(f"{seed}:{key}".encode()).digest() for key in different}
    return [different[key] for key in sorted(different, key=lambda key: places[key])]


def rows(items: Iterable[Item]) -> Iterator[dict[str, Any]]:
    """Items as documents: the fields of :class:`~harness.items.Item` that a run needs, and the item's id."""
    for item in items:
        yield {**item.model_dump(exclude={"task", "target"}), "item_id": item.item_id}


def cluster(shared: str) -> str:
    """A short ``cluster_id`` for the items that share a passage, a stem or a context: 16 hex digits of its sha256."""
    return hashlib.sha256(shared.encode()).hexdigest()[:16]


def question(doc: Document) -> str:
    """The question, with a mark for each image before it: the vision models of lm-eval's own put images there."""
    count: int = doc.get("n_images", len(doc.get("images") or ()))
    return f"{IMAGE_MARK * count}{doc['question']}"


def images(doc: Document) -> list[Image.Image]:
    """The images that a document holds."""
    return opened(doc["images"])


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
    """``process_results`` of mathematics: a number, an expression or words, compared by the mathematics."""
    judged = mathematics.judge_math(results[0], str(doc["answer"]))
    return {**_metrics(judged), "layer": judged.layer}


def judge_quantity(doc: Document, results: Sequence[str], rel_tol: float = 0.0) -> dict[str, Any]:
    """``process_results`` of short questions for one number: as :func:`judge_math`, and an output that is a number with
    or without its unit, and nothing else, is the answer too (layer "number")."""
    output = statements.answer_of(results[0]).strip()
    bare = not statements.statements(output) and numbers.read_numeral(output) is not None
    judged = mathematics.judge_math(f"Answer: {output}" if bare else output, str(doc["answer"]), rel_tol)
    return {**_metrics(judged), "layer": "number" if bare and judged.layer else judged.layer}


def judge_lettered(doc: Document, results: Sequence[str]) -> dict[str, Any]:
    """``process_results`` of :func:`~harness.answers.forms.lettered` questions that are answered in writing."""
    judged = choices.judge_lettered(results[0], str(doc["answer"]), doc["options"])
    return {
        **judged.metrics(),
        "off_list": int(judged.lenient.off_list),
        "extracted": judged.lenient.extracted,
        "layer": judged.layer,
    }


def letters(doc: Document) -> list[str]:
    """``doc_to_choice`` of :func:`~harness.answers.forms.lettered` questions that are answered by log-probabilities."""
    return list(options.LETTERS[: len(doc["options"])])


def gold_place(doc: Document) -> int:
    """``doc_to_target`` beside :func:`letters`."""
    return options.LETTERS.index(str(doc["answer"]))


def judge_letters(doc: Document, results: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    """``process_results`` beside :func:`letters`: the most probable letter is the answer, the first of equals.

    ``letter_mass`` is the probability in [0, 1] that the answer starts with any of the letters: near 0 the model did
    not mean to write one. ``margin`` is how many nats the letter chosen is ahead of the next.
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


def judge_jigsaw(doc: Document, results: Sequence[str]) -> dict[str, Any]:
    """``process_results`` of jigsaws: score is the hit rate, acc the exact order.

    A document that states its grid (``rows``, ``columns``) gets the details too, and the layer that found the order.
    """
    output, gold = results[0], str(doc["answer"])
    if "rows" not in doc:
        return _metrics(permutations.judge_permutation(output, gold))
    judged = permutations.judge_order(output, gold, doc["rows"], doc["columns"])
    return {**_metrics(judged.judgement), **judged.details, "layer": judged.layer}


def _metrics(judgement: extraction.Judgement) -> dict[str, Any]:
    return {**judgement.metrics(), "extracted": judgement.extracted}


def distinct(extracted: Sequence[str | None]) -> int:
    """Aggregation of ``extracted``: how many different answers were given; 1 is a model stuck on one answer."""
    return len(set(extracted))
