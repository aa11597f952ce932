"""Child processes: each measured run is a process of its own, from start to end, as its users start it."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.smollm2 import ROOT

# harness.lmeval sets these for itself when it is imported; lm-eval's own users run without them.
_NOT_INHERITED = ("LMEVAL_HASHMM", "TQDM_DISABLE")


@dataclass(frozen=True)
class Finished:
    """Wall time of a child from start to end, its processor time (which other load on the machine hardly moves), and
    what it reported.
    """

    seconds: float
    cpu_seconds: float
    report: dict[str, Any]


def run(module: str, spec: dict[str, Any]) -> Finished:
    """Run ``python -m tests.bench.MODULE`` on a spec; a failure carries the end of its output."""
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder, "spec.json"), Path(folder, "report.json")
        asked.write_text(json.dumps(spec))
        command = [sys.executable, "-m", f"tests.bench.{module}", str(asked), str(told)]
        env = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        started, used = time.monotonic(), _cpu_seconds()
        finished = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        if finished.returncode:
            raise RuntimeError(f"tests.bench.{module} failed:\n{finished.stdout[-2000:]}{finished.stderr[-4000:]}")
        return Finished(seconds, _cpu_seconds() - used, json.loads(told.read_text()))


def _cpu_seconds() -> float:
    """Processor seconds of all finished children of this process, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Stages:
    """Seconds spent in named stages of a child."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def timed(self, name: str, call: Any, *args: Any, **options: Any) -> Any:
        """Call, and add the time it took to stage ``name``."""
        started = time.monotonic()
        try:
            return call(*args, **options)
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started

    def each(self, name: str, call: Any) -> Any:
        """``call``, which gives an iterator, with the time spent inside it added to stage ``name``."""

        def iterate(*args: Any) -> Iterator[Any]:
            answers = call(*args)
            while (answer := self.timed(name, next, answers, None)) is not None:
                yield answer

        return iterate


def spec_and_report() -> tuple[dict[str, Any], Path]:
    """A child's two arguments: what it is asked, and where its report goes."""
    return json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
