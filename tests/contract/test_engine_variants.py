"""One vLLM engine for a base and its adapters, on the shipped nano base: mixed, it answers as each alone would."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.engines import placement, starting
from harness.engines.settings import EngineError, EngineSettings
from harness.lmeval import load_tasks
from harness.protocol import Decoding, Engine, GenerateRequest, Prompt, ScoreRequest
from harness.records.suites import load_suite
from tests.support.engines import start_engine
from tests.support.fakes import write_adapter

pytestmark = pytest.mark.engine
SETTINGS = EngineSettings(name="vllm", dtype="float32", max_model_len=256, adapters="lora")


@pytest.fixture(scope="module")
def base() -> Checkpoint:
    return open_checkpoint("nano:base")


@pytest.fixture(scope="module")
def variants(base: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> list[Checkpoint]:
    folder = tmp_path_factory.mktemp("adapters")
    modules = ["language_model.model.layers.1.self_attn.q_proj", "language_model.model.layers.2.mlp"]
    paths = [
        write_adapter(folder / f"a{seed}", base.path, modules, reference="nano:base", seed=seed, scale=scale)
        for seed, scale in enumerate((0.6, 0.9))
    ]
    return [open_checkpoint(str(path)) for path in paths]


@pytest.fixture(scope="module")
def prompts(base: Checkpoint) -> list[Prompt]:
    renderer = PromptRenderer(base.path)
    tasks = load_tasks(list(load_suite("nano-1").tasks))
    docs = [loaded.task.eval_docs[k] for loaded in tasks.values() for k in range(2)]
    return [renderer.render(doc["question"], tuple(doc["images"])) for doc in docs]


@pytest.fixture(scope="module")
def mixed(base: Checkpoint, variants: list[Checkpoint]) -> Iterator[Engine]:
    engine = start_engine(SETTINGS, [base, *variants])
    yield engine
    engine.close()


def asked(prompts: list[Prompt], adapters: list[str | None]) -> list[GenerateRequest]:
    return [
        GenerateRequest(str(k), prompt, Decoding(24), each) for k, prompt in enumerate(prompts) for each in adapters
    ]


def texts(engine: Engine, requests: list[GenerateRequest]) -> list[str]:
    answers = dict(engine.generate(requests))
    return [answers[k].text for k in range(len(requests))]


def test_a_mixed_stream_answers_as_separate_ones(
    mixed: Engine, variants: list[Checkpoint], prompts: list[Prompt]
) -> None:
    names = [None, *(each.record.weights_digest for each in variants[:2])]
    together = texts(mixed, asked(prompts, names))
    for place, name in enumerate(names):
        assert together[place :: len(names)] == texts(mixed, asked(prompts, [name]))
    assert len({tuple(together[place :: len(names)]) for place in range(len(names))}) == len(names)


def test_the_base_is_untouched_and_an_adapter_answers_as_if_merged(
    mixed: Engine, base: Checkpoint, variants: list[Checkpoint], prompts: list[Prompt]
) -> None:
    for checkpoint, name in ((base, None), (variants[0], variants[0].record.weights_digest)):
        alone = starting.start(
            *placement.place(EngineSettings(name="transformers", dtype="float32", max_model_len=256), [checkpoint])
        )
        letters = tuple((token,) for token in prompts[0].token_ids[-6:])
        score = {
            engine: dict(engine.score([ScoreRequest("s", prompt, letters, wanted) for prompt in prompts]))
            for engine, wanted in ((alone, None), (mixed, name))
        }
        for k in range(len(prompts)):
            pairs = zip(score[alone][k], score[mixed][k], strict=True)  # type: ignore[arg-type]
            assert all(one.logprob == pytest.approx(other.logprob, abs=2e-3) for one, other in pairs)
        assert texts(alone, asked(prompts, [None])) == texts(mixed, asked(prompts, [name]))
        alone.close()


def test_an_adapter_without_effect_stops_before_its_first_answer(
    base: Checkpoint, prompts: list[Prompt], tmp_path: Path
) -> None:
    modules = ["language_model.model.layers.1.self_attn.q_proj"]
    idle = open_checkpoint(str(write_adapter(tmp_path / "idle", base.path, modules, reference="nano:base", scale=0)))
    engine = start_engine(SETTINGS, [base, idle])
    with pytest.raises(EngineError, match=r"idle: the adapter changes no log-probability on \d probe prompts .*q_proj"):
        next(iter(engine.generate(asked(prompts, [None, idle.record.weights_digest]))))
    engine.close()


def test_an_engine_that_exchanges_its_weights_answers_as_one_started_with_them(
    base: Checkpoint, variants: list[Checkpoint], prompts: list[Prompt]
) -> None:
    settings = replace(SETTINGS, adapters="merge")
    names = [None, *(each.record.weights_digest for each in variants)]
    letters = tuple((token,) for token in prompts[0].token_ids[-6:])
    engine = start_engine(settings, [base, *variants])
    together = texts(engine, asked(prompts, names))
    again = texts(engine, asked(prompts, names[::-1]))
    scores = [
        [dict(engine.score([ScoreRequest("s", prompt, letters, name) for prompt in prompts])) for name in order]
        for order in (names, names[::-1])
    ]
    engine.close()
    assert scores[0] == scores[1][::-1]
    for place, checkpoint in enumerate((base, *variants)):
        alone = start_engine(settings, [checkpoint])
        expected = texts(alone, asked(prompts, [None]))
        assert together[place :: len(names)] == expected == again[len(names) - 1 - place :: len(names)]
        assert scores[0][place] == dict(alone.score([ScoreRequest("s", prompt, letters) for prompt in prompts]))
        alone.close()
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
