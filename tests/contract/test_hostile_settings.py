"""What a checkpoint says of its own decoding decides nothing but where an answer ends: suites are decoded alike."""

import json
from pathlib import Path

import pytest

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.engines.settings import EngineSettings
from harness.protocol import Completion, Decoding, GenerateRequest
from tests.support.engines import start_engine
from tests.support.fakes import write_llama

pytestmark = pytest.mark.usefixtures("engines")

# Each of these makes transformers sample, search, forbid, force or stop on its own.
TRICKS = {
    "do_sample": True,
    "temperature": 2.0,
    "num_beams": 4,
    "repetition_penalty": 5.0,
    "no_repeat_ngram_size": 1,
    "suppress_tokens": list(range(4, 30)),
    "begin_suppress_tokens": list(range(30, 50)),
    "bad_words_ids": [[50], [51]],
    "sequence_bias": [[[52], 9.0]],
    "forced_bos_token_id": 53,
    "forced_eos_token_id": 54,
    "min_new_tokens": 9,
    "max_new_tokens": 1,
    "max_length": 3,
    "max_time": 0.001,
    "guidance_scale": 3.0,
    "num_return_sequences": 2,
}


def answers(engine: str, folder: Path) -> list[Completion]:
    settings = EngineSettings(name=engine, dtype="float32", max_model_len=64)
    started = start_engine(settings, [open_checkpoint(str(folder))])
    renderer = PromptRenderer(folder, "plain")
    requests = [GenerateRequest(str(k), renderer.render(f"w{k} w7 w{k + 2}"), Decoding(12)) for k in range(4)]
    try:
        found = dict(started.generate(requests))
        return [found[place] for place in range(len(requests))]
    finally:
        started.close()


@pytest.mark.parametrize("engine", ["transformers", "vllm"])
def test_a_generation_config_changes_no_answer(engine: str, tmp_path: Path) -> None:
    plain, tricky = write_llama(tmp_path / "plain"), write_llama(tmp_path / "tricky")
    (plain / "generation_config.json").write_text(json.dumps({"eos_token_id": 1}))
    (tricky / "generation_config.json").write_text(json.dumps({"eos_token_id": 1, **TRICKS}))
    assert answers(engine, plain) == answers(engine, tricky)
