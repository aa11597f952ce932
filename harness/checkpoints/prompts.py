"""Prompts: the base's chat template and tokenizer turn a question into token ids, once, for both models of a pair.

Rendered here rather than by lm-eval or an engine, because each of those has its own defaults (BOS, template arguments,
image placeholders), so that the two models could get different prompts (harness/lmeval/README.md).
"""

import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Literal

from tokenizers import Tokenizer

from harness.checkpoints.endings import Vocabulary
from harness.checkpoints.scan import CheckpointError
from harness.checkpoints.template_files import adds_bos, special_tokens, template_of
from harness.checkpoints.templates import ArgumentError, Arguments, ChatTemplate, TemplateError
from harness.checkpoints.tokenizer import TOKENIZER_FILE, no_panic, open_tokenizer
from harness.items import IMAGE_MARK, canonical_json
from harness.protocol import Prompt

# Read by the tokenizer: threads cost more than they save on a few short texts, and do not survive a fork.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

PromptStyle = Literal["chat", "plain"]


class PromptRenderer:
    """Renders questions with one checkpoint's template and tokenizer.

    ``style`` "chat" wraps the question in the chat template as one user turn (images first), and adds nothing to what
    the template says; "plain" sends the text alone, after the BOS that the tokenizer puts before a text by default.
    ``template`` is a template in place of the folder's own, ``arguments`` is what it is told beside the messages, and
    ``tokenizer`` stands in for the folder's. Raises ``CheckpointError`` when there is no template for "chat".
    """

    def __init__(
        self,
        folder: Path,
        style: PromptStyle = "chat",
        *,
        template: str | None = None,
        arguments: Arguments | None = None,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        self.style = style
        self._folder = folder
        self._tokenizer = open_tokenizer(folder) if tokenizer is None else tokenizer
        special = special_tokens(folder)
        self._before = self._default_start()
        self._bos = self._tokenizer.token_to_id(special.get("bos_token", ""))
        if self._bos is None and self._before:
            self._bos = self._before[0]
        elif adds_bos(folder) and self._bos is not None and self._bos not in self._before:
            self._before = (self._bos, *self._before)
        if style == "plain":
            self._refuse_arguments(arguments)
            self.template_digest = hashlib.sha256(canonical_json({"style": style, "template": ""})).hexdigest()
            return
        source = template_of(folder) if template is None else template
        if source is None:
            raise CheckpointError(
                f"{folder}: no chat template; use a suite with `prompt: plain` for a model without one, or give the "
                "template that both models are to be asked in with --chat-template FILE"
            )
        try:
            self._template = ChatTemplate(source, special, arguments)
        except ArgumentError as error:
            raise CheckpointError(f"--template-arg {error} ({folder})") from error
        except TemplateError as error:
            raise CheckpointError(f"{folder}: its chat template cannot be read: {error}") from error
        self.template_digest = self._template_digest()

    @property
    def lacks_bos(self) -> bool:
        """Whether the template begins with no BOS although the tokenizer puts one before every text of its own."""
        return self.style == "chat" and self._bos in self._before and self.bos_count(self.render("?")) == 0

    def is_content_blind(self, images: int = 0) -> bool:
        """Whether the text around a question with ``images`` images is the same whatever the question says."""
        if self.style == "plain":
            return True
        try:
            return self._template.is_content_blind(images)
        except TemplateError as error:
            raise self._failed(error) from error

    def render(self, question: str, images: tuple[bytes, ...] = ()) -> Prompt:
        """One user turn with ``images`` and ``question``; ids are never padded or truncated.

        Images come first, unless the question has an ``<image>`` placeholder for each, as in lm-eval's own tasks.
        """
        if self.style == "plain":
            return Prompt(question, self._encoded(question), images)
        try:
            text = self._template.render(question, len(images))
        except TemplateError as error:
            raise self._failed(error) from error
        return Prompt(text, self._encoded(text), images, _turn(question, len(images)))

    def continuation(self, prompt: Prompt, text: str) -> tuple[int, ...]:
        """Token ids that ``text`` adds after ``prompt``; tokens may merge across the boundary, as in lm-eval."""
        return self.continuations(prompt, [text])[0]

    def continuations(self, prompt: Prompt, texts: Sequence[str]) -> tuple[tuple[int, ...], ...]:
        """:meth:`continuation` of each of ``texts``."""
        whole = self._encoded_each([prompt.text + text for text in texts])
        return tuple(ids[len(prompt.token_ids) :] for ids in whole)

    def bos_count(self, prompt: Prompt) -> int:
        """How many BOS tokens a prompt starts with; two of them cost one paper 6 points (arXiv 2510.18874)."""
        return next((n for n, token in enumerate(prompt.token_ids) if token != self._bos), len(prompt.token_ids))

    def text_ids(self, prompt: Prompt) -> tuple[int, ...]:
        """The token ids of a prompt's text alone, without what is put before it."""
        return prompt.token_ids[len(self._before) :] if self.style == "plain" else prompt.token_ids

    def encode(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """The token ids of each text as they stand in a prompt, without what is put before it."""
        with no_panic(self._folder / TOKENIZER_FILE):
            # The same ids as `encode`, without the character offsets.
            encoded = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
            return [tuple(each.ids) for each in encoded]

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
        before = self._before if self.style == "plain" else ()
        return [before + ids for ids in self.encode(texts)]

    def _default_start(self) -> tuple[int, ...]:
        """What the tokenizer puts before a text by default: one BOS as a rule, or nothing.

        What it puts behind a text, an EOS as a rule, would end the question before it is answered, and is left out.
        """
        with no_panic(self._folder / TOKENIZER_FILE):
            encoded = self._tokenizer.encode("a")
        added = takewhile(lambda pair: pair[1], zip(encoded.ids, encoded.special_tokens_mask, strict=True))
        return tuple(dict.fromkeys(token for token, _ in added))

    def _template_digest(self) -> str:
        try:
            return self._template.digest
        except TemplateError as error:
            raise self._failed(error) from error

    def _failed(self, error: TemplateError) -> CheckpointError:
        return CheckpointError(f"{self._folder}: its chat template failed: {error}")

    def _refuse_arguments(self, arguments: Arguments | None) -> None:
        if arguments:
            raise CheckpointError(f"--template-arg {next(iter(arguments))}: plain prompts have no chat template")


def _turn(question: str, images: int) -> tuple[str, ...]:
    """What is said around the images of a turn: they come first, unless the question has a place for each."""
    if not images:
        return ()
    among = question.count(IMAGE_MARK) == images
    return tuple(question.split(IMAGE_MARK)) if among else (*[""] * images, question)
