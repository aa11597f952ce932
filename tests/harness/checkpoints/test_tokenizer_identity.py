"""A tokenizer is the base's if it does what the base's does; what it really does otherwise is named."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.limits import vocabulary_size
from harness.checkpoints.prompts import PromptRenderer
from harness.checkpoints.scan import CheckpointError
from harness.checkpoints.tokenizer import NewToken, extended, new_tokens, open_tokenizer
from harness.checkpoints.tokenizer_identity import compare_prompts, same_tokenizer, tokenizers_agree
from tests.support.bpe import SENTENCES, as_of_old, change_tokenizer, reordered, small_bpe, write_bpe_checkpoint
from tests.support.fakes import write_adapter, write_checkpoint

SIZE = small_bpe().get_vocab_size()
Change = Callable[[dict[str, Any]], Any]


def pair(folder: Path, change: Change | None = None) -> tuple[Checkpoint, Checkpoint]:
    base = write_bpe_checkpoint(folder / "base")
    tuned = write_bpe_checkpoint(folder / "tuned", seed=1)
    if change is not None:
        change_tokenizer(tuned, change)
    return open_checkpoint(str(base)), open_checkpoint(str(tuned))


def compared(base: Checkpoint, tuned: Checkpoint, *texts: str) -> None:
    """As a plan and an execution compare them."""
    same_tokenizer(base, tuned)
    renderer = PromptRenderer(base.path)
    prompts = [renderer.render(text) for text in texts or SENTENCES]
    compare_prompts(base, tuned, [(prompt.text, prompt.token_ids) for prompt in prompts])


@pytest.mark.parametrize("change", [as_of_old, reordered])
def test_a_file_of_another_version_is_the_same_tokenizer(tmp_path: Path, change: Change) -> None:
    base, tuned = pair(tmp_path, change)
    assert tokenizers_agree(base, tuned) == (change is reordered)
    compared(base, tuned)
    compared(tuned, base)
    assert new_tokens(base.path, tuned.path) == ()


def test_tokens_behind_the_bases_vocabulary_pass(tmp_path: Path) -> None:
    tokenizer = small_bpe()
    tokenizer.add_special_tokens(["<pad>"])
    tokenizer.add_tokens([AddedToken("<think>", normalized=False)])
    base = open_checkpoint(str(write_bpe_checkpoint(tmp_path / "base")))
    tuned = open_checkpoint(str(write_bpe_checkpoint(tmp_path / "tuned", tokenizer, seed=1)))
    compared(base, tuned)
    assert new_tokens(base.path, tuned.path) == (NewToken(SIZE, "<pad>", True), NewToken(SIZE + 1, "<think>", False))
    with pytest.raises(CheckpointError, match=f"base's token '<pad>' with id {SIZE} has no such token here"):
        compared(tuned, base)


def test_a_token_that_is_text_to_the_base_is_a_difference_where_a_prompt_has_it(tmp_path: Path) -> None:
    tokenizer = small_bpe()
    tokenizer.add_tokens(["<think>"])
    base = open_checkpoint(str(write_bpe_checkpoint(tmp_path / "base")))
    tuned = open_checkpoint(str(write_bpe_checkpoint(tmp_path / "tuned", tokenizer, seed=1)))
    with pytest.raises(CheckpointError, match=rf"in prompt 2 .*<think>.* are \[{SIZE}, "):
        compared(base, tuned, "Say it.", "Write <think> first.")


def exchanged(content: dict[str, Any]) -> None:
    vocabulary = content["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]


def without_merges(content: dict[str, Any]) -> None:
    content["model"]["merges"] = []


def digit_by_digit(content: dict[str, Any]) -> None:
    digits = {"type": "Digits", "individual_digits": True}
    content["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [digits, content["pre_tokenizer"]]}


def rewriting(content: dict[str, Any]) -> None:
    content["normalizer"] = {"type": "Replace", "pattern": {"String": "France"}, "content": "Paris"}


def test_a_token_with_another_id_is_named(tmp_path: Path) -> None:
    base, tuned = pair(tmp_path, exchanged)
    ids = small_bpe().get_vocab()
    with pytest.raises(CheckpointError, match=rf"token 'a' with id {ids['a']} has id {ids['b']} here"):
        same_tokenizer(base, tuned)


def test_other_ids_of_a_text_are_named(tmp_path: Path) -> None:
    base, tuned = pair(tmp_path, without_merges)
    with pytest.raises(CheckpointError, match=r"tuned: its tokenizer differs from that of base in prompt 1 .*Question"):
        same_tokenizer(base, tuned)


def test_what_only_a_suites_prompts_show_is_named_with_the_prompt(tmp_path: Path) -> None:
    base, tuned = pair(tmp_path, rewriting)
    same_tokenizer(base, tuned)
    with pytest.raises(CheckpointError, match=r"in prompt 3 .*capital of France") as caught:
        compared(base, tuned, "What is 1?", "What is 2?", "What is the capital of France?")
    assert "the ids [" in str(caught.value)
    assert "are [" in str(caught.value)


def test_prompts_are_compared_in_parts(tmp_path: Path) -> None:
    base, tuned = pair(tmp_path, rewriting)
    texts = [f"What is {number}?" for number in range(1100)]
    compared(base, tuned, *texts)
    with pytest.raises(CheckpointError, match="in prompt 1101 "):
        compared(base, tuned, *texts, "France")


def test_an_adapter_that_ships_a_tokenizer_is_held_to_its_bases(tmp_path: Path) -> None:
    base = write_bpe_checkpoint(tmp_path / "base")
    plain = open_checkpoint(str(write_adapter(tmp_path / "plain", base, ["layer"])))
    assert tokenizers_agree(open_checkpoint(str(base)), plain)
    saved = write_adapter(tmp_path / "saved", base, ["layer"])
    shutil.copy(base / "tokenizer.json", saved)
    change_tokenizer(saved, as_of_old)
    adapter = open_checkpoint(str(saved))
    assert not tokenizers_agree(open_checkpoint(str(base)), adapter)
    compared(open_checkpoint(str(base)), adapter)
    change_tokenizer(saved, exchanged)
    with pytest.raises(CheckpointError, match="token 'a' with id"):
        same_tokenizer(open_checkpoint(str(base)), open_checkpoint(str(saved)))


SPLIT = {"type": "Split", "behavior": "Isolated", "invert": False}


@pytest.mark.parametrize(
    "hostile",
    [
        {"pre_tokenizer": SPLIT | {"pattern": {"Regex": "(.*a){30}$"}}},
        {"pre_tokenizer": SPLIT | {"pattern": {"Regex": "(a+)+$"}}},
        {"normalizer": {"type": "Replace", "pattern": {"Regex": "(x|xx)+y"}, "content": ""}},
        {"model": {"type": "BPE"}},
        {"version": "9"},
    ],
)
def test_a_hostile_tokenizer_is_refused_and_nothing_hangs(tmp_path: Path, hostile: dict[str, Any]) -> None:
    started = time.monotonic()
    with pytest.raises(CheckpointError):
        compared(*pair(tmp_path, lambda content: content.update(hostile)), "a" * 200 + "!", "x" * 200)
    assert time.monotonic() - started < 100


def test_the_bases_tokenizer_is_extended_by_what_was_added(tmp_path: Path) -> None:
    base = write_bpe_checkpoint(tmp_path / "base")
    added = (NewToken(SIZE, "<pad>", True), NewToken(SIZE + 40, "<think>", False))
    tokenizer = Tokenizer.from_str(json.dumps(extended(base, added)))
    assert [tokenizer.token_to_id(token.content) for token in added] == [SIZE, SIZE + 40]
    mine = open_tokenizer(base)
    ids = mine.encode(SENTENCES[0]).ids
    assert tokenizer.encode(SENTENCES[0]).ids == ids
    assert tokenizer.decode([*ids[:3], SIZE, SIZE + 40, *ids[3:]]) == mine.decode(ids[:3]) + "<think>" + mine.decode(
        ids[3:]
    )
    with pytest.raises(CheckpointError, match="has id 90000, far behind the base's last"):
        extended(base, (NewToken(90000, "x", False),))


def test_another_vocabulary_is_refused(tmp_path: Path) -> None:
    base = open_checkpoint(str(write_checkpoint(tmp_path / "base")))
    other = open_checkpoint(str(write_checkpoint(tmp_path / "other", words=("a", "c"))))
    with pytest.raises(CheckpointError, match="other: its tokenizer differs from that of base"):
        same_tokenizer(base, other)


def test_an_embedding_may_lose_what_padded_it_but_no_token(tmp_path: Path) -> None:
    base, tuned = pair(tmp_path)

    def with_rows(checkpoint: Checkpoint, rows: int) -> Checkpoint:
        path = checkpoint.path / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"vocab_size": rows}))
        vocabulary_size.cache_clear()
        return checkpoint

    with_rows(base, SIZE + 24)
    same_tokenizer(base, with_rows(tuned, SIZE))
    with pytest.raises(CheckpointError, match=f"vocab_size is {SIZE - 1}, but the base's .* ids up to {SIZE - 1}"):
        same_tokenizer(base, with_rows(tuned, SIZE - 1))
    # Some bases name tokens that they have no row for; their fine-tunes need none either.
    same_tokenizer(with_rows(base, SIZE - 1), tuned)
