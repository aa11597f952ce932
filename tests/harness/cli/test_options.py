import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from harness.cli.options import data_dir, engine_options, template_arguments
from leaderboard.cli import cli

COMMANDS = (
    ("evaluate",),
    ("noise",),
    ("compare",),
    ("suite", "verify"),
    ("suite", "freeze"),
    ("suite", "sample"),
    ("tasks", "preview"),
)


@click.command()
@data_dir
def show() -> None:
    click.echo(os.environ.get("RETENTION_DATA"))


def test_a_data_folder_counts_for_this_process_and_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_DATA", "/elsewhere")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    assert CliRunner().invoke(show, ["--data-dir", "data"]).output.strip() == str(tmp_path / "data")


def test_without_the_option_the_variable_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_DATA", "/elsewhere")
    assert CliRunner().invoke(show, []).output.strip() == "/elsewhere"


def test_a_data_folder_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_DATA", "")
    asked = ["evaluate", "a", "b", "--suite", "nano-1", "--target", "jigsaw", "--data-dir", "/dev/null/nowhere"]
    done = CliRunner().invoke(cli, asked)
    assert done.exit_code == 2
    assert done.output.strip() == "Error: RETENTION_DATA or --data-dir /dev/null/nowhere: no such folder"


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_that_reads_items_has_the_option(path: tuple[str, ...]) -> None:
    assert "--data-dir FOLDER" in CliRunner().invoke(cli, [*path, "--help"]).output


@click.command()
@click.option("--template-arg", multiple=True, callback=template_arguments)
def told(template_arg: object) -> None:
    click.echo(repr(template_arg))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["enable_thinking=false"], {"enable_thinking": False}),
        (["n=3", "x=0.5", "none=null"], {"n": 3, "x": 0.5, "none": None}),
        (["reasoning_effort=high", 'date_string="26 Jul"'], {"reasoning_effort": "high", "date_string": "26 Jul"}),
        (["a=b=c", "empty=", "n=NaN", "m=1e999"], {"a": "b=c", "empty": "", "n": "NaN", "m": "1e999"}),
        ([], {}),
    ],
)  # fmt: skip
def test_arguments_of_a_template_are_json_scalars_or_texts(given: list[str], expected: dict[str, object]) -> None:
    found = CliRunner().invoke(told, [word for each in given for word in ("--template-arg", each)])
    assert found.output.strip() == repr(expected)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["enable_thinking"], "write NAME=VALUE"),
        (["=3"], "write NAME=VALUE"),
        (["a=1", "a=2"], "a: given twice"),
        (["a=[1]"], "a JSON scalar"),
        (['a={"b": 1}'], "a JSON scalar"),
    ],
)
def test_what_is_no_argument_is_named(given: list[str], why: str) -> None:
    found = CliRunner().invoke(told, [word for each in given for word in ("--template-arg", each)])
    assert (found.exit_code, why in found.output) == (2, True)


@click.command()
@engine_options
def chosen(**settings: object) -> None:
    click.echo(repr(settings))


def test_engine_options_are_settings_of_the_library_by_the_same_names() -> None:
    given = ["--gpu-memory-utilization", "0.5", "--max-num-seqs", "8", "--quantization", "fp8", "--pixels", "784-1,568"]
    given += ["--engine-arg", "enforce-eager=true", "--engine-arg", "kv_cache_dtype=fp8", "--engine-arg", "a=[1]"]
    assert CliRunner().invoke(chosen, given).output.strip() == repr(
        {
            "gpu_memory_utilization": 0.5,
            "max_num_seqs": 8,
            "quantization": "fp8",
            "pixels": (784, 1568),
            "engine_args": {"enforce_eager": True, "kv_cache_dtype": "fp8", "a": [1]},
        }
    )


@pytest.mark.parametrize(
    "wrong",
    [
        ["--gpu-memory-utilization", "0"],
        ["--gpu-memory-utilization", "1.1"],
        ["--max-num-seqs", "0"],
        ["--pixels", "784"],
        ["--pixels", "a-b"],
        ["--engine-arg", "enforce_eager"],
        ["--engine-arg", "=1"],
        ["--engine-arg", "a=1", "--engine-arg", "a=2"],
        ["--engine-arg", "a=NaN"],
        ["--engine-arg", f"a={'[' * 5000}"],
    ],
    ids=lambda given: " ".join(given)[:40],
)
def test_a_wrong_engine_option_is_one_line(wrong: list[str]) -> None:
    done = CliRunner().invoke(chosen, wrong)
    assert done.exit_code == 2
    assert f"Invalid value for '{wrong[0]}'" in done.output
