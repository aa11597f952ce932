"""Vision-language models of some ten thousand random weights, with stock classes: one of each way to show an image.

What they say means nothing; which tokens and pixels reach them, and where these are placed, is what a large one gets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from harness.engines.torchvision_ops import define_missing_ops
from harness.pictures.pixels import encode_png

_TEMPLATE = """\
{{{{- bos_token -}}}}
{{%- for message in messages -%}}
{{{{- '<|im_start|>' + message.role + '\\n' -}}}}
{{%- if message.content is string -%}}{{{{- message.content -}}}}{{%- else -%}}
{{%- for part in message.content -%}}
{{%- if part.type == 'image' -%}}{{{{- '{image}' -}}}}{{%- else -%}}{{{{- part.text -}}}}{{%- endif -%}}
{{%- endfor -%}}
{{%- endif -%}}
{{{{- '<|im_end|>\\n' -}}}}
{{%- endfor -%}}
{{%- if add_generation_prompt -%}}{{{{- '<|im_start|>assistant\\n' -}}}}{{%- endif -%}}
"""
_CHAT = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<s>")
_WORDS = 320
_TEXT: dict[str, Any] = {
    "vocab_size": _WORDS,
    "hidden_size": 64,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
}
_VISION: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


@dataclass(frozen=True)
class _Parts:
    """What a model is made of: its configuration and image processor.

    ``image`` is what its template writes for an image, ``special`` its own special tokens and ``named`` those that its
    tokenizer has by a name, ``around`` the arguments of the processor's class, ``scale`` a factor of its weights.
    """

    special: tuple[str, ...]
    image: str
    config: Callable[[dict[str, int]], Any]
    images: Callable[[], Any]
    processor: str
    around: dict[str, Any] | None = None
    named: tuple[tuple[str, str], ...] = ()
    scale: float = 3


def write_vision(kind: str, folder: Path, **images: Any) -> Path:
    """Save a model of ``kind`` with its tokenizer and processor, whose image settings ``images`` replace."""
    define_missing_ops()
    import torch
    import transformers

    parts = KINDS[kind]()
    tokenizer = _tokenizer(parts.special, dict(parts.named))
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in (*_CHAT, *parts.special)}
    torch.manual_seed(0)
    config = parts.config(ids)
    model = transformers.AutoModelForImageTextToText.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(parts.scale)  # So that answers depend on what is seen.
    model.generation_config = transformers.GenerationConfig(
        eos_token_id=ids["<|im_end|>"], pad_token_id=ids["<|endoftext|>"]
    )
    model.save_pretrained(folder)
    if kind in ("gemma3", "llava_next"):
        _rename(folder / "model.safetensors", "vision_tower.", "vision_tower.vision_model.")
    images_of = parts.images()
    for name, value in images.items():
        setattr(images_of, name, value)
    extra = dict(parts.around or {})
    cls = getattr(transformers, parts.processor)
    if "video_processor" in cls.get_attributes():
        extra["video_processor"] = transformers.Qwen2VLVideoProcessor()
    cls(
        image_processor=images_of, tokenizer=tokenizer, chat_template=_TEMPLATE.format(image=parts.image), **extra
    ).save_pretrained(folder)
    return folder


def _rename(path: Path, before: str, after: str) -> None:
    """Name tensors as the published checkpoints do, for vLLM 0.32 does not know the names of transformers 5.19."""
    from safetensors.numpy import load_file, save_file

    renamed = {name.replace(before, after): value for name, value in load_file(path).items()}
    save_file(renamed, path, metadata={"format": "pt"})


def pictures(sizes: Sequence[tuple[int, int]], seed: int = 0) -> list[bytes]:
    """Encoded pictures of (width, height) whose parts tell themselves apart."""
    found = []
    for k, size in enumerate(sizes):
        pixels = np.random.default_rng([seed, k]).integers(0, 256, (5, 7, 3), dtype=np.uint8)
        found.append(encode_png(np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST))))
    return found


def _qwen3_vl() -> _Parts:
    from transformers import Qwen2VLImageProcessor, Qwen3VLConfig

    def config(ids: dict[str, int]) -> Any:
        text = {**_TEXT, "rope_parameters": {"rope_type": "default", "mrope_section": [4, 6, 6],
                                             "mrope_interleaved": True, "rope_theta": 10_000.0}}  # fmt: skip
        vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 64,
                  "patch_size": 16, "num_position_embeddings": 64, "deepstack_visual_indexes": [0]}  # fmt: skip
        return Qwen3VLConfig(
            text_config=text,
            vision_config=vision,
            image_token_id=ids["<|image_pad|>"],
            video_token_id=ids["<|video_pad|>"],
            vision_start_token_id=ids["<|vision_start|>"],
            vision_end_token_id=ids["<|vision_end|>"],
        )

    return _Parts(
        ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
        "<|vision_start|><|image_pad|><|vision_end|>",
        config,
        lambda: Qwen2VLImageProcessor(
            size={"shortest_edge": 32 * 32, "longest_edge": 32 * 32 * 40}, patch_size=16, merge_size=2,
            image_mean=[0.5] * 3, image_std=[0.5] * 3,
        ),
        "Qwen3VLProcessor",
    )  # fmt: skip


def _qwen2_5_vl() -> _Parts:
    from transformers import Qwen2_5_VLConfig, Qwen2VLImageProcessor

    def config(ids: dict[str, int]) -> Any:
        rope = {"rope_type": "default", "mrope_section": [4, 6, 6], "rope_theta": 10_000.0}
        text = {**_TEXT, "rope_parameters": rope}
        vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 64,
                  "fullatt_block_indexes": [1], "window_size": 56}  # fmt: skip
        return Qwen2_5_VLConfig(
            text_config=text,
            vision_config=vision,
            image_token_id=ids["<|image_pad|>"],
            video_token_id=ids["<|video_pad|>"],
            vision_start_token_id=ids["<|vision_start|>"],
            vision_end_token_id=ids["<|vision_end|>"],
            tie_word_embeddings=False,
        )

    return _Parts(
        ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
        "<|vision_start|><|image_pad|><|vision_end|>",
        config,
        lambda: Qwen2VLImageProcessor(size={"shortest_edge": 28 * 28, "longest_edge": 28 * 28 * 40}),
        "Qwen2_5_VLProcessor",
    )


def _glm4v() -> _Parts:
    from transformers import Glm4vConfig, Glm4vImageProcessor

    def config(ids: dict[str, int]) -> Any:
        rope = {
            "rope_type": "default",
            "mrope_section": [4, 6, 6],
            "rope_theta": 10_000.0,
            "partial_rotary_factor": 1.0,
        }
        text = {**_TEXT, "rope_parameters": rope, "pad_token_id": ids["<|endoftext|>"]}
        vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 64,
                  "image_size": 112, "patch_size": 14}  # fmt: skip
        return Glm4vConfig(
            text_config=text,
            vision_config=vision,
            image_token_id=ids["<|image|>"],
            video_token_id=ids["<|video|>"],
            image_start_token_id=ids["<|begin_of_image|>"],
            image_end_token_id=ids["<|end_of_image|>"],
            video_start_token_id=ids["<|begin_of_video|>"],
            video_end_token_id=ids["<|end_of_video|>"],
        )

    return _Parts(
        ("<|image|>", "<|video|>", "<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>"),
        "<|begin_of_image|><|image|><|end_of_image|>",
        config,
        lambda: Glm4vImageProcessor(size={"shortest_edge": 28 * 28 * 2, "longest_edge": 28 * 28 * 80}),
        "Glm4vProcessor",
    )


def _llava_next() -> _Parts:
    from transformers import LlavaNextConfig, LlavaNextImageProcessor

    grids = [[28, 56], [56, 28], [56, 56]]

    def config(ids: dict[str, int]) -> Any:
        return LlavaNextConfig(
            text_config={"model_type": "llama", **_TEXT},
            vision_config={"model_type": "clip_vision_model", **_VISION, "image_size": 28, "patch_size": 14,
                           "projection_dim": 64},
            image_token_id=ids["<image>"],
            image_grid_pinpoints=grids,
            image_seq_length=4,
            vision_feature_layer=-1,
        )  # fmt: skip

    return _Parts(
        ("<image>",),
        "<image>\\n",
        config,
        lambda: LlavaNextImageProcessor(
            size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}, image_grid_pinpoints=grids
        ),
        "LlavaNextProcessor",
        {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1},
    )


def _idefics3() -> _Parts:
    from transformers import Idefics3Config, Idefics3ImageProcessor

    return _idefics(Idefics3Config, Idefics3ImageProcessor, "Idefics3Processor", "idefics3_vision")


def _smolvlm() -> _Parts:
    from transformers import SmolVLMConfig, SmolVLMImageProcessor

    return _idefics(SmolVLMConfig, SmolVLMImageProcessor, "SmolVLMProcessor", "smolvlm_vision")


def _idefics(config_class: Any, images: Any, processor: str, vision: str) -> _Parts:
    places = tuple(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7))

    def config(ids: dict[str, int]) -> Any:
        return config_class(
            text_config={"model_type": "llama", **_TEXT, "pad_token_id": ids["<|endoftext|>"]},
            vision_config={"model_type": vision, **_VISION, "image_size": 28, "patch_size": 7},
            image_token_id=ids["<image>"],
            scale_factor=2,
            pad_token_id=ids["<|endoftext|>"],
        )

    return _Parts(
        ("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", *places),
        "<image>",
        config,
        lambda: images(size={"longest_edge": 56}, max_image_size={"longest_edge": 28}),
        processor,
        {"image_seq_len": 4},
    )


def _gemma3() -> _Parts:
    from transformers import Gemma3Config, Gemma3ImageProcessor

    def config(ids: dict[str, int]) -> Any:
        return Gemma3Config(
            text_config={**_TEXT, "sliding_window": 64, "layer_types": ["sliding_attention", "full_attention"],
                         "query_pre_attn_scalar": 16},
            vision_config={**_VISION, "image_size": 28, "patch_size": 7},
            mm_tokens_per_image=4,
            boi_token_index=ids["<start_of_image>"],
            eoi_token_index=ids["<end_of_image>"],
            image_token_index=ids["<image_soft_token>"],
            eos_token_id=ids["<|im_end|>"],
        )  # fmt: skip

    return _Parts(
        # vLLM looks for the tokens of up to four lines' ends, among which the processor sets an image.
        ("<start_of_image>", "<end_of_image>", "<image_soft_token>", "\n", "\n\n", "\n\n\n", "\n\n\n\n"),
        "<start_of_image>",
        config,
        lambda: Gemma3ImageProcessor(size={"height": 28, "width": 28}),
        "Gemma3Processor",
        {"image_seq_length": 4},
        (("boi_token", "<start_of_image>"), ("eoi_token", "<end_of_image>"), ("image_token", "<image_soft_token>")),
        1,  # It scales its embeddings itself.
    )


def _internvl() -> _Parts:
    from transformers import GotOcr2ImageProcessor, InternVLConfig

    def config(ids: dict[str, int]) -> Any:
        return InternVLConfig(
            text_config={"model_type": "qwen2", **{k: v for k, v in _TEXT.items() if k != "head_dim"}},
            vision_config={**_VISION, "image_size": [28, 28], "patch_size": [7, 7]},
            image_token_id=ids["<IMG_CONTEXT>"],
            image_seq_length=4,
            downsample_ratio=0.5,
        )

    return _Parts(
        ("<IMG_CONTEXT>", "<img>", "</img>", "<video>"),
        "<IMG_CONTEXT>\\n",
        config,
        lambda: GotOcr2ImageProcessor(size={"height": 28, "width": 28}, crop_to_patches=True, max_patches=4),
        "InternVLProcessor",
        {"image_seq_length": 4},
        (
            ("start_image_token", "<img>"),
            ("end_image_token", "</img>"),
            ("context_image_token", "<IMG_CONTEXT>"),
            ("video_token", "<video>"),
        ),
    )


def _pixtral() -> _Parts:
    from transformers import Mistral3Config, PixtralImageProcessor

    def config(ids: dict[str, int]) -> Any:
        return Mistral3Config(
            text_config={"model_type": "mistral", **_TEXT},
            vision_config={"model_type": "pixtral", **_VISION, "image_size": 112, "patch_size": 14, "head_dim": 16},
            image_token_id=ids["[IMG]"],
            image_token_index=ids["[IMG]"],
            spatial_merge_size=2,
            vision_feature_layer=-1,
        )

    return _Parts(
        ("[IMG]", "[IMG_BREAK]", "[IMG_END]"),
        "[IMG]",
        config,
        lambda: PixtralImageProcessor(size={"longest_edge": 112}, patch_size={"height": 14, "width": 14}),
        "PixtralProcessor",
        {"patch_size": 14, "spatial_merge_size": 2},
    )


def _mllama() -> _Parts:
    from transformers import MllamaConfig, MllamaImageProcessor

    def config(ids: dict[str, int]) -> Any:
        return MllamaConfig(
            text_config={**_TEXT, "cross_attention_layers": [1], "pad_token_id": ids["<|endoftext|>"],
                         "bos_token_id": ids["<s>"], "eos_token_id": ids["<|im_end|>"]},
            vision_config={"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "attention_heads": 2,
                           "num_global_layers": 1, "image_size": 28, "patch_size": 14, "max_num_tiles": 4,
                           "vision_output_dim": 64, "intermediate_layers_indices": [1]},
            image_token_index=ids["<|image|>"],
        )  # fmt: skip

    return _Parts(
        ("<|image|>", "<|python_tag|>"),
        "<|image|>",
        config,
        lambda: MllamaImageProcessor(size={"height": 28, "width": 28}, max_image_tiles=4),
        "MllamaProcessor",
    )


KINDS: dict[str, Callable[[], _Parts]] = {
    "qwen2_5_vl": _qwen2_5_vl,
    "qwen3_vl": _qwen3_vl,
    "glm4v": _glm4v,
    "llava_next": _llava_next,
    "idefics3": _idefics3,
    "smolvlm": _smolvlm,
    "gemma3": _gemma3,
    "internvl": _internvl,
    "mistral3": _pixtral,
    "mllama": _mllama,
}


def _tokenizer(special: tuple[str, ...], named: dict[str, str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_WORDS,
        special_tokens=[*_CHAT, *special],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["What is there in the picture? <answer>1,2,3</answer>\n\n\n"], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(special),
        model_input_names=["input_ids", "attention_mask"],
        extra_special_tokens=named,
    )
