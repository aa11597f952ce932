"""Scores on the dev split: what a training looks at, so that it never looks at a suite's items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from harness.answers import extract_answer, judge_permutation
from harness.items import Item
from harness.pictures import decode_png
from harness.records import Outcome
from harness.training.nano.record import Progress
from harness.training.nano.world import JIGSAW, PRIOR_TASKS, Coder, generators, pixel_tensor

_MAX_NEW_TOKENS = 48
_BATCH = 50


def dev_scores(model: Any, processor: Any, count: int, progress: Progress, seed: int = 0) -> dict[str, float]:
    """Share of right answers per task, greedy; for the jigsaw exact, hit rate and valid form."""
    makers, coder = generators(), Coder(processor)
    scores: dict[str, float] = {}
    for done, task in enumerate(PRIOR_TASKS):
        progress("scoring the dev split", done, len(PRIOR_TASKS) + 1)
        items = list(makers[task]("dev", count, seed))
        outputs = answers(model, processor, coder, items)
        right = [extract_answer(output) == item.answer for output, item in zip(outputs, items, strict=True)]
        scores[task] = round(sum(right) / count, 4)
    items = list(makers[JIGSAW]("dev", count, seed))
    outputs = answers(model, processor, coder, items)
    judged = [judge_permutation(output, item.answer) for output, item in zip(outputs, items, strict=True)]
    scores[JIGSAW] = round(sum(verdict.outcome is Outcome.CORRECT for verdict in judged) / count, 4)
    scores[f"{JIGSAW} hit rate"] = round(sum(verdict.score for verdict in judged) / count, 4)
    scores[f"{JIGSAW} valid"] = round(sum(verdict.outcome is not Outcome.UNPARSED for verdict in judged) / count, 4)
    progress("scoring the dev split", len(PRIOR_TASKS) + 1, len(PRIOR_TASKS) + 1)
    return scores


@torch.no_grad()
def answers(
    model: Any, processor: Any, coder: Coder, items: Sequence[Item], max_new_tokens: int = _MAX_NEW_TOKENS
) -> list[str]:
    """Greedy outputs, batched; all items have a picture or none has."""
    tokenizer = processor.tokenizer
    texts: list[str] = []
    model.eval()
    for start in range(0, len(items), _BATCH):
        part = items[start : start + _BATCH]
        prompts = [coder.prompt(item) for item in part]
        longest = max(map(len, prompts))
        ids = torch.tensor([[tokenizer.pad_token_id] * (longest - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        pictures = [decode_png(item.images[0]) for item in part if item.images]
        seen = {"pixel_values": pixel_tensor(pictures)} if pictures else {}
        made = model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            **seen,
        )
        texts += tokenizer.batch_decode(made[:, longest:], skip_special_tokens=True)
    model.train()
    return texts
