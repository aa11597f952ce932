"""The plan: which image processor each checkpoint is given, and what of a fine-tune is left unused."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from harness.engines import placement
from harness.errors import RetentionError
from harness.evaluation.plan import Plan, make_plan
from tests.support.evaluating import SETTINGS
from tests.support.fakes import RECORD, part_of_nano, write_checkpoint

QWEN = {"image_processor_type": "Qwen2VLImageProcessor", "size": {"shortest_edge": 784, "longest_edge": 100_352}}


@pytest.fixture(autouse=True)
def _described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "describe", lambda *_: RECORD)


def plan(root: Path, task: str, own: Literal["base", "tuned"] = "base", **suite: Any) -> Plan:
    for name, changes in (("base", {}), ("same", {"do_resize": True}), ("other", {"image_mean": [0, 0, 0]})):
        write_checkpoint(root / name, seed=len(name))
        (root / name / "preprocessor_config.json").write_text(json.dumps({**QWEN, **changes}))
    path = part_of_nano(root, task)
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **suite}, sort_keys=False))
    tuned = [str(root / name) for name in ("same", "other")]
    return make_plan(str(root / "base"), tuned, str(path), None, SETTINGS, root / "runs", processor=own)


def test_the_bases_processor_serves_all_and_what_it_replaces_is_noted(tmp_path: Path) -> None:
    made = plan(tmp_path, "vision_colour")
    assert {each.conditions.record.processor for each in made.placements} == {made.conditions.record.processor}
    assert made.conditions.record.processor is not None
    same, other = made.tuned
    assert (made.notes_on(made.base), made.notes_on(same)) == ((), ())
    assert "image_mean [0, 0, 0] instead of" in made.notes_on(other)[0]


def test_a_fine_tunes_own_processor_is_its_own_alone(tmp_path: Path) -> None:
    made = plan(tmp_path, "vision_colour", "tuned", max_pixels=50_176)
    same, other = made.tuned
    shared, own = made.conditions, made.conditions_for(other)
    assert made.conditions_for(made.base) == made.conditions_for(same) == shared
    assert own.record.processor_origin == "tuned"
    assert own.processor == other.path
    assert own.record.max_pixels == shared.record.max_pixels == 50_176
    assert [each.conditions for each in made.placements] == [shared, shared, own]
    assert made.folder(other).name.endswith("-own-processor")
    assert not made.folder(same).name.endswith("own-processor")
    assert made.notes_on(other) == ()


def test_a_suite_of_text_has_no_processor_in_its_conditions(tmp_path: Path) -> None:
    made = plan(tmp_path, "math_arithmetic", max_pixels=50_176)
    assert made.conditions.processor is None
    assert made.conditions.record.processor is made.conditions.record.max_pixels is None
    assert made.notes_on(made.tuned[1]) == ()


def test_images_for_a_model_without_an_image_processor_are_refused_before_anything_runs(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "text")
    suite = part_of_nano(tmp_path, "math_arithmetic", "vision_shape")
    with pytest.raises(RetentionError, match=r"text: has no image processor .* but task vision_shape of suite part-1"):
        make_plan(str(tmp_path / "text"), [], str(suite), None, SETTINGS, tmp_path / "runs")
