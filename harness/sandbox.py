"""A sandbox for work on hostile input: a call that loops, runs out of memory or crashes returns a failure, never hangs.

A :class:`Sandbox` runs named functions of one module in worker processes that are reused from call to call. Requests
and results are length-prefixed JSON; nothing is pickled. The kernel enforces the limits (address space, CPU time, no
core files, no writes, no child processes); the parent enforces wall time with SIGKILL and replaces a lost worker at the
next call. The kernel ends a worker whose parent was killed, whatever it computes.

It bounds what hostile data can make trusted code do (a parser, a template engine). It does not contain hostile code.
"""

import contextlib
import fcntl
import importlib
import json
import math
import os
import queue
import resource
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from harness.errors import RetentionError

FailureKind = Literal["timeout", "memory", "crash", "too large", "error"]

_HEADER = 8
_MOST_MESSAGE = 300
_START_SECONDS = 120
# The only place that may name the interpreter's own libraries; no other variable reaches a worker.
_INHERITED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_BOOT = (
    "import json, sys\n"
    "spec = json.loads(sys.argv[1])\n"
    "sys.path[:] = spec['path']\n"
    "from harness.sandbox import _serve\n"
    "_serve(spec)"
)


class SandboxError(RetentionError):
    """A worker that does not start: its module is missing or broken, whatever the input."""


@dataclass(frozen=True)
class Limits:
    """Limits of one call.

    ``memory`` is in bytes on top of what the worker uses after its imports. ``cpu_seconds`` counts the worker's own CPU
    time, in whole seconds, so that a loaded machine changes no verdict; ``wall_seconds`` is the hard limit.
    ``answer_bytes`` bounds the result as JSON.
    """

    memory: int = 512 * 1024 * 1024
    cpu_seconds: int = 5
    wall_seconds: float = 30.0
    answer_bytes: int = 1024 * 1024


@dataclass(frozen=True)
class Failure:
    """A call without a result: ``error`` is an exception of the function, the other kinds are a limit or a crash."""

    kind: FailureKind
    message: str


class Sandbox:
    """Runs ``functions`` (names at the top level of ``module``) in at most ``size`` worker processes.

    Workers start at the first call, are shared by all threads, and end with :meth:`close`, with this object or with the
    interpreter. A fork does not share them: the child starts its own.
    """

    def __init__(self, module: str, functions: Sequence[str], limits: Limits | None = None, size: int = 1) -> None:
        self._limits = limits or Limits()
        self._functions = frozenset(functions)
        self._size = size
        self._spec = {"module": module, "functions": sorted(functions), "limits": asdict(self._limits)}
        self._live: set[_Worker] = set()
        self._forget()
        weakref.finalize(self, _end_all, self._live)
        _OPEN.add(self)

    def call(self, function: str, *arguments: Any) -> Any | Failure:
        """The function's result as JSON keeps it (tuples become lists), or the failure.

        Raises ``ValueError`` for a function that is not allowed, ``TypeError`` for arguments that JSON cannot hold, and
        ``SandboxError`` when no worker can be started.
        """
        if function not in self._functions:
            raise ValueError(f"sandbox of {self._spec['module']}: {function} is not among its functions")
        request = json.dumps([function, *arguments]).encode()
        free = self._free
        worker = free.get()
        try:
            used = worker is not None
            worker = worker or self._start()
            answer = worker.ask(request, self._limits)
            if used and isinstance(answer, Failure) and answer.kind in ("memory", "crash"):
                # Memory that earlier calls left allocated may be to blame, so try once more in a fresh worker.
                self._drop(worker)
                worker = self._start()
                answer = worker.ask(request, self._limits)
            if worker.spoilt:
                self._drop(worker)
        finally:
            free.put(worker if worker in self._live else None)
        return answer

    def map(self, function: str, arguments: Iterable[Sequence[Any]]) -> list[Any | Failure]:
        """:meth:`call` for each, as many at once as there are workers; results in the order of ``arguments``."""
        with ThreadPoolExecutor(self._size) as pool:
            return list(pool.map(lambda each: self.call(function, *each), arguments))

    def close(self) -> None:
        """End the workers; a later call starts new ones."""
        _end_all(self._live)
        self._forget()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> "_Worker":
        failed = Failure("crash", "not tried")
        for _ in range(2):  # A machine short of memory may have killed the first.
            worker = _Worker(self._spec)
            self._live.add(worker)
            ready = worker.receive(time.monotonic() + _START_SECONDS, _MOST_MESSAGE * 10)
            if not isinstance(ready, Failure):
                return worker
            self._drop(worker)
            failed = ready
        raise SandboxError(f"the sandbox of {self._spec['module']} does not start: {failed.message}")

    def _drop(self, worker: "_Worker") -> None:
        worker.end()
        self._live.discard(worker)

    def _forget(self) -> None:
        """Start over without workers; those of a parent process are left to it."""
        for worker in self._live:
            worker.disown()
        self._live.clear()
        self._free: queue.SimpleQueue[_Worker | None] = queue.SimpleQueue()
        for _ in range(self._size):
            self._free.put(None)


