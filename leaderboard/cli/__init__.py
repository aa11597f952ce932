"""The command line of the project: the harness's commands and the leaderboard's, each imported when it is called.

``retention`` is :func:`main`. Commands are thin: they parse, call one public function, and print.
"""

import click

from harness import __version__
from harness.cli import COMMANDS as HARNESS
from harness.cli import SETTINGS, LazyGroup, run

_LEADERBOARD = {
    "submit": ("leaderboard.cli.submit:group", "Prepare a submission to the leaderboard."),
    "board": ("leaderboard.cli.board:group", "Build the static leaderboard."),
    "maintain": ("leaderboard.cli.maintain:group", "Verify, flag, withdraw and supersede entries."),
    "reproduce": ("leaderboard.cli.numbers:reproduce", "Compute the number CELL_ID again from the stored outputs."),
    "cite": ("leaderboard.cli.numbers:cite", "Cite an entry, or one number of it."),
    "verify-citation": ("leaderboard.cli.numbers:verify_citation", "Say whether the numbers that TEXT quotes hold."),
    "demo": ("leaderboard.cli.demo:command", "Evaluate the shipped nano pair and build the board: every step once."),
}
COMMANDS = {**HARNESS, **_LEADERBOARD}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings=SETTINGS)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, prog_name="retention")
def cli(debug: bool) -> None:
    """How much did a fine-tune teach a model, and how much did it make the model forget?

    \b
    Examples:
      retention check nano:base nano:sft --target jigsaw --items 20
      retention evaluate Qwen/Qwen2.5-VL-7B-Instruct your/model --suite core-vl-1 --target jigsaw
      retention compare runs/BASE runs/TUNED --target jigsaw --html report.html

    \b
    Shell completion (bash; zsh and fish likewise):
      eval "$(_RETENTION_COMPLETE=bash_source retention)"
    """


def main() -> None:
    run(cli)
