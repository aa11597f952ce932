"""Conditions: the base's image processor for both, or a fine-tune's own where that is asked for."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints.checkpoint import CheckpointError, open_checkpoint
from harness.checkpoints.conditions import conditions_of, processor_of
from harness.checkpoints.processor import Pixels
from tests.support.fakes import write_adapter, write_checkpoint

QWEN = {"image_processor_type": "Qwen2VLImageProcessor", "size": {"shortest_edge": 784, "longest_edge": 100_352}}


def seeing(folder: Path, **changes: Any) -> Path:
    write_checkpoint(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({**QWEN, **changes}))
    return folder


def test_the_base_sets_the_processor_and_its_budget(tmp_path: Path) -> None:
    base = open_checkpoint(str(seeing(tmp_path / "base")))
    found = conditions_of(base, 512)
    assert found.processor == base.path
    assert (found.record.min_pixels, found.record.max_pixels) == (784, 100_352)
    assert found.record.processor_origin == "base"
    applied = processor_of(found)
    assert applied is not None
    assert applied.digest == found.record.processor


def test_text_alone_goes_through_none_and_keeps_its_stored_answers(tmp_path: Path) -> None:
    base = open_checkpoint(str(seeing(tmp_path / "base")))
    text, words = conditions_of(base, 512, images=False), conditions_of(base, 512, images=False, pixels=Pixels(1, 2))
    assert text.processor is None
    assert text.record.processor is None
    assert text.record.digest == words.record.digest != conditions_of(base, 512).record.digest


def test_an_adapter_as_base_has_its_bases_processor(tmp_path: Path) -> None:
    base = seeing(tmp_path / "base")
    adapter = open_checkpoint(str(write_adapter(tmp_path / "adapter", base, ["layer"])))
    assert conditions_of(adapter, 512).processor == base


def test_a_suites_budget_is_in_digest_and_record(tmp_path: Path) -> None:
    base = open_checkpoint(str(seeing(tmp_path / "base")))
    found = conditions_of(base, 512, pixels=Pixels(None, 50_176))
    assert (found.record.min_pixels, found.record.max_pixels) == (784, 50_176)
    assert found.record.processor != conditions_of(base, 512).record.processor
    applied = processor_of(found)
    assert applied is not None
    assert applied.pixels == Pixels(784, 50_176)


def test_a_fine_tunes_own_processor_is_marked_but_the_same_one_is_not(tmp_path: Path) -> None:
    base = open_checkpoint(str(seeing(tmp_path / "base")))
    tuned = open_checkpoint(str(seeing(tmp_path / "tuned", image_mean=[0.1, 0.1, 0.1])))
    shared = conditions_of(base, 512, pixels=Pixels(None, 50_176))
    own = shared.with_processor_of(tuned, Pixels(None, 50_176))
    assert own.processor == tuned.path
    assert own.record.processor_origin == "tuned"
    assert own.record.max_pixels == 50_176
    assert own.record.processor != shared.record.processor
    again = open_checkpoint(str(seeing(tmp_path / "again", do_resize=True)))
    assert shared.with_processor_of(again, Pixels(None, 50_176)) == shared
    without = open_checkpoint(str(write_checkpoint(tmp_path / "without")))
    assert shared.with_processor_of(without) == shared


def test_whose_processor_it_is_does_not_make_another_answer(tmp_path: Path) -> None:
    record = conditions_of(open_checkpoint(str(seeing(tmp_path / "base"))), 512).record
    assert record.model_copy(update={"processor_origin": "tuned"}).digest == record.digest


def test_a_processor_that_changed_under_way_is_named(tmp_path: Path) -> None:
    base = open_checkpoint(str(seeing(tmp_path / "base")))
    found = conditions_of(base, 512)
    other = replace(found, record=found.record.model_copy(update={"processor": "0" * 64}))
    with pytest.raises(CheckpointError, match="was changed since this command began"):
        processor_of(other)
