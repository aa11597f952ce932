"""The command line as a user meets it: quick help, examples everywhere, one clear line for each mistake."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from harness.cli import LazyGroup
from leaderboard.cli import COMMANDS, cli
from tests.support.fakes import write_checkpoint

EVALUATE = ["evaluate", "--suite", "nano-1", "--target", "jigsaw"]


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        found += leaves(command, (*path, name)) if isinstance(command, click.Group) else [(*path, name)]
    return found


def test_help_imports_nothing_heavy() -> None:
    program = """
import sys
from click.testing import CliRunner
from leaderboard.cli import cli
assert CliRunner().invoke(cli, ["--help"]).exit_code == 0
heavy = {"torch", "vllm", "transformers", "lm_eval", "pandas", "numpy", "pydantic", "rich"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_lists_every_command_with_the_line_it_states_itself() -> None:
    listed = CliRunner().invoke(cli, ["--help"]).output
    for name, (_, line) in COMMANDS.items():
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert name in listed
        assert line.split(":")[0].split(".")[0] in " ".join(listed.split())


@pytest.mark.parametrize("path", leaves(cli), ids=" ".join)
def test_every_command_has_a_line_and_an_example(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*path, "--help"])
    assert result.exit_code == 0, result.output
    assert "Examples:" in result.output
    assert f"retention {' '.join(path)}" in result.output.split("Examples:")[1]


# What runs until it is stopped, deletes after asking twice, or writes files and names them line by line.
NO_JSON = {("board", "serve"), ("runs", "gc"), *((
    "maintain", name) for name in ("accept", "clear", "flag", "rejudge", "schemas", "stale", "supersede", "take",
                                   "unavailable", "withdraw"))}  # fmt: skip


@pytest.mark.parametrize("path", sorted(set(leaves(cli)) - NO_JSON), ids=" ".join)
def test_every_command_that_prints_results_prints_them_as_json_too(path: tuple[str, ...]) -> None:
    assert "--json" in CliRunner().invoke(cli, [*path, "--help"]).output


def test_completion_is_offered() -> None:
    environment = {"_RETENTION_COMPLETE": "bash_source"}
    assert "complete" in CliRunner().invoke(cli, prog_name="retention", env=environment).output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*EVALUATE, "missing/folder/here", "nano:base"], "missing/folder/here: no such folder"),
        ([*EVALUATE, "nano:base", "PICKLE"], "convert them to safetensors"),
        ([*EVALUATE, "nano:base", "nano:sft", "--name", "../x"], "--name '../x': not a name"),
        ([*EVALUATE, "nano:base", "nano:sft", "--name", "a", "--name", "b"], "2 names for 1 tuned checkpoints"),
        ([*EVALUATE, "nano:base", "OTHER"], "so the two cannot read the same token ids"),
        (["evaluate", "--suite", "core-9", "--target", "math", "nano:base", "nano:base"], "core-9: unknown suite"),
        (["evaluate", "--suite", "nano-1", "--target", "chess", "nano:base", "nano:base"], "--target chess"),
        (["compare", "nowhere", "nowhere", "--target", "jigsaw"], "nowhere"),
        ([*EVALUATE, "no\x1b[2J\u202ewhere", "nano:base"], "no\ufffd[2J\ufffdwhere: no such folder"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    pickle = write_checkpoint(tmp_path / "pickle")
    (pickle / "model.safetensors").rename(pickle / "pytorch_model.bin")
    other = write_checkpoint(tmp_path / "other")
    known = {"PICKLE": str(pickle), "OTHER": str(other)}
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, [known.get(word, word) for word in arguments])
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "Traceback" not in result.output


def test_no_engine_installed_is_one_line_and_exit_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.engines.settings.available", list)
    result = CliRunner().invoke(cli, [*EVALUATE, "nano:base", "nano:base"])
    assert result.exit_code == 2
    assert "no engine installed; run `pip install" in result.output


def test_debug_shows_the_traceback() -> None:
    result = CliRunner().invoke(cli, ["--debug", *EVALUATE, "missing/folder/here", "nano:base"])
    assert "Traceback" in result.output


