"""Base runs beside each other: who is held against whom, and what replacing a wrong one moves, by an event alone."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.errors import CheckFailedError
from harness.records.run import read_run
from harness.scoring.scorer import score_pair
from leaderboard.acceptance.accepting import accept_entries
from leaderboard.acceptance.coverage import Surroundings
from leaderboard.acceptance.replacing import headline, replace_base, wrong_numbers
from leaderboard.acceptance.report import Report
from leaderboard.acceptance.steps import examine
from leaderboard.board.board import load_board
from leaderboard.cli import cli
from leaderboard.documents.identity import base_home
from leaderboard.documents.manifest import read_manifest
from leaderboard.entries.maintain import changed_files, record_acceptance
from leaderboard.entries.shelf import Shelf
from leaderboard.ledger.events import Rebased, Verified
from leaderboard.ledger.standing import Evidence
from leaderboard.submit.prepare import prepare_entry
from tests.support.accepting import accepted, noted
from tests.support.events import agreement
from tests.support.tiny import STATEMENT, TinyShelf, model, tiny_run, tiny_shelf, tiny_suite

pytestmark = pytest.mark.slow

RIGHT = model(0, tiny_sums=1.0, tiny_colours=0.9, tiny_letters=0.9)


def beside(made: TinyShelf, name: str, base: Path, seed: int) -> Path:
    """An entry that was evaluated with the run ``base``, whatever is stored."""
    tiny_run(made.tiny, made.run(name), model(seed), name)
    shelf = made.shelf
    return prepare_entry(made.run(name), base, STATEMENT, shelf.submissions, shelf.bases).folder


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> TinyShelf:
    """An accepted entry with a base run that is weaker than the base is, and one of another author beside it."""
    made = tiny_shelf(tiny_suite(tmp_path_factory.mktemp("tiny")), tmp_path_factory.mktemp("board"))
    tiny_run(made.tiny, made.run("right"), RIGHT, "base", created="2026-01-02T00:00:00Z")
    accepted(made.shelf, beside(made, "squatter", made.run("base"), 1).name)
    beside(made, "honest", made.run("right"), 2)
    return made


@pytest.fixture
def made(original: TinyShelf, tmp_path: Path) -> TinyShelf:
    shutil.copytree(original.root, tmp_path / "board")
    return TinyShelf(original.tiny, tmp_path / "board")


def entries(made: TinyShelf) -> tuple[str, str]:
    """The squatter's entry and the honest one."""
    by_name = {manifest.tuned_model.name: name for name, manifest in made.shelf.manifests()}
    return by_name["squatter"], by_name["honest"]


def homes(made: TinyShelf) -> tuple[str, str]:
    """The places of the wrong base run and of the right one."""
    wrong, right = (base_home(read_manifest(made.shelf.folder(name) / "manifest.yaml")) for name in entries(made))
    return wrong, right


def verified(made: TinyShelf, name: str) -> None:
    entry = made.shelf.scored(name).entry
    found = agreement(tuned=entry.tuned.record.samples_sha256)
    side = found.base.model_copy(update={"samples_sha256": entry.base.record.samples_sha256})
    noted(made.shelf, Verified, name, agreement=found.model_copy(update={"base": side}).model_dump(mode="json"))


def report_on(made: TinyShelf, name: str) -> Report:
    return examine(made.shelf.folder(name), made.around)[0]


def rules(report: Report, action: str) -> set[str]:
    return {found.rule for found in report.findings if found.action == action}


def test_a_weaker_run_under_anothers_base_keeps_nobody_off_the_board(made: TinyShelf) -> None:
    wrong, right = homes(made)
    assert right.startswith(f"{wrong}-")
    for name in entries(made):
        report = report_on(made, name)
        assert report.verdict == "accepted"
        assert "base-differs" in rules(report, "flag")
    (decision,) = accept_entries(made.shelf, [entries(made)[1]], "mo", [made.tiny.path], jobs=1)
    assert decision.refused is None
    board = load_board(made.shelf.submissions, made.shelf.bases, made.shelf.events)
    (track,) = board.tracks
    assert [folder.name for folder in track.base_runs] == [home.rpartition("/")[2] for home in (wrong, right)]
    for row, base in zip(sorted(board.rows, key=lambda row: row.name), ("right", "base"), strict=True):
        assert row.base == read_run(made.run(base)).record
        assert row.card == score_pair(*map(read_run, (made.run(base), made.run(row.name))), "math")


def test_the_run_that_is_verified_decides(made: TinyShelf) -> None:
    squatter, honest = entries(made)
    verified(made, honest)
    assert rules(report_on(made, squatter), "refuse") == {"base-band"}
    assert report_on(made, honest).verdict == "accepted"


def test_a_run_of_an_entry_that_was_withdrawn_and_deleted_decides_nothing(made: TinyShelf) -> None:
    squatter, honest = entries(made)
    shutil.rmtree(made.shelf.folder(squatter))
    assert rules(report_on(made, honest), "refuse") == set()