class _Worker:
    """One worker process and our end of its socket; ``spoilt`` once it must not be used again."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spoilt = False
        self._socket, theirs = socket.socketpair()
        with theirs:
            path = [entry or str(Path.cwd()) for entry in sys.path]
            sent = json.dumps({**spec, "path": path, "socket": theirs.fileno()})
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-B", "-c", _BOOT, sent],
                stdin=subprocess.PIPE,  # Nothing is written to it; it is closed when this process is gone.
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=_ENVIRONMENT | {name: os.environ[name] for name in _INHERITED if name in os.environ},
                start_new_session=True,  # Ctrl-C reaches the whole group; the parent ends its workers itself.
            )

    def ask(self, request: bytes, limits: Limits) -> Any | Failure:
        deadline = time.monotonic() + limits.wall_seconds
        try:
            self._socket.settimeout(limits.wall_seconds)
            self._socket.sendall(len(request).to_bytes(_HEADER) + request)
        except TimeoutError:
            return self._lost(_too_long(limits.wall_seconds))
        except OSError:
            return self._lost()
        return self.receive(deadline, limits.answer_bytes)

    def receive(self, deadline: float, most: int) -> Any | Failure:
        """The next result; anything else ends the worker."""
        begun = time.monotonic()
        try:
            size = int.from_bytes(self._read(_HEADER, deadline))
            if size > most + _MOST_MESSAGE * 10:
                return self._lost(_too_large(most))
            answer = json.loads(self._read(size, deadline))
            self.spoilt = bool(answer["spoilt"])
            return answer["value"] if answer["failed"] is None else Failure(*answer["failed"])
        except TimeoutError:
            return self._lost(_too_long(deadline - begun))
        except (EOFError, OSError):
            return self._lost()
        except (ValueError, KeyError, TypeError, RecursionError):
            return self._lost(Failure("crash", "the worker wrote something that is not a result"))

    def end(self) -> None:
        """Kill the worker and anything it started, and wait for it."""
        self.spoilt = True
        self._hang_up()
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()

    def disown(self) -> None:
        self._hang_up()
        self._process.returncode = 0  # Its parent waits for it, not this process.

    def _hang_up(self) -> None:
        self._socket.close()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _read(self, size: int, deadline: float) -> bytearray:
        content = bytearray()
        while len(content) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            part = self._socket.recv(min(size - len(content), 1 << 20))
            if not part:
                raise EOFError
            content += part
        return content

    def _lost(self, known: Failure | None = None) -> Failure:
        code = None
        if known is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(1)
        self.end()
        if known is not None:
            return known
        if code == -signal.SIGXCPU:
            return Failure("timeout", "more processor time than a call may take")
        if code is not None and code < 0:
            return Failure("crash", f"ended by signal {-code} ({signal.Signals(-code).name})")
        return Failure("crash", "closed its socket" if code is None else f"ended with exit code {code}")


_OPEN: "weakref.WeakSet[Sandbox]" = weakref.WeakSet()


def _after_fork() -> None:
    for sandbox in list(_OPEN):
        sandbox._forget()


os.register_at_fork(after_in_child=_after_fork)


def _end_all(workers: "set[_Worker]") -> None:
    while workers:
        workers.pop().end()


def _too_long(seconds: float) -> Failure:
    return Failure("timeout", f"no answer within {seconds:.3g} s")


def _too_large(most: int) -> Failure:
    return Failure("too large", f"an answer of more than {most} bytes")


def _serve(spec: dict[str, Any]) -> None:
    """A worker's main loop: import the module, apply the limits, answer until the parent is gone."""
    _end_with_the_parent()
    pipe = socket.socket(fileno=spec["socket"])
    limits = Limits(**spec["limits"])
    try:
        module = importlib.import_module(spec["module"])
        functions = {name: getattr(module, name) for name in spec["functions"]}
        _confine(limits)
    except BaseException as error:  # The parent reports it once, as an error of the installation.
        _send(pipe, None, Failure("error", _one_line(error)), spoilt=True)
        return
    _send(pipe, "ready", None)
    spoilt = False
    while not spoilt and (head := _receive(pipe, _HEADER)):
        name, *arguments = json.loads(_receive(pipe, int.from_bytes(head)))
        _extend_cpu(limits.cpu_seconds)
        try:
            encoded = _encoded(functions[name](*arguments), limits.answer_bytes)
            failed = None if encoded is not None else _too_large(limits.answer_bytes)
        except MemoryError:
            encoded, failed, spoilt = None, Failure("memory", "more memory than a call may take"), True
        except BaseException as error:  # Whatever it is, it concerns this call alone.
            encoded, failed = None, Failure("error", _one_line(error))
        _send(pipe, None, failed, spoilt) if encoded is None else _send_encoded(pipe, encoded)
    os._exit(0)  # Taking large libraries apart costs seconds.


