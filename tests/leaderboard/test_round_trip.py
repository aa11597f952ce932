"""Run to board and again: the shipped entries are what their runs give, byte for byte, and a changed byte is named."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from leaderboard.acceptance.coverage import Surroundings
from leaderboard.acceptance.steps import validate
from leaderboard.board.board import load_board
from leaderboard.documents.identity import DYNAMICS_FILE
from leaderboard.documents.manifest import read_manifest
from leaderboard.entries.shelf import Shelf
from leaderboard.site.build import render
from leaderboard.submit.prepare import Prepared, prepare_entry

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ENTRIES = sorted(path.parent for path in (ROOT / "submissions").glob("*/manifest.yaml"))
# One entry of each method, with and without dynamics: each takes seconds.
SOME = list(
    {
        (read_manifest(entry / "manifest.yaml").method.family, (entry / DYNAMICS_FILE).is_file()): entry
        for entry in ENTRIES
    }.values()
)
# What is said of honest entries: science fine-tunes that learnt one form of answer give few that can be read,
# fine-tunes of nano-2 that learnt one working write the same, some on stories forgot less than 1 % of the items, and
# some that forgot much choose one place of the options, or do not end their answers.
FLAGS = {"base-unknown", "alarm", "attempts", "unparsed", "near-copy", "few-losses", "position-bias", "cut-off"}
OURS = Shelf(
    *(
        ROOT / name
        for name in ("submissions", "leaderboard/data/bases", "leaderboard/data/events", "leaderboard/data/releases")
    )
)


@pytest.fixture(scope="module")
def around() -> Surroundings:
    return Surroundings(OURS)


def statement(entry: Path) -> dict[str, Any]:
    """What the author of a shipped entry stated."""
    document = read_manifest(entry / "manifest.yaml").model_dump(mode="json", by_alias=True, exclude_none=True)
    kept = ("target", "method", "training_data", "selection", "license", "contact", "references", "consent")
    adapter = document["tuned"].get("adapter_type")
    return {name: document[name] for name in kept} | ({"adapter_type": adapter} if adapter else {})


def base_of(entry: Path) -> Path:
    manifest = read_manifest(entry / "manifest.yaml")
    return OURS.bases / f"{manifest.suite.id}-{manifest.suite.version}" / manifest.base.weights_digest[:12]


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def prepared_again(entry: Path, submissions: Path, bases: Path) -> Prepared:
    dynamics = entry / DYNAMICS_FILE
    sent = dynamics if dynamics.is_file() else None
    return prepare_entry(entry / "tuned", base_of(entry), statement(entry), submissions, bases, dynamics=sent)


def test_there_are_entries_to_try() -> None:
    assert 4 <= len(SOME) < len(ENTRIES)
    assert {(entry / DYNAMICS_FILE).is_file() for entry in SOME} == {True, False}


@pytest.mark.parametrize("entry", SOME, ids=lambda entry: entry.name)
def test_preparing_a_shipped_run_again_gives_its_entry(entry: Path, tmp_path: Path) -> None:
    for _ in range(2):
        prepared = prepared_again(entry, tmp_path / "entries", tmp_path / "bases")
        assert content(prepared.folder) == content(entry)
        assert content(prepared.base_folder) == content(base_of(entry))


def test_the_shipped_entries_validate_and_repeat(around: Surroundings) -> None:
    reports = [validate(entry, around) for entry in SOME]
    assert {report.verdict for report in reports} == {"accepted"}, reports
    assert {found.rule for report in reports for found in report.findings} <= FLAGS
    assert validate(SOME[0], around) == reports[0]


def test_the_board_of_prepared_entries_is_the_same_twice_and_the_shipped_one(tmp_path: Path) -> None:
    for place in ("one", "two"):
        for entry in SOME:
            prepared_again(entry, tmp_path / place / "e", tmp_path / place / "b")
            shutil.copytree(entry, tmp_path / "shipped" / entry.name, dirs_exist_ok=True)
    first, second = (render(load_board(tmp_path / place / "e", tmp_path / place / "b")) for place in ("one", "two"))
    assert first == second == render(load_board(tmp_path / "shipped", OURS.bases))


@pytest.mark.parametrize("name", ["manifest.yaml", "tuned/run.json", "tuned/samples.parquet", "SHA256SUMS"])
def test_a_changed_byte_of_a_shipped_entry_is_named(name: str, tmp_path: Path, around: Surroundings) -> None:
    entry = tmp_path / ENTRIES[0].name
    shutil.copytree(ENTRIES[0], entry)
    data = bytearray((entry / name).read_bytes())
    data[len(data) // 2] ^= 1
    (entry / name).write_bytes(data)
    report = validate(entry, around)
    assert report.verdict == "refused"
    assert name in {found.file for found in report.of("refuse")} or name == "SHA256SUMS"
