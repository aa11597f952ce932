"""The plan: which image processor each checkpoint is given, and what of a fine-tune is left unused."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from harness.checkpoints import ANY_SIZE, CheckpointError, Pixels
from harness.engines import EngineSettings, placement
from harness.errors import RetentionError
from harness.evaluation.plan import Plan, make_plan
from tests.support.evaluating import SETTINGS
from tests.support.fakes import RECORD, part_of_nano, write_checkpoint

QWEN = {"image_processor_type": "Qwen2VLImageProcessor", "size": {"shortest_edge": 784, "longest_edge": 100_352}}


@pytest.fixture(autouse=True)
def _described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "describe", lambda *_: RECORD)


def plan(
    root: Path,
    task: str,
    own: Literal["base", "tuned"] = "base",
    pixels: Pixels = ANY_SIZE,
    settings: EngineSettings = SETTINGS,
    **suite: Any,
) -> Plan:
    for name, changes in (("base", {}), ("same", {"do_resize": True}), ("other", {"image_mean": [0, 0, 0]})):
        write_checkpoint(root / name, seed=len(name))
        (root / name / "preprocessor_config.json").write_text(json.dumps({**QWEN, **changes}))
    path = part_of_nano(root, task)
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **suite}, sort_keys=False))
    tuned = [str(root / name) for name in ("same", "other")]
    return make_plan(str(root / "base"), tuned, str(path), None, settings, root / "runs", processor=own, pixels=pixels)


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


def test_a_pixel_budget_of_the_users_is_recorded_and_its_runs_have_their_own_folder(tmp_path: Path) -> None:
    plain = plan(tmp_path / "plain", "vision_colour", max_pixels=50_176)
    made = plan(tmp_path, "vision_colour", pixels=Pixels(784, 25_088), max_pixels=50_176)
    record = made.conditions.record
    assert (record.min_pixels, record.max_pixels, record.pixels_origin) == (784, 25_088, "user")
    assert record.processor != plain.conditions.record.processor
    assert record.digest != plain.conditions.record.digest
    assert {made.conditions_for(each).record for each in made.tuned} == {record}
    assert made.folder(made.base).name == f"{plain.folder(plain.base).name}-pixels-784-25088"


def test_the_budget_that_holds_anyway_is_no_choice(tmp_path: Path) -> None:
    plain = plan(tmp_path / "plain", "vision_colour", max_pixels=50_176)
    made = plan(tmp_path, "vision_colour", pixels=Pixels(784, 50_176), max_pixels=50_176)
    assert made.conditions.record == plain.conditions.record
    assert made.folder(made.base).name == plain.folder(plain.base).name


@pytest.mark.parametrize(
    ("pixels", "why"),
    [
        (Pixels(784, 50_177), r"--pixels 784-50177: suite \S+ allows 784 to 50176 pixels"),
        (Pixels(783, 50_176), "allows 784 to 50176 pixels; choose a range within"),
        (Pixels(900, 800), "the fewest pixels are more than the most"),
        (Pixels(0, 800), "less than 1|allows 784"),
    ],
)
def test_a_budget_outside_the_suites_is_refused(tmp_path: Path, pixels: Pixels, why: str) -> None:
    with pytest.raises(RetentionError, match=why):
        plan(tmp_path, "vision_colour", pixels=pixels, min_pixels=784, max_pixels=50_176)


def test_a_budget_without_images_or_for_a_processor_without_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RetentionError, match="has no images; leave the option out"):
        plan(tmp_path / "text", "math_arithmetic", pixels=Pixels(784, 800))
    suite = str(part_of_nano(tmp_path, "vision_colour"))
    with pytest.raises(CheckpointError, match="resizes to given sides and has no budget of pixels"):
        make_plan("nano:base", (), suite, None, SETTINGS, tmp_path / "runs", pixels=Pixels(784, 800))


def test_a_server_prepares_the_images_itself_and_the_run_says_so(tmp_path: Path) -> None:
    served = EngineSettings("openai", "float32", server="http://localhost:1")
    made = plan(tmp_path, "vision_colour", settings=served, max_pixels=50_176)
    record = made.conditions.record
    assert (record.processor, record.max_pixels, record.processor_origin) == (None, None, "server")
    assert "the server prepared the images by its own image processor" in made.notes_on(made.base)[0]
    with pytest.raises(RetentionError, match="start it with --mm-processor-kwargs"):
        plan(tmp_path / "chosen", "vision_colour", settings=served, pixels=Pixels(784, 25_088))


def test_what_changes_answers_of_an_engine_has_its_own_folder(tmp_path: Path) -> None:
    settings = EngineSettings("vllm", "bfloat16")
    changed = EngineSettings("vllm", "bfloat16", quantization="fp8", engine_args={"block_size": 32})
    quick = EngineSettings("vllm", "bfloat16", gpu_memory_utilization=0.5, max_num_seqs=4)
    names = []
    for k, each in enumerate((settings, changed, quick)):
        made = plan(tmp_path / str(k), "math_arithmetic", settings=each)
        names.append(made.folder(made.base).name)
    assert names[1].startswith("vllm-bfloat16-fp8-args-")
    assert names[0] == names[2] == "vllm-bfloat16"
