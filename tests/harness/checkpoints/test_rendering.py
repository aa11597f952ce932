"""Prompts are those of transformers, for every template that TRL ships."""

import datetime
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints.rendering import TODAY, render_template, template_variables
from harness.checkpoints.templates import ChatTemplate, TemplateError

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
QUESTION = 'What is 2 + 2?\n\nA. <b>3</b>\nB. "4"\n\nIt\'s:'


def shipped() -> list[Path]:
    spec = importlib.util.find_spec("trl")
    folder = Path(spec.origin).parent / "chat_templates" if spec and spec.origin else Path("nowhere")
    return sorted(folder.glob("*.jinja"))


def theirs(source: str, content: Any, **arguments: Any) -> str:
    """The prompt as transformers renders it."""
    from transformers.utils.chat_template_utils import render_jinja_template

    messages = [{"role": "user", "content": content}]
    rendered, _ = render_jinja_template(
        [messages], chat_template=source, add_generation_prompt=True, **SPECIAL, **arguments
    )
    return str(rendered[0])


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """transformers on the day that templates are told here."""
    from transformers.utils import chat_template_utils

    class Fixed(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> "Fixed":
            return cls(TODAY.year, TODAY.month, TODAY.day)

    monkeypatch.setattr(chat_template_utils, "datetime", Fixed)
    chat_template_utils._compile_jinja_template.cache_clear()


def test_the_templates_of_trl_are_found() -> None:
    """72 in TRL 1.16."""
    assert len(shipped()) > 50


@pytest.mark.usefixtures("today")
@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.stem)
def test_a_template_of_trl_renders_as_transformers_renders_it(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    chat = ChatTemplate(source, SPECIAL)
    text = chat.render(QUESTION)
    content: Any = QUESTION if chat.form == "string" else [{"type": "text", "text": QUESTION}]
    assert text == theirs(source, content)
    assert QUESTION in text
    assert chat.is_content_blind()


@pytest.mark.usefixtures("today")
@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.stem)
def test_images_are_rendered_as_transformers_renders_them_or_refused(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    content = [{"type": "image"}, {"type": "text", "text": QUESTION}]
    try:
        text = ChatTemplate(source, SPECIAL).render(QUESTION, 1)
    except TemplateError:
        # A template for text alone: it fails on parts, prints them as a list, or shows no image.
        assert not any(mark in source for mark in ("'image'", '"image"'))
    else:
        assert text == theirs(source, content)


PARTS_ALONE = ("idefics3", "llava_next", "smolvlm")


def test_templates_that_read_parts_alone_are_found() -> None:
    found = [path.stem for path in shipped() if ChatTemplate(path.read_text(encoding="utf-8"), SPECIAL).form == "parts"]
    assert found == sorted([*PARTS_ALONE, *(f"{name}_training" for name in PARTS_ALONE)])


@pytest.mark.usefixtures("today")
@pytest.mark.parametrize("thinking", [False, True])
def test_an_argument_does_what_it_does_in_transformers(thinking: bool) -> None:
    found = {path.stem: path.read_text(encoding="utf-8") for path in shipped()}
    reading = {name: source for name, source in found.items() if "enable_thinking" in template_variables(source)}
    assert reading
    for source in reading.values():
        text = ChatTemplate(source, SPECIAL, {"enable_thinking": thinking}).render(QUESTION)
        assert text == theirs(source, QUESTION, enable_thinking=thinking)


# What published templates use of Jinja and of transformers' own additions, a line each.
USED = [
    "{% generation %}{{ messages[0].content }}{% endgeneration %}",
    "{%- generation -%} {{ messages[0].content }} {%- endgeneration -%}",
    "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ messages[0].content }}{% endgeneration %}{{ x }}",
    "{{ strftime_now('%Y-%m-%d') }}{{ messages[0].content }}",
    "{% if strftime_now is defined %}{{ strftime_now('%d %B %Y') }}{% endif %}{{ messages[0].content }}",
    "{{ messages[0].content }}{{ {'b': 1, 'a': '\u00e9'} | tojson(indent=2) }}",
    "{{ messages[0].content }}{{ {'b': 1, 'a': '\u00e9'} | tojson(ensure_ascii=True, sort_keys=True) }}",
    "{{ messages[0].content }}{{ [1, 2] | tojson(separators=(',', ':')) }}",
    "{% for m in messages %}{{ m.content }}{% break %}{% endfor %}",
    "{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}{{ m.content }}{% endfor %}",
    "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}{{ sep_token }}",
    "{{ messages[0].content }}{% if tools is none and documents is none %} none{% endif %}",
    "{{ messages[0].content }}{% if documents %}{{ documents }}{% endif %}{{ add_generation_prompt }}",
    "{%- macro say(text) -%}{{ text }}{%- endmacro -%}{{ say(messages[0].content) }}",
    "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = 1 %}{{ m.content }}{% endfor %}{{ ns.n }}",
]


@pytest.mark.usefixtures("today")
@pytest.mark.parametrize("source", USED)
def test_what_templates_use_is_there_and_does_the_same(source: str) -> None:
    assert render_template(source, SPECIAL, [QUESTION], 0, "string") == [theirs(source, QUESTION)]
