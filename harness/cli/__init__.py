"""The command line: thin, and quick to answer ``--help``, because each command is imported only when it is called."""

import importlib
import traceback
from typing import Any

import click

from harness import __version__
from harness.errors import CheckFailedError, RetentionError

# Name -> where the command is, and its help line, stated here so that listing imports none of them. `leaderboard` is
# named as a string because an import would point up the house (design.md, floors).
COMMANDS = {
    "evaluate": ("harness.cli.evaluate:command", "Run a base and its fine-tunes on a suite and score each pair."),
    "compare": ("harness.cli.compare:command", "Score a pair of finished runs: what was learned, what forgotten."),
    "trajectory": ("harness.cli.trajectory:command", "The gain x retention curve of one training run."),
    "diff": ("harness.cli.diff:command", "List the items on which two runs of one checkpoint differ."),
    "noise": ("harness.cli.noise:command", "Measure how far a base moves against a second run of itself."),
    "suite": ("harness.cli.suite:group", "Show, verify, freeze and sample suites."),
    "tasks": ("harness.cli.tasks:group", "List the tasks, show one, preview an item."),
    "runs": ("harness.cli.runs:group", "List runs, show one, and delete what no run needs."),
    "doctor": ("harness.cli.doctor:command", "Say what this machine can run, and how to mend what is missing."),
    "study": ("harness.cli.study:command", "Run the reference study: train, evaluate and compare methods."),
    "submit": ("leaderboard.cli.submit:group", "Prepare a submission to the leaderboard."),
    "board": ("leaderboard.cli.board:group", "Build the static leaderboard."),
    "maintain": ("leaderboard.cli.maintain:group", "Verify, flag, withdraw and supersede entries."),
    "reproduce": ("leaderboard.cli.numbers:reproduce", "Compute the number CELL_ID again from the stored outputs."),
    "cite": ("leaderboard.cli.numbers:cite", "Cite an entry, or one number of it."),
    "verify-citation": ("leaderboard.cli.numbers:verify_citation", "Say whether the numbers that TEXT quotes hold."),
    "train": ("harness.cli.train:command", "Fine-tune a base by one of the project's recipes."),
    "dynamics": ("harness.cli.dynamics:command", "Say why training data moves a base: perplexity, influence, drift."),
    "models": ("harness.cli.models:group", "Make small real checkpoints from packages, without a model hub."),
    "nano": ("harness.cli.nano:group", "Train the nano checkpoints that are shipped with the project."),
    "demo": ("harness.cli.demo:command", "Evaluate the shipped nano pair and build the board: the whole path, once."),
}


class _BadInput(click.ClickException):
    exit_code = RetentionError.exit_code


class _FailedCheck(click.ClickException):
    exit_code = CheckFailedError.exit_code


class LazyGroup(click.Group):
    """A group whose commands are imported when they are looked up."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RetentionError as error:
            if ctx.params.get("debug"):
                traceback.print_exc()
            failure = _FailedCheck if isinstance(error, CheckFailedError) else _BadInput
            raise failure(" ".join(str(error).split())) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, prog_name="retention")
def cli(debug: bool) -> None:
    """How much did a fine-tune teach a model, and how much did it make the model forget?

    \b
    Examples:
      retention demo
      retention evaluate nano:base nano:sft --suite nano-1 --target jigsaw
      retention evaluate Qwen/Qwen2.5-VL-7B-Instruct your/model --suite nano-1 --target jigsaw
      retention compare runs/BASE runs/TUNED --target jigsaw --html report.html

    \b
    Shell completion (bash; zsh and fish likewise):
      eval "$(_RETENTION_COMPLETE=bash_source retention)"
    """


def main() -> None:
    cli(prog_name="retention")
