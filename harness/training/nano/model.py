"""The nano checkpoint's parts, all stock transformers classes: LLaVA model, tokenizer, processor, chat template.

A CLIP tower turns a 64x64 picture into 16 patch tokens, a projector puts them before the question, a Qwen3 text model
writes the answer. About 1.45 million parameters: a fp32 file stays under 6 MB.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoProcessor,
    CLIPVisionConfig,
    GenerationConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen3Config,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.utils.logging import disable_progress_bar

IMAGE_SIZE = 64
PATCH = 16
IMAGE_TOKENS = (IMAGE_SIZE // PATCH) ** 2
WEIGHTS = "model.safetensors"
PROCESSOR_FILES = ("tokenizer.json", "tokenizer_config.json", "processor_config.json", "chat_template.jinja")
PAD, START, END, IMAGE = "<|pad|>", "<|im_start|>", "<|im_end|>", "<image>"

# Both forms of content are taken: a plain string, and parts; pictures come first wherever they stand in the parts,
# as they did in training.
CHAT_TEMPLATE = """\
{%- for message in messages -%}
{{- '<|im_start|>' + message['role'] + '\\n' -}}
{%- if message['content'] is string -%}
{{- message['content'] -}}
{%- else -%}
{%- for part in message['content'] if part['type'] == 'image' -%}{{- '<image>' -}}{%- endfor -%}
{%- for part in message['content'] if part['type'] == 'text' -%}{{- part['text'] -}}{%- endfor -%}
{%- endif -%}
{{- '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
"""


@dataclass(frozen=True)
class Shape:
    """Sizes of the two halves; tests use a smaller one."""

    vocabulary: int = 896
    width: int = 128
    heads: int = 4
    text_layers: int = 4
    text_inner: int = 384
    vision_layers: int = 3
    vision_inner: int = 320


def build_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Byte-level BPE trained on ``texts``. Digits stay single, so that arithmetic can be learnt place by place."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, START, END, IMAGE],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[START, IMAGE],
        clean_up_tokenization_spaces=False,
        model_max_length=512,
    )


def build_processor(tokenizer: PreTrainedTokenizerFast) -> Any:
    """The LLaVA processor; its image half is the Pillow one, which needs no torchvision."""
    pictures = CLIPImageProcessorPil(
        size={"height": IMAGE_SIZE, "width": IMAGE_SIZE},
        crop_size={"height": IMAGE_SIZE, "width": IMAGE_SIZE},
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )
    return LlavaProcessor(
        image_processor=pictures,
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",  # the class token is counted as additional, then dropped
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
        image_token=IMAGE,
    )


def build_model(tokenizer: PreTrainedTokenizerFast, shape: Shape, seed: int) -> Any:
    """An untrained model, the same for the same seed."""
    vision = CLIPVisionConfig(
        hidden_size=shape.width,
        intermediate_size=shape.vision_inner,
        num_hidden_layers=shape.vision_layers,
        num_attention_heads=shape.heads,
        image_size=IMAGE_SIZE,
        patch_size=PATCH,
        projection_dim=shape.width,
    )
    text = Qwen3Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.text_inner,
        num_hidden_layers=shape.text_layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=max(1, shape.heads // 2),
        head_dim=shape.width // shape.heads,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        image_seq_length=IMAGE_TOKENS,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype="float32",
    )
    torch.manual_seed(seed)
    model = LlavaForConditionalGeneration(config)
    embeddings = model.model.vision_tower.embeddings
    with torch.no_grad():
        # Where a patch lies must be as loud as what it shows: with equal small scales the tower stays blind to place.
        embeddings.position_embedding.weight.normal_(std=0.5)
        embeddings.patch_embedding.weight.normal_(std=0.02)
        model.model.language_model.embed_tokens.weight.normal_(std=0.1)
        # The projector keeps the tower's scale: its own default is so small that the heads would see next to nothing.
        for layer in (model.model.multi_modal_projector.linear_1, model.model.multi_modal_projector.linear_2):
            layer.weight.normal_(std=1 / math.sqrt(shape.width))
    model.generation_config = GenerationConfig(
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        do_sample=False,
    )
    return model


def load_checkpoint(folder: Path) -> tuple[Any, Any]:
    """Model, in fp32, and processor."""
    disable_progress_bar()
    model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    return model, AutoProcessor.from_pretrained(folder)


def save_checkpoint(model: Any, processor: Any, out: Path) -> None:
    """Write the files a hub checkpoint has."""
    save_model(model, out)
    processor.save_pretrained(out)


def save_model(model: Any, out: Path) -> None:
    """Weights and configurations, without tokenizer and processor."""
    out.mkdir(parents=True, exist_ok=True)
    disable_progress_bar()  # one file of 6 MB
    model.save_pretrained(out)
    weights = out / WEIGHTS
    tensors = {_hub_name(name): tensor for name, tensor in load_file(weights).items()}
    save_file(tensors, weights, metadata={"format": "pt"})
    weights.chmod(0o644)


def copy_processor(base: Path, out: Path) -> None:
    """Give a tuned checkpoint its base's tokenizer, processor and template byte for byte: loading and saving them
    again would write other files, and a pair whose tokenizers differ is refused."""
    for name in PROCESSOR_FILES:
        shutil.copyfile(base / name, out / name)


def _hub_name(name: str) -> str:
    """CLIP weights under ``vision_model``, as published LLaVA checkpoints have them and vLLM asks for them."""
    head, found, tail = name.partition("vision_tower.")
    return name if not found or tail.startswith("vision_model.") else f"{head}{found}vision_model.{tail}"
