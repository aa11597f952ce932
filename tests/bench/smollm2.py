"""A real small model for the benchmark: SmolLM2-135M-Instruct, and LoRA adapters on it.

Everything is made once, in the git-ignored cache folder, and reused; no model hub is needed.
"""

import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".retention" / "bench"
_RANK = 8
# Large enough that an adapter changes most answers, small enough that they stay words.
_ADAPTER_STD = 0.1


def base() -> Path:
    """The folder of the converted checkpoint; downloads (94 MB) and converts it when it is not there yet."""
    from harness.study.smollm2 import make_smollm2

    folder = CACHE / "smollm2-135m-instruct"
    make_smollm2(folder, CACHE, lambda line: print(line, file=sys.stderr))
    return folder


def gemma3() -> Path:
    """The folder of the converted pretrained Gemma 3 270M; downloads (238 MB) and converts it when it is not there."""
    from harness.study.gemma3 import make_gemma3

    folder = CACHE / "gemma3-270m"
    make_gemma3(folder, CACHE, lambda line: print(line, file=sys.stderr))
    return folder


def adapters(count: int) -> list[Path]:
    """``count`` LoRA adapters on :func:`base`, different from each other and from the base."""
    return [_adapter(seed) for seed in range(1, count + 1)]


def merged(adapter: Path) -> Path:
    """The adapter merged into a copy of the base, as a user of lm-eval has to do by hand."""
    from harness.checkpoints.checkpoint import open_checkpoint
    from harness.engines.merge import merged_folder

    folder = CACHE / f"{adapter.name}-merged"
    if not folder.is_dir():
        shutil.move(merged_folder(open_checkpoint(str(adapter)), "float32"), folder)
    return folder


def _adapter(seed: int) -> Path:
    folder = CACHE / f"smollm2-lora-{seed}"
    if (folder / "adapter_config.json").is_file():
        return folder
    from harness.engines.torchvision_ops import define_missing_ops

    define_missing_ops()
    import torch
    import transformers
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_pretrained(base(), dtype=torch.float32, local_files_only=True)
    config = LoraConfig(r=_RANK, lora_alpha=_RANK, target_modules=["q_proj", "v_proj", "down_proj"])
    adapted = get_peft_model(model, config)
    # peft starts B at zero, which is an adapter without effect.
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=_ADAPTER_STD)
    adapted.save_pretrained(folder)
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "base_model_name_or_path": str(base())}, indent=2))
    (folder / "README.md").unlink(missing_ok=True)
    return folder
