"""Entries beside each other: the same reports as one by one, and a process that dies takes one entry with it."""

import time
from pathlib import Path

import pytest

from harness.errors import RetentionError
from leaderboard.acceptance import workers
from leaderboard.acceptance.report import Report, report
from leaderboard.acceptance.steps import validate
from leaderboard.acceptance.workers import validate_all
from leaderboard.entries import finding
from leaderboard.processes import WorkerPool
from tests.bench.validation import BenchError, check_accepted
from tests.support.tiny import TinyShelf, model, tiny_shelf, tiny_suite

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TinyShelf:
    return tiny_shelf(tiny_suite(tmp_path_factory.mktemp("tiny")), tmp_path_factory.mktemp("board"))


def test_reports_are_those_of_one_by_one_in_the_order_asked(made: TinyShelf) -> None:
    folders = [made.add(f"m{seed}", model(seed)) for seed in (1, 2, 3, 1)]
    (folders[1] / "manifest.yaml").write_text("{}")
    told: list[Report] = []
    reports = validate_all(folders[:3], made.shelf, [made.tiny.path], jobs=2, done=told.append)
    assert [each.entry for each in reports] == [folder.name for folder in folders[:3]]
    assert {each.entry for each in told} == {folder.name for folder in folders}
    assert reports == [validate(folder, made.around) for folder in folders[:3]]
    assert [each.accepted for each in reports] == [True, False, True]


def test_a_benchmark_of_refused_entries_is_an_error() -> None:
    refused = report("x", [finding("broken", ".", "on purpose")], set(), None)
    with pytest.raises(BenchError, match=r"1 of 2 entries were refused \(broken\)"):
        check_accepted([refused, report("y", [], set(), None)])
    check_accepted([report("y", [], set(), None)])


def sleep_or_name(name: str) -> str:
    if name == "sleeper":
        with workers._Alarm():
            time.sleep(60)
    return name


def test_an_entry_that_takes_too_long_is_named_and_takes_no_other(made: TinyShelf) -> None:
    with WorkerPool(1, workers._set_up, made.shelf, (), 2.0, {}) as pool:
        assert dict(pool.run(sleep_or_name, ["sleeper", "a"])) == {"sleeper": None, "a": "a"}


def test_processes_that_do_not_start_are_no_fault_of_the_entries(
    made: TinyShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_environment", lambda: {"PATH": 3})
    with pytest.raises(RetentionError, match="do not start"):
        validate_all([made.add("m1", model(1))], made.shelf, jobs=1)


def test_a_lost_entry_has_a_report() -> None:
    report = workers._lost(Path("somewhere/aaaaaaaaaaaa"))
    assert (report.entry, report.verdict) == ("aaaaaaaaaaaa", "refused")
    assert report.findings[0].rule == "broken"
    assert set(report.steps.values()) == {"not reached", "failed"}
