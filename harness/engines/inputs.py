"""Model inputs: prompts as the tensors that a transformers model takes.

What a processor returns goes to the model whole: without the types of the tokens, say, a Qwen2.5-VL places the tokens
of an image like words, and answers differently (`mm_token_type_ids`, transformers 5).
"""

import inspect
import io
from collections.abc import Sequence
from typing import Any

from harness.engines.settings import EngineError
from harness.protocol import Prompt


class TooLongError(Exception):
    """A prompt that does not fit; it fails alone."""


class ModelInputs:
    """Makes the inputs of ``model``: of text from its token ids, of images by ``processor`` (None: it takes none)."""

    def __init__(self, model: Any, processor: Any, pad: int, longest: int) -> None:
        import torch

        self._torch = torch
        self._model = model
        self._processor = processor
        self._pad = pad
        self._longest = longest
        self._taken = {
            name
            for function in (model.forward, model.prepare_inputs_for_generation)
            for name in inspect.signature(function).parameters
        }
        if processor is not None and processor.tokenizer.pad_token_id is None:
            processor.tokenizer.pad_token = processor.tokenizer.convert_ids_to_tokens(pad)

    def of(self, prompts: Sequence[Prompt]) -> tuple[dict[str, Any], list[int]]:
        """Left-padded inputs of a batch, and the number of tokens of each row with those of its images.

        All prompts have equally many images.
        """
        made = self._with_images(prompts) if prompts[0].images else self._of_text(prompts)
        if (width := made["input_ids"].shape[1]) > self._longest:
            raise TooLongError(f"a prompt of {width} tokens is longer than --max-model-len {self._longest}")
        lengths = made["attention_mask"].sum(dim=1).tolist()
        return {name: self._placed(value) for name, value in made.items()}, lengths

    def continued(self, inputs: dict[str, Any], continuation: Sequence[int]) -> dict[str, Any]:
        """The inputs of one prompt with tokens of text after it."""
        if not continuation:
            return inputs
        ids = inputs["input_ids"]
        own = set() if self._processor is None else set(self._processor.image_processor.model_input_names)
        longer = {
            name: self._longer(name, value, len(continuation))
            for name, value in inputs.items()
            if name not in own and value.shape[:2] == ids.shape
        }
        tokens = self._torch.tensor([list(continuation)], device=ids.device)
        return {**inputs, **longer, "input_ids": self._torch.cat([ids, tokens], dim=1)}

    def _longer(self, name: str, value: Any, count: int) -> Any:
        """What is stated of each token, for ``count`` tokens of text more: type 0, and seen as the last one is."""
        last = self._torch.zeros_like(value[:, -1:]) if name.endswith("token_type_ids") else value[:, -1:]
        return self._torch.cat([value, *[last] * count], dim=1)

    def _of_text(self, prompts: Sequence[Prompt]) -> dict[str, Any]:
        width = max(len(prompt.token_ids) for prompt in prompts)
        gaps = [width - len(prompt.token_ids) for prompt in prompts]
        return {
            "input_ids": self._torch.tensor(
                [[self._pad] * gap + list(prompt.token_ids) for gap, prompt in zip(gaps, prompts, strict=True)]
            ),
            "attention_mask": self._torch.tensor([[0] * gap + [1] * (width - gap) for gap in gaps]),
        }

    def _with_images(self, prompts: Sequence[Prompt]) -> dict[str, Any]:
        from PIL import Image

        if self._processor is None:
            raise EngineError("a prompt has images, but the model's folder has no image processor")
        types = {"return_mm_token_type_ids": True} if "mm_token_type_ids" in self._taken else {}
        made = dict(
            self._processor(
                text=[prompt.text for prompt in prompts],
                images=[[Image.open(io.BytesIO(each)).convert("RGB") for each in prompt.images] for prompt in prompts],
                add_special_tokens=False,
                padding=True,
                padding_side="left",
                return_attention_mask=True,
                return_tensors="pt",
                **types,
            )
        )
        self._check_tokens(prompts, made)
        # A tokenizer returns some of these for any model.
        for name in set(self._processor.tokenizer.model_input_names) - self._taken:
            made.pop(name, None)
        if unknown := sorted(made.keys() - self._taken):
            kind = type(self._model).__name__
            raise EngineError(f"the processor returns {', '.join(unknown)}, which {kind} does not take; use vllm")
        return made

    def _check_tokens(self, prompts: Sequence[Prompt], made: dict[str, Any]) -> None:
        """The processor must read the rendered text as its renderer did, and put nothing around it."""
        tokenizer = self._processor.tokenizer
        read = tokenizer([prompt.text for prompt in prompts], add_special_tokens=False)["input_ids"]
        for prompt, ids, row, mask in zip(prompts, read, made["input_ids"], made["attention_mask"], strict=True):
            seen = row[mask.bool()].tolist()
            starts = [sum(token == tokenizer.bos_token_id for token in each) for each in (prompt.token_ids, seen)]
            ends = [(each[0], each[-1]) for each in (prompt.token_ids, seen)]
            if tuple(ids) != prompt.token_ids or starts[0] != starts[1] or ends[0] != ends[1]:
                raise EngineError(
                    "the processor's tokens differ from the rendered prompt's; is the tokenizer the base's?"
                )

    def _placed(self, value: Any) -> Any:
        value = value.to(self._model.dtype) if value.is_floating_point() else value
        return value.to(self._model.device)
