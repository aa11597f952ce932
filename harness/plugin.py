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

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.items import Item, Split
from harness.scoring import outcomes

Generator = Callable[[Split, int, int], Iterator[Item]]
Document = Mapping[str, Any]


def loader(tasks: Mapping[str, Generator]) -> Callable[..., dict[str, Any]]:
    """The ``custom_dataset`` function of a task file: its test items as a ``datasets.Dataset``."""

    def load(task: str, count: int, seed: int, **_: Any) -> dict[str, Any]:
        from datasets import Dataset

        return {"test": Dataset.from_list(list(rows(tasks[task]("test", count, seed))))}

    return load


def rows(items: Iterable[Item]) -> Iterator[dict[str, Any]]:
    """Items as documents: the fields of :class:`~harness.items.Item` that a run needs, and the item's id."""
    for item in items:
        yield {**item.model_dump(exclude={"task", "target"}), "item_id": item.item_id}


def question(doc: Document) -> str:
    return str(doc["question"])


def images(doc: Document) -> list[bytes]:
    """Encoded images as they are stored; bytes rather than pictures, so that nothing re-encodes them to hash them."""
    return list(doc["images"])


def judge(doc: Document, results: Sequence[str]) -> dict[str, Any]:
    """``process_results`` of tasks whose answer is one of the options, a number or a short text."""
    output, gold = results[0], str(doc["answer"])
    if doc["options"]:
        return _metrics(outcomes.judge_choice(output, gold, doc["options"]))
    if outcomes.parse_number(gold) is not None:
        return _metrics(outcomes.judge_number(output, gold))
    return _metrics(outcomes.judge_text(output, gold))


def judge_jigsaw(doc: Document, results: Sequence[str]) -> dict[str, Any]:
    """``process_results`` of jigsaws: score is the hit rate, acc the exact order."""
    return _metrics(outcomes.judge_permutation(results[0], str(doc["answer"])))


def _metrics(judgement: outcomes.Judgement) -> dict[str, Any]:
    return {**judgement.metrics(), "extracted": judgement.extracted}


def distinct(extracted: Sequence[str | None]) -> int:
    """Aggregation of ``extracted``: how many different answers were given; 1 is a model stuck on one answer."""
    return len(set(extracted))
