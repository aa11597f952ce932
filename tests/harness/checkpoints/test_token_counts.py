"""Tokens of texts by a tokenizer that a record names."""

from harness.checkpoints.checkpoint import nano_root
from harness.checkpoints.token_counts import token_counter
from harness.checkpoints.tokenizer import open_tokenizer, tokenizer_digest


def test_a_shipped_tokenizer_counts_and_another_is_not_looked_for() -> None:
    folder = nano_root() / "base"
    count = token_counter(tokenizer_digest(folder))
    assert count is not None
    texts = ["<answer>2,1,4,3</answer>", "", "seven", "<answer>2,1,4,3</answer>"]
    assert count(texts) == [len(open_tokenizer(folder).encode(text, add_special_tokens=False).ids) for text in texts]
    assert count(texts)[1] == 0
    assert token_counter("0" * 64) is None
