"""Options scored together give what one request at a time gives, for full and for sliding attention."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints.checkpoint import open_checkpoint
from harness.engines.settings import EngineSettings
from harness.protocol import ContinuationScore, Failed, Prompt, ScoreRequest
from tests.support.engines import start_engine
from tests.support.fakes import write_llama

pytestmark = pytest.mark.usefixtures("engines")
CLOSE = 1e-5


def asked() -> list[ScoreRequest]:
    """Prompts of 1 to 40 tokens, with options of one token, of several, of unequal lengths, and twice the same one."""
    options: list[tuple[tuple[int, ...], ...]] = [
        ((5,), (6,), (7,)),
        ((5, 6, 7), (8,), (9, 10)),
        ((5, 6), (5, 7), (5, 6)),
        (tuple(range(3, 23)), (4, 4)),
    ]
    lengths = (1, 2, 3, 17, 40)
    requests = [
        ScoreRequest("i", Prompt("", tuple(2 + (k * length) % 60 for k in range(length))), each)
        for length, each in itertools.product(lengths, options)
    ]
    return [*requests, ScoreRequest("partial", Prompt("", (3, 4, 5)), ((6, 7, 8), (9, 10, 7, 8)), counted=(2, 2))]


def alike(found: Any, wanted: Any) -> None:
    assert not isinstance(found, Failed)
    for one, other in zip(found, wanted, strict=True):
        assert isinstance(one, ContinuationScore)
        assert one.logprob == pytest.approx(other.logprob, abs=CLOSE, rel=CLOSE)
        assert one.is_greedy == other.is_greedy


def sliding(model: Any) -> Any:
    """A tiny Gemma 3 whose window is shorter than some prompts."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.Gemma3TextConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        sliding_window=8,
        layer_types=["sliding_attention", "full_attention"] * 2,
    )
    return transformers.Gemma3ForCausalLM(config).eval()


def test_a_batch_gives_what_one_request_at_a_time_gives(tmp_path: Path) -> None:
    from harness.engines.placement import place
    from harness.engines.scoring_pass import ScoringPass
    from harness.engines.transformers import TransformersEngine

    settings = EngineSettings(name="transformers", dtype="float32", max_model_len=128)
    engine = TransformersEngine(*place(settings, [open_checkpoint(str(write_llama(tmp_path / "llama")))]))
    requests = asked()
    for model in (engine.model, sliding(engine.model)):
        engine._model = model
        engine._scoring = ScoringPass(model, engine._device, 1)
        assert [engine._scoring.serves(each) for each in requests].count(False) == 4, "prompts of one token"
        found = dict(engine.score(requests))
        assert sorted(found) == list(range(len(requests)))
        for index, request in enumerate(requests):
            alike(found[index], engine._scored(request))


def test_what_does_not_fit_fails_alone(tmp_path: Path) -> None:
    settings = EngineSettings(name="transformers", dtype="float32", max_model_len=32)
    engine = start_engine(settings, [open_checkpoint(str(write_llama(tmp_path / "llama")))])
    long = ScoreRequest("long", Prompt("", (3,) * 40), ((5,), (6,)))
    short = ScoreRequest("short", Prompt("", (3, 4)), ((5,), (6, 7)))
    found = dict(engine.score([long, short]))
    engine.close()
    assert isinstance(found[0], Failed)
    assert not isinstance(found[1], Failed)


def test_vllm_reads_its_cache_and_still_knows_every_option(tmp_path: Path) -> None:
    """Prompts of several blocks, asked twice, so that options themselves stand in the cache the second time."""
    checkpoint = open_checkpoint(str(write_llama(tmp_path / "llama")))
    prompt = Prompt("", tuple(2 + k % 60 for k in range(300)))
    options = (tuple(range(3, 43)), (*range(3, 43), *range(3, 43), *range(3, 43), *range(3, 43)), (4, 5))
    requests = [
        ScoreRequest("i", prompt, options),
        ScoreRequest("p", prompt, ((6, 7, 8), (9, 10, 7, 8)), counted=(2, 2)),
    ]
    settings = EngineSettings(name="vllm", dtype="float32", max_model_len=1024)
    vllm = start_engine(settings, [checkpoint])
    first, second = dict(vllm.score(requests)), dict(vllm.score(requests))
    vllm.close()
    other = start_engine(EngineSettings(name="transformers", dtype="float32", max_model_len=1024), [checkpoint])
    for index, wanted in other.score(requests):
        for found in (first, second):
            scores = [each.logprob for each in found[index]]  # type: ignore[union-attr]
            assert scores == pytest.approx([each.logprob for each in wanted], abs=1e-3)  # type: ignore[union-attr]
    other.close()
