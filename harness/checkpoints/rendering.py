"""Rendering: what a chat template makes of messages, as transformers renders them. Called in a sandbox alone.

Two things differ from transformers, so that a prompt is the same on every day: the date is fixed, and there are no
random numbers.
"""

import datetime
import functools
import json
from typing import Any, Literal

import jinja2
import jinja2.meta
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness.items import IMAGE_MARK

# The date that templates are told. Llama 3.2's own template falls back to it where no clock is there.
TODAY = datetime.datetime(2024, 7, 26)

# How a message has its content: a text, parts of a text and images, or parts with the images among the words.
Form = Literal["string", "parts", "among"]


def template_variables(source: str) -> list[str]:
    """Names that the template reads and does not set itself; raises what is wrong with a source that is none."""
    _compiled(source)
    environment = _environment()
    return sorted(jinja2.meta.find_undeclared_variables(environment.parse(source)) - environment.globals.keys())


def render_template(source: str, variables: dict[str, Any], questions: list[str], images: int, form: Form) -> list[str]:
    """The prompt of each question as one user turn, and the beginning of the assistant's."""
    template = _compiled(source)
    return [
        template.render(
            messages=[{"role": "user", "content": _content(question, images, form)}],
            add_generation_prompt=True,
            tools=None,
            documents=None,
            **variables,
        )
        for question in questions
    ]


def render_answered(source: str, variables: dict[str, Any], question: str, answer: str, form: Form) -> str:
    """The turns of a question and its answer."""
    turns = [
        {"role": role, "content": _content(text, 0, form)} for role, text in (("user", question), ("assistant", answer))
    ]
    return _compiled(source).render(
        messages=turns, add_generation_prompt=False, tools=None, documents=None, **variables
    )


def _content(question: str, images: int, form: Form) -> Any:
    if form == "string":
        return question
    first, *texts = question.split(IMAGE_MARK) if form == "among" else [*[""] * images, question]
    parts = [{"type": "text", "text": first}]
    for text in texts:
        parts += [{"type": "image"}, {"type": "text", "text": text}]
    return [part for part in parts if part.get("text") != ""] or parts


class _Generation(Extension):
    """``{% generation %}``, which marks what a training learns from, changes nothing of a prompt."""

    tags = {"generation"}

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        # A call block, as in transformers: what is set inside it is not seen outside.
        call = self.call_method("_unchanged")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _unchanged(self, caller: jinja2.runtime.Macro) -> str:
        return str(caller())


@functools.lru_cache(maxsize=8)
def _compiled(source: str) -> jinja2.Template:
    return _environment().from_string(source)


def _environment() -> ImmutableSandboxedEnvironment:
    # Prompts are plain text, not HTML: escaping would change them.
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals |= {"raise_exception": _raise_exception, "strftime_now": TODAY.strftime}
    del environment.filters["random"], environment.globals["lipsum"]
    return environment


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(message: str) -> None:
    raise jinja2.TemplateError(message)
