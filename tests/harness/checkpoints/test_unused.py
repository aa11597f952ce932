"""What a fine-tune ships and the base's takes the place of is said in a sentence each."""

import json
from pathlib import Path

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.conditions import Conditions, conditions_of
from harness.checkpoints.prompt_policy import prompts_for
from harness.checkpoints.prompts import PromptStyle
from harness.checkpoints.unused import unused_of
from tests.support.fakes import write_adapter, write_checkpoint

CLIP = {"image_processor_type": "CLIPImageProcessor", "size": 64}


def seeing(folder: Path, **changes: object) -> Checkpoint:
    write_checkpoint(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({**CLIP, **changes}))
    return open_checkpoint(str(folder))


def notes(base: Checkpoint, tuned: Checkpoint, conditions: Conditions, policy: PromptStyle = "chat") -> tuple[str, ...]:
    return unused_of(base, tuned, conditions, prompts_for(base, [tuned], policy))


def test_another_processor_is_named_with_its_settings(tmp_path: Path) -> None:
    base, tuned = seeing(tmp_path / "base"), seeing(tmp_path / "tuned", image_std=[1, 1, 1])
    (note,) = notes(base, tuned, conditions_of(base, 512))
    assert note.startswith(
        "the tuned checkpoint ships another image processor than its base (image_std [1, 1, 1] instead of [0.26"
    )
    assert "--processor tuned" in note
    own = conditions_of(base, 512).with_processor_of(tuned)
    assert notes(base, tuned, own) == ()


def test_the_same_processor_saved_otherwise_is_not_named(tmp_path: Path) -> None:
    base, tuned = seeing(tmp_path / "base"), seeing(tmp_path / "tuned", do_resize=True, device=None)
    assert notes(base, tuned, conditions_of(base, 512)) == ()


def test_of_text_no_processor_is_named(tmp_path: Path) -> None:
    base, tuned = seeing(tmp_path / "base"), seeing(tmp_path / "tuned", image_std=[1, 1, 1])
    assert notes(base, tuned, conditions_of(base, 512, images=False)) == ()


def test_another_template_is_named_where_prompts_go_through_one(tmp_path: Path) -> None:
    base, tuned = seeing(tmp_path / "base"), seeing(tmp_path / "tuned")
    (tuned.path / "chat_template.jinja").write_text("{{ messages[0].content }}")
    (note,) = notes(base, tuned, conditions_of(base, 512))
    assert note.startswith(
        "the tuned checkpoint ships another chat template, which was not used: prompts went through the base's"
    )
    assert notes(base, tuned, conditions_of(base, 512), "plain") == ()


def test_an_adapter_that_ships_neither_leaves_nothing_unused(tmp_path: Path) -> None:
    base = seeing(tmp_path / "base")
    adapter = open_checkpoint(str(write_adapter(tmp_path / "adapter", base.path, ["layer"])))
    assert notes(base, adapter, conditions_of(base, 512)) == ()


def test_a_note_stays_short_whatever_a_file_holds(tmp_path: Path) -> None:
    base = seeing(tmp_path / "base")
    tuned = seeing(tmp_path / "tuned", **{f"field_{k}": "x" * 500 for k in range(99)})
    (note,) = notes(base, tuned, conditions_of(base, 512))
    assert len(note) <= 500
