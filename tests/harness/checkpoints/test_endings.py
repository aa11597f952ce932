"""Which tokens end an answer: what the base, its chat template and the tuned checkpoint say."""

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from harness.checkpoints.checkpoint import Checkpoint, CheckpointError, open_checkpoint
from harness.checkpoints.conditions import conditions_of
from harness.checkpoints.endings import Vocabulary, declared_ends
from harness.checkpoints.prompt_policy import prompts_for
from harness.checkpoints.prompts import PromptRenderer
from tests.support.fakes import write_adapter, write_checkpoint

# The vocabulary of write_checkpoint: 0 <|im_start|>, 1 <|im_end|>, 2 <image>, 3 [UNK], 4 a, 5 b.


def write(folder: Path, **files: Any) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"generation_config": {"eos_token_id": 5}}, {5}),
        ({"generation_config": {"eos_token_id": [5, 2]}}, {2, 5}),
        ({"config": {"eos_token_id": 4}}, {4}),
        ({"config": {"text_config": {"eos_token_id": 4}}}, {4}),
        # Beside what decides, words are taken for a part's default and special tokens are not.
        ({"generation_config": {"eos_token_id": 5}, "config": {"eos_token_id": [4, 0]}}, {0, 5}),
        ({"config": {"eos_token_id": 5, "text_config": {"eos_token_id": 4}}}, {5}),
        ({"tokenizer_config": {"eos_token": "<|im_start|>"}}, {0}),
        ({"tokenizer_config": {"eos_token": {"content": "<image>", "lstrip": False}}}, {2}),
        ({"special_tokens_map": {"eos_token": "b"}}, {5}),
        ({"generation_config": {"eos_token_id": 99}, "tokenizer_config": {"eos_token": "no such"}}, set()),
        ({"generation_config": {"eos_token_id": None}, "tokenizer_config": {"eos_token": None}}, set()),
        ({"generation_config": {"eos_token_id": [True, -1, "5"]}}, set()),
        ({"generation_config": {"eos_token_id": [5, 1 << 32, 10**30]}, "config": {"eos_token_id": 1 << 63}}, {5}),
        ({}, set()),
    ],
)
def test_a_checkpoint_declares_its_ends_in_several_files(
    tmp_path: Path, files: dict[str, Any], expected: set[int]
) -> None:
    known = Vocabulary.read(write_checkpoint(tmp_path / "base"))
    assert known is not None
    assert declared_ends(write(tmp_path / "other", **files), known) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{% for m in messages %}{{ m.role }}{{ m.content }}<|im_end|>\n{% endfor %}", 1),
        ("{% for m in messages %}{{ m.content }}{{ eos_token if loop.last else '<image>' }}{% endfor %}", 1),
        ("{% for m in messages %}{{ m.content }}\n\n{% endfor %}", None),
        ("{% for m in messages %}{{ m.content }} b<|im_end|>{% endfor %}", None),
        ("{% for m in messages if m.role == 'user' %}{{ m.content }}<|im_end|>{% endfor %}", None),
        ("{% if messages|length > 1 %}{{ raise_exception('one turn') }}{% endif %}{{ messages[0].content }}", None),
    ],
)
def test_the_template_names_the_token_after_an_answer(tmp_path: Path, template: str, expected: int | None) -> None:
    folder = write_checkpoint(tmp_path / "base")
    (folder / "chat_template.jinja").write_text(template)
    assert PromptRenderer(folder).end_of_turn == expected
    assert PromptRenderer(folder, "plain").end_of_turn is None


def ends(base: Checkpoint, *tuned: Checkpoint) -> tuple[int, ...]:
    return conditions_of(base, tuned=tuned, prompts=prompts_for(base, tuned, "chat")).record.stop_token_ids


def test_both_models_of_a_pair_end_at_the_union(tmp_path: Path) -> None:
    folder = write(write_checkpoint(tmp_path / "base"), tokenizer_config={}, generation_config={"eos_token_id": 0})
    base = open_checkpoint(str(folder))
    assert ends(base) == (0, 1)
    path = write_adapter(tmp_path / "adapter", folder, ["layer"])
    assert ends(base, open_checkpoint(str(path))) == (0, 1)
    write(path, tokenizer_config={"eos_token": "<image>"})
    adapter = open_checkpoint(str(path))
    assert ends(base, adapter) == (0, 1, 2)
    found = conditions_of(base, tuned=[adapter])
    assert found.pair_notes == (
        "the tuned checkpoint ends its answers with token 2 (<image>), which ends the base's answers too",
    )
    assert found.variant == "stop-2"
    # Evaluated by itself, an adapter ends where it says.
    assert 2 in conditions_of(adapter).record.stop_token_ids


def test_a_checkpoint_that_ends_at_every_word_is_refused(tmp_path: Path) -> None:
    """It would leave the base nothing to say."""
    words = [f"w{k}" for k in range(9)]
    base = open_checkpoint(str(write_checkpoint(tmp_path / "base", words=words)))
    tuned = write_checkpoint(tmp_path / "tuned", seed=1, words=words)
    write(tuned, generation_config={"eos_token_id": list(range(4, 12))})
    assert len(ends(base, open_checkpoint(str(tuned)))) == 9
    write(tuned, generation_config={"eos_token_id": list(range(4, 13))})
    with pytest.raises(
        CheckpointError, match=r"tuned: declares 9 tokens as the end of an answer, .*correct eos_token_id"
    ):
        ends(base, open_checkpoint(str(tuned)))


def test_a_token_that_the_tuned_checkpoint_adds_is_an_end(tmp_path: Path) -> None:
    base = open_checkpoint(str(write_checkpoint(tmp_path / "base")))
    folder = write(write_checkpoint(tmp_path / "tuned", seed=1), tokenizer_config={"eos_token": "<|done|>"})
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_special_tokens(["<|done|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    added = tokenizer.token_to_id("<|done|>")
    assert ends(base, open_checkpoint(str(folder))) == (1, added)


def test_the_fewer_positions_of_a_pair_are_its_length(tmp_path: Path) -> None:
    sizes = {"base": 8192, "short": 600, "long": 100_000}
    made = {}
    for name, positions in sizes.items():
        folder = write_checkpoint(tmp_path / name)
        config = json.loads((folder / "config.json").read_text()) | {"max_position_embeddings": positions}
        write(folder, config=config)
        made[name] = open_checkpoint(str(folder))
    base, short, long = made.values()
    assert conditions_of(base).record.max_model_len == 4096
    assert conditions_of(base, budget=4096).record.max_model_len == 8192
    assert conditions_of(short).record.max_model_len == 600
    pair = conditions_of(base, tuned=[short])
    assert (pair.record.max_model_len, pair.positions, pair.variant) == (600, 600, "length-600")
    assert pair.pair_notes == ("the tuned checkpoint has 600 positions, the base 8192; both answered within 600",)
    pair = conditions_of(base, budget=30_000, tuned=[long])
    assert (pair.record.max_model_len, pair.variant) == (8192, "")
    assert pair.pair_notes == ("the tuned checkpoint has 100000 positions, the base 8192; both answered within 8192",)
    chosen = conditions_of(short, 4096)
    assert chosen.record.max_model_len == 600
    assert chosen.notes == ("--max-model-len 4096 was cut to the 600 positions of the model",)
