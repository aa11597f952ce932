"""Where an answer ends, in both engines alike: at the tokens of the conditions, and never short of its budget."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from harness.checkpoints import limits
from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.engines import define_missing_ops, placement, starting
from harness.engines.merge import merged_folder
from harness.engines.settings import NAMES, EngineSettings
from harness.protocol import Completion, Decoding, Engine, GenerateRequest, Prompt
from tests.support.fakes import write_adapter, write_checkpoint, write_llama

pytestmark = pytest.mark.usefixtures("engines")
BUDGET = 40


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A model with random weights: no answer ends by itself, whatever its files declare."""
    folder = write_llama(tmp_path_factory.mktemp("base") / "llama")
    # transformers calls these settings invalid, and would not save them.
    settings = {"eos_token_id": 2, "do_sample": False, "temperature": 0.1, "top_p": 0.5}
    (folder / "generation_config.json").write_text(json.dumps(settings))
    return open_checkpoint(str(folder))


@pytest.fixture(scope="module")
def prompts(base: Checkpoint) -> list[Prompt]:
    renderer = PromptRenderer(base.path)
    return [renderer.render(f"w{k} w{k + 1}") for k in range(8)]


def answered(
    engine: Engine, prompts: list[Prompt], adapter: str | None = None, budget: int = BUDGET
) -> list[Completion]:
    asked = [GenerateRequest(str(k), prompt, Decoding(budget), adapter) for k, prompt in enumerate(prompts)]
    return [answer for _, answer in sorted(engine.generate(asked))]


def words(name: str, checkpoint: Checkpoint, prompts: list[Prompt], **settings: Any) -> list[Completion]:
    """What ``checkpoint`` answers in an engine of its own."""
    (placed,) = placement.place(EngineSettings(name=name, dtype="float32", **settings), [checkpoint])
    engine = starting.start(placed)
    try:
        return answered(engine, prompts)
    finally:
        engine.close()


def test_an_adapter_with_an_end_of_its_own_stops_as_its_merged_twin_does(
    base: Checkpoint, prompts: list[Prompt], tmp_path: Path
) -> None:
    path = write_adapter(tmp_path / "adapter", base.path, ["self_attn.q_proj", "mlp.up_proj"])
    free = words("transformers", open_checkpoint(str(path)), prompts)
    # The word it writes after some others: what a training would have taught it to end with.
    end = free[0].text.split()[3]
    (path / "tokenizer_config.json").write_text(json.dumps({"eos_token": end}))
    adapter = open_checkpoint(str(path))
    twin = merged_folder(adapter, "float32")
    (twin / "tokenizer_config.json").write_text((path / "tokenizer_config.json").read_text())
    merged = open_checkpoint(str(twin))
    found: dict[tuple[str, str], list[Completion]] = {}
    for name in NAMES:
        for checkpoint in (base, adapter):
            settings = EngineSettings(name=name, dtype="float32")
            placed = placement.place(settings, [base, adapter])
            mine = next(each.alone(m) for each in placed for m in each.members if m.checkpoint == checkpoint)
            engine = starting.start(mine)
            found[name, checkpoint.record.name] = answered(engine, prompts, mine.members[0].request_adapter)
            engine.close()
        found[name, "twin"] = words(name, merged, prompts)
    assert found["vllm", "llama"] == found["transformers", "llama"]
    assert (
        found["vllm", "adapter"]
        == found["transformers", "adapter"]
        == found["vllm", "twin"]
        == found["transformers", "twin"]
    )
    for answer, whole in zip(found["vllm", "adapter"], free, strict=True):
        assert answer.text.split() == whole.text.split(f" {end} ")[0].split()[: len(answer.text.split())]
        assert end not in answer.text.split()
    assert found["vllm", "adapter"][0].finish_reason == "stop"
    assert found["vllm", "adapter"][0].n_output_tokens == 4
    # The base's answers end there too, and at no other word.
    assert all(end not in answer.text.split() for answer in found["vllm", "llama"])


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_without_room_for_its_budget_is_an_error(name: str, base: Checkpoint, prompts: list[Prompt]) -> None:
    longer = replace(prompts[0], token_ids=prompts[0].token_ids * 3)
    short, long, free = words(name, base, [prompts[0], longer, prompts[1]], max_model_len=len(longer.token_ids) + 5)
    assert long.error == f"cut off after 5 of {BUDGET} tokens: prompt and answer have room for 26 (--max-model-len)"
    assert short.error is not None
    assert short.error.startswith("cut off after 19 of 40 tokens")
    assert free.error == short.error


def test_gpt2_answers_within_its_positions(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(str(write_gpt2(tmp_path / "gpt2")))
    prompt = PromptRenderer(checkpoint.path).render("w1 w2")
    (vllm,), (plain,) = (words(name, checkpoint, [prompt], max_model_len=4096) for name in NAMES)
    assert vllm == plain
    assert vllm.error == "cut off after 25 of 40 tokens: prompt and answer have room for 32 (--max-model-len)"


def write_gpt2(folder: Path) -> Path:
    """A tiny GPT-2 with 32 positions, learned ones, of which a 33rd cannot be looked up."""
    write_checkpoint(folder, words=[f"w{k}" for k in range(60)])
    config = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": 64,
        "n_positions": 32,
        "n_embd": 64,
        "n_layer": 1,
        "n_head": 2,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    rng = np.random.default_rng(0)
    shapes = {"attn.c_attn": (64, 192), "attn.c_proj": (64, 64), "mlp.c_fc": (64, 256), "mlp.c_proj": (256, 64)}
    weights = {f"transformer.h.0.{name}.weight": rng.normal(size=shape) / 8 for name, shape in shapes.items()}
    weights |= {f"transformer.h.0.{name}.bias": np.zeros(shape[1]) for name, shape in shapes.items()}
    for norm in ("h.0.ln_1", "h.0.ln_2", "ln_f"):
        weights |= {f"transformer.{norm}.weight": np.ones(64), f"transformer.{norm}.bias": np.zeros(64)}
    weights |= {
        "transformer.wte.weight": rng.normal(size=(64, 64)),
        "transformer.wpe.weight": rng.normal(size=(32, 64)),
    }
    save_file({name: each.astype(np.float32) for name, each in weights.items()}, folder / "model.safetensors")
    return folder


def test_positions_that_a_part_leaves_out_are_those_of_its_class(tmp_path: Path) -> None:
    define_missing_ops()
    from transformers import CONFIG_MAPPING

    for kind, positions in limits._DEFAULTS.items():
        defaults = CONFIG_MAPPING[kind]().to_dict()
        stated = {name: defaults[name] for name in limits._LENGTHS if defaults.get(name) is not None}
        assert min(stated.values()) == positions, kind
