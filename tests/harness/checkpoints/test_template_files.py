"""Templates and special tokens are found where transformers finds them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints.checkpoint import CheckpointError
from harness.checkpoints.template_files import read_template, special_tokens, template_of
from tests.support.fakes import write_checkpoint

NAMED = [{"name": "default", "template": "named"}, {"name": "tool_use", "template": "tools"}]


def folder_with(folder: Path, files: dict[str, Any]) -> Path:
    write_checkpoint(folder)
    (folder / "chat_template.jinja").unlink()
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def theirs(folder: Path) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(folder)


@pytest.mark.parametrize(
    "files",
    [
        {"chat_template.jinja": "file"},
        {"tokenizer_config.json": {"chat_template": "config"}},
        {"chat_template.jinja": "file", "tokenizer_config.json": {"chat_template": "config"}},
        {"tokenizer_config.json": {"chat_template": NAMED}},
        {"chat_template.jinja": "file", "additional_chat_templates/tool_use.jinja": "tools"},
        {"chat_template.jinja": "file", "tokenizer_config.json": {"chat_template": NAMED}},
    ],
)
def test_the_template_of_a_tokenizer_is_the_one_that_transformers_takes(tmp_path: Path, files: dict[str, Any]) -> None:
    folder = folder_with(tmp_path / "m", files)
    assert template_of(folder) == theirs(folder).get_chat_template()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"chat_template.json": {"chat_template": "beside"}}, "beside"),
        ({"chat_template.json": {"chat_template": "b"}, "tokenizer_config.json": {"chat_template": "config"}}, "b"),
        ({"chat_template.json": {"chat_template": "b"}, "chat_template.jinja": "file"}, "b"),
        ({"processor_config.json": {"chat_template": "p"}, "chat_template.json": {"chat_template": "b"}}, "p"),
        ({"tokenizer_config.json": {"chat_template": "config"}}, "config"),
        ({"chat_template.jinja": "file", "tokenizer_config.json": {"chat_template": "config"}}, "file"),
    ],
)
def test_with_a_processor_its_files_come_first(tmp_path: Path, files: dict[str, Any], expected: str) -> None:
    """As ``ProcessorMixin.get_processor_dict`` reads them, and vLLM, which asks the processor before the tokenizer."""
    assert template_of(folder_with(tmp_path / "m", {"preprocessor_config.json": {}, **files})) == expected


def test_a_model_for_text_alone_may_have_the_processors_file_too(tmp_path: Path) -> None:
    files = {"chat_template.json": {"chat_template": "b"}}
    assert template_of(folder_with(tmp_path / "a", files)) == "b"
    assert template_of(folder_with(tmp_path / "b", {**files, "tokenizer_config.json": {"chat_template": "c"}})) == "c"
    assert template_of(folder_with(tmp_path / "c", {})) is None


@pytest.mark.parametrize("named", [[{"name": "rag", "template": "x"}], {"rag": "x"}, [], [3], [{"name": "default"}]])
def test_named_templates_without_a_default_are_named(tmp_path: Path, named: Any) -> None:
    folder = folder_with(tmp_path / "m", {"tokenizer_config.json": {"chat_template": named}})
    with pytest.raises(CheckpointError, match=r"tokenizer_config\.json: chat_template has no template called default"):
        template_of(folder)


@pytest.mark.parametrize(
    ("config", "beside"),
    [
        ({"bos_token": "a", "eos_token": {"__type": "AddedToken", "content": "b", "lstrip": False}}, None),
        ({}, {"bos_token": "a", "eos_token": {"content": "b", "lstrip": False}}),
        ({"bos_token": "a"}, {"bos_token": "b", "pad_token": "a"}),
        ({"bos_token": "a", "added_tokens_decoder": {}}, {"bos_token": "b", "pad_token": "b"}),
        ({"sep_token": "a", "cls_token": "b", "mask_token": "a", "unk_token": "b", "bos_token": None}, None),
    ],
)
def test_special_tokens_are_those_of_transformers(
    tmp_path: Path, config: dict[str, Any], beside: dict[str, Any] | None
) -> None:
    files = {"tokenizer_config.json": config} | ({"special_tokens_map.json": beside} if beside else {})
    folder = folder_with(tmp_path / "m", files)
    assert special_tokens(folder) == theirs(folder).special_tokens_map


def test_a_pipe_is_no_template(tmp_path: Path) -> None:
    """It would be waited for without end."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="not a plain file"):
        read_template(tmp_path / "pipe")
