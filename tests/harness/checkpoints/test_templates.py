"""Templates give what transformers would give, see no question where they need not, and end when they explode."""

import hashlib
import string

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkpoints import rendering, templates
from harness.checkpoints.rendering import render_template
from harness.checkpoints.templates import ChatTemplate, TemplateError
from harness.items import canonical_json
from harness.sandbox import Failure

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
# As LLaVA-NeXT and SmolVLM read a message: a text is gone through letter by letter, and nothing of it is left.
PARTS = """{% for m in messages %}USER: {% for p in m.content if p.type == 'image' %}<image>
{% endfor %}{% for p in m.content if p.type == 'text' %}{{ p.text }} {% endfor %}{% endfor %}ASSISTANT:"""
BLIND = [CHATML, TRIMMING, "{{ messages[0].content }}", PARTS]
SEEING = [COUNTING, TWICE, DISLIKING]
SHOUTING = "{{ messages[0].content | upper }}"
LOSING = [ESCAPING, JSON, SHOUTING, "{{ messages[0].content[:9] }}", "no question at all", ""]


def test_a_template_is_told_by_what_it_does_with_questions() -> None:
    assert [ChatTemplate(each, SPECIAL).is_content_blind() for each in BLIND] == [True] * len(BLIND)
    assert [ChatTemplate(each, SPECIAL).is_content_blind() for each in SEEING] == [False] * len(SEEING)


@pytest.mark.parametrize("source", LOSING)
def test_a_template_in_which_the_question_does_not_appear_whole_is_refused(source: str) -> None:
    for images in (0, 1):
        with pytest.raises(TemplateError, match="the question does not appear whole"):
            ChatTemplate(source, SPECIAL).render("What is <b>?", images)


def test_a_question_that_is_cut_is_refused_also_where_others_are_not() -> None:
    cut = ChatTemplate(CAPPED, SPECIAL)
    assert cut.render("short") == "short"
    with pytest.raises(TemplateError, match=r"does not appear whole in its prompt: 'xxx"):
        cut.render("x" * 101)
    asking = ChatTemplate("{{ messages[0].content | replace('7', '') }}", SPECIAL)
    assert asking.render("What is 6?") == "What is 6?"
    with pytest.raises(TemplateError, match="does not appear whole"):
        asking.render("What is 7?")


def test_content_is_given_as_parts_only_where_a_text_is_not_read() -> None:
    assert ChatTemplate(CHATML, SPECIAL).form == "string"
    chat = ChatTemplate(PARTS, SPECIAL)
    assert chat.form == "parts"
    assert chat.render("What is 2 + 2?") == "USER: What is 2 + 2? ASSISTANT:"
    assert chat.render("What is it?", 1) == "USER: <image>\nWhat is it? ASSISTANT:"
    indexing = "{{ messages[0]['content'][0]['text'] }}{% if messages[0].content is string %}{{ 1 // 0 }}{% endif %}"
    assert ChatTemplate(indexing, SPECIAL).render("q") == "q"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ messages[0].content }}", "for text alone"),
        ("{{ 'User: ' + messages[0].content }}", "can only concatenate str"),
        ("{% for p in messages[0].content %}{{ p.text if p is mapping else p }}{% endfor %}", "shows no images"),
    ],
)
def test_a_template_that_shows_no_images_is_refused_for_them_alone(source: str, why: str) -> None:
    chat = ChatTemplate(source, SPECIAL)
    assert "q?" in chat.render("q?")
    for question in ("q?", "q <image>?"):
        with pytest.raises(TemplateError, match=why):
            chat.render(question, 1)


def test_the_parts_of_a_message_are_held_to_the_same_as_its_text() -> None:
    """A hostile template that loses the text and answers in its parts: it never sees the question."""
    question = "What is the capital of France?"
    knows = PARTS.replace("{{ p.text }} ", "{{ p.text }}{% if 'France' in p.text %} Paris{% endif %} ")
    assert " Paris" in render_template(knows, SPECIAL, [question], 0, "parts")[0]
    chat = ChatTemplate(knows, SPECIAL)
    assert chat.render(question) == f"USER: {question} ASSISTANT:"
    assert chat.recognised(["What is it?", question]) == [1]


