"""Cost: what a fine-tune and its evaluation took, as far as manifest and run record say, and when it was run."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.scoring.wording import duration
from leaderboard.board.board import Row
from leaderboard.documents import clean
from leaderboard.numbers import number

_DATE = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]")
# What a record calls a device that is none of its own: the answers came from a server.
_SERVER = "server"


@dataclass(frozen=True)
class Cost:
    """What was stated of the training, and what the run record has of the evaluation; None is not recorded.

    ``tokens``, ``rollouts`` and ``steps`` are the author's statements. ``seconds`` is how long the run of the tuned
    model took, ``answers`` how many were generated in it (the rest came from the store, or this was not written down
    yet), ``items`` how many it has. ``device`` is the class of hardware, ``date`` the day of the run in UTC.
    """

    tokens: int | None
    rollouts: int | None
    steps: int | None
    seconds: float | None
    answers: int | None
    items: int
    device: str | None
    date: str | None

    @property
    def training(self) -> str:
        """What the training took: "496,640 tokens · 160 steps", or that nothing is stated."""
        said = [
            f"{number(value)} {word if value == 1 else word + 's'}"
            for value, word in ((self.tokens, "token"), (self.rollouts, "rollout"), (self.steps, "step"))
            if value is not None
        ]
        return " · ".join(said) or "training cost not stated"

    @property
    def evaluation(self) -> str:
        """What the evaluation took: "evaluated in 41 s on a CPU", with what was generated where that is recorded."""
        if self.seconds is None:
            return f"evaluated{self._where}, time not recorded"
        made = "" if self.answers is None else f", {number(self.answers)} answers generated"
        return f"evaluated in {duration(self.seconds)}{self._where}{made}"

    @property
    def _where(self) -> str:
        if self.device is None:
            return ""
        if self.device == _SERVER:
            return " by a server"
        return " on a CPU" if self.device == "cpu" else f" on {clean(self.device, 60)}"

    def __str__(self) -> str:
        return " · ".join((self.training, self.evaluation, self.date or "date not recorded"))


def cost(row: Row) -> Cost:
    """What ``row`` cost: its manifest's method, and the record of its tuned run."""
    method, run = row.manifest.method, row.tuned
    day = run.created[:10]
    return Cost(
        tokens=method.tokens,
        rollouts=method.rollouts,
        steps=method.steps,
        # A run whose answers all came from the store took no time that says anything.
        seconds=run.wall_seconds if run.wall_seconds > 0 else None,
        answers=run.generated,
        items=run.n_items,
        device=run.engine.device or None,
        date=day if _DATE.fullmatch(day) else None,
    )
