"""The folder that engines are given: links to the used files alone, of one process, gone with it."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.staging import stage
from tests.support.fakes import write_checkpoint

_CHILD = """
import pickle, sys
from harness.temporary import lasting_folder
checkpoint = pickle.load(sys.stdin.buffer)
print(checkpoint.staged)
print(*sorted(path.name for path in checkpoint.staged.iterdir()))
made = lasting_folder("made-")
(made / "file").write_text("content")
print(made)
"""


def test_a_staged_folder_has_the_used_files_alone(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    for name in ("optimizer.pt", "params.json", "modeling.py"):
        (folder / name).write_text("{}")
    checkpoint = open_checkpoint(str(folder))
    assert checkpoint.staged == checkpoint.staged
    assert checkpoint.staged.name == "model"
    assert {path.name for path in checkpoint.staged.iterdir()} == set(checkpoint.record.files)
    assert all(path.is_symlink() for path in checkpoint.staged.iterdir())
    assert (checkpoint.staged / "model.safetensors").samefile(folder / "model.safetensors")
    assert checkpoint.weights == [folder / "model.safetensors"]


def test_claims_are_left_out_of_a_copy_and_of_no_vocabulary(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model", words=("_name_or_path", "model_name"))
    config = json.loads((folder / "config.json").read_text())
    claims = {"_name_or_path": "evil/model", "model_name": "evil", "base_model": None}
    (folder / "config.json").write_text(json.dumps(config | claims | {"layers": [{"_name_or_path": "x"}]}))
    checkpoint = open_checkpoint(str(folder))
    assert json.loads((checkpoint.staged / "config.json").read_text()) == config | {"layers": [{}]}
    assert (checkpoint.staged / "tokenizer.json").read_bytes() == (folder / "tokenizer.json").read_bytes()
    assert "evil" in (folder / "config.json").read_text()


def test_each_process_stages_for_itself_and_leaves_nothing(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(str(write_checkpoint(tmp_path / "model")))
    done = subprocess.run(
        [sys.executable, "-c", _CHILD], input=pickle.dumps(checkpoint), capture_output=True, check=True
    )
    place, names, made = done.stdout.decode().splitlines()
    assert names.split() == sorted(checkpoint.record.files)
    assert Path(place) != checkpoint.staged
    assert not Path(place).exists()
    assert Path(made).parent == Path(place).parents[1]
    assert not Path(made).parent.exists()


def test_a_folder_of_any_name_is_staged(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "gr\u00f6\u00dfe & co")
    checkpoint = open_checkpoint(str(folder))
    assert checkpoint.staged.name == "model"
    assert stage(folder, checkpoint.contents) == checkpoint.staged
