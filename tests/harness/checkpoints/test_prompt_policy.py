"""Whatever a fine-tune's tokenizer makes of a question, both models are asked the base's tokens."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.prompt_policy import PromptSettings, prompts_for
from harness.checkpoints.tokenizer import open_tokenizer
from tests.support.bpe import change_tokenizer, small_bpe, write_bpe_checkpoint

QUESTION = "What is the capital of France? It is Paris."
Change = Callable[[dict[str, Any]], Any]


def replacing(content: dict[str, Any]) -> None:
    content["normalizer"] = {"type": "Replace", "pattern": {"String": "France?"}, "content": "France? Paris."}


def removing(content: dict[str, Any]) -> None:
    content["normalizer"] = {"type": "Replace", "pattern": {"Regex": "[a-z]"}, "content": ""}


def prepending(content: dict[str, Any]) -> None:
    content["normalizer"] = {"type": "Prepend", "prepend": "Paris. "}


def lowering(content: dict[str, Any]) -> None:
    content["normalizer"] = {"type": "Lowercase"}


def beginning(content: dict[str, Any]) -> None:
    before = {"SpecialToken": {"id": "P", "type_id": 0}}
    tokens = {"P": {"id": "P", "ids": [5, 6], "tokens": ["P", "P"]}}
    single = [before, {"Sequence": {"id": "A", "type_id": 0}}]
    content["post_processor"] = {"type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": tokens}


@pytest.mark.parametrize("style", ["chat", "plain"])
@pytest.mark.parametrize("change", [replacing, removing, prepending, lowering, beginning])
def test_a_normaliser_of_the_tuned_model_rewrites_no_question(tmp_path: Path, change: Change, style: str) -> None:
    base = open_checkpoint(str(write_bpe_checkpoint(tmp_path / "base")))
    tuned = open_checkpoint(str(change_tokenizer(write_bpe_checkpoint(tmp_path / "tuned", seed=1), change)))
    own, theirs = (open_tokenizer(each.path).encode(QUESTION).ids for each in (tuned, base))
    assert own != theirs
    alone = prompts_for(base, [], style).of(base).render(QUESTION)  # type: ignore[arg-type]
    prompts = prompts_for(base, [tuned], style)  # type: ignore[arg-type]
    assert prompts.of(tuned).render(QUESTION) == prompts.of(base).render(QUESTION) == alone
    assert QUESTION in alone.text


def test_special_tokens_of_the_tuned_model_swallow_no_question(tmp_path: Path) -> None:
    tokenizer = small_bpe()
    tokenizer.add_special_tokens([AddedToken(" capital of", lstrip=True, rstrip=True), AddedToken("Paris.")])
    base = open_checkpoint(str(write_bpe_checkpoint(tmp_path / "base")))
    folder = write_bpe_checkpoint(tmp_path / "tuned", tokenizer, seed=1)
    (folder / "special_tokens_map.json").write_text(json.dumps({"eos_token": "Paris.", "bos_token": "What"}))
    tuned = open_checkpoint(str(folder))
    assert open_tokenizer(folder).encode(QUESTION).ids != open_tokenizer(base.path).encode(QUESTION).ids
    prompts = prompts_for(base, [tuned], "chat")
    assert prompts.of(tuned).render(QUESTION) == prompts.of(base).render(QUESTION)
    assert max(prompts.of(tuned).render(QUESTION).token_ids) < small_bpe().get_vocab_size()


def test_a_model_that_is_asked_in_its_own_words_is_asked_in_the_bases_tokens(tmp_path: Path) -> None:
    """Of the native policy its template is the tuned model's, and a normaliser is not."""
    base = open_checkpoint(str(write_bpe_checkpoint(tmp_path / "base")))
    tuned = open_checkpoint(str(change_tokenizer(write_bpe_checkpoint(tmp_path / "tuned", seed=1), replacing)))
    prompts = prompts_for(base, [tuned], "chat", PromptSettings(policy="native"))
    assert prompts.of(tuned).render(QUESTION).token_ids == prompts.of(base).render(QUESTION).token_ids
