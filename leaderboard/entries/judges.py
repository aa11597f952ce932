"""Judges: suites by name, and recomputation of stored answers with the tasks' own scoring.

The only module of the leaderboard that needs lm-eval, which it imports only when an answer is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.records import Run, Suite, load_suite, suite_names, suite_path
from harness.sources import data_folder
from leaderboard.documents import suite_name

if TYPE_CHECKING:
    from harness.lmeval import AnswerKey as AnswerKey
    from harness.lmeval import Difference as Difference
    from harness.lmeval import Recomputation as Recomputation
    from harness.lmeval import Recomputer as Recomputer
    from harness.lmeval import Rejudged as Rejudged


class Judges:
    """Recomputers of the shipped suites, and of those in the files ``own``. Each loads its items once."""

    def __init__(self, own: Sequence[Path] = ()) -> None:
        self._own = {path.stem: path for path in own}
        self._suites: dict[str, Suite] = {}
        self._recomputers: dict[str, Recomputer] = {}
        self._bases: dict[str, Recomputation] = {}

    def suite(self, name: str) -> Suite | None:
        """The suite ``<id>-<version>``, or None if there is no such suite."""
        if name not in self._suites:
            if name not in self._own and name not in suite_names():
                return None
            self._suites[name] = load_suite(str(self._own.get(name, name)))
        return self._suites[name]

    def recomputer(self, suite: Suite) -> Recomputer:
        if suite.id not in self._recomputers:
            from harness.lmeval import Recomputer

            folder = suite_path(str(self._own.get(suite.id, suite.id))).parent
            self._recomputers[suite.id] = Recomputer(suite, folder)
        return self._recomputers[suite.id]

    def rejudge(self, suite: Suite, run: Path) -> Rejudged:
        """Judge the run in a folder again by the rules of this program, and write it."""
        from harness.lmeval import rejudge_run

        return rejudge_run(run, self.recomputer(suite))

    def recompute(self, suite: Suite, run: Run, *, keep: bool = False) -> Recomputation:
        """Judge a run again; ``keep`` caches the result, for a base that many entries share."""
        key = f"{suite_name(run.record)} {run.record.samples_sha256}"
        if key in self._bases:
            return self._bases[key]
        found = self.recomputer(suite).recompute(run.samples)
        if keep:
            self._bases[key] = found
        return found


def public(reason: str) -> str:
    """The reason why data is missing, without this machine's folders, as findings are published."""
    try:
        data = data_folder()
    except Exception:  # a data folder that does not exist may be the reason itself
        data = None
    return reason.replace(str(data), "the data folder") if data is not None else reason
