"""What it costs to compare the tensors of a 7B checkpoint with its model, in a plan: the files are as long as real ones
and have real headers, but no data, so that neither disk nor digests are measured."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_CONFIG: dict[str, Any] = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "vocab_size": 152_064,
    "hidden_size": 3_584,
    "intermediate_size": 18_944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "max_position_embeddings": 32_768,
    "tie_word_embeddings": False,
    "dtype": "bfloat16",
}
_SHARDS = 4


def write_7b(folder: Path) -> Path:
    """A folder with the headers of Qwen2.5-7B in four shards, whose data are holes."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(_CONFIG))
    shapes = dict(_shapes())
    names = list(shapes)
    shards = {
        name: f"model-{1 + k * _SHARDS // len(names):05}-of-{_SHARDS:05}.safetensors" for k, name in enumerate(names)
    }
    for shard in sorted(set(shards.values())):
        _write_shard(folder / shard, {name: shapes[name] for name in names if shards[name] == shard})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    return folder


def _shapes() -> dict[str, tuple[int, ...]]:
    width, inner, keys = _CONFIG["hidden_size"], _CONFIG["intermediate_size"], 512
    layer = {
        "self_attn.q_proj.weight": (width, width),
        "self_attn.q_proj.bias": (width,),
        "self_attn.k_proj.weight": (keys, width),
        "self_attn.k_proj.bias": (keys,),
        "self_attn.v_proj.weight": (keys, width),
        "self_attn.v_proj.bias": (keys,),
        "self_attn.o_proj.weight": (width, width),
        "mlp.gate_proj.weight": (inner, width),
        "mlp.up_proj.weight": (inner, width),
        "mlp.down_proj.weight": (width, inner),
        "input_layernorm.weight": (width,),
        "post_attention_layernorm.weight": (width,),
    }
    ends = {"model.embed_tokens.weight": (_CONFIG["vocab_size"], width), "model.norm.weight": (width,),
            "lm_head.weight": (_CONFIG["vocab_size"], width)}  # fmt: skip
    layers = range(_CONFIG["num_hidden_layers"])
    return ends | {f"model.layers.{k}.{name}": shape for k in layers for name, shape in layer.items()}


def _write_shard(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    header, start = {}, 0
    for name, shape in shapes.items():
        size = 2
        for each in shape:
            size *= each
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, start + size]}
        start += size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + start)


_MEASURED = """
import sys, time
from pathlib import Path
from harness.checkpoints import Checkpoint, contents_of
from harness.engines import check_weights
from harness.records import CheckpointRecord
folder = Path(sys.argv[1])
contents = contents_of(folder)
files = dict.fromkeys(contents.used, "0" * 64)
record = CheckpointRecord(name="7b", kind="full", source="local", weights_digest="0" * 64, tokenizer_digest="0" * 64,
                          files=files, architecture="Qwen2ForCausalLM")
begun = time.monotonic()
report = check_weights(Checkpoint(folder, record, contents=contents))
assert report.whole, report
print(time.monotonic() - begun)
"""


def measure() -> dict[str, float]:
    """Seconds that the comparison adds to a plan: the first time, and with its answer cached."""
    with tempfile.TemporaryDirectory() as home:
        folder = write_7b(Path(home) / "7b")
        environment = {**os.environ, "XDG_CACHE_HOME": str(Path(home) / "cache")}

        def once() -> float:
            command = [sys.executable, "-c", _MEASURED, str(folder)]
            return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)

        return {"first": once(), "cached": once()}


if __name__ == "__main__":
    begun = time.monotonic()
    print(json.dumps(measure() | {"all": time.monotonic() - begun}, indent=2))
