"""GGUF: turn a quantised model file into a checkpoint folder of plain safetensors that every engine loads."""

import os
import shutil
from pathlib import Path
from typing import Any

from harness.engines.settings import EngineError
from harness.engines.torchvision_ops import define_missing_ops


def convert(gguf: Path, folder: Path) -> None:
    """Write ``gguf``, dequantised to bfloat16, and its tokenizer to ``folder``, which appears when complete."""
    # Read by tqdm when it is imported; its bars would come between the lines of a command.
    os.environ.setdefault("TQDM_DISABLE", "1")
    define_missing_ops()
    import torch
    import transformers
    from transformers.utils.quantization_config import GgufConfig

    if not transformers.utils.is_gguf_available():
        raise EngineError(f"{gguf}: reading it needs the gguf package; run `pip install 'gguf>=0.19'`")
    verbosity = transformers.utils.logging.get_verbosity()
    transformers.utils.logging.set_verbosity_error()
    source = {"gguf_file": gguf.name, "local_files_only": True}
    try:
        model = transformers.AutoModelForCausalLM.from_pretrained(
            gguf.parent, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True), **source
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(gguf.parent, **source)
        _begin(tokenizer, gguf)
    except (ValueError, OSError, KeyError) as error:
        raise EngineError(f"{gguf}: transformers cannot read it: {error}") from error
    finally:
        transformers.utils.logging.set_verbosity(verbosity)
    # Both would make save_pretrained write a quantised checkpoint.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    partial.replace(folder)


def _begin(tokenizer: Any, gguf: Path) -> None:
    """Have the tokenizer begin a text with BOS where the file says so, which transformers does not read; Gemma without
    it completes nothing sensible.
    """
    from gguf import GGUFReader
    from tokenizers.processors import TemplateProcessing

    stated = GGUFReader(gguf).fields.get("tokenizer.ggml.add_bos_token")
    begun = tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
    if stated is None or not stated.contents() or begun:
        return
    bos = tokenizer.bos_token
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, tokenizer.bos_token_id)]
    )
