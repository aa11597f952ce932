"""Quantised checkpoints: their tensors are compared as weights, and what is needed to load them is one line."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints import CheckpointError, open_checkpoint
from harness.engines import placement, quantised
from harness.engines.loading import check_weights, checked
from harness.engines.settings import EngineError, EngineSettings
from tests.support.packing import METHODS, pack
from tests.support.toys import change_tensors, write_peft, write_toy

VLLM = EngineSettings(name="vllm", dtype="bfloat16")
TRANSFORMERS = EngineSettings(name="transformers", dtype="bfloat16")


@pytest.mark.parametrize("method", METHODS)
def test_packed_tensors_count_as_the_weights_that_they_stand_for(method: str, tmp_path: Path) -> None:
    folder = pack(write_toy(tmp_path / method, "llama"), method)
    assert check_weights(open_checkpoint(str(folder))).whole


# The method, the end of the name of the tensors that are lost, and what is missing then.
FAULTS = [
    ("awq", "0.mlp.up_proj.scales", r"1 missing \(model\.layers\.0\.mlp\.up_proj\.scales\)"),
    ("gptq", "1.mlp.up_proj.qweight", r"1 missing \(model\.layers\.1\.mlp\.up_proj\.weight\)"),
    ("nf4", "0.mlp.up_proj.weight.absmax", r"1 missing \(.*up_proj\.weight\.absmax\)"),
    ("fp8", "0.mlp.up_proj.weight_scale_inv", r"1 missing \(.*0\.mlp\.up_proj\.weight_scale"),
    ("w4", "0.mlp.up_proj.weight_packed", r"1 missing \(model\.layers\.0\.mlp\.up_proj"),
    ("int8", "model.norm.weight", r"1 missing \(model\.norm\.weight\)"),
]


@pytest.mark.parametrize(("method", "lost", "says"), FAULTS)
def test_what_cannot_be_unpacked_is_missing(method: str, lost: str, says: str, tmp_path: Path) -> None:
    folder = pack(write_toy(tmp_path / method, "llama"), method)
    _drop(folder, lost)
    with pytest.raises(CheckpointError, match=says):
        checked(open_checkpoint(str(folder)))


def _drop(folder: Path, lost: str) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    kept = {name: value for name, value in load_file(path).items() if not name.endswith(lost)}
    save_file(kept, path, metadata={"format": "pt"})


def test_a_packed_weight_of_another_shape_is_refused(tmp_path: Path) -> None:
    for method in ("awq", "gptq", "nf4", "w4"):
        folder = pack(write_toy(tmp_path / method, "llama"), method)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 1024}))
        with pytest.raises(CheckpointError, match="6 of another shape"):
            checked(open_checkpoint(str(folder)))


def test_packed_tensors_without_a_stated_quantisation_are_unknown(tmp_path: Path) -> None:
    folder = pack(write_toy(tmp_path / "m", "llama"), "awq")
    config = json.loads((folder / "config.json").read_text())
    del config["quantization_config"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"14 missing .* 42 unknown to it"):
        checked(open_checkpoint(str(folder)))


@pytest.mark.parametrize(
    ("method", "settings", "command"),
    [
        ("nf4", TRANSFORMERS, "pip install 'bitsandbytes>="),
        ("nf4", VLLM, "pip install 'bitsandbytes>="),
        ("int8", VLLM, "pip install 'bitsandbytes>="),
        ("awq", TRANSFORMERS, "pip install gptqmodel"),
        ("gptq", TRANSFORMERS, "pip install gptqmodel optimum"),
        ("gptq", replace(TRANSFORMERS, name="lm-eval:hf"), "pip install gptqmodel optimum"),
    ],
)
def test_a_missing_library_is_named_with_its_command(
    method: str, settings: EngineSettings, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantised, "_installed", lambda package: False)
    checkpoint = open_checkpoint(str(pack(write_toy(tmp_path / "m", "llama"), method)))
    with pytest.raises(EngineError, match=rf"m: quantised with .*; run `{re.escape(command)}[^`]*`$"):
        placement.place(settings, [checkpoint])
    monkeypatch.setattr(quantised, "_installed", lambda package: True)
    placement.place(settings, [checkpoint])


def test_number_formats_that_an_engine_cannot_compute_in_are_named(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(str(pack(write_toy(tmp_path / "m", "llama"), "awq")))
    with pytest.raises(EngineError, match="awq, which vllm computes in 16 bits only; use --dtype bfloat16"):
        placement.place(replace(VLLM, dtype="float32"), [checkpoint])
    placement.place(VLLM, [checkpoint])


def test_an_adapter_is_not_merged_into_packed_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from peft import LoraConfig

    plain = write_toy(tmp_path / "plain", "llama")
    adapter = write_peft(tmp_path / "adapter", plain, LoraConfig(r=4, target_modules=["q_proj"]))
    packed = open_checkpoint(str(pack(write_toy(tmp_path / "packed", "llama"), "awq")))
    config: dict[str, Any] = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": "a/b-bnb-4bit"}))
    tuned = open_checkpoint(str(adapter), packed)
    with pytest.raises(EngineError, match="cannot be merged exactly into packed, which is quantised"):
        placement.place(VLLM, [packed, tuned])
    monkeypatch.setattr(placement, "device_class", lambda: "NVIDIA H100 80GB HBM3")
    (placed,) = placement.place(VLLM, [packed, tuned])
    assert [each.record.adapter for each in placed.members] == ["none", "lora"]
    change_tensors(adapter, lambda tensors: {name: each[:2] for name, each in tensors.items()})
    with pytest.raises(CheckpointError, match="of another shape"):
        placement.place(VLLM, [packed, open_checkpoint(str(adapter), packed)])
