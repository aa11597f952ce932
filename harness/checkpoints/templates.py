"""Chat templates: untrusted programs that wrap a question, compiled and rendered only in a sandbox.

Rendering every prompt there would cost more than the rest of building it, and would let a template read the question
and add the answer to the ones it recognises. So a template is rendered with random placeholders instead. If its outputs
differ only in the placeholders, it is *content-blind*: the text around them is its frame, and questions are inserted
into the frame here, without being shown to the template.
"""

import functools
import json
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness.items import IMAGE_MARK
from harness.sandbox import Failure, Limits, Sandbox

# The longest templates of published models have some 30,000 characters.
MAX_TEMPLATE = 256 * 1024
_LIMITS = Limits(memory=256 * 1024 * 1024, cpu_seconds=1, wall_seconds=60.0, answer_bytes=8 * 1024 * 1024)
_AT_ONCE = 256
# Text around the placeholders that templates are known to trim, escape, split at or look for.
_PROBES = (
    "{}",
    "{}{}",
    " \n\t{}\n ",
    "What is {}?\n\nA. <b>&amp;</b>\nB. \"'`\\n\nC. {{ 7 * 7 }} {% raw %} $x^2$\nD. \u00e9\u6f22\U0001f600\n\nAnswer:",
    "<think>\n{}</think>\n\n{}<tool_response>{}</tool_response>[INST]<image><|im_end|></s>",
    "<tool_response>\n{}\n</tool_response>",
    "{} 17 * 23 = ?",
    "{}\n" * 300,
)


class TemplateError(ValueError):
    """A template that cannot be read, fails, or does not terminate; the message is one line."""


_RANDOM = secrets.SystemRandom()


@dataclass(frozen=True)
class Frame:
    """The text before and after a question; ``trims`` if the template strips white space from the question."""

    before: str
    after: str
    trims: bool

    def around(self, question: str) -> str:
        return self.before + (question.strip() if self.trims else question) + self.after


class ChatTemplate:
    """A template and the special tokens it may use; ``TemplateError`` if its source cannot be compiled."""

    def __init__(self, source: str, special: dict[str, str]) -> None:
        if len(source) > MAX_TEMPLATE:
            raise TemplateError(f"{len(source):,} characters, more than the {MAX_TEMPLATE:,} that a template may have")
        self._source = source
        self._special = special
        self._frames: dict[int, Frame | None] = {}
        _answer("compile_template", source)

    def is_content_blind(self, images: int = 0) -> bool:
        """Whether the text around a question with ``images`` images is the same whatever the question says."""
        return self._frame(images) is not None

    def recognised(self, questions: Sequence[str], images: int = 0) -> list[int]:
        """Indices of the questions that the template wraps differently from a placeholder.

        It recognises them, or something in them. All questions, if the template is not content-blind at all.
        """
        frame = self._frame(images)
        if frame is None:
            return list(range(len(questions)))
        found: list[int] = []
        for start in range(0, len(questions), _AT_ONCE):
            part = list(questions[start : start + _AT_ONCE])
            try:
                texts = self._rendered(part, images)
            except TemplateError:
                found += range(start, start + len(part))
                continue
            pairs = zip(part, texts, strict=True)
            found += [start + k for k, (question, text) in enumerate(pairs) if text != frame.around(question)]
        return found

    def render(self, question: str, images: int = 0) -> str:
        """One user turn with ``images`` before ``question``, and the beginning of the assistant's turn.

        If the question has a placeholder (``items.IMAGE_MARK``) for every image, images go there. Such prompts, and all
        prompts of a template that is not content-blind, are rendered in the sandbox.
        """
        bare = question.removeprefix(IMAGE_MARK * images)
        among = images > 0 and bare.count(IMAGE_MARK) == images
        frame = None if among else self._frame(images)
        if frame is not None and bare:
            return frame.around(bare)
        return self._rendered([bare], images, among)[0]

    def after_answer(self) -> str:
        """What stands after an answer, where its turn is the last; empty where the template does not say."""
        question, answer = _halves()
        try:
            text: str = _answer("render_answered", self._source, self._special, question, answer)
        except TemplateError:
            return ""  # It refuses a conversation that ends with an answer.
        _, found, after = text.rpartition(answer)
        return after if found else ""

    def _frame(self, images: int) -> Frame | None:
        if images not in self._frames:
            self._frames[images] = self._find_frame(images)
        return self._frames[images]

    def _find_frame(self, images: int) -> Frame | None:
        halves = _halves()
        first = _shuffled(halves[0])
        before, *rest = self._rendered([first], images)[0].split(first)
        if len(rest) != 1:
            return None
        questions = [probe.replace("{}", _shuffled(halves[at % 2])) for at, probe in enumerate(_PROBES)]
        try:
            texts = self._rendered(questions, images)
        except TemplateError:
            return None  # It inspects the question, and fails on one of these.
        for trims in (False, True):
            frame = Frame(before, rest[0], trims)
            if texts == [frame.around(question) for question in questions]:
                return frame
        return None

    def _rendered(self, questions: list[str], images: int, among: bool = False) -> list[str]:
        texts: list[str] = _answer("render_template", self._source, self._special, questions, images, among)
        return texts


def _halves() -> tuple[str, str]:
    """Letters and digits in two halves, used alternately, so that a template that looks for any of them shows."""
    characters = _shuffled(string.ascii_letters + string.digits)
    return characters[::2], characters[1::2]


def _shuffled(characters: str) -> str:
    return "".join(_RANDOM.sample(characters, len(characters)))


def compile_template(source: str) -> None:
    """Compile ``source`` or raise; run in the sandbox."""
    _compiled(source)


def render_template(
    source: str, special: dict[str, str], questions: list[str], images: int, among: bool = False
) -> list[str]:
    """The prompt of each question, with its images before it or ``among`` its words; run in the sandbox."""
    template = _compiled(source)
    return [
        template.render(
            messages=[{"role": "user", "content": _content(question, images, among)}],
            add_generation_prompt=True,
            tools=None,
            **special,
        )
        for question in questions
    ]


def render_answered(source: str, special: dict[str, str], question: str, answer: str) -> str:
    """The turns of a question and its answer; run in the sandbox."""
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return _compiled(source).render(messages=turns, add_generation_prompt=False, tools=None, **special)


def _content(question: str, images: int, among: bool) -> Any:
    if not images:
        return question
    first, *texts = question.split(IMAGE_MARK) if among else [*[""] * images, question]
    parts = [{"type": "text", "text": first}]
    for text in texts:
        parts += [{"type": "image"}, {"type": "text", "text": text}]
    return [part for part in parts if part.get("text") != ""]


_BOX = Sandbox("harness.checkpoints.templates", ["compile_template", "render_template", "render_answered"], _LIMITS)


def _answer(function: str, *arguments: Any) -> Any:
    answer = _BOX.call(function, *arguments)
    if isinstance(answer, Failure):
        raise TemplateError(answer.message)
    return answer


@functools.lru_cache(maxsize=8)
def _compiled(source: str) -> jinja2.Template:
    """A template in the same environment as in transformers, so that it gives the same text.

    Except for random numbers, which are removed: a prompt must be the same each time.
    """
    # Prompts are plain text, not HTML: escaping would change them.
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    del environment.filters["random"], environment.globals["lipsum"]
    return environment.from_string(source)


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise_exception(message: str) -> None:
    raise jinja2.TemplateError(message)