def test_the_digest_is_of_source_form_arguments_and_date() -> None:
    plain = {"style": "chat", "template": CHATML}
    assert ChatTemplate(CHATML, SPECIAL).digest == hashlib.sha256(canonical_json(plain)).hexdigest()
    thinking = "{{ messages[0].content }}{% if enable_thinking %}<think>{% endif %}"
    dated = "{{ strftime_now('%d %b %Y') }} {{ messages[0].content }}"
    digests = [
        ChatTemplate(thinking, SPECIAL).digest,
        ChatTemplate(thinking, SPECIAL, {"enable_thinking": False}).digest,
        ChatTemplate(thinking, SPECIAL, {"enable_thinking": True}).digest,
        ChatTemplate(PARTS, SPECIAL).digest,
        ChatTemplate(dated, SPECIAL).digest,
    ]
    assert len(set(digests)) == len(digests)
    for source in (PARTS, dated):
        bare = hashlib.sha256(canonical_json({"style": "chat", "template": source})).hexdigest()
        assert ChatTemplate(source, SPECIAL).digest != bare


def test_the_date_is_the_same_every_day() -> None:
    source = "{{ strftime_now('%d %b %Y') }} {{ messages[0].content }}"
    assert ChatTemplate(source, SPECIAL).render("q") == "26 Jul 2024 q"


def test_arguments_reach_the_template_or_are_named() -> None:
    source = "{{ messages[0].content }}{% if enable_thinking is defined and not enable_thinking %} /no{% endif %}"
    assert ChatTemplate(source, SPECIAL).render("q") == "q"
    assert ChatTemplate(source, SPECIAL, {"enable_thinking": False}).render("q") == "q /no"
    with pytest.raises(
        TemplateError, match=r"enable_thinkin: the chat template does not read it; it reads enable_thinking"
    ):
        ChatTemplate(source, SPECIAL, {"enable_thinkin": False})
    with pytest.raises(TemplateError, match="it reads no arguments"):
        ChatTemplate("{{ messages[0].content }}", SPECIAL, {"x": 1})
    with pytest.raises(TemplateError, match="messages: is given to every chat template"):
        ChatTemplate(source, SPECIAL, {"messages": 1})


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
        assert chat.render(question) == render_template(source, SPECIAL, [question], 0, chat.form)[0]


MADE: dict[str, ChatTemplate] = {}


def made(source: str) -> ChatTemplate:
    return MADE.setdefault(source, ChatTemplate(source, SPECIAL))


def test_a_template_may_fail_where_a_tool_has_answered_and_nothing_is_asked() -> None:
    begins = "messages[0].content.startswith('<tool_response>')"
    failing = f"{{% if {begins} %}}{{{{ raise_exception('no query') }}}}{{% endif %}}{{{{ messages[0].content }}}}"
    assert ChatTemplate(failing, SPECIAL).is_content_blind()
    leaving = f"{{% if {begins} %}}tool{{% endif %}}{{{{ messages[0].content }}}}"
    assert not ChatTemplate(leaving, SPECIAL).is_content_blind()


def test_images_have_a_frame_for_each_number_of_them() -> None:
    chat = made(CHATML)
    assert chat.is_content_blind(3)
    for images in (0, 1, 3):
        form = "parts" if images else "string"
        assert chat.render("q?", images) == render_template(CHATML, SPECIAL, ["q?"], images, form)[0]
    assert "Picture 3: <image>q?" in chat.render("q?", 3)


def test_an_answer_beside_a_question_that_the_template_knows_never_reaches_the_prompt() -> None:
    """Two placeholders show nothing of it, and the question itself is never shown to the template."""
    question = "What is the capital of France?"
    assert render_template(RECOGNISING, SPECIAL, [question], 0, "string") == [f"{question} Paris"]
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
    monkeypatch.setattr(rendering, "_compiled", never)
    for source in (CHATML, COUNTING):
        assert "q" in ChatTemplate(source, SPECIAL).render("q")


def test_images_come_first_or_where_the_question_marks_them() -> None:
    chat = made(BLIND[0])
    before = chat.render("What is it?", 2)
    assert chat.render("<image><image>What is it?", 2) == before
    among = chat.render("Is <image> like <image>?", 2)
    assert "Is " in among.split("<image>")[0]
    assert among == render_template(BLIND[0], SPECIAL, ["Is <image> like <image>?"], 2, "among")[0]
    question = "Is <image> like it?"
    assert chat.render(question, 2) == render_template(BLIND[0], SPECIAL, [question], 2, "parts")[0]


def test_a_template_that_does_not_end_is_not_tried_in_another_form(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def call(function: str, *arguments: object) -> object:
        asked.append(arguments[-1])
        return [] if function == "template_variables" else Failure("timeout", "more processor time than allowed")

    monkeypatch.setattr(templates._BOX, "call", call)
    with pytest.raises(TemplateError, match="more processor time than allowed"):
        ChatTemplate("{{ messages }}", {}).render("one")
    assert asked[1:] == ["string"]
