"""Sampling: draws follow the model's distribution, repeat with their seed, and do not depend on the batch."""

import pytest
import torch

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.engines import placement, starting
from harness.engines.sampling import Drawn
from harness.engines.settings import EngineSettings
from harness.protocol import Decoding, GenerateRequest
from harness.records.suites import load_task_module, tasks_root

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0])


def draws(temperature: float, seeds: list[int]) -> torch.Tensor:
    return Drawn(temperature, seeds)(torch.empty(0), LOGITS.expand(len(seeds), -1)).argmax(dim=-1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_follow_the_softmax_at_their_temperature(temperature: float) -> None:
    count = 20_000
    found = torch.bincount(draws(temperature, list(range(count))), minlength=4) / count
    due = (LOGITS / temperature).softmax(dim=-1)
    assert ((found - due).abs() < 4 * (due * (1 - due) / count).sqrt()).all()


def test_a_draw_depends_on_its_seed_alone() -> None:
    together = draws(1.0, [3, 1, 4, 1, 5])
    assert together[1] == together[3]
    assert [int(draws(1.0, [seed])[0]) for seed in (3, 1, 4, 1, 5)] == together.tolist()


@pytest.mark.parametrize("top_p", [0.5, 0.7, 0.95, 1.0])
def test_draws_are_among_the_likeliest_tokens(top_p: float) -> None:
    """The smallest set of tokens that holds ``top_p`` of the probability, each as likely as in it."""
    chances = LOGITS.softmax(dim=-1)
    kept = chances * (chances.cumsum(dim=-1) - chances < top_p)
    due, count = kept / kept.sum(), 20_000
    scores = LOGITS.expand(count, -1)
    found = torch.bincount(Drawn(1.0, list(range(count)), top_p)(torch.empty(0), scores).argmax(dim=-1), minlength=4)
    assert (found[due == 0] == 0).all()
    assert ((found / count - due).abs() <= 4 * (due * (1 - due) / count).sqrt()).all()


def test_later_tokens_draw_anew() -> None:
    drawn = Drawn(1.0, [7])
    tokens = {int(drawn(torch.empty(0), torch.zeros(1, 50)).argmax()) for _ in range(20)}
    assert len(tokens) > 10


@pytest.mark.engine
def test_samples_of_a_model_repeat_whatever_they_are_batched_with() -> None:
    checkpoint = open_checkpoint("nano:base")
    renderer = PromptRenderer(checkpoint.path)
    items = list(load_task_module(tasks_root() / "jigsaw" / "nano.py").TASKS["jigsaw_2x2"]("train", 3, 5))
    asked = [
        GenerateRequest(f"{place}", renderer.render(item.question, item.images), Decoding(16, (), temperature, seed))
        for place, item in enumerate(items)
        for temperature, seed in ((1.0, 1), (1.0, 2), (1.0, 3), (1.0, 4), (0.0, 1), (0.0, 2))
    ]
    engine = starting.load(*placement.place(EngineSettings("transformers", "float32", max_model_len=128), [checkpoint]))
    together = {place: answer.text for place, answer in engine.generate(asked)}
    alone = {place: next(engine.generate([request]))[1].text for place, request in enumerate(asked)}
    assert together == alone
    assert len({together[place] for place in range(4)}) > 1
    assert together[4] == together[5]
    engine.close()
