"""Prompts with images as chat messages, and whether a server has read the same words."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.engines.messages import differs, first_token, messages, placeholders_of, written_in
from harness.protocol import Prompt

IMAGE, OPEN, CLOSE = 99, 97, 98
# <s> A [ image ] B [ image ] C
TWO = Prompt("..", (1, 10, OPEN, IMAGE, CLOSE, 20, OPEN, IMAGE, CLOSE, 30), (b"", b""), ("A", "B", "C"))
GROWN = [1, 10, OPEN, IMAGE, IMAGE, IMAGE, CLOSE, 20, OPEN, IMAGE, IMAGE, CLOSE, 30]
# As tiles, with tokens of rows in place of the one that stood for them.
TILED = [1, 10, OPEN, 50, 51, 50, 52, CLOSE, 20, OPEN, 50, CLOSE, 30]


def png(size: tuple[int, int] = (5, 3)) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(size[0] * size[1] * 3, dtype=np.uint8).reshape(size[1], size[0], 3)).save(file, "PNG")
    return file.getvalue()


def test_images_stand_among_the_words_of_the_turn() -> None:
    first, second = png(), png((2, 2))
    (turn,) = messages(Prompt("..", (1,), (first, second), ("", "between", "after")))
    assert turn["role"] == "user"
    assert [each["type"] for each in turn["content"]] == ["image_url", "text", "image_url", "text"]
    assert [each.get("text") for each in turn["content"]] == [None, "between", None, "after"]
    url = turn["content"][0]["image_url"]["url"]
    assert base64.b64decode(url.removeprefix("data:image/png;base64,")) == first


def test_other_formats_are_sent_as_the_same_pixels_without_loss() -> None:
    file = io.BytesIO()
    Image.open(io.BytesIO(png((16, 16)))).save(file, "JPEG")
    (turn,) = messages(Prompt("..", (1,), (file.getvalue(),), ("", "q")))
    sent = base64.b64decode(turn["content"][0]["image_url"]["url"].partition(",")[2])
    shown = [np.asarray(Image.open(io.BytesIO(each)).convert("RGB")) for each in (sent, file.getvalue())]
    assert (shown[0] == shown[1]).all()


@pytest.mark.parametrize("read", [list(TWO.token_ids), GROWN, TILED])
def test_a_prompt_whose_images_grew_is_the_same(read: list[int]) -> None:
    assert differs(TWO, {"prompt_token_ids": read}, {IMAGE}) is None


@pytest.mark.parametrize(
    "read",
    [
        [1, 5, *GROWN[1:]],  # a system prompt before
        [*GROWN, 31],  # words after
        GROWN[:-1],
        [each for each in GROWN if each != 20],  # the words between are gone
        [1, 10, OPEN, IMAGE, CLOSE, 30],  # one image
        [1],
    ],
)
def test_other_words_are_told(read: list[int]) -> None:
    assert "into other tokens" in str(differs(TWO, {"prompt_token_ids": read}, {IMAGE}))


def test_a_server_that_does_not_tell_or_a_model_without_a_placeholder_is_not_trusted() -> None:
    assert "does not say which tokens" in str(differs(TWO, {"choices": []}, {IMAGE}))
    assert differs(TWO, {"prompt_token_ids": GROWN}, set()) is not None


def test_placeholders_are_those_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"image_token_id": 7, "boi_token_index": 8, "vocab_size": 9}))
    assert placeholders_of(tmp_path) == {7, 8}


def test_answers_of_both_interfaces_are_read() -> None:
    assert written_in({"text": "a"}) == written_in({"message": {"content": "a"}}) == "a"
    assert written_in({"message": {"content": None}}) == ""
    top = [{"token": "token_id:1", "logprob": -1.0}, {"token": "token_id:2", "logprob": -2.0}]
    expected = {"token_id:1": -1.0, "token_id:2": -2.0}, "token_id:1"
    assert first_token({"content": [{"token": "token_id:1", "top_logprobs": top}]}) == expected
    assert first_token({"top_logprobs": [expected[0]], "tokens": ["token_id:1"]}) == expected
