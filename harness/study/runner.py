"""Running a study: its steps as child processes, each done once, even if processes are killed.

A successful step leaves a record with its digest, which covers everything that affects its result; the same command
again runs only the others. A child holds the lock of its step through an inherited file, so that a child that outlived
a killed study is waited for and not started twice.
"""

import contextlib
import datetime
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated, Protocol

from pydantic import Field, ValidationError

from harness.errors import RetentionError
from harness.items import canonical_json
from harness.records import Digest, StrictModel

_POLL_SECONDS = 0.2
_PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Step:
    """One child process. ``key`` is its name and path below the study's folder; steps of a ``kind`` take equally long.

    ``command`` is called when the step starts, as it may depend on earlier steps. ``inputs`` is everything that affects
    the result besides the steps in ``needs``; ``outputs`` must exist for the step to count as done.
    """

    key: str
    kind: str
    command: Callable[[], Sequence[str]] = field(compare=False)
    inputs: Mapping[str, str]
    needs: tuple[str, ...] = ()
    outputs: tuple[Path, ...] = ()


class Done(StrictModel):
    """``steps/KEY.json``: a successful step, and how long it took."""

    digest: Digest
    seconds: Annotated[float, Field(ge=0)]
    ended: str


class Watcher(Protocol):
    """Receives progress events; ``left`` is in seconds, None while unknown."""

    def begin(self, total: int, done: int, left: float | None) -> None: ...

    def started(self, step: Step) -> None: ...

    def waiting(self, step: Step) -> None: ...

    def ended(self, step: Step, seconds: float, left: float | None) -> None: ...

    def failed(self, step: Step, log: Path) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """The outcome of running a study: keys of the steps that failed, and of those that depend on them."""

    failed: tuple[str, ...]
    blocked: tuple[str, ...]


def step_digests(steps: Sequence[Step]) -> dict[str, str]:
    """The digest of each step by its key: over its key, its inputs, and the digests of the steps it needs.

    Raises ``ValueError`` for a duplicate key, or a step that needs a later one.
    """
    found: dict[str, str] = {}
    for step in steps:
        if step.key in found or (missing := [need for need in step.needs if need not in found]):
            raise ValueError(f"{step.key}: duplicate, or needs a later step ({', '.join(missing) if missing else ''})")
        content = [step.key, dict(step.inputs), [found[need] for need in step.needs]]
        found[step.key] = hashlib.sha256(canonical_json(content)).hexdigest()
    return found


