"""What trainers leave in a folder, file by file: the rows of the table in harness/checkpoints/README.md.

Names as the tools write them: TRL 1.16, transformers 5, LLaMA-Factory 0.9, axolotl 0.13, unsloth 2026, ms-swift 3,
DeepSpeed 0.18 and accelerate's FSDP. A name with a slash is a file in a folder.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from safetensors.numpy import load_file, save_file

from tests.support.fakes import write_checkpoint

_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
_OLDER = (*_TOKENIZER, "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt")
_CONFIG = ("config.json", "generation_config.json")
_FULL = (*_CONFIG, "model.safetensors", *_TOKENIZER)
_SHARDS = ("model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
_ADAPTER = ("adapter_config.json", "adapter_model.safetensors", *_TOKENIZER)
_STATE = ("optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json", "training_args.bin")
_ZERO = (
    "global_step500/mp_rank_00_model_states.pt", "global_step500/bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt",
    "latest", "zero_to_fp32.py", "rng_state_0.pth", "rng_state_1.pth", "scheduler.pt", "trainer_state.json",
    "training_args.bin",
)  # fmt: skip
_STEP = ("checkpoint-500/config.json", "checkpoint-500/model.safetensors", "checkpoint-500/optimizer.pt")
_ADAPTER_STEP = ("checkpoint-500/adapter_config.json", "checkpoint-500/adapter_model.safetensors")
_FACTORY = (
    "all_results.json", "train_results.json", "eval_results.json", "trainer_log.jsonl", "running_log.txt",
    "training_loss.png", "llamaboard_config.yaml", "README.md", *_STATE[3:],
)  # fmt: skip
_SWIFT = ("args.json", "additional_config.json", "configuration.json", "README.md", *_STATE)


@dataclass(frozen=True)
class Layout:
    """A folder that ``tool`` leaves. ``refused`` is part of the error where it cannot be evaluated as it is, and else
    empty; ``ignored`` are the names that are left alone, folders with a slash."""

    tool: str
    files: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    refused: str = ""

    @property
    def used(self) -> set[str]:
        return {name for name in self.files if "/" not in name} - set(self.ignored)

    @property
    def weights(self) -> list[str]:
        return sorted(name for name in self.used if name.endswith(".safetensors"))


LAYOUTS = (
    Layout("TRL, SFT, full: checkpoint-500", (*_FULL, *_STATE, "scaler.pt"), (*_STATE, "scaler.pt")),
    Layout(
        "TRL, SFT, full: output folder",
        (*_FULL, "README.md", "training_args.bin", "runs/Nov29_10/events.out.tfevents.1.host.1.0", *_STEP),
        ("README.md", "training_args.bin", "runs/", "checkpoint-500/"),
    ),
    Layout(
        "TRL, SFT, ended early: output folder",
        (*_STEP, "checkpoint-1000/config.json", "runs/Nov29_10/events.out.tfevents.1.host.1.0"),
        ("checkpoint-500/", "checkpoint-1000/", "runs/"),
        "checkpoints beneath it; name one of them: checkpoint-1000, checkpoint-500",
    ),
    Layout(
        "TRL, SFT, LoRA or QLoRA: checkpoint-500",
        (*_ADAPTER, "README.md", *_STATE),
        ("README.md", *_STATE),
    ),
    Layout(
        "TRL, GRPO, full: output folder",
        (*_CONFIG, *_SHARDS, *_TOKENIZER, "README.md", "training_args.bin", "completions/completions_00010.parquet",
         "wandb/latest-run", *_STEP),
        ("README.md", "training_args.bin", "completions/", "wandb/", "checkpoint-500/"),
    ),
    Layout(
        "TRL, GRPO, LoRA or QLoRA: output folder",
        (*_ADAPTER, "README.md", "training_args.bin", "completions/completions_00010.parquet", *_ADAPTER_STEP),
        ("README.md", "training_args.bin", "completions/", "checkpoint-500/"),
    ),
    Layout(
        "TRL, DPO, LoRA with a reference adapter",
        (*_ADAPTER, "ref/adapter_config.json", "ref/adapter_model.safetensors", *_STATE),
        ("ref/", *_STATE),
    ),
    Layout(
        "Trainer, save_safetensors=False",
        (*_CONFIG, "pytorch_model.bin", *_TOKENIZER, *_STATE),
        ("pytorch_model.bin", *_STATE),
        "pytorch_model.bin: pickle-like weights can run code",
    ),
    Layout(
        "Trainer, both formats",
        (*_FULL, "pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5", "flax_model.msgpack"),
        ("pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5", "flax_model.msgpack"),
    ),
    Layout(
        "Trainer, a second save over shards",
        (*_FULL, *_SHARDS),
        _SHARDS,
        "two sets of weights, model.safetensors and what model.safetensors.index.json names",
    ),
    Layout("PEFT, pickled adapter", ("adapter_config.json", "adapter_model.bin"), ("adapter_model.bin",),
           "adapter_model.bin: pickle-like weights can run code"),
    Layout("LLaMA-Factory, full", (*_CONFIG, *_SHARDS, *_OLDER, *_FACTORY), _FACTORY),
    Layout(
        "LLaMA-Factory, LoRA or QLoRA",
        (*_ADAPTER, *_FACTORY, *_ADAPTER_STEP, "adapter_model.bin"),
        (*_FACTORY, "checkpoint-500/", "adapter_model.bin"),
    ),
    Layout("LLaMA-Factory, exported", (*_CONFIG, *_SHARDS, *_OLDER, "Modelfile"), ("Modelfile",)),
    Layout(
        "LLaMA-Factory, PPO",
        (*_FULL, "value_head.safetensors", "value_head.bin", *_FACTORY),
        ("value_head.safetensors", "value_head.bin", *_FACTORY),
    ),
    Layout(
        "axolotl, full: output folder",
        (*_FULL, "README.md", "tokens_state.json", "debug.log", "axolotl_config.yml", *_STEP),
        ("README.md", "tokens_state.json", "debug.log", "axolotl_config.yml", "checkpoint-500/"),
    ),
    Layout(
        "axolotl, LoRA or QLoRA: output folder",
        (*_ADAPTER, "config.json", "README.md", "debug.log", "merged/config.json", "merged/model.safetensors",
         *_ADAPTER_STEP),
        ("config.json", "README.md", "debug.log", "merged/", "checkpoint-500/"),
    ),
    Layout(
        "axolotl, ended early: output folder",
        ("config.json", *_TOKENIZER, *_ADAPTER_STEP),
        ("checkpoint-500/",),
        "checkpoints beneath it; name one of them: checkpoint-500",
    ),
    Layout("unsloth, LoRA or QLoRA", (*_ADAPTER, "README.md", "tokenizer.model"), ("README.md",)),
    Layout(
        "unsloth, merged to 16 bits",
        (*_CONFIG, *_SHARDS, *_OLDER, "tokenizer.model", "README.md", ".gitattributes"),
        ("README.md", ".gitattributes"),
    ),
    Layout("unsloth, GGUF beside the merged model", (*_FULL, "unsloth.Q4_K_M.gguf", "Modelfile"),
           ("unsloth.Q4_K_M.gguf", "Modelfile")),
    Layout("unsloth, GGUF alone", ("config.json", "unsloth.Q4_K_M.gguf", "Modelfile"),
           ("unsloth.Q4_K_M.gguf", "Modelfile"), "unsloth.Q4_K_M.gguf is not read"),
    Layout(
        "unsloth, adapter and merged model in one folder",
        (*_ADAPTER, *_CONFIG, "model.safetensors"),
        ("config.json", "model.safetensors"),
        "two sets of weights, adapter_model.safetensors and model.safetensors",
    ),
    Layout(
        "PEFT, pickled adapter beside a whole model",
        ("adapter_config.json", "adapter_model.bin", *_FULL),
        ("adapter_model.bin", "config.json", "model.safetensors"),
        "two sets of weights, adapter_model.bin and model.safetensors",
    ),
    Layout("ms-swift, full: checkpoint-500", (*_CONFIG, *_SHARDS, *_OLDER, *_SWIFT), _SWIFT),
    Layout(
        "ms-swift, LoRA or QLoRA: checkpoint-500",
        (*_ADAPTER[:2], *_SWIFT, "zero_to_fp32.py", "latest"),
        (*_SWIFT, "zero_to_fp32.py", "latest"),
    ),
    Layout(
        "ms-swift: output folder",
        ("args.json", "logging.jsonl", "val_dataset.jsonl", "images/train_loss.png", *_ADAPTER_STEP,
         "checkpoint-500-merged/config.json"),
        ("args.json", "logging.jsonl", "val_dataset.jsonl", "images/", "checkpoint-500/", "checkpoint-500-merged/"),
        "checkpoints beneath it; name one of them: checkpoint-500-merged, checkpoint-500",
    ),
    Layout(
        "DeepSpeed, ZeRO-2, or ZeRO-3 gathered: checkpoint-500",
        (*_FULL, *_ZERO),
        ("global_step500/", *(name for name in _ZERO if "/" not in name)),
    ),
    Layout(
        "DeepSpeed, ZeRO-3, not gathered: checkpoint-500",
        (*_CONFIG, *_TOKENIZER, *_ZERO),
        ("global_step500/", *(name for name in _ZERO if "/" not in name)),
        "the partitioned state of DeepSpeed; join it with `python zero_to_fp32.py . . --safe_serialization`",
    ),
    Layout(
        "FSDP, full state: checkpoint-500",
        (*_CONFIG, *_SHARDS, *_TOKENIZER, "optimizer.bin", "pytorch_model_fsdp.bin", *_STATE[1:]),
        ("optimizer.bin", "pytorch_model_fsdp.bin", *_STATE[1:]),
    ),
    Layout(
        "FSDP, sharded state: checkpoint-500",
        ("pytorch_model_fsdp_0/__0_0.distcp", "pytorch_model_fsdp_0/.metadata", "optimizer_0/__0_0.distcp", *_TOKENIZER,
         *_STATE[1:]),
        ("pytorch_model_fsdp_0/", "optimizer_0/", *_STATE[1:]),
        "the sharded state of FSDP; join it with `accelerate merge-weights",
    ),
    Layout(
        "FSDP, sharded state beside the model",
        (*_FULL, "pytorch_model_fsdp_0/__0_0.distcp", "optimizer_0/__0_0.distcp", "random_states_0.pkl"),
        ("pytorch_model_fsdp_0/", "optimizer_0/", "random_states_0.pkl"),
    ),
    Layout(
        "a repository of Llama's or Mistral's authors",
        (*_CONFIG, *_SHARDS, *_TOKENIZER, "tokenizer.model", "original/consolidated.00.pth", "params.json",
         "consolidated.safetensors", "tekken.json", "LICENSE.txt", ".gitattributes"),
        ("original/", "params.json", "consolidated.safetensors", "tekken.json", "LICENSE.txt",
         ".gitattributes"),
    ),
    Layout(
        "a repository with code and other runtimes' files",
        (*_FULL, "modeling_phi3.py", "onnx/model.onnx", "openvino_model.xml", "model.gguf", "model.onnx"),
        ("modeling_phi3.py", "onnx/", "openvino_model.xml", "model.gguf", "model.onnx"),
    ),
    Layout(
        "sentence-transformers",
        (*_FULL, "modules.json", "1_Pooling/config.json", "config_sentence_transformers.json",
         "sentence_bert_config.json"),
        ("modules.json", "1_Pooling/", "config_sentence_transformers.json", "sentence_bert_config.json"),
    ),
    Layout(
        "retention train: step-000500",
        (*_FULL, "training_record.json"),
        ("training_record.json",),
    ),
    Layout(
        "retention train: output folder",
        ("identity.json", "training_record.json", "step-000500/config.json", "step-001000/config.json",
         "trainer/checkpoint-500/optimizer.pt"),
        ("identity.json", "training_record.json", "step-000500/", "step-001000/", "trainer/"),
        "checkpoints beneath it; name one of them: step-001000, step-000500",
    ),
)  # fmt: skip


def write_layout(layout: Layout, home: Path) -> Path:
    """The folder of a layout: what is opened is real, everything else would run or break what opened it."""
    made = write_checkpoint(home / "model")
    tensors = sorted(load_file(made / "model.safetensors").items())
    parts = dict(zip(_SHARDS[1:], (dict(tensors[::2]), dict(tensors[1::2])), strict=True))
    for shard, part in parts.items():
        save_file(part, made / shard)
    index = {"weight_map": {name: shard for shard, part in parts.items() for name in part}}
    adapter = {"peft_type": "LORA", "base_model_name_or_path": str(made), "target_modules": ["layer"]}
    texts = {"model.safetensors.index.json": index, "adapter_config.json": adapter}
    folder = home / "left"
    for name in layout.files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name in texts:
            path.write_text(json.dumps(texts[name]))
        elif (made / name).is_file():
            path.write_bytes((made / name).read_bytes())
        elif "/" not in name and name.endswith(".safetensors"):
            path.write_bytes((made / "model.safetensors").read_bytes())
        else:
            path.write_bytes(b"{}" if name.endswith("_config.json") or name in layout.used else b"\x80\x04.")
    return folder


def readme_table() -> str:
    """The layouts as Markdown."""
    lines = ["| left by | weights | ignored | |", "|---|---|---|---|"]
    for each in LAYOUTS:
        weights = "" if each.refused else ", ".join(f"`{name}`" for name in each.weights)
        ignored = ", ".join(f"`{name}`" for name in each.ignored)
        verdict = f'refused: "{each.refused}"' if each.refused else "evaluated"
        lines.append(f"| {each.tool} | {weights} | {ignored} | {verdict} |")
    return "\n".join(lines) + "\n"