def _end_with_the_parent(stdin: int = 0) -> None:
    """Have the kernel send SIGIO when the parent, which alone can write to ``stdin``, is gone. Without a handler that
    ends a process at once, also one that is busy in a library."""
    fcntl.fcntl(stdin, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(stdin, fcntl.F_SETFL, fcntl.fcntl(stdin, fcntl.F_GETFL) | os.O_ASYNC)


def _confine(limits: Limits) -> None:
    used = 0
    with contextlib.suppress(OSError):
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    wanted = {"RLIMIT_AS": used + limits.memory, "RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_NPROC": 0}
    for name, most in {**wanted, "RLIMIT_NOFILE": 64}.items():
        kind = getattr(resource, name, None)
        if kind is not None:
            # macOS refuses some of them.
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(kind, (most, most))


def _extend_cpu(seconds: int) -> None:
    """CPU time is limited for the whole process, so each call raises the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    end = math.ceil(time.process_time()) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (end if hard == resource.RLIM_INFINITY else min(end, hard), hard))


def _encoded(value: Any, most: int) -> bytes | None:
    """The value as JSON, or None once it exceeds ``most`` bytes."""
    parts, size = [], 0
    for part in json.JSONEncoder(allow_nan=False).iterencode(value):
        size += len(part)
        if size > most:
            return None
        parts.append(part)
    return "".join(parts).encode()


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {str(error)[:10_000]}".split())[:_MOST_MESSAGE]


def _send(pipe: socket.socket, value: Any, failed: Failure | None, spoilt: bool = False) -> None:
    reason = None if failed is None else [failed.kind, failed.message]
    _send_frame(pipe, json.dumps({"value": value, "failed": reason, "spoilt": spoilt}).encode())


def _send_encoded(pipe: socket.socket, value: bytes) -> None:
    _send_frame(pipe, b'{"value": ' + value + b', "failed": null, "spoilt": false}')


def _send_frame(pipe: socket.socket, content: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        pipe.sendall(len(content).to_bytes(_HEADER) + content)


def _receive(pipe: socket.socket, size: int) -> bytes:
    """Exactly ``size`` bytes, or none once the parent is gone."""
    content = bytearray()
    while len(content) < size:
        part = pipe.recv(size - len(content))
        if not part:
            return b""
        content += part
    return bytes(content)
