"""Prompts: the base's chat template and tokenizer turn a question into token ids, once, for both models of a pair.

Rendered here rather than by lm-eval or an engine, because each of those has its own defaults (BOS, template arguments,
image placeholders), so that the two models could get different prompts (harness/lmeval/README.md).
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from tokenizers import Tokenizer

from harness.checkpoints.endings import Vocabulary
from harness.checkpoints.scan import CheckpointError, read_json
from harness.checkpoints.templates import MAX_TEMPLATE, ChatTemplate, TemplateError
from harness.items import canonical_json
from harness.protocol import Prompt

# Read by the tokenizer: threads cost more than they save on a few short texts, and do not survive a fork.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

PromptStyle = Literal["chat", "plain"]


class PromptRenderer:
    """Renders questions with one checkpoint's template and tokenizer.

    ``style`` "chat" wraps the question in the chat template as one user turn (images first); "plain" sends the text
    alone, with the special tokens that the tokenizer adds by default. Raises ``CheckpointError`` when the checkpoint
    has no template for "chat".
    """

    def __init__(self, folder: Path, style: PromptStyle = "chat") -> None:
        self.style = style
        self._folder = folder
        with _no_panic(folder / "tokenizer.json"):
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._tokenizer.no_padding()
            self._tokenizer.no_truncation()
        config_path = folder / "tokenizer_config.json"
        self._config = read_json(config_path) if config_path.is_file() else {}
        self._special = {
            name: _token_text(self._config.get(name)) for name in ("bos_token", "eos_token", "unk_token", "pad_token")
        }
        source = _template_source(folder, self._config) if style == "chat" else ""
        self.template_digest = hashlib.sha256(canonical_json({"style": style, "template": source})).hexdigest()
        special = {name: token for name, token in self._special.items() if token is not None}
        try:
            self._template = ChatTemplate(source, special)
        except TemplateError as error:
            raise CheckpointError(f"{folder}: its chat template cannot be read: {error}") from error

    def is_content_blind(self, images: int = 0) -> bool:
        """Whether the text around a question with ``images`` images is the same whatever the question says."""
        if self.style == "plain":
            return True
        try:
            return self._template.is_content_blind(images)
        except TemplateError as error:
            raise CheckpointError(f"{self._folder}: its chat template failed: {error}") from error

    def render(self, question: str, images: tuple[bytes, ...] = ()) -> Prompt:
        """One user turn with ``images`` and ``question``; ids are never padded or truncated.

        Images come first, unless the question has an ``<image>`` placeholder for each, as in lm-eval's own tasks.
        """
        if self.style == "plain":
            return Prompt(question, self._encoded(question), images)
        try:
            text = self._template.render(question, len(images))
        except TemplateError as error:
            raise CheckpointError(f"{self._folder}: its chat template failed: {error}") from error
        return Prompt(text, self._encoded(text), images)

    def continuation(self, prompt: Prompt, text: str) -> tuple[int, ...]:
        """Token ids that ``text`` adds after ``prompt``; tokens may merge across the boundary, as in lm-eval."""
        return self.continuations(prompt, [text])[0]

    def continuations(self, prompt: Prompt, texts: Sequence[str]) -> tuple[tuple[int, ...], ...]:
        """:meth:`continuation` of each of ``texts``."""
        whole = self._encoded_each([prompt.text + text for text in texts])
        return tuple(ids[len(prompt.token_ids) :] for ids in whole)

    def bos_count(self, prompt: Prompt) -> int:
        """How many BOS tokens a prompt starts with; two of them cost one paper 6 points (arXiv 2510.18874)."""
        bos = self._tokenizer.token_to_id(self._special["bos_token"] or "")
        count = 0
        for token_id in prompt.token_ids:
            if token_id != bos:
                break
            count += 1
        return count

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary(self._tokenizer)

    @cached_property
    def end_of_turn(self) -> int | None:
        """The special token that the chat template puts right after an answer; None where it puts none."""
        after = self._template.after_answer().lstrip() if self.style == "chat" else ""
        first = self._encoded(after)[:1]
        return first[0] if first and self.vocabulary.is_special(first[0]) else None

    def _encoded(self, text: str) -> tuple[int, ...]:
        return self._encoded_each([text])[0]

    def _encoded_each(self, texts: list[str]) -> list[tuple[int, ...]]:
        with _no_panic(self._folder / "tokenizer.json"):
            # The same ids as `encode`, without the character offsets.
            encoded = self._tokenizer.encode_batch_fast(texts, add_special_tokens=self.style == "plain")
            return [tuple(each.ids) for each in encoded]


@contextmanager
def _no_panic(path: Path) -> Iterator[None]:
    """A panic in the tokenizer's Rust code is not an ``Exception`` and would end the program."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:
        raise CheckpointError(f"{path}: not a usable tokenizer ({str(error)[:120]!a})") from error


def _template_source(folder: Path, config: dict[str, Any]) -> str:
    path = folder / "chat_template.jinja"
    if path.is_file():
        if path.stat().st_size > MAX_TEMPLATE:
            raise CheckpointError(f"{path}: {path.stat().st_size:,} bytes is more than a chat template may have")
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise CheckpointError(f"{path}: not UTF-8 (byte {error.start})") from error
    source = config.get("chat_template")
    if source is None and (folder / "chat_template.json").is_file():
        source = read_json(folder / "chat_template.json").get("chat_template")
    if not isinstance(source, str):
        raise CheckpointError(f"{folder}: no chat template; use a suite with `prompt: plain` for a model without one")
    return source.encode(errors="replace").decode()  # JSON may contain half a surrogate pair, which is not valid text.


def _token_text(token: Any) -> str | None:
    if isinstance(token, dict):
        token = token.get("content")
    return token.encode(errors="replace").decode() if isinstance(token, str) else None
