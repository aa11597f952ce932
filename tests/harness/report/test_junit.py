"""JUnit: well-formed, counted right, by the common schema, whatever names are in it."""

from xml.etree import ElementTree as Xml

import pytest

from harness.report import render_junit
from harness.scoring import Scorecard, apply_rules, parse_rule
from tests.support.cards import changed, pair_card, with_tasks

# The elements and attributes of the schema that Jenkins, GitLab and GitHub's readers share, in their order.
SUITE = ("properties", "testcase", "system-out", "system-err")
CASE = ("skipped", "error", "failure", "system-out", "system-err")
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors", "skipped"},
    "testsuite": {"name", "time", "tests", "failures", "errors", "skipped"},
    "testcase": {"name", "classname", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
    "system-out": set(),
}


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    return pair_card(tmp_path_factory.mktemp("pair"), accuracy=0.55)


def junit(card: Scorecard, *rules: str, strict: bool = False) -> Xml.Element:
    root = Xml.fromstring(render_junit([(card, apply_rules(map(parse_rule, rules), card))], strict=strict))
    _check_schema(root)
    return root


def _check_schema(root: Xml.Element) -> None:
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.attrib) == ATTRIBUTES[element.tag]
        order = {"testsuite": SUITE, "testcase": CASE}.get(element.tag)
        if order is not None:
            places = [order.index(child.tag) for child in element]
            assert places == sorted(places)
    for holder in (root, *root.iter("testsuite")):
        assert int(holder.get("tests", "")) == len(list(holder.iter("testcase")))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(holder.get(name, "")) == len(list(holder.iter(tag)))


def test_one_case_a_rule_and_one_a_prior_task(card: Scorecard) -> None:
    root = junit(card, "retention < 95", "retention < 1%", "forward_kl[math_word] > 1")
    cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert cases[:3] == [
        ("retention.rules", name) for name in ("retention < 95%", "retention < 1%", "forward_kl[math_word] > 1")
    ]
    assert {name for kind, name in cases if kind == "retention.tasks"} == set(card.prior_tasks)
    # No rule forbids forgetting here, so the tasks are told and fail nothing.
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("8", "1", "1")


def test_a_task_fails_where_a_rule_forbids_it_or_there_is_no_rule(card: Scorecard) -> None:
    assert junit(card).get("failures") == "5"
    assert junit(card, "any forgot").get("failures") == "6"
    assert junit(card, "any forgot[math]").get("failures") == "3"


def test_tasks_that_say_nothing_are_skipped_and_fail_a_strict_gate(card: Scorecard) -> None:
    unsure = with_tasks(card, verdict="inconclusive")
    assert junit(unsure, "any forgot").get("skipped") == "5"
    assert junit(unsure, "any forgot", strict=True).get("failures") == "6"
    assert junit(with_tasks(card, verdict="nothing to lose"), "any forgot").get("skipped") == "5"
    assert junit(with_tasks(card, verdict="retained"), "any forgot", strict=True).get("failures") == "0"


@pytest.mark.parametrize("name", ["<&\"'>", "]]>", "\x00\x1b\x0b\ufffe\ud800", "a\nb\tc", "\u202e", "<!DOCTYPE x>"])
def test_hostile_names_stay_well_formed(card: Scorecard, name: str) -> None:
    tasks = {f"{name}{place}": task.model_dump() for place, task in enumerate(card.tasks.values())}
    hostile = changed(card, tasks=tasks)
    text = render_junit([(hostile, apply_rules([parse_rule("any forgot")], hostile))])
    text.encode("utf-8")
    root = Xml.fromstring(text)
    _check_schema(root)
    assert root.get("tests") == "6"


def test_several_pairs_are_several_suites(card: Scorecard) -> None:
    root = Xml.fromstring(render_junit([(card, []), (card, [])]))
    assert len(root.findall("testsuite")) == 2
    assert root.get("tests") == "10"
