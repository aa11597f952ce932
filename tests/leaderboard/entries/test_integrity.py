"""Steps 1 to 4: a changed byte is named wherever it is, and a contradiction by its file and field."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.records.run import ConditionsRecord, read_record, write_record
from leaderboard.documents.identity import seal
from leaderboard.entries.integrity import STEPS, BaseRuns, Submission
from leaderboard.entries.rules import Finding
from tests.support.synthetic_board import Folders, add_entry, folders

OWN_PROCESSOR = ConditionsRecord(max_model_len=512, processor="a" * 64, processor_origin="tuned")


@pytest.fixture
def made(tmp_path: Path) -> Folders:
    return folders(tmp_path)


@pytest.fixture
def entry(made: Folders) -> Path:
    return add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8}).folder


def found(folder: Path, bases: Path) -> list[Finding]:
    entry = Submission(folder, BaseRuns(bases))
    return [each for step in STEPS for each in step(entry)]


def test_an_entry_that_holds_has_no_findings(made: Folders, entry: Path) -> None:
    assert found(entry, made.bases) == []


def every_file(made: Folders, entry: Path) -> dict[str, Path]:
    (home,) = made.bases.glob("*/*")
    own = {path.relative_to(entry).as_posix(): path for path in entry.rglob("*") if path.is_file()}
    base = {f"bases/{home.parent.name}/{home.name}/{path.name}": path for path in home.iterdir()}
    return own | base


def test_a_flipped_byte_is_detected_and_named_in_every_file(made: Folders, entry: Path) -> None:
    files = every_file(made, entry)
    assert len(files) == 7
    for name, path in files.items():
        data = path.read_bytes()
        for place, bit in ((0, 1), (len(data) // 3, 32), (len(data) // 2, 1), (len(data) - 1, 32)):
            changed = bytearray(data)
            changed[place] ^= bit
            path.write_bytes(changed)
            named = {each.file for each in found(entry, made.bases) if each.action == "refuse"}
            # A byte of SHA256SUMS may be of any file's line: then that file is named.
            assert named, (name, place)
            assert name in named or name.endswith("SHA256SUMS"), (name, place)
        path.write_bytes(data)
    assert found(entry, made.bases) == []


def test_a_byte_more_or_less_is_named(made: Folders, entry: Path) -> None:
    for name, path in every_file(made, entry).items():
        data = path.read_bytes()
        for changed in (data[:-1], data + b"\n", b""):
            path.write_bytes(changed)
            assert any(each.file == name for each in found(entry, made.bases)), (name, len(changed))
        path.write_bytes(data)


def edit(old: str, new: str) -> Callable[[Path], None]:
    def change(entry: Path) -> None:
        path = entry / "manifest.yaml"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    return change


def rewrite(**fields: object) -> Callable[[Path], None]:
    def change(entry: Path) -> None:
        write_record(entry / "tuned", read_record(entry / "tuned").model_copy(update=fields))

    return change


def other_weights(entry: Path) -> None:
    checkpoint = read_record(entry / "tuned").checkpoint.model_copy(update={"weights_digest": "0" * 64})
    rewrite(checkpoint=checkpoint)(entry)
    text = (entry / "manifest.yaml").read_text()
    (entry / "manifest.yaml").write_text(text.replace(text.split("weights_digest: ")[2][:64], "0" * 64))


@pytest.mark.parametrize(
    ("change", "rule", "file", "field"),
    [
        (edit("target: jigsaw", "target: chess"), "contradiction", "manifest.yaml", "target"),
        (edit("dtype: float32", "dtype: bfloat16"), "contradiction", "manifest.yaml", "base.dtype"),
        (edit("architecture: S", "architecture: T"), "contradiction", "manifest.yaml", "base.architecture"),
        (edit("handle: ada", "handle: ada@x.org"), "manifest-schema", "manifest.yaml", "contact.handle"),
        (edit("handle: ada", "handle: &a ada"), "manifest-form", "manifest.yaml", None),
        (edit("protocol: direct", "protocol: think"), "entry-id", "manifest.yaml", None),
        (other_weights, "weights-digest", "manifest.yaml", "tuned.weights_digest"),
        (rewrite(template_policy="native"), "native-on-standard", "manifest.yaml", "track"),
        (rewrite(template_policy="native"), "files", "tuned/chat_template.jinja", None),
        (rewrite(conditions=OWN_PROCESSOR), "native-on-standard", "manifest.yaml", "track"),
        (rewrite(replicate=1), "partial-run", "tuned/run.json", "replicate"),
        (rewrite(decoding={"temperature": 0.7, "repeats": 4}), "sampled-run", "tuned/run.json", "decoding"),
        (rewrite(decoding={"temperature": 0.7, "repeats": 4}), "record-schema", "tuned/run.json", "decoding"),
        (rewrite(samples_sha256="0" * 64), "samples-hash", "tuned/samples.parquet", None),
        (rewrite(n_items=3), "record-schema", "tuned/run.json", "n_items"),
        (lambda entry: (entry / "tuned/run.json").write_text("{}"), "record-schema", "tuned/run.json", "checkpoint"),
        (lambda entry: (entry / "tuned/samples.parquet").write_bytes(b"PAR1"), "samples-form",
         "tuned/samples.parquet", None),
        (lambda entry: (entry / "tuned/chat_template.jinja").write_text("x"), "files", "tuned/chat_template.jinja",
         None),
    ],
)  # fmt: skip
def test_a_contradiction_names_rule_file_and_field_even_when_sealed(
    made: Folders, entry: Path, change: Callable[[Path], object], rule: str, file: str, field: str | None
) -> None:
    change(entry)
    seal(entry)
    findings = found(entry, made.bases)
    assert (rule, file, field) in {(each.rule, each.file, each.field) for each in findings}
    assert "changed" not in {each.rule for each in findings}
    assert all(str(made.submissions) not in each.message and str(made.bases) not in each.message for each in findings)


def test_a_base_run_is_read_once_and_its_trouble_told_to_all(made: Folders, entry: Path) -> None:
    other = add_entry(made, "nano-rft", {"jigsaw_2x2": 0.7}, seed=2).folder
    (home,) = made.bases.glob("*/*")
    (home / "samples.parquet").write_bytes(b"nothing")
    bases = BaseRuns(made.bases)
    for folder in (entry, other):
        submission = Submission(folder, bases)
        rules = {each.rule for step in STEPS for each in step(submission)}
        assert {"samples-form", "changed"} <= rules
    assert len(bases.known) == 1


def test_without_a_base_run_the_way_out_is_told(made: Folders, entry: Path, tmp_path: Path) -> None:
    (finding,) = found(entry, tmp_path / "none")
    assert (finding.rule, finding.field) == ("base-missing", "base")
    assert "retention submit prepare" in finding.way_out
