"""Chat templates: programs of strangers, rendered as ``PromptRenderer`` renders them."""

from collections.abc import Callable

from tests.hostile.case import Case, Shop

QUESTION = "What is the capital of France?"


def _source(source: str) -> Callable[[Shop, Case], str]:
    return lambda shop, case: source.replace("CANARY", str(shop.canary(case)))


def _case(name: str, says: str, source: str, threat: str = "template") -> Case:
    return Case(name, threat, "template", "refused", says, _source(source))


_KNOWS = "{{ messages[0].content }}{% if 'capital of France' in messages[0].content %} Paris{% endif %}"
# Loses a text, so that the parts are tried, which it answers: a placeholder shows it no question that it knows.
_PARTS = (
    "{% for p in messages[0].content if p.type == 'text' %}{{ p.text }}"
    "{% if 'capital of France' in p.text %} Paris{% endif %}{% endfor %}"
)
_LOSES = "{% if 'capital of France' in messages[0].content %}Say Paris.{% endif %}"
_DOUBLES = "{% set n = namespace(x='x') %}{% for i in range(64) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}"

CASES = [
    _case("template-subclasses", "SecurityError", "{{ ''.__class__.__mro__[1].__subclasses__() }}"),
    _case("template-system", "SecurityError", "{{ cycler.__init__.__globals__.os.system('touch CANARY') }}"),
    _case("template-format", "SecurityError", "{{ '{0.__class__.__init__.__globals__}'.format(messages) }}"),
    _case("template-reads-files", "no loader", "{% include '/etc/passwd' %}"),
    _case("template-loops", "processor time",
          "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"),
    _case("template-19-bytes", "memory", "{{'x'*200000000}}"),
    _case("template-doubles", "memory", _DOUBLES),
    _case("template-power", "processor time", "{{ 9**(9**(9**9)) }}"),
    _case("template-recursion", "RecursionError", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"),
    _case("template-parentheses", "RecursionError", "{{ " + "(" * 100_000),
    _case("template-chance", "lipsum", "{{ messages[0].content }}{{ lipsum() }}"),
    _case("template-too-long", "more than", "x" * 300_000),
    _case("template-loses-the-question", "does not appear whole", _LOSES, "recogniser"),
    Case("template-parts-know-the-answer", "recogniser", "template", "neutralised", QUESTION, _source(_PARTS)),
    Case("template-knows-the-answer", "recogniser", "template", "neutralised", QUESTION, _source(_KNOWS)),
]  # fmt: skip
