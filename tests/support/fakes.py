"""A fake engine for unit tests of the floors above the engines, and a tiny checkpoint folder for those below."""

import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from safetensors import safe_open
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from harness.engines import starting
from harness.engines.placement import Placement
from harness.engines.settings import EngineSettings
from harness.protocol import Completion, ContinuationScore, Engine, GenerateRequest, ScoreRequest
from harness.records.run import EngineRecord
from harness.records.suites import tasks_root

RECORD = EngineRecord(name="fake", version="1", dtype="float32", mode="eager", device="cpu")


class FakeEngine:
    """Answers ``answer(request)`` in reverse order, as an engine may; fails after ``fail_after`` answers."""

    def __init__(self, answer: str = "The answer is 1.", fail_after: int | None = None) -> None:
        self.record = RECORD
        self.answer = answer
        self.fail_after = fail_after
        self.asked: list[str] = []
        self.closed = False

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        for index in reversed(range(len(requests))):
            if self.fail_after is not None and len(self.asked) >= self.fail_after:
                raise RuntimeError("the engine died")
            self.asked.append(requests[index].item_id)
            yield index, Completion(self.answer, "stop", len(requests[index].prompt.token_ids), 3)

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, tuple[ContinuationScore, ...]]]:
        for index, request in enumerate(requests):
            self.asked.append(request.item_id)
            yield index, tuple(ContinuationScore(-float(k), k == 0) for k in range(len(request.continuations)))

    def close(self) -> None:
        self.closed = True


class ScriptedEngine(FakeEngine):
    """A fake that fails as its settings' ``server`` says; loaded in other processes by :func:`load_scripted`."""

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__()
        self.settings = settings

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        for count, (index, completion) in enumerate(super().generate(requests)):
            if count == 5:
                if self.settings.server == "killed":
                    os.kill(os.getpid(), signal.SIGKILL)
                if self.settings.server == "computes for long":
                    time.sleep(600)
                if self.settings.server == "raises":
                    raise ValueError("the weights\nare upside down")
                if self.settings.server == "out of memory" and self.settings.batch > 2:
                    raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            yield index, replace(completion, text=f"batch {self.settings.batch}")


def load_scripted(placement: Placement) -> ScriptedEngine:
    return ScriptedEngine(placement.settings)


TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }} "
    "{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for p in m.content %}{% if p.type == 'image' %}<image>{% else %}{{ p.text }}{% endif %}{% endfor %}"
    "{% endif %}<|im_end|>{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant {% endif %}"
)


def write_checkpoint(folder: Path, *, seed: int = 0, words: Sequence[str] = ("a", "b")) -> Path:
    """A Llama of a few dozen random weights, whose tokenizer knows ``words``."""
    folder.mkdir(parents=True)
    vocabulary = {word: k for k, word in enumerate(["<|im_start|>", "<|im_end|>", "<image>", "[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>", "<image>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}))
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    _write_llama(folder, {**_TINY, "vocab_size": len(vocabulary)}, seed)
    return folder


_TINY = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4,
    "intermediate_size": 4,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "num_key_value_heads": 1,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "dtype": "float32",
}


def _write_llama(folder: Path, config: dict[str, Any], seed: int) -> None:
    """Configuration and random weights of a Llama with one layer."""
    (folder / "config.json").write_text(json.dumps(config))
    rng = np.random.default_rng(seed)
    rows, width = config["vocab_size"], config["hidden_size"]
    square = [f"self_attn.{each}_proj" for each in "qkvo"] + [f"mlp.{each}_proj" for each in ("gate", "up", "down")]
    weights = {f"model.layers.0.{name}.weight": rng.normal(size=(width, width)) / width**0.5 for name in square}
    weights |= {f"{name}.weight": rng.normal(size=(rows, width)) for name in ("model.embed_tokens", "lm_head")}
    norms = ("model.norm", "model.layers.0.input_layernorm", "model.layers.0.post_attention_layernorm")
    weights |= {f"{name}.weight": np.ones(width) for name in norms}
    save_file({name: each.astype(np.float32) for name, each in weights.items()}, folder / "model.safetensors")


def load_starved(placement: Placement) -> Engine:
    """The real engine, with memory for two rows at once and none for a prompt of more than 20 tokens."""
    import torch

    engine: Any = starting.load(placement)
    generate = engine._model.generate

    def starved(input_ids: Any, **options: Any) -> Any:
        if input_ids.shape[0] > 2 or input_ids.shape[1] > 20:
            torch.empty(1 << 50, dtype=torch.uint8)
        return generate(input_ids=input_ids, **options)

    engine._model.generate = starved
    return engine  # type: ignore[no-any-return]


# transformers 5 loads LLaVA under other names than it saves; adapters are saved under the names it has when loaded.
_LOADED_NAMES = {"language_model.model.": "model.language_model.", "vision_tower.vision_model.": "model.vision_tower."}


def write_adapter(
    folder: Path, base: Path, modules: Sequence[str], *, reference: str | None = None, seed: int = 0, scale: float = 0.5
) -> Path:
    """A LoRA adapter on the weights of ``base`` whose name contains one of ``modules``; ``scale`` 0 changes nothing."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    tensors, targets = {}, set()
    with safe_open(base / "model.safetensors", framework="numpy") as file:
        for name in sorted(file.keys()):
            stem = name.removesuffix(".weight")
            shape = file.get_slice(name).get_shape()
            if len(shape) == 2 and any(module in name for module in modules):
                height, width = shape
                for stored, loaded in _LOADED_NAMES.items():
                    stem = stem.replace(stored, loaded)
                stem = f"base_model.model.{stem}"
                tensors[f"{stem}.lora_A.weight"] = rng.normal(size=(4, width)).astype(np.float32) / width**0.5
                tensors[f"{stem}.lora_B.weight"] = scale * rng.normal(size=(height, 4)).astype(np.float32)
                targets.add(stem.removeprefix("base_model.model."))
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "base_model_name_or_path": reference or str(base),
        "r": 4,
        "lora_alpha": 4,
        "target_modules": sorted(targets),
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def part_of_nano(folder: Path, *tasks: str) -> Path:
    """A suite file ``part-1`` of the user's own, with some tasks of nano-1."""
    whole = yaml.safe_load((tasks_root() / "suites" / "nano-1.yaml").read_text(encoding="utf-8"))
    part = whole | {"name": "part", "tasks": {task: whole["tasks"][task] for task in tasks}}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "part-1.yaml"
    path.write_text(yaml.safe_dump(part, sort_keys=False), encoding="utf-8")
    return path


def write_llama(folder: Path, *, seed: int = 0) -> Path:
    """A tiny text model with random weights that real engines load; 64 words, 1 layer, float32."""
    write_checkpoint(folder, words=[f"w{k}" for k in range(60)])
    tokenizer = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    wide = {"vocab_size": 64, "hidden_size": 64, "intermediate_size": 64}
    _write_llama(folder, {**_TINY, **wide, "num_attention_heads": 2, "num_key_value_heads": 2}, seed)
    return folder
