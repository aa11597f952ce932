"""``python -m tests.bench.commands``: processor time of the small commands, user and system, in one process each.

The pair of `compare` and the folder of `runs list` are synthetic: two runs of 1,200 items.
"""

import os
import statistics
import sys
import tempfile
from pathlib import Path

import click

from tests.support.synthetic import synthetic_run

ALLOWED_SECONDS = 1.5


@click.command()
@click.option("--repeats", default=5, show_default=True, help="Times that each command is run; the median is shown.")
def main(repeats: int) -> None:
    """Measure and print the table; exit 1 where a command takes longer than allowed."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        base, tuned = out / "base", out / "tuned"
        synthetic_run(base)
        synthetic_run(tuned, name="tuned", seed=1, accuracy=0.8)
        commands = {
            "tasks list": ["tasks", "list"],
            "suite show core-vl-1": ["suite", "show", "core-vl-1"],
            "runs list": ["runs", "list", "--out", folder],
            "compare": ["compare", str(base), str(tuned), "--target", "jigsaw"],
        }
        slow = 0
        for name, arguments in commands.items():
            seconds = statistics.median(processor_time(arguments) for _ in range(repeats))
            slow += seconds > ALLOWED_SECONDS
            click.echo(f"{name:<24}{seconds:6.2f} s")
    raise SystemExit(slow > 0)


def processor_time(arguments: list[str]) -> float:
    """Seconds of user and system time of one command, whose output is thrown away."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    process = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "leaderboard.cli", *arguments],
        dict(os.environ),
        file_actions=[(os.POSIX_SPAWN_DUP2, nowhere, 1)],
    )
    _, status, used = os.wait4(process, 0)
    os.close(nowhere)
    if code := os.waitstatus_to_exitcode(status):
        raise SystemExit(f"retention {' '.join(arguments)}: exit {code}")
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
