"""Entries of a study: what is stated of each, and that the real command takes it."""

from pathlib import Path

import pytest

from harness.errors import CheckFailedError
from harness.study.entries import Statement, entry_command, write_entries
from harness.study.steps import Study
from harness.training.record import RECORD_FILE
from leaderboard.documents.manifest import read_manifest
from tests.support.study_like import made_study

pytestmark = pytest.mark.slow

OTHERS = ("jigsaw/sft-seed0", "jigsaw/sft-slow-seed0", "jigsaw/self-sft-seed0")
STATEMENT = Statement("ada", "CC0-1.0")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return made_study(tmp_path_factory.mktemp("study"), quick=True, leave_out=OTHERS)


def test_the_last_checkpoint_of_a_training_becomes_an_entry(study: Study, tmp_path: Path) -> None:
    (tmp_path / "submissions").mkdir()
    told = list(write_entries(study, tmp_path / "submissions", tmp_path / "bases", STATEMENT))
    assert [key for key, _ in told] == ["train/jigsaw/rft-seed0"]
    (folder,) = (tmp_path / "submissions").glob("[a-z0-9]*")
    assert told[0][1].startswith(f"wrote {folder}")
    manifest = read_manifest(folder / "manifest.yaml")
    (rft,) = [each for each in study.trained if each.name == "rft"]
    assert manifest.tuned_model.name == "small-jigsaw-rft-seed0"
    assert (manifest.target, manifest.method.family, manifest.method.algorithm) == ("jigsaw", "rft", "GRPO")
    assert manifest.method.steps == rft.recipe.optimisation.steps
    assert manifest.method.seeds == [0]
    # All that the study evaluated for this target, not this training's own alone.
    assert manifest.selection.attempts_evaluated == sum(len(each.checkpoints) for each in study.trained) == 20
    assert manifest.contact.handle == "ada"


def test_dynamics_go_with_it_where_they_were_measured(study: Study, tmp_path: Path) -> None:
    rft, sft = (next(each for each in study.trained if each.name == name) for name in ("rft", "sft"))
    places = (tmp_path / "submissions", tmp_path / "bases")
    command = entry_command(study, rft, (Path("base"), Path("run")), places, STATEMENT)
    assert command[command.index("--dynamics") + 1] == str(study.dynamics(rft))
    assert command[command.index("--training") + 1] == str(rft.last / RECORD_FILE)
    assert "--dynamics" not in entry_command(study, sft, (Path("base"), Path("run")), places, STATEMENT)


def test_no_entry_is_written_before_the_dynamics_that_it_would_state(study: Study, tmp_path: Path) -> None:
    rft = next(each for each in study.trained if each.name == "rft")
    measured, aside = study.dynamics(rft), tmp_path / "aside.json"
    measured.rename(aside)
    try:
        told = list(write_entries(study, tmp_path / "submissions", tmp_path / "bases", STATEMENT))
    finally:
        aside.rename(measured)
    assert told == [
        ("train/jigsaw/rft-seed0", "not written: its dynamics were not measured yet; run the study to its end")
    ]
    assert not (tmp_path / "submissions").exists()


def test_an_entry_of_the_kept_seed_is_of_what_its_delta_gives_and_says_so(study: Study, tmp_path: Path) -> None:
    keeping = Study(study.plan.model_copy(update={"kept": 0}), study.out)
    rft = next(each for each in study.trained if each.name == "rft")
    command = entry_command(keeping, rft, (Path("base"), Path("run")), (tmp_path, tmp_path), STATEMENT)
    stated = command[command.index("--summary") + 1]
    assert stated.startswith("Recipe ")
    assert stated.endswith("three bits a weight of the difference.")
    assert len(stated) <= 500
    # They are of the checkpoint that was trained.
    assert "--dynamics" not in command
    # No run of what was restored is there.
    assert list(write_entries(keeping, tmp_path, tmp_path / "bases", STATEMENT)) == []


def test_a_refused_entry_is_an_error_that_says_which_and_why(study: Study, tmp_path: Path) -> None:
    with pytest.raises(CheckFailedError, match=r"train/jigsaw/rft-seed0: no entry could be written: .*handle"):
        list(write_entries(study, tmp_path, tmp_path / "bases", Statement("an e-mail@address", "CC0-1.0")))
