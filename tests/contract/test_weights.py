"""Every weight is loaded, by both engines alike, and a merged adapter answers as PEFT's own forward pass does."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.engines.loading import checked
from harness.engines.settings import EngineError
from harness.protocol import Prompt, ScoreRequest
from tests.support.engines import TRANSFORMERS, VLLM, Engines
from tests.support.packing import pack
from tests.support.toys import change_tensors, load_toy, write_peft, write_toy

PROMPT = (0, 7, 9, 20, 33, 5)
LETTERS = tuple((token,) for token in range(64))
BOTH = pytest.mark.parametrize("settings", [TRANSFORMERS, VLLM], ids=["transformers", "vllm"])


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy(tmp_path_factory.mktemp("tied") / "tied", "llama-tied")


@pytest.fixture(scope="module")
def untied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy(tmp_path_factory.mktemp("untied") / "untied", "llama")


def logprobs(engine: Any, adapter: str | None = None) -> np.ndarray:
    request = ScoreRequest("s", Prompt("", PROMPT), LETTERS, adapter)
    ((_, scores),) = engine.score([request])
    return np.array([each.logprob for each in scores])


def expected(model: Any) -> np.ndarray:
    with torch.inference_mode():
        found: np.ndarray = model(torch.tensor([PROMPT])).logits[0, -1].log_softmax(-1).numpy()[: len(LETTERS)]
    return found


def answers(settings: Any, checkpoints: list[Checkpoint]) -> list[np.ndarray]:
    """The log-probabilities of each checkpoint, each placed where the plan places it."""
    from harness.engines import placement, starting

    found = {}
    for placed in placement.place(settings, checkpoints):
        with closing(starting.start(placed)) as engine:
            for member in placed.members:
                found[member.weights_digest] = logprobs(engine, member.request_adapter)
    return [found[each.record.weights_digest] for each in checkpoints]


def prefixed(prefix: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda tensors: {f"{prefix}{name}": value for name, value in tensors.items()}


def with_heads(tensors: dict[str, Any]) -> dict[str, Any]:
    return tensors | {
        "v_head.summary.weight": np.ones((1, 64), np.float32),
        "v_head.summary.bias": np.ones(1, np.float32),
    }


CHANGES = {
    "compiled": prefixed("_orig_mod."),
    "parallel": prefixed("module."),
    "wrapped by PEFT": prefixed("base_model.model."),
    "wrapped twice": prefixed("module._orig_mod."),
    "blocks compiled": lambda tensors: {name.replace(".0.", ".0._orig_mod."): each for name, each in tensors.items()},
    "FSDP": lambda tensors: {
        f"_fsdp_wrapped_module.{name}".replace(".1.", ".1._fsdp_wrapped_module."): each
        for name, each in tensors.items()
    },
    "value head": with_heads,
    "value head of a wrapped model": lambda tensors: prefixed("module.")(with_heads(tensors)),
}


@BOTH
def test_names_that_a_wrapper_changed_load_as_the_model_that_they_are(
    untied: Path, tmp_path: Path, settings: Any, engines: Engines
) -> None:
    changed = []
    for name, change in CHANGES.items():
        folder = write_toy(tmp_path / name.replace(" ", "-"), "llama")
        changed.append(checked(open_checkpoint(str(change_tensors(folder, change)))))
    wanted = expected(load_toy(untied))
    for name, checkpoint, found in zip(CHANGES, changed, answers(settings, changed), strict=True):
        assert np.abs(found - wanted).max() < 1e-4, name
        assert bool(checkpoint.record.stripped) == (name != "value head")
        assert bool(checkpoint.record.left_out) == ("head" in name)


def kinds() -> dict[str, Any]:
    from peft import IA3Config, LoHaConfig, LoraConfig

    lora = {"r": 4, "target_modules": ["q_proj", "down_proj"]}
    both = ["embed_tokens", "lm_head"]
    return {
        "plain": LoraConfig(**lora),
        "embed_tokens": LoraConfig(r=4, target_modules=["embed_tokens"]),
        "lm_head": LoraConfig(r=4, target_modules=["lm_head"]),
        "both": LoraConfig(r=4, target_modules=[*both, "q_proj"]),
        "both, tied": LoraConfig(r=4, target_modules=[*both, "q_proj"], ensure_weight_tying=True),
        "saved head": LoraConfig(**lora, modules_to_save=["lm_head"]),
        "saved embeddings": LoraConfig(**lora, modules_to_save=["embed_tokens"]),
        "saved both": LoraConfig(r=4, target_modules="all-linear", modules_to_save=both),
        "tokens": LoraConfig(**lora, trainable_token_indices=[7, 9]),
        "dora": LoraConfig(**lora, use_dora=True),
        "rslora": LoraConfig(**lora, use_rslora=True),
        "ranks": LoraConfig(**lora, rank_pattern={"q_proj": 2}, alpha_pattern={"q_proj": 3}),
        "loha": LoHaConfig(**lora),
        "ia3": IA3Config(target_modules=["q_proj", "down_proj"], feedforward_modules=["down_proj"]),
    }


@pytest.mark.parametrize("base", ["tied", "untied"])
@BOTH
def test_a_merged_adapter_answers_as_peft_does(
    base: str, settings: Any, engines: Engines, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    from peft import PeftModel

    home: Path = request.getfixturevalue(base)
    opened = checked(open_checkpoint(str(home)))
    folders = [write_peft(tmp_path / f"a{k}", home, config) for k, config in enumerate(kinds().values())]
    adapters = [checked(open_checkpoint(str(folder), opened)) for folder in folders]
    found = answers(settings, [opened, *adapters])
    assert np.abs(found[0] - expected(load_toy(home))).max() < 1e-4
    for name, folder, mine in zip(kinds(), folders, found[1:], strict=True):
        theirs = expected(PeftModel.from_pretrained(load_toy(home), folder).eval())
        assert np.abs(mine - theirs).max() < 1e-4, name
        assert np.abs(mine - found[0]).max() > 1e-4, name


@BOTH
def test_an_adapter_with_added_tokens_has_their_embeddings(
    untied: Path, settings: Any, engines: Engines, tmp_path: Path
) -> None:
    from peft import LoraConfig, PeftModel

    config = LoraConfig(r=4, target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"])
    folder = write_peft(tmp_path / "more", untied, config, rows=66)
    opened = checked(open_checkpoint(str(untied)))
    adapter = checked(open_checkpoint(str(folder), opened))
    _, mine = answers(settings, [opened, adapter])
    model = load_toy(untied)
    model.resize_token_embeddings(66)
    assert np.abs(mine - expected(PeftModel.from_pretrained(model, folder).eval())).max() < 1e-4


def test_a_quantised_checkpoint_answers_alike_in_both_engines(engines: Engines, tmp_path: Path) -> None:
    """vLLM's library for processors without AVX-512 has no kernel of four bits, which one line says."""
    packed = open_checkpoint(str(pack(write_toy(tmp_path / "packed", "llama"), "w4")))
    transformers, vllm = (replace(each, dtype="bfloat16") for each in (TRANSFORMERS, VLLM))
    if not torch.cpu._is_avx512_supported():
        with pytest.raises(EngineError, match=r"vllm has no kernel cpu_gemm_wna16 .*transformers$"):
            answers(vllm, [packed])
        assert len(answers(transformers, [packed])) == 1
        return
    found = [answers(each, [packed])[0] for each in (transformers, vllm)]
    assert np.abs(found[0] - found[1]).max() < 0.1
