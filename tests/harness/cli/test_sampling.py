"""``--repeats`` and ``--temperature``: what does not fit together ends the command before anything is opened."""

import pytest
from click.testing import CliRunner

from harness.cli.evaluate import command
from harness.engines import placement, settings
from harness.errors import RetentionError


def refused(*options: str) -> str:
    given = ["no-such-model", "another", "--suite", "nano-1", "--target", "jigsaw", *options]
    with pytest.raises(RetentionError) as caught:
        CliRunner().invoke(command, given, catch_exceptions=False, standalone_mode=False)
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--repeats", "4"), "--repeats 4: without a temperature all 4 answers to an item are the same"),
        (("--repeats", "4", "--temperature", "0"), "--repeats 4: without a temperature"),
        (("--temperature", "-1"), "--temperature -1: not a number of 0.01 or more"),
        (("--temperature", "1", "--engine", "lm-eval:hf"), "engine lm-eval:hf: lm-eval's backends draw without a seed"),
        (("--temperature", "1", "--engine", "vllm"), "engine vllm: vLLM's CPU build cannot give each request a seed"),
    ],
)
def test_options_that_cannot_be_met_name_the_way_out(
    monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], message: str
) -> None:
    monkeypatch.setattr(placement, "device_class", lambda: "cpu")
    monkeypatch.setattr(settings, "available", lambda: ["vllm", "transformers"])
    assert message in refused(*options)


def test_another_engine_than_the_default_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "device_class", lambda: "cpu")
    monkeypatch.setattr(settings, "available", lambda: ["vllm", "transformers"])
    given = ["no-such-model", "another", "--suite", "nano-1", "--target", "jigsaw", "--temperature", "1"]
    shown = CliRunner().invoke(command, given)
    assert "engine transformers: vLLM's CPU build cannot give each request a seed of its own" in shown.stderr
