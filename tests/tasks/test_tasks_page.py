"""tasks/README.md: its tables are those that its generator writes, and what it says of lines and files is so."""

import re

from harness.records.suites import suite_names, tasks_root
from tests.bench.scores import PAGE, page, scores_table

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_tables_are_current() -> None:
    assert page(TEXT) == TEXT, "run `python -m tests.bench.scores --tables`"


def test_every_suite_and_every_measured_task_is_on_the_page() -> None:
    for name in suite_names():
        assert f"| `{name}` |" in TEXT
    assert scores_table() in TEXT
    assert len(re.findall(r"^\| `\w+` \|.*\|$", scores_table(), re.MULTILINE)) >= 20


def test_each_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT):
        assert target.startswith("https://") or (tasks_root() / target).exists(), target


def test_there_are_ten_rules() -> None:
    rules = TEXT.partition("## Rules for a task folder\n")[2].partition("\n## ")[0]
    assert re.findall(r"^(\d+)\. ", rules, re.MULTILINE) == [str(number) for number in range(1, 11)]
