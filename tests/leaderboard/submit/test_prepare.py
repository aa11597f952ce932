"""Preparing a submission: what is written, and that nothing is left when it cannot be."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness.errors import CheckFailedError, RetentionError
from harness.records.run import ConditionsRecord, read_record, read_run, write_record
from harness.scoring.scorer import score_pair
from leaderboard.documents.identity import base_folder, base_run_id
from leaderboard.documents.manifest import AdapterRef, ManifestError, read_manifest
from leaderboard.submit.prepare import Prepared, SubmissionError, find_base, prepare_entry
from tests.support.synthetic import ENGINE, digest, synthetic_checkpoint, synthetic_run
from tests.support.synthetic_board import BASE, STATEMENT, Folders, add_entry, folders


@pytest.fixture
def made(tmp_path: Path) -> Folders:
    return folders(tmp_path)


def test_files_and_folders_are_the_documented_ones(made: Folders) -> None:
    prepared = add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    found = sorted(path.relative_to(prepared.folder).as_posix() for path in prepared.folder.rglob("*"))
    assert found == ["SHA256SUMS", "manifest.yaml", "tuned", "tuned/run.json", "tuned/samples.parquet"]
    weights = read_record(made.runs / "base").checkpoint.weights_digest
    assert prepared.base_folder == made.bases / "synthetic-1" / weights[:12]
    assert sorted(path.name for path in prepared.base_folder.iterdir()) == ["SHA256SUMS", "run.json", "samples.parquet"]
    assert prepared.scorecard.target.gain > 0.5


def test_preparing_twice_writes_the_same_bytes(made: Folders) -> None:
    first = add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    before = {path: path.read_bytes() for path in first.folder.rglob("*") if path.is_file()}
    second = add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    assert before == {path: path.read_bytes() for path in second.folder.rglob("*") if path.is_file()}


def test_one_base_run_serves_all_its_fine_tunes(made: Folders) -> None:
    first = add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8}, seed=1)
    second = add_entry(made, "nano-rft", {"jigsaw_2x2": 0.7}, seed=2)
    assert first.base_folder == second.base_folder
    assert first.folder != second.folder


def test_a_hub_adapter_keeps_its_repository_and_commit(made: Folders) -> None:
    checkpoint = synthetic_checkpoint("ada/adapter").model_copy(
        update={
            "source": "hub",
            "revision": "a" * 40,
            "kind": "adapter",
            "base": read_record(made.runs / "base").checkpoint,
        }
    )
    prepared = add_entry(made, "x", {}, statement={"adapter_type": "dora"}, checkpoint=checkpoint)
    tuned = read_manifest(prepared.folder / "manifest.yaml").tuned
    assert isinstance(tuned, AdapterRef)
    assert (tuned.adapter.repo, tuned.adapter.revision, tuned.adapter_type) == ("ada/adapter", "a" * 40, "dora")


def test_a_local_path_is_not_published(made: Folders) -> None:
    prepared = add_entry(made, "/home/ada/secret/nano-sft", {})
    assert read_manifest(prepared.folder / "manifest.yaml").tuned_model.name == "nano-sft"


def test_of_a_bases_runs_the_one_that_ends_at_the_same_tokens_is_found(made: Folders) -> None:
    suite = made.runs / "suite"
    for place, name, ends in (
        ("base-1/vllm", "base", (2,)),
        ("base-1/vllm-stop-7", "base", (2, 7)),
        ("tuned-1/vllm", "tuned", (2, 7)),
        ("other-1/vllm", "other", (2,)),
    ):
        synthetic_run(suite / place, name=name, conditions=ConditionsRecord(max_model_len=512, stop_token_ids=ends))
    assert find_base(suite / "tuned-1/vllm", made.bases) == suite / "base-1/vllm-stop-7"


def test_several_are_prepared_at_once_and_share_their_new_base(made: Folders) -> None:
    for seed in range(4):
        synthetic_run(made.runs / f"tuned-{seed}", name=f"nano-{seed}", accuracy=0.7, seed=seed + 1)

    def prepare(seed: int) -> Prepared:
        tuned = made.runs / f"tuned-{seed}"
        return prepare_entry(tuned, made.runs / "base", STATEMENT, made.submissions, made.bases)

    with ThreadPoolExecutor(4) as pool:
        prepared = list(pool.map(prepare, range(4)))
    assert {each.folder for each in prepared} == set(made.submissions.iterdir())
    assert len({each.entry_id for each in prepared}) == 4
    (home,) = made.bases.glob("*/*")
    assert {each.base_folder for each in prepared} == {home}


def test_what_a_killed_process_left_is_removed_a_day_later(made: Folders) -> None:
    left, young = made.submissions / ".draft-left", made.submissions / ".draft-young"
    for folder in (left, young):
        (folder / "tuned").mkdir(parents=True)
    os.utime(left, (0, 0))
    add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    assert not left.exists()
    assert young.exists()


def nothing_written(made: Folders) -> bool:
    return not any(made.submissions.iterdir()) and not any(made.bases.rglob("run.json"))


def test_a_statement_that_breaks_the_schema_leaves_nothing(made: Folders) -> None:
    with pytest.raises(ManifestError, match=r"contact\.handle"):
        add_entry(made, "nano-sft", {}, statement={"contact": {"handle": "ada@example.org"}})
    assert nothing_written(made)


def test_a_refused_pair_leaves_nothing(made: Folders) -> None:
    with pytest.raises(CheckFailedError, match="chat template differs"):
        add_entry(made, "nano-sft", {}, template_digest=digest("another"))
    assert nothing_written(made)


def test_a_sampled_run_is_not_for_the_board(made: Folders) -> None:
    base, tuned = made.runs / "sampled/base", made.runs / "sampled/tuned"
    for folder in (base, tuned):
        record = synthetic_run(folder, name=f"nano-{folder.name}").record
        write_record(folder, record.model_copy(update={"decoding": {"temperature": 0.7, "repeats": 4}}))
    with pytest.raises(SubmissionError, match=r"sampled at temperature 0\.7, and the board takes greedy answers alone"):
        prepare_entry(tuned, base, STATEMENT, made.submissions, made.bases)
    assert nothing_written(made)


def test_an_unknown_target_leaves_nothing(made: Folders) -> None:
    with pytest.raises(RetentionError, match="chess"):
        add_entry(made, "nano-sft", {}, statement={"target": "chess"})
    assert nothing_written(made)


STATED = ConditionsRecord(max_model_len=512, stop_token_ids=(2,))


def test_a_run_of_the_base_that_says_the_same_as_a_stored_one_of_before_is_shared(made: Folders) -> None:
    stored = add_entry(made, "nano-sft", {}, seed=1).base_folder
    before = {path: path.read_bytes() for path in stored.iterdir()}
    synthetic_run(made.runs / "new/base", name="nano-base", accuracy=BASE, conditions=STATED)
    tuned = synthetic_run(made.runs / "new/tuned", name="nano-rft", seed=2, conditions=STATED)
    prepared = prepare_entry(made.runs / "new/tuned", made.runs / "new/base", STATEMENT, made.submissions, made.bases)
    assert prepared.base_folder == stored
    assert {path: path.read_bytes() for path in stored.iterdir()} == before
    assert prepared.scorecard == score_pair(read_run(stored), tuned, STATEMENT["target"])


@pytest.mark.parametrize(
    "changes",
    [
        {"conditions": STATED.model_copy(update={"stop_token_ids": (2, 7)})},
        {"conditions": STATED, "template_digest": digest("another")},
        {"conditions": STATED, "engine": ENGINE.model_copy(update={"version": "2.0"})},
        {"conditions": STATED, "churn": 0.1},
    ],
    ids=["further-end-token", "other-template", "other-engine", "other-answers"],
)
def test_a_run_of_a_base_stands_beside_the_first_one(made: Folders, changes: dict[str, Any]) -> None:
    """Whatever it differs in: the entry is paired with the run that it was evaluated with, and names it."""
    synthetic_run(made.runs / "base", name="nano-base", conditions=STATED)
    first = add_entry(made, "nano-sft", {}, seed=1, conditions=STATED)
    before = {path: path.read_bytes() for path in first.base_folder.iterdir()}
    for name in ("base", "tuned"):
        synthetic_run(made.runs / "other" / name, name=f"nano-{name}", **changes)
    runs = made.runs / "other/tuned", made.runs / "other/base"
    prepared = prepare_entry(*runs, STATEMENT, made.submissions, made.bases)
    assert prepared.base_folder == base_folder(made.bases, "synthetic-1", first_weights(made), run_id(prepared))
    assert read_manifest(prepared.folder / "manifest.yaml").base_run == run_id(prepared)
    assert {path: path.read_bytes() for path in first.base_folder.iterdir()} == before
    assert "base_run" not in (first.folder / "manifest.yaml").read_text()
    assert prepared.scorecard == score_pair(read_run(runs[1]), read_run(runs[0]), STATEMENT["target"])
    again = prepare_entry(*runs, STATEMENT, made.submissions, made.bases)
    assert again == prepared


def first_weights(made: Folders) -> str:
    return read_record(made.runs / "base").checkpoint.weights_digest


def run_id(prepared: Prepared) -> str:
    return base_run_id(read_run(prepared.base_folder))


def test_what_is_in_the_place_of_a_further_run_is_named(made: Folders) -> None:
    add_entry(made, "nano-sft", {}, seed=1)
    base = synthetic_run(made.runs / "other/base", name="nano-base", churn=0.1)
    synthetic_run(made.runs / "other/tuned", name="nano-rft", seed=2)
    home = base_folder(made.bases, "synthetic-1", base.record.checkpoint.weights_digest, base_run_id(base))
    home.mkdir()
    (home / "junk").write_text("x")
    with pytest.raises(SubmissionError, match="in the way of the base's run"):
        prepare_entry(made.runs / "other/tuned", made.runs / "other/base", STATEMENT, made.submissions, made.bases)
    assert [path.name for path in home.iterdir()] == ["junk"]


def test_of_several_stored_runs_of_a_base_the_one_beside_is_found(made: Folders) -> None:
    add_entry(made, "nano-sft", {}, seed=1)
    for name, accuracy in (("base", 0.4), ("tuned", 0.7)):
        synthetic_run(made.runs / f"suite/{name}-1/synthetic", name=f"nano-{name}", accuracy=accuracy)
    tuned, base = made.runs / "suite/tuned-1/synthetic", made.runs / "suite/base-1/synthetic"
    prepare_entry(tuned, base, STATEMENT, made.submissions, made.bases)
    assert find_base(tuned, made.bases) == base
    shutil.rmtree(base)
    with pytest.raises(SubmissionError, match="several runs may be its base"):
        find_base(tuned, made.bases)


def test_a_run_too_large_for_the_repository_is_named(made: Folders) -> None:
    synthetic_run(made.runs / "big", name="big")
    with (made.runs / "big" / "samples.parquet").open("ab") as file:
        file.truncate(6 * 1024 * 1024)
    with pytest.raises(SubmissionError, match=r"samples\.parquet: larger than 5 MB"):
        prepare_entry(made.runs / "big", made.runs / "base", STATEMENT, made.submissions, made.bases)
    assert nothing_written(made)


def test_a_part_of_a_suite_is_no_submission(made: Folders) -> None:
    fields = {"name": "synthetic-1-part", "version": "100"}
    suite = read_record(made.runs / "base").suite.model_copy(update=fields)
    for name in ("base", "tuned"):
        synthetic_run(made.runs / "part" / name, name=f"nano-{name}", suite=suite)
    with pytest.raises(SubmissionError, match="synthetic-1-part-100, which is a part of a suite; run the whole"):
        prepare_entry(made.runs / "part/tuned", made.runs / "part/base", STATEMENT, made.submissions, made.bases)
    assert nothing_written(made)


def test_a_draft_suite_is_no_submission(made: Folders) -> None:
    suite = read_record(made.runs / "base").suite.model_copy(update={"version": "1-draft"})
    for name in ("base", "tuned"):
        synthetic_run(made.runs / "draft" / name, name=f"nano-{name}", suite=suite)
    with pytest.raises(SubmissionError, match="suite synthetic-1-draft is a draft"):
        prepare_entry(made.runs / "draft/tuned", made.runs / "draft/base", STATEMENT, made.submissions, made.bases)
    assert nothing_written(made)
