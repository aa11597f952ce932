"""Plain transformers, as its documentation has it: what our engines must agree with on images."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.engines.torchvision_ops import define_missing_ops
from harness.items import IMAGE_MARK

Question = tuple[str, tuple[bytes, ...]]


@dataclass(frozen=True)
class PlainAnswer:
    """The tokens of a prompt, those of its greedy answer, and the log-probabilities of each step of it."""

    prompt: list[int]
    tokens: list[int]
    logprobs: Any


def answer_plainly(folder: Path, questions: Sequence[Question], budget: int) -> list[PlainAnswer]:
    """Each question alone, without padding: ``AutoProcessor``, its chat template, ``model.generate``."""
    define_missing_ops()
    import torch
    import transformers

    processor = transformers.AutoProcessor.from_pretrained(folder)
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    found = []
    for question, images in questions:
        turn = [{"role": "user", "content": _content(question, images)}]
        asked = {"tokenize": True, "add_generation_prompt": True, "return_dict": True, "return_tensors": "pt"}
        inputs = processor.apply_chat_template(turn, **asked)
        with torch.inference_mode():
            made = model.generate(
                **inputs, max_new_tokens=budget, do_sample=False, output_logits=True, return_dict_in_generate=True
            )
        prompt = inputs["input_ids"][0].tolist()
        steps = torch.stack([each[0] for each in made.logits]).float().log_softmax(dim=-1)
        found.append(PlainAnswer(prompt, made.sequences[0, len(prompt) :].tolist(), steps))
    return found


def _content(question: str, images: Sequence[bytes]) -> list[dict[str, Any]]:
    """Images first, or where the question has a placeholder for each."""
    from PIL import Image

    shown = [{"type": "image", "image": Image.open(io.BytesIO(each)).convert("RGB")} for each in images]
    if question.count(IMAGE_MARK) != len(images):
        return [*shown, {"type": "text", "text": question}]
    first, *texts = question.split(IMAGE_MARK)
    parts: list[dict[str, Any]] = [{"type": "text", "text": first}]
    for image, text in zip(shown, texts, strict=True):
        parts += [image, {"type": "text", "text": text}]
    return [part for part in parts if part.get("text") != ""]
