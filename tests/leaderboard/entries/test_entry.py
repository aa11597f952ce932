"""Entries are held against their path and their runs; one that does not hold becomes a value."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.records.run import RECORD_FILE, read_record, write_record
from harness.records.samples import SAMPLES_FILE
from leaderboard.documents.identity import entry_id
from leaderboard.documents.manifest import MANIFEST_FILE
from leaderboard.entries.entry import BadEntry, Entry, entry_folders, load_entry
from leaderboard.entries.integrity import BaseRuns
from leaderboard.submit.prepare import Prepared
from tests.support.synthetic_board import Folders, add_entry, folders


@pytest.fixture
def made(tmp_path: Path) -> Folders:
    return folders(tmp_path)


@pytest.fixture
def entry(made: Folders) -> Prepared:
    return add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})


def only(made: Folders) -> Entry | BadEntry:
    (folder,) = entry_folders(made.submissions)
    return load_entry(folder, BaseRuns(made.bases))


def test_a_prepared_entry_loads(made: Folders, entry: Prepared) -> None:
    found = only(made)
    assert isinstance(found, Entry)
    assert (found.entry_id, found.manifest.target) == (entry.entry_id, "jigsaw")
    assert len(found.base.samples) == len(found.tuned.samples)


def edit_manifest(old: str, new: str) -> Callable[[Path, Folders], None]:
    def edit(folder: Path, made: Folders) -> None:
        path = folder / MANIFEST_FILE
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    return edit


def flip_a_byte(name: str) -> Callable[[Path, Folders], None]:
    def flip(folder: Path, made: Folders) -> None:
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)

    return flip


def rewrite_tuned(**fields: object) -> Callable[[Path, Folders], None]:
    def rewrite(folder: Path, made: Folders) -> None:
        write_record(folder / "tuned", read_record(folder / "tuned").model_copy(update=fields))

    return rewrite


def drop_base(folder: Path, made: Folders) -> None:
    shutil.rmtree(made.bases)


def add_file(folder: Path, made: Folders) -> None:
    (folder / "notes.py").write_text("print('hello')")


def add_link(folder: Path, made: Folders) -> None:
    (folder / "tuned" / RECORD_FILE).unlink()
    (folder / "tuned" / RECORD_FILE).symlink_to("/etc/hostname")


def oversize(folder: Path, made: Folders) -> None:
    with (folder / "tuned" / SAMPLES_FILE).open("ab") as file:
        file.truncate(5 * 1024 * 1024 + 1)


def rename(folder: Path, made: Folders) -> None:
    folder.rename(folder.with_name("a" * 12))


def not_json(folder: Path, made: Folders) -> None:
    (folder / "tuned" / RECORD_FILE).write_text("[" * 100_000)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (edit_manifest("target: jigsaw", "target: chess"), "no family 'chess'"),
        (edit_manifest("consent: true", "consent: true\nextra: 1"), "extra"),
        (edit_manifest("track: standard", "track: &a standard"), "anchor"),
        (edit_manifest("dtype: float32", "dtype: bfloat16"), "base.dtype: differs from the base run's run.json"),
        (edit_manifest("protocol: direct", "protocol: think"), "but by its manifest it must be"),
        (flip_a_byte("tuned/samples.parquet"), "tuned/samples.parquet: sha256 differs"),
        (rewrite_tuned(template_policy="native"), "custom track"),
        (rewrite_tuned(samples_sha256="0" * 64), "sha256 differs"),
        (drop_base, "no run of this base"),
        (add_file, "notes.py: unexpected file"),
        (add_link, "tuned/run.json: a symbolic link"),
        (oversize, "tuned/samples.parquet: larger than 5 MB"),
        (rename, "the folder is named aaaaaaaaaaaa"),
        (not_json, "tuned/run.json"),
    ],
)
def test_an_entry_that_does_not_hold_is_a_value_with_its_reason(
    made: Folders, entry: Prepared, harm: Callable[[Path, Folders], None], reason: str
) -> None:
    harm(entry.folder, made)
    found = only(made)
    assert isinstance(found, BadEntry)
    assert reason in found.reason
    assert str(made.submissions) not in found.reason
    assert str(made.bases) not in found.reason


def test_an_entry_on_a_draft_suite_does_not_hold(made: Folders, entry: Prepared) -> None:
    base = next(made.bases.rglob(RECORD_FILE)).parent
    home = made.bases / "synthetic-1-draft" / base.name
    shutil.copytree(base, home)
    for folder in (home, entry.folder / "tuned"):
        record = read_record(folder)
        write_record(
            folder, record.model_copy(update={"suite": record.suite.model_copy(update={"version": "1-draft"})})
        )
    manifest = entry.folder / MANIFEST_FILE
    manifest.write_text(
        re.sub(r"version: .?1.?\n", "version: 1-draft\n", manifest.read_text("utf-8"), count=1), "utf-8"
    )
    renamed = read_record(home)
    tuned = read_record(entry.folder / "tuned").checkpoint.weights_digest
    name = entry_id("synthetic-1-draft", renamed.checkpoint.weights_digest, tuned, renamed.suite.protocol)
    entry.folder.rename(entry.folder.with_name(name))
    found = only(made)
    assert isinstance(found, BadEntry)
    assert "suite.version: write letters, digits" in found.reason


def test_a_linked_folder_is_refused(made: Folders, entry: Prepared, tmp_path: Path) -> None:
    elsewhere = entry.folder.rename(tmp_path / entry.entry_id)
    entry.folder.symlink_to(elsewhere)
    found = only(made)
    assert isinstance(found, BadEntry)
    assert "link" in found.reason


def test_one_bad_entry_hides_no_other(made: Folders, entry: Prepared) -> None:
    (made.submissions / "empty").mkdir()
    (made.submissions / "README.md").write_text("not an entry")
    bases = BaseRuns(made.bases)
    kinds = [type(load_entry(folder, bases)) for folder in entry_folders(made.submissions)]
    assert sorted(kind.__name__ for kind in kinds) == ["BadEntry", "Entry"]


def test_the_manifest_keeps_the_digests_of_the_run(entry: Prepared) -> None:
    record = json.loads((entry.folder / "tuned" / RECORD_FILE).read_text())
    assert record["checkpoint"]["weights_digest"] in (entry.folder / MANIFEST_FILE).read_text()
