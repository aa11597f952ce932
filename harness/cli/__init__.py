"""The command line: thin, and quick to answer ``--help``, because each command is imported only when it is called."""

import errno
import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any

import click

from harness.errors import CheckFailedError, RetentionError, install_command

Commands = Mapping[str, tuple[str, str]]

# Name -> where the command is, and its help line, stated here so that listing imports none of them.
COMMANDS: Commands = {
    "check": ("harness.cli.check:command", "Check quickly what a fine-tune forgot; no suite needed."),
    "evaluate": ("harness.cli.evaluate:command", "Run a base and its fine-tunes on a suite and score each pair."),
    "compare": ("harness.cli.compare:command", "Score a pair of finished runs: what was learned, what forgotten."),
    "card": ("harness.cli.card:command", "Write what a pair showed into a model card."),
    "trajectory": ("harness.cli.trajectory:command", "The gain x retention curve of one training run."),
    "doctor": ("harness.cli.doctor:command", "Say what this machine can run, and how to fix what is missing."),
    "runs": ("harness.cli.runs:group", "List, show and export runs, and delete what no run needs."),
    "suite": ("harness.cli.suite:group", "Show, verify, freeze and sample suites, or make one of your questions."),
    "tasks": ("harness.cli.tasks:group", "List the tasks, show one, preview an item."),
    "metrics": ("harness.cli.metrics:command", "Say what each number means: formula, range, source."),
    "diff": ("harness.cli.diff:command", "Say on which items two runs differ, or with --tasks on which tasks."),
    "noise": ("harness.cli.noise:command", "Measure how far a base moves against a second run of itself."),
    "rejudge": ("harness.cli.rejudge:command", "Judge stored outputs again, by the rules of this version."),
    "train": ("harness.cli.train:command", "Fine-tune a base by one of the project's recipes."),
    "dynamics": ("harness.cli.dynamics:command", "Say why training data moves a base: perplexity, influence, drift."),
    "study": ("harness.cli.study:command", "Run the reference study: train, evaluate and compare methods."),
    "models": ("harness.cli.models:group", "Make small real checkpoints from packages, without a model hub."),
    "nano": ("harness.cli.nano:group", "Train the nano checkpoints that are shipped with the project."),
}


# Libraries that an extra installs, and which.
_EXTRAS = {
    "vllm": "vllm",
    "ray": "ray",
    **dict.fromkeys(("torch", "transformers", "trl", "peft", "accelerate"), "train"),
}


# What the machine refuses, whatever a command does, and the way out.
_AGAIN = "and run the same command again: what was stored is kept"
_OF_THE_MACHINE = {
    errno.ENOSPC: f"free some space, {_AGAIN}",
    errno.EDQUOT: f"free some space, {_AGAIN}",
    errno.EFBIG: f"raise the limit of a file's size (`ulimit -f`), {_AGAIN}",
    errno.EROFS: "name a folder that can be written to",
    errno.EACCES: "name a folder that this user may read and write",
    errno.EPERM: "name a folder that this user may read and write",
    errno.EMFILE: f"raise the limit of open files (`ulimit -n 1024`), {_AGAIN}",
    errno.ENFILE: f"end programs that hold many files open, {_AGAIN}",
    errno.ENAMETOOLONG: "name a shorter path",
}
_ELSE = f"see that the path is right and its disk in order, {_AGAIN}"


class _BadInput(click.ClickException):
    exit_code = RetentionError.exit_code


class _FailedCheck(click.ClickException):
    exit_code = CheckFailedError.exit_code


class LazyGroup(click.Group):
    """A group whose commands are imported when they are looked up; ``lazy`` is a table like :data:`COMMANDS`."""

    def __init__(self, *args: Any, lazy: Commands, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lazy:
            return None
        module, _, attribute = self._lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in self._lazy.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RetentionError as error:
            if ctx.params.get("debug"):
                traceback.print_exc()
            failure = _FailedCheck if isinstance(error, CheckFailedError) else _BadInput
            raise failure(" ".join(str(error).split())) from error
        except OSError as error:
            if error.errno is None:  # Raised by a library for something of its own.
                raise
            if ctx.params.get("debug"):
                traceback.print_exc()
            # Of two files, as in a copy, the second is the one that is written.
            where = f"{name}: " if (name := error.filename2 or error.filename) else ""
            raise _BadInput(f"{where}{error.strerror}; {_OF_THE_MACHINE.get(error.errno, _ELSE)}") from error
        except ModuleNotFoundError as error:
            library = (error.name or "").partition(".")[0]
            if library not in _EXTRAS:
                raise
            raise _BadInput(
                f"{library} is not installed; run `{install_command(_EXTRAS[library])}` in the checkout"
            ) from error
        except KeyboardInterrupt as error:
            from harness.cli.ending import exit_code

            click.echo("Interrupted", err=True)
            raise click.exceptions.Exit(exit_code()) from error


def run(group: click.Group) -> None:
    """Run ``retention``. By SIGTERM it ends as by Ctrl-C: engines are closed, and it is said what is stored."""
    from harness.cli.ending import OrderlyEnd

    OrderlyEnd().install()
    from harness.report import write_plainly

    for stream in (sys.stdout, sys.stderr):
        write_plainly(stream)
    if (encoding := sys.getfilesystemencoding()) != "utf-8" and not all(map(str.isascii, sys.argv)):
        # Libraries open files by their names in UTF-8, whatever the locale says.
        click.echo(f"Error: names beyond ASCII cannot be used in {encoding}, the locale's; set PYTHONUTF8=1", err=True)
        sys.exit(2)
    if not os.environ.get("COLUMNS", "").strip("0"):
        os.environ.pop("COLUMNS", None)  # A width of nothing means that it is not known, not that nothing be printed.
    group(prog_name="retention")


SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings=SETTINGS)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """The commands of the harness: what ``retention`` offers but for the leaderboard's own."""


def main() -> None:
    run(cli)
