"""The report: every step has a state, what refuses comes first, and a step that breaks is no pass."""

from pathlib import Path

import pytest

from leaderboard.acceptance.report import report
from leaderboard.acceptance.steps import across, examine, validate
from leaderboard.entries.rules import finding
from tests.support.accepting import accepted
from tests.support.reporting import ALL, NUMBERS
from tests.support.tiny import TinyShelf, model, tiny_shelf, tiny_suite


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TinyShelf:
    return tiny_shelf(tiny_suite(tmp_path_factory.mktemp("tiny")), tmp_path_factory.mktemp("board"))


def test_nothing_found_is_accepted_with_its_numbers() -> None:
    made = report("e", [], ALL, NUMBERS)
    assert (made.verdict, made.numbers, set(made.steps.values())) == ("accepted", NUMBERS, {"passed"})


def test_flags_do_not_refuse() -> None:
    made = report("e", [finding("alarm", "f", "m")], ALL, NUMBERS)
    assert (made.verdict, made.steps["plausibility"], made.numbers) == ("accepted", "passed", NUMBERS)


def test_what_could_not_be_checked_is_its_own_verdict() -> None:
    made = report("e", [finding("not-recomputed", "f", "m"), finding("alarm", "f", "m")], ALL, NUMBERS)
    assert (made.verdict, made.steps["recomputation"], made.numbers) == ("incomplete", "incomplete", None)
    assert made.steps["report"] == "not reached"
    assert not made.accepted


def test_refusals_come_first_and_end_the_way_to_the_report() -> None:
    findings = [finding("alarm", "f", "m"), finding("no-effect", "f", "m"), finding("files", "f", "m")]
    made = report("e", findings, ALL, NUMBERS)
    assert [each.rule for each in made.findings] == ["files", "no-effect", "alarm"]
    assert (made.verdict, made.numbers, made.steps["report"]) == ("refused", None, "not reached")
    assert (made.steps["files"], made.steps["plausibility"], made.steps["schema"]) == ("failed", "failed", "passed")


def test_steps_that_were_not_reached_say_so() -> None:
    made = report("e", [finding("manifest-form", "f", "m")], {"files", "schema", "hashes"}, None)
    assert [made.steps[step] for step in ("path", "coverage", "recomputation", "report")] == ["not reached"] * 4


def test_a_copy_found_later_turns_the_verdict() -> None:
    made = report("e", [], ALL, NUMBERS).with_findings([finding("copied-outputs", "f", "m")])
    assert (made.verdict, made.numbers, made.steps["plausibility"]) == ("refused", None, "failed")


def test_an_entry_is_compared_with_the_others_of_the_shelf(made: TinyShelf) -> None:
    one, two = made.add("one", model(1)), made.add("two", model(1))
    flagged = [validate(folder, made.around) for folder in (one, two)]
    assert [[each.rule for each in report.of("flag") if each.rule == "near-copy"] for report in flagged] == [
        ["near-copy"],
        ["near-copy"],
    ]
    accepted(made.shelf, two.name)
    assert validate(two, made.around).accepted
    (found,) = validate(one, made.around).of("refuse")
    assert (found.rule, found.evidence["entry"]) == ("copied-outputs", two.name)
    alone = [examine(folder, made.around)[0] for folder in (one, two)]
    assert all(each.accepted for each in alone)
    assert across(alone, [], made.shelf) == alone


def test_a_step_that_breaks_is_said_and_the_others_go_on(made: TinyShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("leaderboard.acceptance.plausibility.gold", explode)
    made_report, _ = examine(made.add("one", model(1)), made.around)
    (broken,) = made_report.of("refuse")
    assert broken.rule == "broken"
    assert "step 7 (plausibility) broke on this entry (ZeroDivisionError)" in broken.message


def test_the_same_entry_gives_the_same_report(made: TinyShelf) -> None:
    folder = made.add("one", model(1))
    assert validate(folder, made.around).model_dump_json() == validate(folder, made.around).model_dump_json()


def test_a_folder_with_nothing_in_it_is_refused_at_once(made: TinyShelf, tmp_path: Path) -> None:
    (tmp_path / "aaaaaaaaaaaa").mkdir()
    made_report = validate(tmp_path / "aaaaaaaaaaaa", made.around)
    assert made_report.verdict == "refused"
    assert {each.rule for each in made_report.of("refuse")} == {"files"}
