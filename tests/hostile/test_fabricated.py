"""Entries that no model made, through all steps of validation and acceptance onto a board: none is believed, and most
are asked to be verified first."""

import shutil
from dataclasses import dataclass

import pytest

from harness.records.suites import load_suite
from leaderboard.acceptance.coverage import Surroundings
from leaderboard.acceptance.report import Report
from leaderboard.acceptance.steps import across, examine, others, print_of
from leaderboard.board.board import Board, load_board
from leaderboard.entries.maintain import record_acceptance
from leaderboard.entries.rules import STEPS
from leaderboard.entries.shelf import Shelf
from tests.hostile.fabricated import CORPUS, DATA, SUBMISSIONS, shipped, write_forged

pytestmark = pytest.mark.slow

# The two entries of the shipped board that were verified, with their places.
VERIFIED = {"hhkiwni7rppe": (1, 1), "4eauwmhpomvr": (2, 2)}
SIGNS = {"few-losses", "outside-references", "same-answers", "unlike-mistakes"}
# The recipes of cheating, by the first word of an entry's name.
RECIPES = {"gold", "base", "filler", "mixture", "reformatted"}
MAINTAINER = "retentionbench"


@dataclass(frozen=True)
class Sent:
    """What became of the corpus: the report on each entry by its name in the corpus, and the board with all of them."""

    reports: dict[str, Report]
    board: Board


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    """The corpus as pull requests to the shipped board: validated, compared, accepted where no step refuses, shown."""
    root, known = tmp_path_factory.mktemp("fabricated"), shipped()
    shelf = Shelf(root / "submissions", root / "bases", root / "events", root / "releases")
    shutil.copy(DATA / "maintainers.yaml", root)
    around = Surroundings(shelf)
    # What a forger has judged is not judged again by the validator, which has the same rules.
    names = {folder: name for name, folder in write_forged(known, root, around.judges.recomputer(load_suite("nano-1")))}
    for entry in {*VERIFIED, *(folder.name for folder in known.folders.values())}:
        shutil.copytree(SUBMISSIONS / entry, shelf.submissions / entry)
        shutil.copytree(DATA / "events" / entry, shelf.events / entry)
    found = [examine(folder, around) for folder in names]
    beside = [print_of(folder, around) for folder in others(shelf, list(names))]
    prints = [each for each in (*(printed for _, printed in found), *beside) if each is not None]
    reports = across([report for report, _ in found], prints, shelf)
    for report in reports:
        if report.accepted:
            record_acceptance(shelf, report.entry, MAINTAINER)
    board = load_board(shelf.submissions, shelf.bases, shelf.events)
    return Sent(dict(zip(names.values(), reports, strict=True)), board)


def test_the_corpus_has_at_least_twenty_entries_by_five_recipes() -> None:
    assert len(CORPUS) >= 20
    assert {name.split("-")[0] for name in CORPUS} == RECIPES


def test_no_step_of_validation_refuses_one(sent: Sent) -> None:
    """Else the corpus would prove nothing: each is consistent, and recomputing finds nothing."""
    for name, report in sent.reports.items():
        assert report.accepted, (name, [each.line for each in report.of("refuse")])
        assert report.steps == dict.fromkeys(STEPS.values(), "passed")
    assert max(row.card.balance or 0 for row in sent.board.rows) > 0.99


def test_every_one_is_provisional_and_moves_nobody(sent: Sent) -> None:
    entries = {report.entry for report in sent.reports.values()}
    rows = [row for row in sent.board.rows if row.entry_id in entries]
    assert len(rows) == len(CORPUS)
    assert sent.board.bad == ()
    assert all(row.provisional for row in rows)
    assert not any(row.placing.rank or row.placing.front or row.placing.letters for row in rows)
    assert all("provisional" in [tag.text for tag in row.tags] for row in rows)
    assert {row.entry_id: row.placing.rank for row in sent.board.rows if row.placing.rank} == VERIFIED


def test_at_least_three_quarters_are_asked_to_be_verified_first(sent: Sent) -> None:
    found = {name: {each.rule for each in report.of("flag")} & SIGNS for name, report in sent.reports.items()}
    flagged = {name for name, rules in found.items() if rules}
    assert len(flagged) >= 15, sorted(CORPUS.keys() - flagged)
    # Each recipe of cheating is seen, not one of them twenty times.
    assert {name.split("-")[0] for name in flagged} == RECIPES
