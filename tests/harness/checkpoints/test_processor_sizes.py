"""Image processors whose pictures no machine can hold are refused by the setting; all that are known pass."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.processor import ImageProcessor
from harness.checkpoints.processor_sizes import absurd_processor
from harness.checkpoints.scan import CheckpointError
from tests.support.fakes import write_checkpoint

KNOWN = json.loads((Path("harness/checkpoints/image_processors.json")).read_text())["defaults"]


def test_every_known_processor_passes() -> None:
    assert len(KNOWN) > 40
    found = {kind: absurd_processor(ImageProcessor(Path("x"), kind, {}, {})) for kind in KNOWN}
    assert {kind: each for kind, each in found.items() if each} == {}


def test_a_large_budget_makes_no_picture_larger() -> None:
    stated = {"size": {"shortest_edge": 3_136, "longest_edge": 1 << 31}, "merge_size": 2}
    assert (
        absurd_processor(ImageProcessor(Path("x"), "Qwen2VLImageProcessor", stated, {"image_token_id": 1 << 30}))
        is None
    )


@pytest.mark.parametrize(
    ("stated", "says"),
    [
        ({"size": {"height": 1_000_000, "width": 10}}, "height 1000000, more than 16,384"),
        ({"size": 1_000_000}, "more than 16,384"),
        ({"size": {"shortest_edge": 1_000_000}}, "shortest_edge 1000000, more than 16,384"),
        ({"size": {"shortest_edge": 1 << 30, "longest_edge": 1 << 31}, "merge_size": 2}, "more than 16,777,216"),
        ({"min_pixels": 1 << 40, "merge_size": 2}, "min_pixels 1099511627776, more than 16,777,216"),
        ({"crop_size": {"height": 1, "width": 1e9}}, "width 1000000000"),
        ({"max_image_tiles": 1_000_000}, "max_image_tiles 1000000, more than 1,024"),
        ({"image_grid_pinpoints": [[336, 1_000_000]]}, "image_grid_pinpoints 1000000, more than"),
    ],
)
def test_what_no_machine_can_hold_is_refused(tmp_path: Path, stated: dict[str, Any], says: str) -> None:
    folder = write_checkpoint(tmp_path / "model")
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"image_processor_type": "OwnImageProcessor", **stated})
    )
    with pytest.raises(CheckpointError, match=f"its image processor has .*{says}.*; restore that of the model"):
        open_checkpoint(str(folder))
