"""Quantised checkpoints: the tensors as they were before, so that they can be compared with the model's parameters.

A quantiser replaces the weight of a module by a packed one and what unpacks it (scales, zero points, maps). Each such
group counts as the one weight that it stands for; a group that lacks what unpacks it lacks its weight.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.checkpoints.weights import Tensor

Shape = tuple[int, ...]

# What stands for `weight`, by the last part of its name, and what each needs beside it to be unpacked.
_PACKED = {"qweight": ("scales", "qzeros"), "weight_packed": ("weight_scale",)}
_SCALES = ("weight_scale", "weight_scale_inv", "SCB", "scales", "weight_scales")
_STATE = re.compile(
    r"\.(qzeros|scales|g_idx|SCB|weight_format|(weight|input|output|activation)_(scales?|scale_inv|scale_2|global_scale"
    r"|zero_point|shape|g_idx|scale_ub)|[qkv]_(scale|zero_point)|[qkv]_proj\.output_scale|prob_output_scale"
    r"|weight\.(absmax|quant_map|nested_absmax|nested_quant_map|quant_state\.[\w.]+))\Z"
)
_BLOCKS, _BLOCK_SCALES = "_blocks", "_scales"
_BITS = {"U8": 8, "I8": 8, "I32": 32, "I64": 64, "F8_E4M3": 8, "F8_E5M2": 8}


@dataclass(frozen=True)
class Unpacked:
    """``shapes`` of the weights by name, None where only the model can say; ``missing`` names what cannot be unpacked.

    ``stored`` has, for those with a packed tensor, its number of bits.
    """

    shapes: dict[str, Shape | None]
    stored: dict[str, int]
    missing: tuple[str, ...]

    def resolved(self, expected: Mapping[str, Shape]) -> dict[str, Shape]:
        """All shapes; that of a packed weight is the model's where so many numbers fit into its bits."""
        return {name: shape or self._fitting(name, expected.get(name)) for name, shape in self.shapes.items()}

    def _fitting(self, name: str, expected: Shape | None) -> Shape:
        stored = self.stored[name]
        fits = expected is not None and 1 <= stored / max(1, math.prod(expected)) <= 8
        return expected if fits and expected is not None else (stored // 4,)


def quantisation(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The quantisation that a config.json states, if any."""
    for place in (config, config.get("text_config")):
        stated = (
            place.get("quantization_config") or place.get("compression_config") if isinstance(place, dict) else None
        )
        if isinstance(stated, dict):
            return stated
    return None


def unpack(tensors: Sequence[Tensor], stated: Mapping[str, Any]) -> Unpacked:
    """The weights that ``tensors`` stand for, under the quantisation that config.json states."""
    names = {tensor.name for tensor in tensors}
    shapes: dict[str, Shape | None] = {}
    stored: dict[str, int] = {}
    missing: list[str] = []
    for tensor in tensors:
        if _is_state(tensor.name, names):
            continue
        name, needed, shape = _weight(tensor, stated, names)
        shapes[name] = shape
        stored[name] = math.prod(tensor.shape) * _BITS.get(tensor.dtype, 16)
        missing += [each for each in needed if each not in names]
    return Unpacked(shapes, stored, tuple(missing))


def _is_state(name: str, names: set[str]) -> bool:
    if name.endswith(_BLOCK_SCALES) and name.removesuffix(_BLOCK_SCALES) + _BLOCKS in names:
        return True
    found = _STATE.search(name)
    if found is None:
        return False
    module = name[: found.start()]
    return any(f"{module}.{each}" in names for each in ("weight", *_PACKED)) or "_scale" in name


def _weight(tensor: Tensor, stated: Mapping[str, Any], names: set[str]) -> tuple[str, list[str], Shape | None]:
    """The weight that a tensor stands for, what it needs to be unpacked, and its shape where that is known."""
    module, _, leaf = tensor.name.rpartition(".")
    if leaf in _PACKED:
        needed = [f"{module}.{each}" for each in _PACKED[leaf]]
        return f"{module}.weight", needed, _unpacked_shape(tensor, leaf, stated)
    if leaf.endswith(_BLOCKS):
        name = tensor.name.removesuffix(_BLOCKS)
        return name, [name + _BLOCK_SCALES], None
    if leaf == "weight" and tensor.dtype in _BITS:
        return _stored_small(tensor, names)
    return tensor.name, [], tensor.shape


def _stored_small(tensor: Tensor, names: set[str]) -> tuple[str, list[str], Shape | None]:
    module = tensor.name.rpartition(".")[0]
    if tensor.dtype == "U8":  # Two numbers in a byte: bitsandbytes keeps its maps beside them, ModelOpt its scales.
        state = [each for each in (f"{tensor.name}.absmax", f"{module}.weight_scale") if each in names]
        return tensor.name, [] if state else [f"{tensor.name}.absmax"], None
    scaled = any(f"{module}.{each}" in names for each in _SCALES)
    return tensor.name, [] if scaled else [f"{module}.weight_scale"], tensor.shape


def _unpacked_shape(tensor: Tensor, leaf: str, stated: Mapping[str, Any]) -> Shape | None:
    bits, method = _bits(stated), str(stated.get("quant_method")).lower()
    if bits is None or len(tensor.shape) != 2 or tensor.dtype != "I32":
        return None
    first, second = tensor.shape
    if leaf == "weight_packed":
        return first, second * 32 // bits
    if method == "awq":
        return second * 32 // bits, first
    return (second, first * 32 // bits) if method == "gptq" else None


def _bits(stated: Mapping[str, Any]) -> int | None:
    groups = stated.get("config_groups")
    found = [stated.get("bits"), stated.get("w_bit")]
    for group in groups.values() if isinstance(groups, dict) else ():
        weights = group.get("weights") if isinstance(group, dict) else None
        found.append(weights.get("num_bits") if isinstance(weights, dict) else None)
    return next((bits for bits in found if isinstance(bits, int) and 1 <= bits <= 16), None)
