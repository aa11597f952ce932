"""A fake engine for unit tests of the floors above the engines, and a tiny checkpoint folder for those below."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import yaml
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from harness.protocol import Completion, ContinuationScore, GenerateRequest, ScoreRequest
from harness.samples import EngineRecord
from harness.suites import tasks_root

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


TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }} "
    "{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for p in m.content %}{% if p.type == 'image' %}<image>{% else %}{{ p.text }}{% endif %}{% endfor %}"
    "{% endif %}<|im_end|>{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant {% endif %}"
)


def write_checkpoint(folder: Path, *, seed: int = 0, words: Sequence[str] = ("a", "b")) -> Path:
    """A folder that passes for a checkpoint until somebody loads it: real tokenizer, template and safetensors."""
    folder.mkdir(parents=True)
    vocabulary = {word: k for k, word in enumerate(["<|im_start|>", "<|im_end|>", "<image>", "[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>", "<image>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}))
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    weights = np.random.default_rng(seed).normal(size=(4, 4)).astype(np.float32)
    save_file({"weight": weights}, folder / "model.safetensors")
    return folder


def part_of_nano(folder: Path, *tasks: str) -> Path:
    """A suite file ``part-1`` of the user's own, with some tasks of nano-1."""
    whole = yaml.safe_load((tasks_root() / "suites" / "nano-1.yaml").read_text(encoding="utf-8"))
    part = whole | {"name": "part", "tasks": {task: whole["tasks"][task] for task in tasks}}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "part-1.yaml"
    path.write_text(yaml.safe_dump(part, sort_keys=False), encoding="utf-8")
    return path
