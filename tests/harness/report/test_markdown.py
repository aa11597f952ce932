"""Markdown: a comment that a hostile name cannot steer, verdict first, complete in its collapsed part."""

from pathlib import Path

import pytest

from harness.report import render_pair_markdown
from harness.report.markdown import code
from harness.scoring import Scorecard, apply_rules, parse_rule
from tests.support.cards import changed, pair_card

HOSTILE = [
    "a|b",
    "`x`",
    "``` y",
    "@octocat",
    "#1",
    "https://evil.example/",
    "[click](https://evil.example)",
    "<img src=x onerror=alert(1)>",
    "</details>",
    "a\n\n# heading",
    "\x1b[31mred\u202e",
    "{{ x }}",
    "-" * 5000,
]


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    return pair_card(tmp_path_factory.mktemp("pair"), accuracy=0.55)


def test_the_verdict_stands_first_and_the_details_hold_every_task(card: Scorecard) -> None:
    text = render_pair_markdown(card, apply_rules([parse_rule("retention < 95"), parse_rule("gain < -90")], card))
    lines = text.splitlines()
    assert lines[0] == "### FAIL: ` tuned against base `"
    assert lines[2].startswith("- **FAIL** ` retention ")
    assert lines[3].startswith("- **PASS** ` gain ")
    before, _, inside = text.partition("<details>")
    assert before.count("| forgot |") == 5
    assert all(f"` {name} `" in inside for name in card.tasks)
    assert inside.rstrip().endswith("</details>")
    assert f"` {card.signature} `" in inside
    assert render_pair_markdown(card).startswith("### ` tuned against base `\n")


@pytest.mark.parametrize(("rules", "word"), [(["retention < 1%"], "PASS"), (["forward_kl[math_word] > 1"], "ERROR"),
                                             (["forward_kl[math_word] > 1", "retention < 95"], "FAIL")])  # fmt: skip
def test_the_first_line_is_the_worst_of_the_rules(card: Scorecard, rules: list[str], word: str) -> None:
    assert render_pair_markdown(card, apply_rules(map(parse_rule, rules), card)).startswith(f"### {word}: ")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text(card: Scorecard, name: str) -> None:
    tasks = {f"{name} {place}": task.model_dump() for place, task in enumerate(card.tasks.values())}
    tuned = card.tuned.model_copy(update={"name": name})
    hostile = changed(card, tasks=tasks, tuned=tuned.model_dump())
    text = render_pair_markdown(hostile, apply_rules([parse_rule("any forgot")], hostile))
    assert len(text) < 65_536
    own = _without_code(text)
    assert not any(sign in own for sign in ("@", "http", "<img", "](", "\x1b", "\u202e", "heading", "`"))
    assert own.count("</details>") == 1
    tables = [line for line in own.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in tables} == {7}


def test_a_code_span_holds_any_run_of_backticks() -> None:
    assert code("a``b`c") == "``` a``b`c ```"
    assert code("") == "` - `"
    assert code("x" * 500, 10) == f"` {'x' * 10}.. `"


def _without_code(text: str) -> str:
    """What is left of ``text`` when code spans are taken out, as CommonMark finds them."""
    import re

    return re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "CODE", text)


def test_the_library_has_it(card: Scorecard, tmp_path: Path) -> None:
    import retentionbench as rb

    assert rb.render_pair_markdown(card, [rb.apply_rule(rb.parse_rule("any forgot"), card)]).startswith("### FAIL")
