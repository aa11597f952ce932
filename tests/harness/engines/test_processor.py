"""The folder that an engine loads a model from has the image processor that both models of a pair share."""

import json
from pathlib import Path
from typing import Any

from harness.checkpoints import Pixels, conditions_of, open_checkpoint, read_processor
from harness.engines.processor import ModelFolder
from tests.support.fakes import write_checkpoint

QWEN = {"image_processor_type": "Qwen2VLImageProcessor", "size": {"shortest_edge": 784, "longest_edge": 100_352}}


def seeing(folder: Path, file: str = "preprocessor_config.json", **changes: Any) -> Path:
    write_checkpoint(folder)
    images = {**QWEN, **changes}
    content = {"image_processor": images} if file == "processor_config.json" else images
    (folder / file).write_text(json.dumps(content))
    return folder


def digest_of(folder: Path) -> str:
    found = read_processor(folder)
    assert found is not None
    return found.digest


def test_a_folder_that_has_the_processor_is_taken_as_it_is(tmp_path: Path) -> None:
    base, same = (seeing(tmp_path / name) for name in ("base", "same"))
    conditions = conditions_of(open_checkpoint(str(base)), 512)
    for folder in (base, same):
        assert ModelFolder(folder, conditions).path == folder
    assert ModelFolder(base, conditions_of(open_checkpoint(str(base)), 512, images=False)).path == base


def test_another_processor_gives_way_to_the_bases_and_nothing_else_does(tmp_path: Path) -> None:
    base = seeing(tmp_path / "base")
    # The nested settings of a newer file would be read before those of the base's older one.
    tuned = seeing(tmp_path / "tuned", "processor_config.json", image_mean=[0, 0, 0])
    made = ModelFolder(tuned, conditions_of(open_checkpoint(str(base)), 512))
    assert digest_of(made.path) == digest_of(base) != digest_of(tuned)
    names = {path.name for path in made.path.iterdir()}
    assert names == {path.name for path in base.iterdir()}
    assert (made.path / "model.safetensors").resolve() == tuned / "model.safetensors"
    made.close()
    assert not made.path.exists()
    assert digest_of(tuned) != digest_of(base)


def test_a_suites_budget_reaches_the_folder_of_base_and_tuned(tmp_path: Path) -> None:
    base, tuned = seeing(tmp_path / "base"), seeing(tmp_path / "tuned", max_pixels=1_000)
    conditions = conditions_of(open_checkpoint(str(base)), 512, pixels=Pixels(None, 50_176))
    for folder in (base, tuned):
        made = ModelFolder(folder, conditions)
        found = read_processor(made.path)
        assert found is not None
        assert found.pixels == Pixels(784, 50_176)
        assert found.digest == conditions.record.processor
        made.close()


def test_a_fine_tune_without_a_processor_gets_the_bases(tmp_path: Path) -> None:
    base, tuned = seeing(tmp_path / "base"), write_checkpoint(tmp_path / "tuned")
    made = ModelFolder(tuned, conditions_of(open_checkpoint(str(base)), 512))
    assert digest_of(made.path) == digest_of(base)
    made.close()
