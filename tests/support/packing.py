"""Weights packed as quantisers pack them: the names, shapes and types of their tensors, not always their values."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Tensors = dict[str, np.ndarray[Any, Any]]


def pack(folder: Path, method: str) -> Path:
    """Replace the linear weights of the layers of ``folder`` by packed ones, and state it in config.json."""
    from safetensors.torch import load_file, save_file

    stated, packed = METHODS[method]
    tensors: dict[str, Any] = {}
    for name, value in load_file(folder / "model.safetensors").items():
        linear = name.endswith("_proj.weight")
        tensors |= packed(name.removesuffix(".weight"), value) if linear else {name: value}
    save_file({name: value.contiguous() for name, value in tensors.items()}, folder / "model.safetensors",
              metadata={"format": "pt"})  # fmt: skip
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": stated}))
    return folder


def _awq(name: str, value: Any) -> dict[str, Any]:
    import torch

    out, width = value.shape
    return {
        f"{name}.qweight": torch.zeros(width, out // 8, dtype=torch.int32),
        f"{name}.qzeros": torch.zeros(width // 32, out // 8, dtype=torch.int32),
        f"{name}.scales": torch.ones(width // 32, out, dtype=torch.float16),
    }


def _gptq(name: str, value: Any) -> dict[str, Any]:
    import torch

    out, width = value.shape
    return {
        f"{name}.qweight": torch.zeros(width // 8, out, dtype=torch.int32),
        f"{name}.qzeros": torch.zeros(width // 32, out // 8, dtype=torch.int32),
        f"{name}.scales": torch.ones(width // 32, out, dtype=torch.float16),
        f"{name}.g_idx": torch.zeros(width, dtype=torch.int32),
    }


def _nf4(name: str, value: Any) -> dict[str, Any]:
    import torch

    size = value.numel()
    return {
        f"{name}.weight": torch.zeros(size // 2, 1, dtype=torch.uint8),
        f"{name}.weight.absmax": torch.zeros(size // 64, dtype=torch.uint8),
        f"{name}.weight.quant_map": torch.zeros(16),
        f"{name}.weight.nested_absmax": torch.zeros(1),
        f"{name}.weight.nested_quant_map": torch.zeros(256),
        f"{name}.weight.quant_state.bitsandbytes__nf4": torch.zeros(80, dtype=torch.uint8),
    }


def _int8(name: str, value: Any) -> dict[str, Any]:
    import torch

    return {
        f"{name}.weight": torch.zeros(value.shape, dtype=torch.int8),
        f"{name}.SCB": torch.ones(value.shape[0]),
        f"{name}.weight_format": torch.tensor(0, dtype=torch.uint8),
    }


def _fp8(name: str, value: Any) -> dict[str, Any]:
    """Real values: blocks of 32 x 32, as transformers reads them."""
    import torch

    out, width = value.shape
    blocks = value.reshape(out // 32, 32, width // 32, 32)
    scale = blocks.abs().amax(dim=(1, 3)) / 448
    packed = (blocks / scale[:, None, :, None]).reshape(out, width).to(torch.float8_e4m3fn)
    return {f"{name}.weight": packed, f"{name}.weight_scale_inv": scale.float()}


def _w4(name: str, value: Any) -> dict[str, Any]:
    """Real values: four bits a number, a scale for 32 of them, as compressed-tensors packs them."""
    import torch
    from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32

    out, width = value.shape
    groups = value.reshape(out, width // 32, 32)
    scale = groups.abs().amax(dim=2, keepdim=True) / 7
    numbers = (groups / scale).round().clamp(-8, 7).reshape(out, width).to(torch.int8)
    return {
        f"{name}.weight_packed": pack_to_int32(numbers, 4),
        f"{name}.weight_scale": scale.squeeze(2),
        f"{name}.weight_shape": torch.tensor(value.shape),
    }


METHODS: dict[str, tuple[dict[str, Any], Callable[[str, Any], dict[str, Any]]]] = {
    "awq": ({"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm", "zero_point": True}, _awq),
    "gptq": ({"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": False, "sym": True}, _gptq),
    "nf4": ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, _nf4),
    "int8": ({"quant_method": "bitsandbytes", "load_in_8bit": True}, _int8),
    "fp8": ({"quant_method": "fp8", "weight_block_size": [32, 32], "activation_scheme": "dynamic"}, _fp8),
    "w4": ({"quant_method": "compressed-tensors", "format": "pack-quantized", "quantization_status": "compressed",
            "ignore": ["lm_head"], "config_groups": {"group_0": {"targets": ["Linear"], "weights": {
                "num_bits": 4, "type": "int", "symmetric": True, "strategy": "group", "group_size": 32,
                "dynamic": False}}}}, _w4),
}  # fmt: skip