class Folder:
    """The files of a study's steps below ``out``: records of finished steps, logs, locks."""

    def __init__(self, out: Path) -> None:
        self.out = out

    def log(self, key: str) -> Path:
        return self.out / "logs" / f"{key}.log"

    def done(self, key: str) -> Done | None:
        """The record of a successful step; None if it is missing or cannot be read."""
        try:
            return Done.model_validate_json(self._record(key).read_bytes())
        except (OSError, ValidationError):
            return None

    def is_done(self, step: Step, digest: str) -> bool:
        """Whether ``step`` succeeded with this digest, and its outputs still exist."""
        record = self.done(step.key)
        return record is not None and record.digest == digest and all(path.exists() for path in step.outputs)

    def record(self, key: str, done: Done) -> None:
        path = self._record(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(done.model_dump_json(indent=2) + "\n", encoding="utf-8")
        partial.replace(path)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the study's lock; raises ``RetentionError`` if another process runs the same study."""
        lock = self._lock(self.out / "study.lock")
        if lock is None:
            raise RetentionError(f"{self.out}: this study is already running; wait for it, or give another --out")
        try:
            yield
        finally:
            lock.close()

    def lock(self, key: str) -> IO[bytes] | None:
        """The open lock file of a step, for its child to inherit; None while a child of an earlier run holds it."""
        return self._lock(self.out / "steps" / f"{key}.lock")

    def _lock(self, path: Path) -> IO[bytes] | None:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        return file

    def _record(self, key: str) -> Path:
        return self.out / "steps" / f"{key}.json"


@dataclass
class _Child:
    step: Step
    process: subprocess.Popen[bytes]
    lock: IO[bytes]
    started: float


class Runner:
    """Runs the steps that are not done, ``jobs`` at a time, in the given order as far as their needs allow.

    A failed step only blocks those that need it. ``seconds`` has the expected duration of a step of each kind, used
    until one has been timed.
    """

    def __init__(
        self, folder: Folder, steps: Sequence[Step], watcher: Watcher, *, jobs: int = 1, seconds: Mapping[str, float]
    ) -> None:
        self._folder, self._steps, self._watcher, self._jobs = folder, list(steps), watcher, jobs
        self._digests = step_digests(steps)
        self._planned = dict(seconds)
        self._running: list[_Child] = []
        self._failed: list[str] = []
        self._waited: set[str] = set()

    def run(self) -> Outcome:
        """Run to the end; an interrupt or SIGTERM ends the children first, and the same call resumes later."""
        with self._folder.locked(), _exit_on_sigterm():
            self._done = {step.key for step in self._steps if self._folder.is_done(step, self._digests[step.key])}
            # A step is repeated if one it needs is: that one's digest may be the same, but its files are not.
            for step in self._steps:
                if not set(step.needs) <= self._done:
                    self._done.discard(step.key)
            self._watcher.begin(len(self._steps), len(self._done), self._left())
            try:
                while self._turn():
                    time.sleep(_POLL_SECONDS)
            finally:
                self._end_children()
        finished = self._done | set(self._failed)
        return Outcome(tuple(self._failed), tuple(step.key for step in self._steps if step.key not in finished))

    def _turn(self) -> bool:
        """Collect finished children and start new ones; False if nothing runs and nothing more can start."""
        for child in list(self._running):
            if child.process.poll() is not None:
                self._collect(child)
        busy = {child.step.key for child in self._running}
        blocked = False
        for step in self._steps:
            if len(self._running) >= self._jobs:
                break
            if step.key in self._done or step.key in self._failed or step.key in busy:
                continue
            if set(step.needs) <= self._done:
                blocked = not self._start(step) or blocked
        return bool(self._running) or blocked

    def _start(self, step: Step) -> bool:
        """Start ``step``; False while a child of an earlier run still works on it."""
        lock = self._folder.lock(step.key)
        if lock is None:
            if step.key not in self._waited:
                self._waited.add(step.key)
                self._watcher.waiting(step)
            return False
        log = self._folder.log(step.key)
        log.parent.mkdir(parents=True, exist_ok=True)
        command = list(step.command())
        with log.open("ab") as file:
            file.write(f"$ {' '.join(command)}\n".encode())
            file.flush()
            with defer_interrupts():
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, pass_fds=(lock.fileno(),)
                )
                self._running.append(_Child(step, process, lock, time.monotonic()))
        self._watcher.started(step)
        return True

    def _collect(self, child: _Child) -> None:
        self._running.remove(child)
        child.lock.close()
        step, seconds = child.step, time.monotonic() - child.started
        if child.process.returncode or not all(path.exists() for path in step.outputs):
            self._failed.append(step.key)
            self._watcher.failed(step, self._folder.log(step.key))
            return
        ended = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._folder.record(step.key, Done(digest=self._digests[step.key], seconds=round(seconds, 1), ended=ended))
        self._done.add(step.key)
        self._watcher.ended(step, seconds, self._left())

    def _left(self) -> float | None:
        """Estimated seconds for the remaining steps: by kind, as measured so far, or as the plan says."""
        took: dict[str, list[float]] = {}
        for step in self._steps:
            if step.key in self._done and (record := self._folder.done(step.key)):
                took.setdefault(step.kind, []).append(record.seconds)
        means = {kind: sum(each) / len(each) for kind, each in took.items()}
        # How much slower than planned this machine has been so far.
        planned = sum(self._planned[kind] * len(each) for kind, each in took.items() if kind in self._planned)
        measured = sum(sum(each) for kind, each in took.items() if kind in self._planned)
        pace = measured / planned if planned else 1.0
        left = 0.0
        for step in self._steps:
            if step.key in self._done or step.key in self._failed:
                continue
            if step.kind not in means and step.kind not in self._planned:
                return None
            left += means.get(step.kind, pace * self._planned.get(step.kind, 0.0))
        return left / self._jobs

    def _end_children(self) -> None:
        for child in self._running:
            with contextlib.suppress(ProcessLookupError):
                child.process.terminate()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        for child in self._running:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
            child.lock.close()
        self._running.clear()


@contextlib.contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """Turn SIGTERM into ``SystemExit``, so that clean-up blocks run; only in the main thread."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    try:
        before = signal.signal(signal.SIGTERM, leave)
    except ValueError:  # Not the main thread, which handles signals.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def defer_interrupts() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back until the block ends, so that a child just started is known to whoever ends it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending: list[int] = []
    before = {
        number: signal.signal(number, lambda number, frame: pending.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        for received in pending:
            signal.raise_signal(received)


def python_command(*arguments: str | os.PathLike[str]) -> list[str]:
    """The command for ``retention ARGUMENTS...`` with the current Python."""
    return [sys.executable, "-m", "harness.cli", *map(str, arguments)]
