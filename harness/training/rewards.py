"""Rewards of reinforcement fine-tuning: hits/m + exact + format for a jigsaw (arXiv 2506.23508), exact + format for
every other task.

Answers are judged by the same function that the task's YAML names under ``process_results`` (an example with a grid is
a jigsaw, wherever its pictures come from), so that rewards match scores. Each term is in [0, 1]:

- **hits**, only for jigsaws: the share of places with the right tile, 0 if not a permutation;
- **exact**: 1 for a correct answer;
- **format**: 1 for an answer in the requested format: it can be parsed (a jigsaw's by the strict reading) and, if the
  question asks for a thought, the full text is ``<think>...</think><answer>...</answer>``.

As in an evaluation, an answer ends where one of its task's stop strings begins. A truncated answer gets no reward, as
it scores nothing.
"""

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from harness import plugin
from harness.errors import RetentionError
from harness.records import load_task_module
from harness.suites import find_task
from harness.training.dataset import Example

Judge = Callable[[Mapping[str, Any], Sequence[str]], dict[str, Any]]

_THOUGHT_ASKED = re.compile(r"<think>.*</think>", re.DOTALL)
_THOUGHT_FORM = re.compile(r"\s*<think>.*?</think>\s*<answer>.*?</answer>\s*", re.DOTALL)
_TAG = re.compile(r"</?(?:think|answer)>")

Term = Literal["hits", "exact", "format"]
TERMS: tuple[Term, ...] = get_args(Term)


@dataclass(frozen=True)
class Reward:
    """The three terms of one answer, each in [0, 1]."""

    hits: float = 0.0
    exact: float = 0.0
    format: float = 0.0

    def total(self, weights: Mapping[Term, float]) -> float:
        """The weighted sum; a term without a weight counts as 0."""
        return sum(weights.get(name, 0.0) * float(getattr(self, name)) for name in TERMS)


def reward(example: Example, output: str, *, finished: bool = True) -> Reward:
    """The reward of ``output`` as an answer to ``example``; ``finished`` if it ended by itself.

    Raises ``RetentionError`` for a task without generated answers (options chosen by log-probability).
    """
    ends = [place for stop in stops_of(example) if (place := output.find(stop)) >= 0]
    if not finished and not ends:
        return Reward()
    output = output[: min(ends, default=len(output))]
    judged = _judged(example, output)
    return Reward(
        hits=float(judged["score"]) if example.rows else 0.0,
        exact=float(judged["acc"]),
        format=float(not judged["unparsed"] and judged.get("valid", 1) and _has_form(example.question, output)),
    )


def stated_answer(example: Example, output: str) -> str | None:
    """The answer that ``output`` states, as the task's judge reads it, or None."""
    stated = _judged(example, output)["extracted"]
    return None if stated is None else str(stated)


def stops_of(example: Example) -> tuple[str, ...]:
    """The strings that end an answer to ``example``; none for a jigsaw, whose task need not be a file."""
    return () if example.rows else _stops(example.task)


@cache
def _stops(task: str) -> tuple[str, ...]:
    return find_task(task).stop


def _judged(example: Example, output: str) -> dict[str, Any]:
    if example.rows:
        return plugin.judge_jigsaw(example.model_dump(include={"answer", "rows", "columns"}), [output])
    return judge_of(example.task)(example.model_dump(include={"answer", "options"}), [output])


@cache
def judge_of(task: str) -> Judge:
    """The function that the YAML of ``task`` names under ``process_results``."""
    file = find_task(task)
    named = Path(str(file.fields.get("process_results", "")))
    module, _, function = named.name.rpartition(".")
    if file.output_type != "generate_until" or not module:
        raise RetentionError(f"task {task}: its answers are not generated, so they cannot be rewarded")
    beside = named.parent / f"{module}.py"
    if beside.is_file():
        judge: Judge = getattr(load_task_module(beside), function)
    elif module == plugin.__name__:
        judge = getattr(importlib.import_module(module), function)
    else:
        raise RetentionError(f"task {task}: process_results names {named.name}, which is not a function of a task file")
    return judge


def _has_form(question: str, output: str) -> bool:
    if not _THOUGHT_ASKED.search(question):
        return True
    return len(_TAG.findall(output)) == 4 and _THOUGHT_FORM.fullmatch(output) is not None
