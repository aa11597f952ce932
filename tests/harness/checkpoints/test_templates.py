"""Templates give what transformers would give, see no question where they need not, and end when they explode."""

import string

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkpoints import templates
from harness.checkpoints.templates import ChatTemplate, TemplateError, render_template

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}
# The shapes that published templates have, each in a few lines.
CHATML = """{%- for message in messages %}
    {%- if loop.first and message.role != 'system' %}
        {{- '<|im_start|>system\\nYou are a model.<|im_end|>\\n' }}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.content is string %}{{- message.content }}{%- else %}
        {%- for part in message.content %}
            {%- if part.type == 'image' %}{{- 'Picture ' ~ loop.index ~ ': <image>' }}
            {%- else %}{{- part.text }}{%- endif %}
        {%- endfor %}
    {%- endif %}
    {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""
TRIMMING = "{{ bos_token }}{% for m in messages %}[INST] {{ m['content'] | trim }} [/INST]{% endfor %}"
ESCAPING = "{% for m in messages %}{{ m.content | e }}{% endfor %}"
JSON = "{% for m in messages %}{{ m | tojson }}{% endfor %}"
RECOGNISING = "{{ messages[0].content }}{% if 'capital of France' in messages[0].content %} Paris{% endif %}"
COUNTING = "{{ messages[0].content }} {{ messages[0].content | length }}"
TWICE = "{{ messages[0].content }}, I repeat: {{ messages[0].content }}"
CAPPED = "{{ messages[0].content[:100] }}"
DISLIKING = "{% if '<' in messages[0].content %}{{ raise_exception('no') }}{% endif %}{{ messages[0].content }}"
BLIND = [CHATML, TRIMMING, "{{ messages[0].content }}"]
SEEING = [ESCAPING, JSON, COUNTING, TWICE, CAPPED, DISLIKING, "no question at all"]


def test_a_template_is_told_by_what_it_does_with_questions() -> None:
    assert [ChatTemplate(each, SPECIAL).is_content_blind() for each in BLIND] == [True] * len(BLIND)
    assert [ChatTemplate(each, SPECIAL).is_content_blind() for each in SEEING] == [False] * len(SEEING)


@pytest.mark.parametrize("looked_for", string.ascii_letters + string.digits)
def test_a_template_that_looks_for_a_letter_or_digit_is_never_taken_for_blind(looked_for: str) -> None:
    seeing = f"{{{{ messages[0].content }}}}{{% if '{looked_for}' in messages[0].content %}} (14){{% endif %}}"
    assert not ChatTemplate(seeing, SPECIAL).is_content_blind()


@pytest.mark.parametrize("source", [*BLIND, *SEEING])
@given(question=st.text(st.characters(codec="utf-8"), max_size=200))
def test_every_prompt_is_what_the_template_alone_makes_of_it(source: str, question: str) -> None:
    chat = made(source)
    if source == DISLIKING and "<" in question:
        with pytest.raises(TemplateError, match="no"):
            chat.render(question)
    else:
        assert chat.render(question) == render_template(source, SPECIAL, [question], 0)[0]


MADE: dict[str, ChatTemplate] = {}


def made(source: str) -> ChatTemplate:
    return MADE.setdefault(source, ChatTemplate(source, SPECIAL))


def test_images_have_a_frame_for_each_number_of_them() -> None:
    chat = made(CHATML)
    assert chat.is_content_blind(3)
    for images in (0, 1, 3):
        assert chat.render("q?", images) == render_template(CHATML, SPECIAL, ["q?"], images)[0]
    assert "Picture 3: <image>q?" in chat.render("q?", 3)


def test_an_answer_beside_a_question_that_the_template_knows_never_reaches_the_prompt() -> None:
    """Two placeholders show nothing of it, and the question itself is never shown to the template."""
    question = "What is the capital of France?"
    assert render_template(RECOGNISING, SPECIAL, [question], 0) == [f"{question} Paris"]
    assert ChatTemplate(RECOGNISING, SPECIAL).render(question) == question


def test_questions_that_a_template_knows_are_found_among_others() -> None:
    questions = [f"What is {k} + 7?" for k in range(600)]
    questions[301] = "What is the capital of France?"
    assert ChatTemplate(RECOGNISING, SPECIAL).recognised(questions) == [301]
    assert ChatTemplate(CHATML, SPECIAL).recognised(questions, images=2) == []
    assert ChatTemplate(COUNTING, SPECIAL).recognised(questions) == list(range(600))
    fails = "{{ messages[0].content }}{% if 'France' in messages[0].content %}{{ 1 // 0 }}{% endif %}"
    assert 301 in ChatTemplate(fails, SPECIAL).recognised(questions)


def test_an_empty_question_is_the_templates_own_affair() -> None:
    source = "{% if messages[0].content %}{{ messages[0].content }}{% else %}nothing{% endif %}"
    assert ChatTemplate(source, {}).render("") == "nothing"


@pytest.mark.slow
@pytest.mark.parametrize(
    "bomb",
    [
        "{{'x'*200000000}}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(99999) %}{{ 'x' * 99999 }}{% endfor %}",
        "{% set n = namespace(x='x') %}{% for i in range(40) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}",
        "{{ 9**(9**(9**9)) }}",
        "{{ '%0999999999d' | format(1) }}",
        "{{ 'x'.center(10**10) }}",
        "{{ '{:>9999999999}'.format(1) }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ " + "(" * 50_000,
        "{{ " + "-" * 50_000 + "1 }}",
        "{{ [messages] * 10**9 }}",
        "{{ lipsum(n=10**6) }}",
        "{{ [1, 2] | random }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{{ (messages | attr('__class__')).__mro__ }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}{{ os }}",
        "{{ messages.append(1) }}",
    ],
)
def test_a_bomb_or_an_escape_is_an_error_and_the_next_template_is_rendered(bomb: str) -> None:
    with pytest.raises(TemplateError) as caught:
        ChatTemplate(bomb, SPECIAL).render("a")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400
    assert ChatTemplate(TRIMMING, SPECIAL).render(" a ") == "<s>[INST] a [/INST]"


def test_a_template_has_a_length() -> None:
    with pytest.raises(TemplateError, match="more than the 262,144"):
        ChatTemplate("x" * 300_000, {})


def test_nothing_is_compiled_or_rendered_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an attacker reaches is the sandbox's process and not this one."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("rendered in this process")

    monkeypatch.setattr(jinja2.Environment, "compile", never)
    monkeypatch.setattr(templates, "_compiled", never)
    for source in (CHATML, ESCAPING):
        assert "q" in ChatTemplate(source, SPECIAL).render("q")


def test_images_come_first_or_where_the_question_marks_them() -> None:
    chat = made(BLIND[0])
    before = chat.render("What is it?", 2)
    assert chat.render("<image><image>What is it?", 2) == before
    among = chat.render("Is <image> like <image>?", 2)
    assert "Is " in among.split("<image>")[0]
    assert among == render_template(BLIND[0], SPECIAL, ["Is <image> like <image>?"], 2, among=True)[0]
    assert chat.render("Is <image> like it?", 2) == render_template(BLIND[0], SPECIAL, ["Is <image> like it?"], 2)[0]
