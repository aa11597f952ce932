"""The rules: one table, shown in submissions/README.md, and findings that carry plain text only."""

from pathlib import Path

import pytest

from leaderboard.entries.rules import RULES, STEPS, finding, rules_table, some

README = Path(__file__).parents[3] / "submissions" / "README.md"


def test_the_readme_shows_the_table_as_it_is() -> None:
    assert rules_table() in README.read_text(encoding="utf-8"), "paste leaderboard.entries.rules.rules_table() there"


def test_every_step_but_the_last_has_a_rule_that_refuses() -> None:
    assert {rule.step for rule in RULES.values() if rule.action == "refuse"} == set(STEPS)
    assert all(rule.meaning and rule.way_out for rule in RULES.values())


def test_a_finding_is_plain_text_and_short() -> None:
    made = finding(
        "contradiction", "a\u202eb", "x\x1b[31m" + "y" * 9_999, "f\u200bg",
        note="\x07" * 3, examples=[{"k\u2028": "v" * 999}],
    )  # fmt: skip
    assert (made.file, made.field, made.step, made.action) == ("ab", "fg", 3, "refuse")
    assert len(made.message) == 500
    assert "\x1b" not in made.message
    assert made.evidence == {"note": "", "examples": [{"k": "v" * 199 + "…"}]}
    assert made.line == f"ab: fg: {made.message}"


def test_examples_are_few_and_findable() -> None:
    assert some(f"{k:064x}" for k in range(9)) == ["0" * 12] * 3
    with pytest.raises(KeyError):
        finding("no such rule", "f", "m")
