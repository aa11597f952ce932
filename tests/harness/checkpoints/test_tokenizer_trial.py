"""A tokenizer that cannot be opened, or that no model could read, is refused before anything is tokenized with it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints import tokenizer_trial
from harness.checkpoints.scan import CheckpointError
from harness.checkpoints.tokenizer import tokenizer_digest
from tests.support.fakes import write_checkpoint

Fields = dict[str, Any]
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def with_tokenizer(folder: Path, **fields: Any) -> Path:
    path = write_checkpoint(folder) / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return folder


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        # Each step writes the bytes of the one before as characters of two bytes.
        ({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [BYTES] * 12}}, "it makes"),
        ({"normalizer": {"type": "Sequence", "normalizers": [{"type": "ByteLevel"}] * 40}}, "ended by signal|memory"),
        ({"normalizer": {"type": "Prepend", "prepend": "x" * 300}}, "it makes 301 characters of '.x00'"),
        ({"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}}, "charsmap"),
        ({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "b"]]}}, "out of vocabulary"),
        ({"model": {"type": "Perceptron"}}, "not a usable tokenizer"),
        ({"post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "a", "type_id": 0}}],
                             "pair": [], "special_tokens": {"a": {"id": "a", "ids": [4] * 99, "tokens": ["a"] * 99}}}},
         "it puts 99 tokens around a text"),
    ],
)  # fmt: skip
def test_one_that_cannot_be_used_is_refused_by_trying_it_elsewhere(tmp_path: Path, fields: Fields, says: str) -> None:
    folder = with_tokenizer(tmp_path / "model", **fields)
    with pytest.raises(CheckpointError, match=rf"tokenizer\.json: .*({says}).*; restore the tokenizer"):
        tokenizer_digest(folder)


@pytest.mark.parametrize(("share", "says"), [(0.1, "0.1"), (1, "1"), ("0.2", "'0.2'")])
def test_one_that_reads_a_text_differently_each_time_is_refused(tmp_path: Path, share: Any, says: str) -> None:
    model = {"type": "BPE", "vocab": {"a": 0}, "merges": [], "dropout": share}
    with pytest.raises(CheckpointError, match=rf"model\.dropout is {says}: a text .*; set it to null"):
        tokenizer_digest(with_tokenizer(tmp_path / "model", model=model))
    for none in (None, 0.0):
        tokenizer_digest(with_tokenizer(tmp_path / f"model-{none}", model=model | {"dropout": none}))


@pytest.fixture
def fresh() -> Iterator[None]:
    """Limits that a test has changed are those of no other."""
    tokenizer_trial._box.cache_clear()
    yield
    tokenizer_trial._box.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_a_word_of_which_time_grows_with_its_square_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
              "max_input_chars_per_word": 10**9, "vocab": {"[UNK]": 0, "x": 1, "##x": 2}}  # fmt: skip
    monkeypatch.setattr(tokenizer_trial, "_LEAST_SECONDS", -1)
    with pytest.raises(CheckpointError, match="more processor time than a call may take"):
        tokenizer_digest(with_tokenizer(tmp_path / "model", model=pieces))


def test_one_that_passed_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_checkpoint(tmp_path / "model")
    digest = tokenizer_digest(folder)
    unused: Callable[[int], Any] = lambda size: pytest.fail("tried again")  # noqa: E731
    monkeypatch.setattr(tokenizer_trial, "_box", unused)
    assert tokenizer_digest(folder) == digest
    with pytest.raises(pytest.fail.Exception, match="tried again"):
        tokenizer_digest(with_tokenizer(tmp_path / "other", decoder={"type": "Fuse"}))
