"""Prompts with images as chat messages of the OpenAI API, and whether a server has rendered the same prompt.

A server prepares the images by its own processor and renders the message by its own chat template. What it has made of
the words is checked: vLLM returns the tokens of its prompt (``return_token_ids``).
"""

import base64
import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.checkpoints import read_json
from harness.protocol import Prompt

# What stands for an image in a prompt, as configurations call it.
_PLACEHOLDERS = ("image_token_id", "image_token_index", "boi_token_id", "boi_token_index")
_PNG = b"\x89PNG\r\n\x1a\n"


def messages(prompt: Prompt) -> list[dict[str, Any]]:
    """The one user turn of ``prompt``: its images as data, among its words."""
    before, *after = prompt.turn
    content = _text(before)
    for image, text in zip(prompt.images, after, strict=True):
        content += [{"type": "image_url", "image_url": {"url": _data(image)}}, *_text(text)]
    return [{"role": "user", "content": content}]


def differs(prompt: Prompt, answer: Mapping[str, Any], placeholders: Collection[int]) -> str | None:
    """Why an answer is not to this prompt, by the tokens that the server has read; None where it is.

    ``placeholders`` are tokens that may stand for an image in a rendered prompt (:func:`placeholders_of`). What stands
    before, between and after the images must be read as it was rendered.
    """
    read = answer.get("prompt_token_ids")
    if not isinstance(read, list) or not read:
        return "does not say which tokens it has read of a prompt with images; serve the model with vLLM"
    if any(_reads(_between(prompt.token_ids, each), read) for each in placeholders if _fits(prompt, each)):
        return None
    return (
        "has rendered a prompt with images into other tokens than the base's chat template does; serve every model "
        "with that template (`vllm serve --chat-template FILE`), or use --engine vllm"
    )


def placeholders_of(folder: Path) -> frozenset[int]:
    """The tokens that stand for an image, or begin one, as ``config.json`` in ``folder`` states them."""
    config = read_json(folder / "config.json")
    return frozenset(value for name in _PLACEHOLDERS if type(value := config.get(name)) is int)


def written_in(choice: Mapping[str, Any]) -> str:
    """The text of an answer, of either API."""
    return str(choice["message"]["content"] or "") if "message" in choice else str(choice["text"])


def first_token(logprobs: Mapping[str, Any]) -> tuple[dict[str, float], str]:
    """The log-probabilities of the first token by name, and the one that was written, of either API."""
    if "content" not in logprobs:
        return logprobs["top_logprobs"][0], logprobs["tokens"][0]
    first = logprobs["content"][0]
    return {each["token"]: each["logprob"] for each in first["top_logprobs"]}, first["token"]


def _fits(prompt: Prompt, placeholder: int) -> bool:
    return prompt.token_ids.count(placeholder) == len(prompt.images)


def _between(token_ids: Sequence[int], placeholder: int) -> list[list[int]]:
    """The tokens before, between and after the placeholders."""
    found: list[list[int]] = [[]]
    for token in token_ids:
        if token == placeholder:
            found.append([])
        else:
            found[-1].append(token)
    return found


def _reads(words: Sequence[list[int]], read: list[int]) -> bool:
    """Whether ``read`` begins with the first of ``words``, ends with the last, and has the others in order between."""
    first, *middle, last = words
    place, end = len(first), len(read) - len(last)
    if read[:place] != first or read[end:] != last or place > end:
        return False
    for part in middle:
        starts = range(place, end - len(part) + 1)
        if (found := next((at for at in starts if read[at : at + len(part)] == part), None)) is None:
            return False
        place = found + len(part)
    return True


def _text(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}] if text else []


def _data(image: bytes) -> str:
    """The image as it is stored if that is PNG, else its pixels as PNG, so that no two decoders can differ."""
    if not image.startswith(_PNG):
        from PIL import Image

        file = io.BytesIO()
        Image.open(io.BytesIO(image)).convert("RGB").save(file, "PNG")
        image = file.getvalue()
    return f"data:image/png;base64,{base64.b64encode(image).decode('ascii')}"