def test_a_wrong_base_run_is_replaced_by_an_event_that_scores_again(made: TinyShelf) -> None:
    squatter, honest = entries(made)
    wrong, right = homes(made)
    verified(made, squatter)
    accepted(made.shelf, honest)
    before = {name: made.shelf.scored(name) for name in (squatter, honest)}
    files = {path: path.read_bytes() for path in made.root.rglob("*") if path.is_file()}
    (moved,) = replace_base(made.shelf, wrong, right, "mo", "another run solves more", [made.tiny.path])
    shelf = made.shelf
    after = shelf.scored(squatter)
    assert after.card == score_pair(*map(read_run, (made.run("right"), made.run("squatter"))), "math")
    assert (moved.before, moved.after) == (headline(before[squatter].card), headline(after.card))
    assert moved.before.gain > moved.after.gain
    assert (before[squatter].state.evidence, after.state.evidence) == (Evidence.VERIFIED, Evidence.SELF_REPORTED)
    assert shelf.scored(honest).card == before[honest].card
    # Nothing but an event was written, and the entry is accepted as it is.
    assert {path for path in made.root.rglob("*") if path.is_file()} - files.keys() == {moved.file}
    assert {path: path.read_bytes() for path in files} == files
    assert after.state.submitted is not None
    assert changed_files(after.state.submitted, shelf) == []
    assert record_acceptance(shelf, squatter, "mo") is None
    assert report_on(made, squatter).verdict == "accepted"
    (track,) = load_board(shelf.submissions, shelf.bases, shelf.events).tracks
    assert len(track.base_runs) == 1
    # Whoever names the wrong run from now on is told which took its place.
    late = beside(made, "late", made.run("base"), 3)
    (refusal,) = (found for found in report_on(made, late.name).findings if found.action == "refuse")
    assert refusal.rule == "base-wrong"
    assert right in refusal.message
    # A mistake is corrected by another event.
    (back,) = replace_base(shelf, right, wrong, "mo", "it was the other one", [made.tiny.path], [squatter])
    assert back.after == moved.before
    assert made.shelf.scored(squatter).card == before[squatter].card


def missing(made: TinyShelf) -> str:
    return f"{homes(made)[0]}-{'0' * 16}"


def junk(made: TinyShelf) -> str:
    (made.shelf.bases / missing(made)).mkdir()
    (made.shelf.bases / missing(made) / "run.json").write_text("{}")
    return missing(made)


def forged(made: TinyShelf) -> str:
    """The right run with an output that was changed, and every digest but the one in its name."""
    home = made.shelf.bases / homes(made)[1]
    other = home.with_name(f"{home.name[:13]}{'0' * 16}")
    home.rename(other)
    return f"tiny-1/{other.name}"


@pytest.mark.parametrize(
    ("run", "said"),
    [(missing, "no run of this base at"), (junk, "run.json|is missing"), (forged, "the folder is")],
)
def test_a_run_that_a_step_refuses_replaces_nothing(
    made: TinyShelf, run: Callable[[TinyShelf], str], said: str
) -> None:
    wrong, _ = homes(made)
    before = sorted(made.shelf.events.rglob("*"))
    with pytest.raises(CheckFailedError, match=said):
        replace_base(made.shelf, wrong, run(made), "mo", "why", [made.tiny.path])
    assert sorted(made.shelf.events.rglob("*")) == before


def test_only_maintainers_replace_a_base_run(made: TinyShelf) -> None:
    with pytest.raises(CheckFailedError, match="no accepted entry is scored with this base run"):
        replace_base(made.shelf, *reversed(homes(made)), "mo", "why", [made.tiny.path])
    with pytest.raises(Exception, match="only maintainers write rebased"):
        replace_base(made.shelf, *homes(made), "ada", "why", [made.tiny.path])


def test_the_command_prints_old_against_new(made: TinyShelf) -> None:
    squatter, _ = entries(made)
    wrong, right = homes(made)
    places = [f"--{name}={made.root / name}" for name in ("submissions", "bases", "events", "releases")]
    arguments = ["maintain", "replace-base", wrong, "--with", right, "--by", "mo", "--reason", "solves too little"]
    ran = CliRunner().invoke(cli, [*arguments, f"--suite={made.tiny.path}", "--json", *places])
    assert ran.exit_code == 0, ran.output
    said = json.loads(ran.stdout)
    assert (said["entry"], said["after"]["gain"]) == (squatter, made.shelf.scored(squatter).card.learned.gain)
    again = CliRunner().invoke(cli, [*arguments, f"--suite={made.tiny.path}", *places])
    assert (again.exit_code, "nothing is to be replaced" in again.stderr) == (1, True)
    back = [wrong if each == right else right if each == wrong else each for each in arguments]
    ran = CliRunner().invoke(cli, [*back, f"--suite={made.tiny.path}", *places])
    assert f"{squatter}: gain " in ran.stdout
    assert " → " in ran.stdout


def test_numbers_of_an_event_are_those_of_the_stored_answers(made: TinyShelf) -> None:
    replace_base(made.shelf, *homes(made), "mo", "why", [made.tiny.path])
    state = made.shelf.state(entries(made)[0])
    event = state.events[-1]
    assert isinstance(event, Rebased)
    assert wrong_numbers(made.shelf, state, event) is None
    raised = event.model_copy(update={"after": event.after.model_copy(update={"gain": 0.99})})
    assert str(wrong_numbers(made.shelf, state, raised)).startswith("after.gain: 0.99, but the stored answers give")
    other = event.model_copy(update={"base_samples_sha256": "0" * 64})
    assert "base_samples_sha256: 000000000000, which is not" in str(wrong_numbers(made.shelf, state, other))


def test_runs_are_read_once_for_all_entries(made: TinyShelf) -> None:
    around = Surroundings(Shelf(*(made.root / name for name in ("submissions", "bases", "events", "releases"))))
    assert around.entered_bases == set(homes(made))
    assert around.wrong_bases == {}
