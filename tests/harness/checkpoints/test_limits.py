import json
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints.configuration import text_config
from harness.checkpoints.images import image_tokens
from harness.checkpoints.limits import longest, vocabulary_size
from harness.checkpoints.processor import read_processor

CLIP = {"image_processor_type": "CLIPImageProcessor"}
QWEN = {"image_processor_type": "Qwen2VLImageProcessor", "patch_size": 14, "merge_size": 2}
LINEAR = {"rope_type": "linear", "factor": 4.0}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"max_position_embeddings": 2048}, 2048),
        ({"n_positions": 1024, "n_ctx": 1024}, 1024),
        ({"n_positions": 1024, "n_ctx": 512}, 512),
        ({"max_seq_len": 2048}, 2048),
        ({"seq_length": 4096, "model_max_length": 8192}, 4096),
        ({"max_sequence_length": 300}, 300),
        ({"model_type": "mamba", "state_size": 16}, None),
        ({"model_type": "bloom", "alibi": True}, None),
        ({"text_config": {"max_position_embeddings": 512}, "max_position_embeddings": 77}, 512),
        ({"thinker_config": {"text_config": {"max_position_embeddings": 640}}}, 640),
        ({"text_config": {"model_type": "llama"}}, 2048),
        ({"max_position_embeddings": 4096, "sliding_window": 1024}, 4096),
        ({"max_position_embeddings": 1024, "rope_scaling": {"type": "linear", "factor": 2}}, 2048),
        ({"max_position_embeddings": 1024, "rope_parameters": LINEAR}, 4096),
        ({"max_position_embeddings": 1024, "rope_parameters": {"full_attention": LINEAR}}, 4096),
        ({"max_position_embeddings": 1024, "rope_scaling": {"rope_type": "dynamic", "factor": 8.0}}, 8192),
        *(
            ({"max_position_embeddings": 1024, "rope_scaling": {"rope_type": "dynamic", "factor": factor}}, 1024)
            for factor in (float("inf"), float("nan"), 1e300, 10**400, 0.5, -1)
        ),
        # What they add is counted already.
        ({"max_position_embeddings": 131072, "rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, 131072),
        ({"max_position_embeddings": 32768, "rope_scaling": {"type": "yarn", "factor": 4.0}}, 32768),
        ({"max_position_embeddings": 131072, "rope_scaling": {"type": "longrope", "factor": 32}}, 131072),
        ({"model_type": "gemma3_text", "max_position_embeddings": 131072, "rope_parameters": LINEAR}, 131072),
        ({"max_position_embeddings": 128000, "rope_scaling": {"type": "mrope", "mrope_section": [1, 1]}}, 128000),
        ({"max_position_embeddings": None, "n_positions": "many"}, None),
    ],
)
def test_the_positions_of_a_model_are_read_from_its_configuration(
    tmp_path: Path, config: dict[str, Any], expected: int | None
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert longest(tmp_path) == expected


def test_a_folder_without_configuration_has_no_limit(tmp_path: Path) -> None:
    assert longest(tmp_path) is None
    assert vocabulary_size(tmp_path) is None
    assert text_config({"hidden_size": 4}) == {"hidden_size": 4}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"config.json": {"image_seq_length": 16}}, 16),
        (
            {
                "processor_config.json": {"image_seq_length": 256, "image_processor": CLIP},
                "config.json": {"mm_tokens_per_image": 64},
            },
            256,
        ),
        # 100 x 60 pixels, in sides of 28: 4 x 2.
        ({"preprocessor_config.json": {**QWEN, "min_pixels": 1}}, 8),
        ({"processor_config.json": {"image_processor": {**QWEN, "min_pixels": 1, "max_pixels": 1568}}}, 2),
        ({"preprocessor_config.json": {**QWEN, "size": {"shortest_edge": 24000, "longest_edge": 10**6}}}, 28),
        ({"preprocessor_config.json": CLIP}, 1),
        ({}, 1),
    ],
)
def test_the_tokens_of_an_image_are_counted_where_files_say_it(
    tmp_path: Path, files: dict[str, Any], expected: int
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    assert image_tokens(tmp_path, read_processor(tmp_path))(100, 60) == expected
