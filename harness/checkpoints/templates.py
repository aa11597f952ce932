"""Chat templates: untrusted programs that wrap a question, compiled and rendered only in a sandbox.

Rendering every prompt there would cost more than the rest of building it, and would let a template read the question
and add the answer to the ones it recognises. So a template is rendered with random placeholders instead. If its outputs
differ only in the placeholders, it is *content-blind*: the text around them is its frame, and questions are inserted
into the frame here, without being shown to the template.

Some templates read a message's content as a text, others as parts alone. The text is tried first, then the parts; a
template in whose prompts the question does not appear whole either way is refused.
"""

import hashlib
import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.checkpoints.rendering import TODAY, Form
from harness.items import IMAGE_MARK, canonical_json
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
    "{} 17 * 23 = ?",
    "{}\n" * 300,
)
# Templates of Qwen's fail where nothing is asked but a tool has answered, which no suite does; others must not see it.
_TOOL = "<tool_response>\n{}\n</tool_response>"
# How every question must come through: a list that is printed instead of read shows quotes and line ends escaped.
_WHOLE = "{}?\n\n\"{}\" 'x'\n  - {}"
# What every template is given, so that an argument of that name would replace the question or the turn.
_RESERVED = frozenset({"messages", "tools", "documents", "add_generation_prompt"})

# What a template may be told beside the messages: JSON scalars by name.
Arguments = Mapping[str, str | int | float | bool | None]


class TemplateError(ValueError):
    """A template that cannot be read, fails, or does not terminate; the message is one line."""


class ArgumentError(TemplateError):
    """An argument that a template does not take."""


_RANDOM = secrets.SystemRandom()


class _LimitError(TemplateError):
    """A template that does not end within the limits of its sandbox."""


@dataclass(frozen=True)
class Frame:
    """The text before and after a question; ``trims`` if the template strips white space from the question."""

    before: str
    after: str
    trims: bool

    def around(self, question: str) -> str:
        return self.before + (question.strip() if self.trims else question) + self.after


class ChatTemplate:
    """A template, the special tokens it may use, and what else it is told (``arguments``).

    ``TemplateError`` if its source cannot be compiled, or does not read one of the arguments.
    """

    def __init__(self, source: str, special: Mapping[str, str], arguments: Arguments | None = None) -> None:
        if len(source) > MAX_TEMPLATE:
            raise TemplateError(f"{len(source):,} characters, more than the {MAX_TEMPLATE:,} that a template may have")
        self._source = source
        self._arguments = dict(arguments or {})
        self._variables = {**special, **self._arguments}
        self._frames: dict[int, Frame | None] = {}
        _check_arguments(self._arguments, _answer("template_variables", source))

    @property
    def digest(self) -> str:
        """sha256 (hex) of all that decides the text around a question, but for the special tokens."""
        facts: dict[str, Any] = {"style": "chat", "template": self._source}
        if self.form != "string":
            facts["content"] = self.form
        if self._arguments:
            facts["arguments"] = self._arguments
        if "strftime_now" in self._source:
            facts["date"] = TODAY.date().isoformat()
        return hashlib.sha256(canonical_json(facts)).hexdigest()

    @cached_property
    def form(self) -> Form:
        """How a question without images is given: as a text where the template reads that, else as parts."""
        probe = _whole_probe()
        failure: TemplateError | None = None
        for form in ("string", "parts"):
            try:
                if probe in self._answered([probe], 0, form)[0]:
                    return form
            except _LimitError:
                raise  # It would take as long for parts.
            except TemplateError as error:
                failure = failure or (error if form == "string" else None)
        raise failure or TemplateError("the question does not appear whole in the prompts that it makes")

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
        prompts of a template that is not content-blind, are rendered in the sandbox, and refused where the question
        does not come through.
        """
        bare = question.removeprefix(IMAGE_MARK * images)
        among = images > 0 and bare.count(IMAGE_MARK) == images
        frame = self._frame(images)
        if frame is not None and bare and not among:
            return frame.around(bare)
        (text,) = self._answered([bare], images, "among") if among else self._rendered([bare], images)
        if not _in_order(bare.split(IMAGE_MARK) if among else [bare], text):
            raise TemplateError(f"the question does not appear whole in its prompt: {bare[:60]!a}")
        return text

    def after_answer(self) -> str:
        """What stands after an answer, where its turn is the last; empty where the template does not say."""
        question, answer = _halves()
        try:
            text: str = _answer("render_answered", self._source, self._variables, question, answer, self.form)
        except TemplateError:
            return ""  # It refuses a conversation that ends with an answer.
        _, found, after = text.rpartition(answer)
        return after if found else ""

    def _frame(self, images: int) -> Frame | None:
        if images not in self._frames:
            if images:
                self._check_images(images)
            self._frames[images] = self._find_frame(images)
        return self._frames[images]

    def _check_images(self, images: int) -> None:
        """A template for text alone prints the parts of a message as a list, or skips what it does not know."""
        probe = _whole_probe()
        (text,), (fewer,) = (self._answered([probe], count, "parts") for count in (images, images - 1))
        if probe not in text:
            raise TemplateError("the question does not appear whole beside an image; it is a template for text alone")
        if text == fewer:
            raise TemplateError(f"image {images} of a question leaves nothing in the prompt; it shows no images")

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
                return frame if self._sees_no_tool(frame, images) else None
        return None

    def _sees_no_tool(self, frame: Frame, images: int) -> bool:
        response = _TOOL.replace("{}", _shuffled(string.ascii_letters))
        try:
            return self._rendered([response], images) == [frame.around(response)]
        except TemplateError:
            return True

    def _rendered(self, questions: list[str], images: int) -> list[str]:
        return self._answered(questions, images, "parts" if images else self.form)

    def _answered(self, questions: list[str], images: int, form: Form) -> list[str]:
        texts: list[str] = _answer("render_template", self._source, self._variables, questions, images, form)
        return texts


def _check_arguments(arguments: Arguments, read: Sequence[str]) -> None:
    for name in arguments:
        if name in _RESERVED:
            raise ArgumentError(f"{name}: is given to every chat template and cannot be set")
        if name not in read:
            known = ", ".join(sorted(set(read) - _RESERVED)) or "no arguments"
            raise ArgumentError(f"{name}: the chat template does not read it; it reads {known}")


def _in_order(parts: Sequence[str], text: str) -> bool:
    """Whether ``text`` has all of ``parts`` one after the other, but for white space around them."""
    place = 0
    for part in parts:
        found = text.find(part.strip(), place)
        if found < 0:
            return False
        place = found + len(part.strip())
    return True


def _whole_probe() -> str:
    return _WHOLE.replace("{}", _shuffled(string.ascii_letters)[:12])


def _halves() -> tuple[str, str]:
    """Letters and digits in two halves, used alternately, so that a template that looks for any of them shows."""
    characters = _shuffled(string.ascii_letters + string.digits)
    return characters[::2], characters[1::2]


def _shuffled(characters: str) -> str:
    return "".join(_RANDOM.sample(characters, len(characters)))


_BOX = Sandbox("harness.checkpoints.rendering", ["template_variables", "render_template", "render_answered"], _LIMITS)


def _answer(function: str, *arguments: Any) -> Any:
    answer = _BOX.call(function, *arguments)
    if isinstance(answer, Failure):
        raise TemplateError(answer.message) if answer.kind == "error" else _LimitError(answer.message)
    return answer
