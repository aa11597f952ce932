"""A model that somebody else holds answers as a loaded one does, and is given back as it was."""

from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints.checkpoint import open_checkpoint
from harness.engines.live import LiveEngine
from harness.engines.placement import place
from harness.engines.transformers import TransformersEngine
from harness.protocol import Decoding, GenerateRequest, Prompt, ScoreRequest
from tests.support.evaluating import SETTINGS
from tests.support.fakes import write_llama

ASKED = GenerateRequest("item", Prompt("w1 w2 w3", (5, 6, 7)), Decoding(8))
SCORED = ScoreRequest("item", Prompt("w1 w2", (5, 6)), ((7,), (8, 9)))


def held(folder: Path, attention: str) -> Any:
    """As a training holds it: in training mode but for a frozen part, with settings of generation of its own."""
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(folder, attn_implementation=attention)
    model.train()
    model.model.embed_tokens.eval()
    model.generation_config.do_sample = True
    return model


@pytest.mark.engine
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_it_answers_as_a_loaded_one_and_is_left_as_it_was(tmp_path: Path, attention: str) -> None:
    folder = write_llama(tmp_path / "model")
    (placement,) = place(SETTINGS, [open_checkpoint(str(folder))])
    loaded = TransformersEngine(placement)
    expected = list(loaded.generate([ASKED])), list(loaded.score([SCORED]))
    loaded.close()
    model = held(folder, attention)
    mixed, plain = object(), model.forward
    model.forward, model._original_forward = mixed, plain
    modes = [module.training for module in model.modules()]
    engine = LiveEngine(placement, model)
    assert (list(engine.generate([ASKED])), list(engine.score([SCORED]))) == expected
    engine.close()
    assert [module.training for module in model.modules()] == modes
    assert model.generation_config.do_sample
    assert model.config._attn_implementation == attention
    assert model.forward is mixed


@pytest.mark.engine
def test_gradients_can_be_taken_afterwards(tmp_path: Path) -> None:
    import torch

    folder = write_llama(tmp_path / "model")
    (placement,) = place(SETTINGS, [open_checkpoint(str(folder))])
    model = held(folder, "sdpa")
    engine = LiveEngine(placement, model)
    list(engine.generate([ASKED]))
    list(engine.score([SCORED]))
    engine.close()
    model(input_ids=torch.tensor([[5, 6, 7]]), labels=torch.tensor([[5, 6, 7]])).loss.backward()
    assert all(each.grad is not None for each in model.parameters())
