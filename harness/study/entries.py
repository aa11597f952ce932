"""Entries: the last checkpoints of a study as folders of ``submissions/``, written by ``retention submit prepare``.

It is called as a command, since the harness cannot import the leaderboard, which builds on it.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import CheckFailedError
from harness.study.results import whole_runs
from harness.study.steps import Study, Trained
from harness.training import RECORD_FILE, read_record

_KEPT = "The weights are those that a shipped delta gives: the base's and three bits a weight of the difference."
_CHOSEN = "the last checkpoint of a training that the plan of the study declares"


@dataclass(frozen=True)
class Statement:
    """What a run does not know about an entry: its contact, and the licence of its outputs."""

    contact: str
    license: str


def write_entries(study: Study, submissions: Path, bases: Path, statement: Statement) -> Iterator[tuple[str, str]]:
    """Write an entry for each training whose last checkpoint was evaluated; yields its key and the command's message.

    Of the seed that the plan keeps, the entry is of the checkpoint that was restored from its delta. While dynamics
    that the plan declares are still to be measured no entry is written, and the message says so.

    Existing entries are written again. Raises ``CheckFailedError`` with the command's last line if one fails.
    """
    runs = whole_runs(study)
    base = runs.folder(study.base.record.weights_digest)
    for trained in study.trained:
        run = runs.find(study.kept(trained) or trained.last)
        if base is None or run is None:
            continue
        if study.kept(trained) is None and study.plan.drift and not study.dynamics(trained).is_file():
            yield trained.key, "not written: its dynamics were not measured yet; run the study to its end"
            continue
        command = entry_command(study, trained, (base, run), (submissions, bases), statement)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no reason given"]
            raise CheckFailedError(f"{trained.key}: no entry could be written: {lines[-1].removeprefix('Error: ')}")
        yield trained.key, done.stdout.strip().splitlines()[0]


def entry_command(
    study: Study, trained: Trained, runs: tuple[Path, Path], places: tuple[Path, Path], statement: Statement
) -> list[str]:
    """The command for one entry; ``runs`` are those of base and last checkpoint, ``places`` submissions and bases."""
    base, run = runs
    words: list[str | Path] = ["submit", "prepare", base, run, "--training", trained.last / RECORD_FILE]
    if study.kept(trained) is not None:
        words += ["--summary", f"{read_record(trained.last).method_fields()['summary']} {_KEPT}"]
    elif study.dynamics(trained).is_file():
        words += ["--dynamics", study.dynamics(trained)]
    words += ["--license", statement.license, "--contact", statement.contact, "--consent", "--yes"]
    attempts = sum(len(each.checkpoints) for each in study.trained if each.target == trained.target)
    words += ["--attempts", str(attempts), "--chosen-by", _CHOSEN]
    words += ["--submissions", places[0], "--bases", places[1]]
    return [sys.executable, "-m", "retentionbench", *map(str, words)]
