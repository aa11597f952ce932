"""Scores on the dev split: what a training looks at, so that it never looks at a suite's items."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from harness.answers import extract_answer, judge_permutation
from harness.records import Outcome
from harness.training.nano.development import answers
from harness.training.nano.record import Progress
from harness.training.nano.world import Coder
from harness.training.nano2.world import JIGSAW, PRIOR_TASKS, STORIES, generators

_MAX_NEW_TOKENS = 80


def dev_scores(model: Any, processor: Any, count: int, progress: Progress, seed: int = 0) -> dict[str, float]:
    """Share of right answers, greedy: of each prior task with working and without, and of the targets as asked."""
    makers, coder = generators(), Coder(processor)
    scores: dict[str, float] = {}
    tasks = (*PRIOR_TASKS, STORIES, JIGSAW)
    for done, task in enumerate(tasks):
        progress("scoring the dev split", done, len(tasks))
        items = list(makers[task]("dev", count, seed))
        right: dict[str, list[float]] = defaultdict(list)
        for output, item in zip(answers(model, processor, coder, items, _MAX_NEW_TOKENS), items, strict=True):
            form = f" {item.group}" if task in PRIOR_TASKS else ""
            if task == JIGSAW:
                judged = judge_permutation(output, item.answer)
                right[f"{task} hit rate"].append(judged.score)
                right[task].append(judged.outcome is Outcome.CORRECT)
            else:
                right[f"{task}{form}"].append(extract_answer(output) == item.answer)
        scores |= {name: round(sum(each) / len(each), 4) for name, each in right.items()}
    progress("scoring the dev split", len(tasks), len(tasks))
    return scores
