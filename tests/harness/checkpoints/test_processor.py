"""Image processors: the same settings have the same digest however they were saved, and a suite's budget holds."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints import nano_root
from harness.checkpoints.processor import ANY_SIZE, Pixels, read_processor, write_processor
from harness.checkpoints.scan import CheckpointError

MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
# As published with Qwen2.5-VL: an older name of the class, a budget in words of its own, nothing that is a default.
PUBLISHED = {
    "min_pixels": 3136,
    "max_pixels": 12845056,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": MEAN,
    "image_std": STD,
    "image_processor_type": "Qwen2_5_VLImageProcessor",
    "processor_class": "Qwen2_5_VLProcessor",
}
SAVED_AGAIN = {
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "crop_size": None,
    "data_format": "channels_first",
    "device": None,
    "disable_grouping": None,
    "image_mean": MEAN,
    "image_std": STD,
    "image_processor_type": "Qwen2VLImageProcessorFast",
    "max_pixels": 12845056,
    "merge_size": 2.0,
    "min_pixels": 3136,
    "patch_size": 14,
    "resample": 3,
    "rescale_factor": 0.00392156862745098,
    "return_tensors": None,
    "size": {"longest_edge": 12845056, "shortest_edge": 3136, "height": None},
    "temporal_patch_size": 2,
}
OF_VERSION_5 = {
    name: value
    for name, value in {**SAVED_AGAIN, "image_processor_type": "Qwen2VLImageProcessor"}.items()
    if value is not None and name not in ("min_pixels", "max_pixels", "data_format")
}
QWEN = {"model_type": "qwen2_5_vl", "vision_config": {}}


def saved(folder: Path, **files: Any) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def digest_of(folder: Path) -> str:
    found = read_processor(folder)
    assert found is not None
    return found.digest


def published(folder: Path, **changes: Any) -> Path:
    return saved(folder, preprocessor_config={**PUBLISHED, **changes}, config=QWEN)


def test_the_digest_is_of_the_settings_in_effect_however_they_were_saved(tmp_path: Path) -> None:
    nested = {"image_processor": OF_VERSION_5, "processor_class": "Qwen2_5_VLProcessor", "video_processor": {"fps": 2}}
    found = [
        published(tmp_path / "hub"),
        saved(tmp_path / "4", preprocessor_config=SAVED_AGAIN, config=QWEN),
        saved(tmp_path / "5", processor_config=nested, config=QWEN),
        # A library takes the nested settings before those of the older file.
        saved(tmp_path / "both", processor_config=nested, preprocessor_config={**PUBLISHED, "image_std": [1, 1, 1]}),
    ]
    assert len({digest_of(each) for each in found}) == 1
    processors = [read_processor(each) for each in found]
    assert {each.pixels for each in processors if each} == {Pixels(3136, 12845056)}
    assert [each.differences(processors[0]) for each in processors if each and processors[0]] == [[], [], [], []]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image_mean": [0.5, 0.5, 0.5]}, f"image_mean [0.5, 0.5, 0.5] instead of {json.dumps(MEAN)}"),
        ({"image_std": [1.0, 1.0, 1.0]}, f"image_std [1, 1, 1] instead of {json.dumps(STD)}"),
        ({"resample": 2}, "resample 2 instead of 3"),
        ({"patch_size": 16}, "patch_size 16 instead of 14"),
        ({"merge_size": 1}, "merge_size 1 instead of 2"),
        ({"do_normalize": False}, "do_normalize false instead of true"),
        ({"do_rescale": False}, "do_rescale false instead of true"),
        ({"rescale_factor": 0.5}, "rescale_factor 0.5 instead of 0.00392156862745098"),
        ({"max_pixels": 1003520}, '"longest_edge": 1003520'),
        ({"min_pixels": 6272}, '"shortest_edge": 6272'),
        ({"image_processor_type": "SiglipImageProcessor"}, "type "),
        ({"something_new": 7}, "something_new 7 instead of not set"),
    ],
)
def test_every_setting_that_changes_pixels_or_tokens_changes_the_digest(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    base, other = (read_processor(published(tmp_path / str(k), **c)) for k, c in enumerate(({}, changes)))
    assert base is not None
    assert other is not None
    assert base.digest != other.digest
    assert any(said in each for each in other.differences(base))


def test_settings_around_the_image_processor_count_too(tmp_path: Path) -> None:
    images = {"image_processor_type": "CLIPImageProcessor", "size": 64}
    found = [
        saved(
            tmp_path / str(k), preprocessor_config=images, processor_config={"patch_size": size, "image_token": "<i>"}
        )
        for k, size in enumerate((14, 16))
    ]
    assert digest_of(found[0]) != digest_of(found[1])


def test_one_number_for_a_size_is_what_the_class_makes_of_it(tmp_path: Path) -> None:
    clip = {"image_processor_type": "CLIPFeatureExtractor", "size": 64, "crop_size": 64}
    same = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 64},
            "crop_size": {"height": 64, "width": 64}}  # fmt: skip
    siglip = {"image_processor_type": "SiglipImageProcessor", "size": 64}
    of_siglip = {"feature_extractor_type": "SiglipFeatureExtractor", "size": {"height": 64, "width": 64}}
    contents = ({**clip, "image_processor_type": "CLIPImageProcessor"}, same, siglip, of_siglip)
    found = [digest_of(saved(tmp_path / str(k), preprocessor_config=each)) for k, each in enumerate(contents)]
    assert found[0] == found[1] != found[2] == found[3]


def test_a_language_model_has_none_nor_has_a_model_of_speech(tmp_path: Path) -> None:
    assert read_processor(saved(tmp_path / "text", config={})) is None
    assert read_processor(saved(tmp_path / "around", processor_config={"processor_class": "XProcessor"})) is None
    speech = {"feature_extractor_type": "WhisperFeatureExtractor", "sampling_rate": 16000}
    assert read_processor(saved(tmp_path / "speech", preprocessor_config=speech)) is None


@pytest.mark.parametrize("form", ["preprocessor_config", "processor_config"])
def test_a_suites_budget_takes_the_place_of_the_processors_own(tmp_path: Path, form: str) -> None:
    content = {"image_processor": OF_VERSION_5} if form == "processor_config" else PUBLISHED
    folder = saved(tmp_path / "base", config=QWEN, video_preprocessor_config={"fps": 2}, **{form: content})
    processor = read_processor(folder)
    assert processor is not None
    smaller = processor.within(Pixels(None, 100_352))
    assert smaller.pixels == Pixels(3136, 100_352)
    assert smaller.digest != processor.digest
    assert processor.within(ANY_SIZE).digest == processor.within(Pixels(3136, 12845056)).digest == processor.digest
    staged = tmp_path / "staged"
    staged.mkdir()
    write_processor(smaller, staged)
    (staged / "config.json").symlink_to(folder / "config.json")
    assert digest_of(staged) == smaller.digest
    assert (staged / "video_preprocessor_config.json").is_symlink()
    assert digest_of(folder) == processor.digest


def test_files_that_no_budget_changes_are_linked(tmp_path: Path) -> None:
    processor = read_processor(published(tmp_path / "base"))
    assert processor is not None
    (tmp_path / "staged").mkdir()
    write_processor(processor, tmp_path / "staged")
    assert [path.is_symlink() for path in (tmp_path / "staged").iterdir()] == [True]


def test_images_of_a_fixed_size_have_no_budget() -> None:
    processor = read_processor(nano_root() / "base")
    assert processor is not None
    assert processor.pixels == ANY_SIZE
    assert processor.within(Pixels(1, 100)) is processor


def test_a_budget_that_excludes_itself_names_both_ends(tmp_path: Path) -> None:
    processor = read_processor(published(tmp_path / "base"))
    assert processor is not None
    with pytest.raises(CheckpointError, match="at least 3,136 pixels, the suite to at most 3,000; state min_pixels"):
        processor.within(Pixels(None, 3000))


def test_numbers_that_json_does_not_have_are_named(tmp_path: Path) -> None:
    folder = saved(tmp_path / "base", preprocessor_config={"image_processor_type": "CLIPImageProcessor"})
    (folder / "preprocessor_config.json").write_text('{"image_mean": [NaN], "image_processor_type": "X"}')
    with pytest.raises(CheckpointError, match="values that JSON does not allow"):
        digest_of(folder)


@pytest.mark.engine
def test_the_known_defaults_are_those_of_transformers() -> None:
    from harness.checkpoints.processor import _known
    from harness.engines.torchvision_ops import define_missing_ops

    define_missing_ops()
    from transformers.models.auto.image_processing_auto import (
        IMAGE_PROCESSOR_MAPPING_NAMES,
        get_image_processor_class_from_name,
    )

    for kind, defaults in _known()["defaults"].items():
        made = get_image_processor_class_from_name(kind)
        for name, value in defaults.items():
            found = getattr(made, name)
            found = list(found) if isinstance(found, tuple) else getattr(found, "value", found)
            assert found == value, f"{kind}.{name}"
    for model, kind in _known()["by_model_type"].items():
        names = {str(name).removesuffix("Pil") for name in IMAGE_PROCESSOR_MAPPING_NAMES[model].values()}
        assert names == {kind}, model
