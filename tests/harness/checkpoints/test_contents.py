"""What trainers leave in a folder: used, ignored or refused, as the table in harness/checkpoints/README.md says."""

import re
from pathlib import Path

import pytest

import harness.checkpoints
from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.contents import Contents
from harness.checkpoints.leftovers import LOG
from harness.checkpoints.listing import contents_of
from harness.checkpoints.scan import CheckpointError
from tests.support.fakes import write_adapter, write_checkpoint
from tests.support.layouts import LAYOUTS, Layout, readme_table, write_layout


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.tool)
def test_what_a_tool_leaves_is_sorted(layout: Layout, tmp_path: Path) -> None:
    folder = write_layout(layout, tmp_path)
    contents = contents_of(folder)
    if layout.refused:
        with pytest.raises(CheckpointError, match=re.escape(str(folder))) as caught:
            open_checkpoint(str(folder))
        assert layout.refused in str(caught.value)
        assert "\n" not in str(caught.value)
        return
    checkpoint = open_checkpoint(str(folder))
    assert set(checkpoint.record.files) == set(contents.used) == layout.used
    assert list(contents.weights) == layout.weights
    assert set(contents.ignored) == set(layout.ignored)
    assert {path.name for path in checkpoint.staged.iterdir()} == layout.used
    generic = {name for name, why in contents.ignored.items() if why in ("not read by any engine", "")}
    assert generic <= {"additional_config.json", "configuration.json", "running_log.txt", "Modelfile"}


def test_the_readme_has_the_table() -> None:
    readme = Path(harness.checkpoints.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert readme_table() in readme


def test_a_nested_checkpoint_is_hinted_at(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "out")
    write_checkpoint(folder / "checkpoint-20")
    (folder / "checkpoint-10").mkdir()
    ignored = contents_of(folder).ignored
    assert ignored["checkpoint-20/"] == "a checkpoint of its own; to evaluate it, name the folder checkpoint-20"
    assert ignored["checkpoint-10/"] == "a checkpoint of which no model is left"


def test_what_is_ignored_is_told_in_a_few_words() -> None:
    ignored = {f"rng_state_{k}.pth": "" for k in range(9)}
    contents = Contents("full", (), (), ignored)
    assert contents.summary() == ", ".join(list(ignored)[:5]) + " and 4 more"
    assert Contents("full", (), (), {"README.md": LOG}).summary() == ""


def test_an_index_that_names_one_file_is_that_file(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    index = folder / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"layer.weight": "model.safetensors"}}')
    assert contents_of(folder).weights == ("model.safetensors",)
    assert "model.safetensors.index.json" not in contents_of(folder).used
    (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
    index.write_text('{"weight_map": {"layer.weight": "model-00001-of-00001.safetensors"}}')
    assert {"model.safetensors.index.json", "model-00001-of-00001.safetensors"} <= set(contents_of(folder).used)


def test_an_adapter_without_weights_beside_a_model_is_a_leftover(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    (folder / "adapter_config.json").write_text("{}")
    contents = contents_of(folder)
    assert (contents.kind, contents.refused) == ("full", ())
    assert contents.ignored == {"adapter_config.json": "of an adapter whose weights are not here"}
    alone = write_adapter(tmp_path / "adapter", write_checkpoint(tmp_path / "base"), ["layer"])
    (alone / "adapter_model.safetensors").unlink()
    assert "no .safetensors file (adapter_model.safetensors)" in contents_of(alone).refused[0]


def test_side_files_that_are_not_used_do_not_change_the_identity(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    before = open_checkpoint(str(folder)).record
    for name in ("all_results.json", "args.json", "notes.txt", "params.json", "tokenizer.9.json", "sentencepiece.txt"):
        (folder / name).write_text("{}")
    assert open_checkpoint(str(folder)).record == before
