"""What lies beside a model changes no answer: both engines load the files that the digest covers, and no others."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.engines.settings import NAMES, EngineSettings
from harness.protocol import ScoreRequest
from tests.support.engines import start_engine
from tests.support.fakes import write_llama

pytestmark = pytest.mark.usefixtures("engines")


def crowd(folder: Path, other: Path) -> Path:
    """Put beside a model what trainers, authors and converters leave, among it the weights of ``other``."""
    for name in ("consolidated.safetensors", "model-00002-of-00009.safetensors", "value_head.safetensors"):
        shutil.copy(other / "model.safetensors", folder / name)
    shutil.copytree(other, folder / "checkpoint-500")
    for name in ("pytorch_model.bin", "optimizer.pt", "training_args.bin", "rng_state_0.pth", "model.gguf"):
        (folder / name).write_bytes(b"\x80\x04.")
    (folder / "params.json").write_text(json.dumps({"dim": 64, "n_layers": 1, "vocab_size": 64}))
    (folder / "tekken.json").write_text('{"config": {}, "vocab": []}')
    pooling = [{"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]
    (folder / "modules.json").write_text(json.dumps(pooling))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "other"}')
    (folder / "modeling_llama.py").write_text("raise SystemExit('run')")
    config = json.loads((folder / "config.json").read_text())
    mapped = {"AutoConfig": "modeling_llama.Config", "AutoModelForCausalLM": "modeling_llama.Model"}
    claims = {"auto_map": mapped, "_name_or_path": str(other)}
    (folder / "config.json").write_text(json.dumps(config | claims))
    return folder


def split(folder: Path) -> Path:
    """The same weights in two shards and their index."""
    whole = folder / "model.safetensors"
    names = sorted(tensors := load_file(whole))
    shards = {f"model-0000{k + 1}-of-00002.safetensors": names[k::2] for k in range(2)}
    for shard, part in shards.items():
        save_file({name: tensors[name] for name in part}, folder / shard)
    index = {"metadata": {}, "weight_map": {name: shard for shard, part in shards.items() for name in part}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    whole.unlink()
    return folder


def scores(engine: str, checkpoint: Checkpoint) -> list[float]:
    settings = EngineSettings(name=engine, dtype="float32", max_model_len=64)
    prompt = PromptRenderer(checkpoint.path, "plain").render("w1 w7 w3")
    running = start_engine(settings, [checkpoint])
    try:
        ((_, answer),) = running.score([ScoreRequest("0", prompt, tuple((token,) for token in range(4, 12)))])
    finally:
        running.close()
    return [each.logprob for each in answer]  # type: ignore[union-attr]


@pytest.mark.parametrize("engine", NAMES)
def test_a_crowded_folder_answers_as_the_model_alone(engine: str, tmp_path: Path) -> None:
    clean, other = write_llama(tmp_path / "clean"), write_llama(tmp_path / "other", seed=5)
    whole = open_checkpoint(str(crowd(write_llama(tmp_path / "whole"), other)))
    sharded = open_checkpoint(str(crowd(split(write_llama(tmp_path / "sharded")), other)))
    wanted = scores(engine, open_checkpoint(str(clean)))
    assert scores(engine, whole) == pytest.approx(wanted, abs=1e-5)
    assert scores(engine, sharded) == pytest.approx(wanted, abs=1e-5)
    if engine == "transformers":  # The other model would have shown.
        assert scores(engine, open_checkpoint(str(other))) != pytest.approx(wanted, abs=0.1)