class Needy(LazyGroup):
    """A group each of whose commands needs a library that is not installed."""

    def __init__(self, library: str) -> None:
        super().__init__(lazy={})
        self.library = library

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        def needs() -> None:
            raise ModuleNotFoundError(f"No module named {self.library!r}", name=self.library)

        return click.Command(cmd_name, callback=needs)


@pytest.mark.parametrize(
    ("library", "extra"), [("trl", "train"), ("torch.nn", "train"), ("peft", "train"), ("vllm", "vllm"), ("ray", "ray")]
)
def test_a_library_that_is_missing_is_named_with_its_extra(library: str, extra: str) -> None:
    result = CliRunner().invoke(Needy(library), ["train"])
    assert result.exit_code == 2
    assert f"{library.partition('.')[0]} is not installed; run `pip install -e '.[{extra}]'`" in result.stderr


def test_another_missing_module_is_no_matter_of_extras() -> None:
    assert isinstance(CliRunner().invoke(Needy("mine"), ["train"]).exception, ModuleNotFoundError)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_is_ended_says_so_by_its_exit_code(tmp_path: Path, number: int, code: int) -> None:
    """Ended while its items are loaded: not the code of a failed check, and what is stored is said."""
    command = [sys.executable, "-m", "leaderboard.cli", "evaluate", "nano:base", "nano:sft", "--suite", "nano-1",
               "--engine", "transformers", "--out", str(tmp_path)]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "loading" in line:
                break
        running.send_signal(number)
        said = running.stderr.read()
    assert running.returncode == code
    assert said.endswith("Interrupted\n")
    assert "Traceback" not in said


def test_an_interrupt_while_a_command_ends_is_no_traceback() -> None:
    """Of one that says that it was interrupted, and then has threads and files to close."""
    program = """
import atexit, os, signal, click
from harness.cli import LazyGroup, run
class Group(LazyGroup):
    def get_command(self, ctx, name):
        return click.Command("x", callback=lambda: os.kill(os.getpid(), signal.SIGINT))
atexit.register(os.kill, os.getpid(), signal.SIGINT)
run(Group(lazy={}))
"""
    done = subprocess.run([sys.executable, "-c", program, "x"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, "Interrupted\n")


def test_a_locale_in_which_a_name_cannot_be_used_is_told_with_the_way_out() -> None:
    """Else an entry in that folder would be refused for a reason that is none of its own."""
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "harness.cli", "runs", "show", "gr\u00f6\u00dfe"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "set PYTHONUTF8=1" in done.stderr
    done = subprocess.run(command, env=environment | {"PYTHONUTF8": "1"}, capture_output=True, check=False)
    assert b"PYTHONUTF8" not in done.stderr


@pytest.mark.parametrize(
    ("number", "way_out"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EROFS, "name a folder that can be written to"),
        (errno.EACCES, "this user may read and write"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EIO, "its disk in order"),
        (errno.EISDIR, "the path is right"),
    ],
)
def test_what_the_machine_refuses_is_one_line_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, number: int, way_out: str
) -> None:
    group = LazyGroup(lazy={})

    def failing(*_: object) -> None:
        raise OSError(number, os.strerror(number), "runs/store.sqlite")

    monkeypatch.setattr(group, "get_command", lambda *_: click.Command("x", callback=failing))
    found = CliRunner().invoke(group, ["x"])
    assert found.exit_code == 2
    assert found.output.count("\n") == 1
    assert found.output.startswith(f"Error: runs/store.sqlite: {os.strerror(number)}; ")
    assert way_out in found.output


def test_of_a_copy_the_file_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    group = LazyGroup(lazy={})

    def failing(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left", "runs/samples.parquet", None, "submissions/samples.parquet")

    monkeypatch.setattr(group, "get_command", lambda *_: click.Command("x", callback=failing))
    assert CliRunner().invoke(group, ["x"]).output.startswith("Error: submissions/samples.parquet: No space left; ")
