"""Merge an adapter into a copy of its base's weights: the fast way on a CPU, where adapter kernels are slow."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from harness.checkpoints import Checkpoint, read_json
from harness.engines.adapters import config_of, modules
from harness.engines.settings import EngineError
from harness.engines.torchvision_ops import define_missing_ops


def model_class(folder: Path) -> Any:
    """The transformers class for a checkpoint: image-text-to-text when its config has a vision tower."""
    import transformers

    if "vision_config" in read_json(folder / "config.json"):
        return transformers.AutoModelForImageTextToText
    return transformers.AutoModelForCausalLM


def load_merged(checkpoint: Checkpoint, dtype: str) -> Any:
    """Load a checkpoint with transformers; an adapter is merged into its base. Code from the folder is never run.

    Raises ``EngineError`` when the adapter changes no weight (harness/README.md, invariant 6).
    """
    define_missing_ops()
    import torch

    folder = checkpoint.base.path if checkpoint.base else checkpoint.path
    model = model_class(folder).from_pretrained(
        folder, dtype=getattr(torch, dtype), local_files_only=True, trust_remote_code=False
    )
    if checkpoint.base is None:
        return model
    from peft import PeftModel

    # A safe merge works on copies, so these stay as they were.
    before = {name: value.data for name, value in model.named_parameters()}
    model = PeftModel.from_pretrained(model, checkpoint.path, local_files_only=True).merge_and_unload(safe_merge=True)
    if all(torch.equal(before[name], value) for name, value in model.named_parameters() if name in before):
        raise EngineError(_without_effect(checkpoint, set(before)))
    return model


def make_saveable(model: Any) -> None:
    """Reset the model's settings of generation to its special tokens: transformers saves no model whose settings it
    calls invalid, such as a temperature beside greedy decoding, and none are used here."""
    import transformers

    stated = model.generation_config
    names = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
    model.generation_config = transformers.GenerationConfig(**{name: getattr(stated, name, None) for name in names})
    for name in model.config._get_generation_parameters():
        setattr(model.config, name, None)


def _without_effect(checkpoint: Checkpoint, parameters: set[str]) -> str:
    targets = config_of(checkpoint).get("target_modules")
    absent = [name for name in modules(checkpoint) if f"{name}.weight" not in parameters]
    why = f"the model has no {', '.join(absent[:8])}" if absent else "its weights are as they were before training"
    return f"{checkpoint.record.name}: the adapter changes no weight; its target modules are {targets}, and {why}"


def merged_folder(checkpoint: Checkpoint, dtype: str) -> Path:
    """Write the merged checkpoint to a temporary folder that an engine can load; the caller removes it."""
    if checkpoint.base is None:
        raise ValueError("only an adapter can be merged")
    folder = Path(tempfile.mkdtemp(prefix="retention-merged-"))
    model = load_merged(checkpoint, dtype)
    make_saveable(model)
    model.save_pretrained(folder)
    for path in checkpoint.base.path.iterdir():
        if (
            path.is_file()
            and path.suffix in (".json", ".jinja", ".txt", ".model")
            and not (folder / path.name).exists()
        ):
            shutil.copy(path, folder / path.name)
    return folder
