"""An engine in a process of its own: its memory comes back when it closes, and its crash is one error here.

Every local engine runs like this. On a CPU the child is forked from a server that has imported the libraries once, so
that isolation costs no second import (14 s) and a base with three fine-tunes pays it once; where there is a GPU it is
spawned, because CUDA does not survive a fork. This process never imports torch either way.
"""

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any

from harness.engines import starting
from harness.engines.environment import prepare
from harness.engines.failures import is_out_of_memory, without_kernel
from harness.engines.placement import Placement
from harness.engines.settings import EngineError
from harness.errors import RetentionError
from harness.protocol import Completion, Engine, GenerateRequest, ScoreAnswer, ScoreRequest
from harness.records import EngineRecord
from harness.temporary import lasting_folder

_PART = 256
# The exit code of a child that was about to run the user's script again.
_UNGUARDED = 78
_RAN_AGAIN = (
    "the engine's process ran your script again, as Python's child processes do, and came to the same call; put what "
    'the script does below `if __name__ == "__main__":`'
)
# How long the end of a child may take (s): of one that has what it was asked for, and of one that is interrupted.
_PATIENT, _HURRIED = 30.0, 4.5
_QUIET = "ignore:resource_tracker"


class ChildEngine:
    """Runs ``load(placement)`` in a child process.

    A child that runs out of memory is started again with half the batch for what is not answered yet. Any other end of
    it is an ``EngineError`` that names the checkpoint and the signal; answers that it gave before have been returned.
    """

    def __init__(self, placement: Placement, load: Callable[[Placement], Engine] = starting.load) -> None:
        end_if_imported_by_a_child()
        self._load = load
        self._placement = placement
        self._name = placement.name
        self._scratch = lasting_folder("engine-")
        try:
            self.record = self._start()
        except BaseException:
            self._stop(_HURRIED)
            self.close()
            raise

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        return self._call("generate", requests)

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, ScoreAnswer]]:
        return self._call("score", requests)

    def close(self) -> None:
        self._stop()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _start(self) -> EngineRecord:
        context = _context(self._placement)
        self._pipe, theirs = context.Pipe()
        held, self._lifeline = context.Pipe(duplex=False)
        given = (theirs, held, self._load, self._placement, str(self._scratch))
        self._process = context.Process(target=_serve, args=given)
        self._process.start()
        theirs.close()
        held.close()
        try:
            (record,) = self._receive("ready")
        except _OutOfMemoryError as error:
            self._halve(error)
            return self._start()
        found: EngineRecord = record
        return found

    def _stop(self, patience: float = _PATIENT) -> None:
        """End the child within ``patience`` (s): kindly where it waits for work, by force where it is busy or stuck."""
        if not hasattr(self, "_process") or self._process.pid is None:  # Interrupted before it was started.
            return
        with contextlib.suppress(OSError):
            self._pipe.send(None)
        self._pipe.close()
        for end in (lambda: None, self._process.terminate, self._process.kill):
            end()
            self._process.join(patience / 3)
            if self._process.exitcode is not None:
                break
        self._process.close()
        self._lifeline.close()
        del self._process

    def _call(self, kind: str, requests: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        left = list(range(len(requests)))
        while left:
            answered: set[int] = set()
            try:
                for index, answer in self._stream(kind, [requests[i] for i in left]):
                    answered.add(index)
                    yield left[index], answer
                return
            except _OutOfMemoryError as error:
                left = [each for place, each in enumerate(left) if place not in answered]
                self._halve(error)
                self._start()

    def _stream(self, kind: str, requests: list[Any]) -> Iterator[tuple[int, Any]]:
        if not hasattr(self, "_process"):
            raise EngineError(f"{self._name}: its engine has ended")
        finished = False
        try:
            self._send((kind, len(requests)))
            for start in range(0, len(requests), _PART):
                self._send(requests[start : start + _PART])
            while (answer := self._receive("answer")) is not None:
                yield answer
            finished = True
        finally:
            if not finished:
                self._stop(_HURRIED)  # It is in the middle of something that nobody waits for any more.

    def _halve(self, error: "_OutOfMemoryError") -> None:
        self._stop()
        settings = self._placement.settings
        if settings.at_once <= 1:
            raise EngineError(f"{self._name}: out of memory even with --batch 1 ({error}); use a larger device")
        self._placement = replace(self._placement, settings=settings.halved())

    def _send(self, message: Any) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            self._receive("answer")  # The child is gone; its last message, or its exit code, gives the reason.

    def _receive(self, expected: str) -> Any:
        """The child's next message of the kind ``expected``; None when it is done."""
        try:
            kind, *content = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(10)
            if self._process.exitcode == _UNGUARDED:
                raise RetentionError(_RAN_AGAIN) from None
            raise EngineError(f"{self._name}: its engine process {_ending(self._process.exitcode)}") from None
        if kind == "failed":
            reason, is_ours, out_of_memory, trace = content
            if out_of_memory:
                raise _OutOfMemoryError(reason)
            raise EngineError(reason if is_ours else f"{self._name}: its engine failed: {reason}") from _ChildError(
                trace
            )
        if kind == "done":
            return None
        if kind != expected:
            raise EngineError(f"{self._name}: its engine process sent {kind!r} where {expected!r} was due")
        return tuple(content)


class _OutOfMemoryError(Exception):
    """The child ran out of memory."""


class _ChildError(Exception):
    """Carries the child's traceback as text, for `--debug`."""


def end_if_imported_by_a_child() -> None:
    """End this process, if it is a child that runs the user's script before it does its work, as Python's do: what it
    would start there its parent has started, and holds the locks of."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        sys.stdout.flush()
        os._exit(_UNGUARDED)  # An exception would be the script's to catch.


def _ending(code: int | None) -> str:
    kept = "what it had answered is stored, and the same command goes on from there"
    if code is None:
        return f"hangs; {kept}"
    if code < 0:
        return f"was ended by signal {-code} ({signal.Signals(-code).name}); {kept}"
    return f"ended with exit code {code}; {kept}"


def _context(placement: Placement) -> Any:
    on_cpu = placement.record.device == "cpu"
    if not (on_cpu and sys.platform == "linux"):
        return multiprocessing.get_context("spawn")
    prepare(on_cpu, placement.settings.threads)
    # vLLM leaves named semaphores behind; Python's tracker removes them, and need not tell the user.
    if _QUIET not in sys.warnoptions:
        sys.warnoptions.append(_QUIET)
    warm_server(placement.settings.name)
    return multiprocessing.get_context("forkserver")


def warm_server(engines: str) -> None:
    """Start the server that engines are forked from, unless it runs, and have it import what ``engines`` need (names
    with spaces between them)."""
    multiprocessing.set_forkserver_preload(["harness.engines.warm"])
    os.environ["RETENTION_WARM"] = engines
    try:
        forkserver.ensure_running()
    finally:
        del os.environ["RETENTION_WARM"]  # Meant for that process alone.


def _end_with_the_parent(lifeline: Connection, scratch: str) -> None:
    """Wait until the other end of ``lifeline`` is closed, which nobody but the parent holds, then end at once.

    A parent that was killed says nothing, and a child that computes would not notice for as long as it does.
    """
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv()
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(0)


def _serve(
    pipe: Connection, lifeline: Connection, load: Callable[[Placement], Engine], placement: Placement, scratch: str
) -> None:
    """The child: load the engine, then answer until the parent sends None or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends us.
    threading.Thread(target=_end_with_the_parent, args=(lifeline, scratch), daemon=True).start()
    tempfile.tempdir = scratch  # Removed by the parent, even when this process dies.
    engine = None
    try:
        engine = load(placement)
        pipe.send(("ready", engine.record))
        while (call := pipe.recv()) is not None:
            kind, count = call
            requests: list[Any] = []
            while len(requests) < count:
                requests += pipe.recv()
            for index, answer in getattr(engine, kind)(requests):
                pipe.send(("answer", index, answer))
            pipe.send(("done",))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass
    except BaseException as error:  # Whatever a library raises becomes one message to the parent.
        reason = " ".join(str(error).split()) or type(error).__name__
        ours = isinstance(error, EngineError)
        named = reason if ours else f"{type(error).__name__}: {reason}"
        if (lacking := without_kernel(error)) is not None:
            ours, named = True, f"{placement.settings.name} {lacking}"
        with contextlib.suppress(OSError):
            pipe.send(("failed", named, ours, is_out_of_memory(error), traceback.format_exc()))
    if engine is not None and engine.record.device != "cpu":
        engine.close()  # On a GPU vLLM has processes of its own. On a CPU taking it apart would only cost seconds.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
