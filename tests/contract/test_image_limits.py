"""vLLM reserves memory for the images of the suite, not for the largest that a model could be shown, and for no video.

On toys of both generations of Qwen-VL with the pixel budget of the real ones; answers and tokens stay as they are.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkpoints import NO_PICTURES, Pictures, PromptRenderer, conditions_of, open_checkpoint
from tests.support.engines import VLLM
from tests.support.reserving import reserve
from tests.support.vision_like import pictures, write_vision

pytestmark = pytest.mark.engine

SETTINGS = replace(VLLM, max_model_len=2048)
SIZES = ((84, 84), (200, 60), (56, 140), (300, 220))
LARGEST = Pictures(1, 300, 220, 88)


def write_large(kind: str, folder: Path) -> Path:
    """A toy whose processor lets images of 1,024 tokens through."""
    write_vision(kind, folder)
    path = folder / "processor_config.json"
    content = json.loads(path.read_text())
    side = content["image_processor"]["patch_size"] * content["image_processor"]["merge_size"]
    content["image_processor"]["size"] = {"shortest_edge": 4 * side**2, "longest_edge": 1024 * side**2}
    path.write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(("kind", "largest"), [("qwen2_5_vl", 11 * 8), ("qwen3_vl", 9 * 7)])
def test_only_the_suites_images_are_reserved_for_and_no_answer_changes(kind: str, largest: int, tmp_path: Path) -> None:
    folder = write_large(kind, tmp_path / kind)
    renderer = PromptRenderer(folder)
    prompts = [renderer.render("What is it?", tuple(pictures([size], k))) for k, size in enumerate(SIZES)]
    conditions = conditions_of(open_checkpoint(str(folder)), 2048)
    before = reserve(SETTINGS, folder, conditions, prompts)
    after = reserve(SETTINGS, folder, conditions.showing(LARGEST), prompts)
    assert before.tokens["image"] == 1024
    assert before.tokens["video"] > 0
    assert after.tokens == {"image": largest}
    assert after.most == {"image": 1, "video": 0}
    assert after.answers == before.answers
    assert not any(each.error for each in after.answers)


def test_a_suite_of_text_has_the_language_model_loaded_alone(tmp_path: Path) -> None:
    folder = write_large("qwen2_5_vl", tmp_path / "toy")
    prompts = [PromptRenderer(folder).render("What is it?")]
    conditions = conditions_of(open_checkpoint(str(folder)), 2048, images=False)
    before = reserve(SETTINGS, folder, conditions, prompts)
    after = reserve(SETTINGS, folder, conditions.showing(NO_PICTURES), prompts)
    assert before.tokens["image"] == 1024
    assert after.tokens == after.most == {}
    assert after.answers == before.answers
