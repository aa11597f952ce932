"""One vLLM engine for a base and its adapters, on the shipped nano base: mixed, it answers as each alone would."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.engines import placement
from harness.engines.settings import EngineError
from harness.protocol import Decoding, Engine, GenerateRequest, Prompt, ScoreRequest
from tests.support.engines import TRANSFORMERS, VLLM, Engines, start_engine
from tests.support.fakes import write_adapter

SETTINGS = replace(VLLM, adapters="lora")


@pytest.fixture(scope="module")
def mixed(engines: Engines, base: Checkpoint, adapters: list[Checkpoint]) -> Engine:
    return engines.get(SETTINGS, [base, *adapters])


def asked(prompts: list[Prompt], adapters: list[str | None]) -> list[GenerateRequest]:
    return [
        GenerateRequest(str(k), prompt, Decoding(24), each) for k, prompt in enumerate(prompts) for each in adapters
    ]


def texts(engine: Engine, requests: list[GenerateRequest]) -> list[str]:
    answers = dict(engine.generate(requests))
    return [answers[k].text for k in range(len(requests))]


def test_a_mixed_stream_answers_as_separate_ones(
    mixed: Engine, adapters: list[Checkpoint], prompts: list[Prompt]
) -> None:
    names = [None, *(each.record.weights_digest for each in adapters[:2])]
    together = texts(mixed, asked(prompts, names))
    for place, name in enumerate(names):
        assert together[place :: len(names)] == texts(mixed, asked(prompts, [name]))
    assert len({tuple(together[place :: len(names)]) for place in range(len(names))}) == len(names)


def test_the_base_is_untouched_and_an_adapter_answers_as_if_merged(
    mixed: Engine, engines: Engines, base: Checkpoint, adapters: list[Checkpoint], prompts: list[Prompt]
) -> None:
    for checkpoint, name in ((base, None), (adapters[0], adapters[0].record.weights_digest)):
        alone = engines.get(TRANSFORMERS, [checkpoint])
        letters = tuple((token,) for token in prompts[0].token_ids[-6:])
        score = {
            engine: dict(engine.score([ScoreRequest("s", prompt, letters, wanted) for prompt in prompts]))
            for engine, wanted in ((alone, None), (mixed, name))
        }
        for k in range(len(prompts)):
            pairs = zip(score[alone][k], score[mixed][k], strict=True)  # type: ignore[arg-type]
            assert all(one.logprob == pytest.approx(other.logprob, abs=2e-3) for one, other in pairs)
        assert texts(alone, asked(prompts, [None])) == texts(mixed, asked(prompts, [name]))


def test_an_adapter_without_effect_stops_before_its_first_answer(
    engines: Engines, base: Checkpoint, idle: Checkpoint, prompts: list[Prompt]
) -> None:
    engine = start_engine(SETTINGS, [base, idle])
    with pytest.raises(EngineError, match=r"idle: the adapter changes no log-probability on \d probe prompts .*q_proj"):
        next(iter(engine.generate(asked(prompts, [None, idle.record.weights_digest]))))
    engine.close()


def test_an_engine_that_exchanges_its_weights_answers_as_one_started_with_them(
    engines: Engines, base: Checkpoint, adapters: list[Checkpoint], prompts: list[Prompt]
) -> None:
    names = [None, *(each.record.weights_digest for each in adapters)]
    letters = tuple((token,) for token in prompts[0].token_ids[-6:])
    engine = start_engine(replace(SETTINGS, adapters="merge"), [base, *adapters])
    together = texts(engine, asked(prompts, names))
    again = texts(engine, asked(prompts, names[::-1]))
    scores = [
        [dict(engine.score([ScoreRequest("s", prompt, letters, name) for prompt in prompts])) for name in order]
        for order in (names, names[::-1])
    ]
    engine.close()
    assert scores[0] == scores[1][::-1]
    for place, checkpoint in enumerate((base, *adapters)):
        alone = engines.get(VLLM, [checkpoint])
        expected = texts(alone, asked(prompts, [None]))
        assert together[place :: len(names)] == expected == again[len(names) - 1 - place :: len(names)]
        assert scores[0][place] == dict(alone.score([ScoreRequest("s", prompt, letters) for prompt in prompts]))
    assert len({tuple(together[place :: len(names)]) for place in range(len(names))}) == len(names)


def test_an_adapter_on_the_vision_tower_is_merged_or_refused(
    base: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = ["vision_model.encoder.layers.0.self_attn.q_proj"]
    path = write_adapter(tmp_path / "sees", base.path, modules, reference="nano:base")
    adapter = open_checkpoint(str(path))
    with pytest.raises(
        EngineError, match=r"leave out .*vision_tower.*layers\.0\.self_attn\.q_proj; use --adapters merge"
    ):
        placement.place(SETTINGS, [base, adapter])
    automatic = replace(SETTINGS, adapters="auto")
    monkeypatch.setattr(placement, "device_class", lambda: "NVIDIA H100 80GB HBM3")
    (placed,) = placement.place(automatic, [base, adapter])
    assert [each.checkpoint for each in placed.members] == [base, adapter]
    assert [each.record.adapter for each in placed.members] == ["none", "merged"]
