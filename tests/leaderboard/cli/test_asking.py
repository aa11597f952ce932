"""What is asked in a terminal, and what a script is told is missing."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from harness.errors import RetentionError
from leaderboard.cli.asking import complete, read_training_fields, training_data

NOTHING: dict[str, Any] = dict.fromkeys(
    ("target", "method", "license_", "contact", "algorithm", "learning_rate", "steps", "kl_coefficient", "lora_rank",
     "replay", "code", "summary", "attempts", "chosen_by")
) | {"consent": False, "data": ()}  # fmt: skip
STATED = NOTHING | {"target": "math", "method": "sft", "license_": "CC0-1.0", "contact": "ada", "consent": True}


def asked(lines: list[str], stated: dict[str, Any], *, adapter: bool = False) -> tuple[dict[str, Any], str]:
    """The answers that ``lines`` typed into a terminal give, and what was printed on the way."""
    answers: dict[str, Any] = {}

    @click.command()
    def command() -> None:
        answers.update(complete(stated, ["math", "jigsaw"], ask=True, adapter=adapter))

    ran = CliRunner().invoke(command, input="".join(f"{line}\n" for line in lines), catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return answers, ran.output


def test_everything_is_asked_for_once_and_blank_is_not_disclosed() -> None:
    needed = ["chess", "math", "magic", "rft", "", "ada"]
    method = ["grpo", "fast", "1e-6", "200", "", "", "", "my method", "3", ""]
    lines = [*needed, *method, "GSM8K, the rest", "train", "MIT", "maybe", "train-split", "", "y"]
    answers, printed = asked(lines, NOTHING)
    assert (answers["target"], answers["method"], answers["license_"], answers["contact"]) == (
        "math",
        "rft",
        "CC-BY-4.0",
        "ada",
    )
    assert (answers["algorithm"], answers["learning_rate"], answers["steps"]) == ("grpo", 1e-6, 200)
    assert (answers["kl_coefficient"], answers["replay"], answers["code"], answers["summary"]) == (
        None,
        None,
        None,
        "my method",
    )
    assert (answers["attempts"], answers["chosen_by"], answers["consent"]) == (3, "the last checkpoint", True)
    (data,) = answers["data"]
    assert data == {"id": "GSM8K, the rest", "role": "train", "license": "MIT", "overlap_with_suite": "train-split"}
    assert training_data(data) == data
    assert "'chess' is not one of 'math', 'jigsaw'" in printed
    assert "'fast' is not a number" in printed


def test_what_is_stated_is_not_asked() -> None:
    stated = STATED | {"steps": 0, "attempts": 2, "chosen_by": "dev set", "data": ("id=x,role=train,license=MIT",)}
    answers, printed = asked(["", "", "", "", "", "", ""], stated, adapter=True)
    assert answers == stated
    assert "Rank of the adapter" in printed
    assert "Optimiser steps" not in printed


def test_no_consent_ends_it() -> None:
    @click.command()
    def command() -> None:
        complete(STATED | {"consent": False}, ["math"], ask=True, adapter=False)

    ran = CliRunner().invoke(command, input="\n" * 10 + "n\n")
    assert isinstance(ran.exception, RetentionError)
    assert "nothing is written" in str(ran.exception)


@pytest.mark.parametrize(
    ("missing", "option"),
    [("target", "--target"), ("method", "--method"), ("license_", "--license"), ("contact", "--contact")],
)
def test_a_script_is_told_the_missing_option(missing: str, option: str) -> None:
    with pytest.raises(RetentionError, match=f"{option} is missing"):
        complete(STATED | {missing: None}, ["math"], ask=False, adapter=False)


def test_a_script_gets_the_defaults_and_must_consent() -> None:
    answers = complete(STATED, ["math"], ask=False, adapter=False)
    assert (answers["attempts"], answers["chosen_by"], answers["data"]) == (1, "the last checkpoint", ())
    with pytest.raises(RetentionError, match="--consent is missing"):
        complete(STATED | {"consent": False}, ["math"], ask=False, adapter=False)


def test_training_data_is_read_strictly() -> None:
    assert training_data("id=a, role=train,license=MIT") == {
        "id": "a", "role": "train", "license": "MIT", "overlap_with_suite": "unknown"
    }  # fmt: skip
    for fields, complaint in (
        ("id=a,role=b", "license is missing"),
        ("id=a,role=b,license=c,x=d", "unknown field 'x'"),
    ):
        with pytest.raises(RetentionError, match=complaint):
            training_data(fields)


def test_a_training_record_fills_what_was_not_stated(tmp_path: Path) -> None:
    data = {"id": "nano-math", "role": "train", "license": "Apache-2.0", "overlap_with_suite": "train-split"}
    method = {"family": "rft", "algorithm": "GRPO", "steps": 200, "seeds": [3], "kl_coefficient": 0.05}
    path = tmp_path / "training_record.json"
    path.write_text(json.dumps({"submission": {"target": "math", "method": method, "training_data": [data]}}))
    nothing = NOTHING | {"seeds": (), "tokens": None}
    filled = read_training_fields(nothing, path)
    assert (filled["target"], filled["method"], filled["algorithm"], filled["steps"]) == ("math", "rft", "GRPO", 200)
    assert (filled["seeds"], filled["data"], filled["kl_coefficient"]) == ((3,), (data,), 0.05)
    assert set(filled) == set(nothing)
    own = read_training_fields(nothing | {"algorithm": "mine", "steps": 0, "data": ("id=x",)}, path)
    assert (own["algorithm"], own["steps"], own["data"], own["method"]) == ("mine", 0, ("id=x",), "rft")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"submission": {"target": "math"}}', '{"submission": 3}'])
def test_a_file_that_is_no_training_record_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(RetentionError, match=r"record\.json: not a training record"):
        read_training_fields(NOTHING, tmp_path / "record.json")
