"""Many workers through Ray: each holds a whole engine, chunks of requests go to whichever is free.

Answers come back to this process, which alone writes to the store, so the samples file is that of a local run. A worker
that dies gives its chunk to another and is replaced.
"""

import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from harness import engines
from harness.checkpoints import Checkpoint
from harness.engines import EngineError, EngineSettings
from harness.engines.failures import is_out_of_memory
from harness.protocol import Completion, Engine, GenerateRequest, ScoreAnswer, ScoreRequest
from harness.samples import EngineRecord

# How often one chunk may lose its worker before it is taken to be the cause.
_TRIES = 3
_SMALLEST_CHUNK = 16


class Worker:
    """Lives in a Ray actor and holds one engine."""

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def load(self, settings: EngineSettings, members: Sequence[Checkpoint]) -> tuple[int, EngineRecord]:
        """Start the engine; returns this worker's process id and the engine's record."""
        self._engine = engines.load(settings, members)
        return os.getpid(), self._engine.record

    def answer(self, kind: str, requests: Sequence[Any]) -> list[tuple[int, Any]]:
        return list(getattr(self._engine, kind)(requests))


class RayEngine:
    """Runs ``engines.load(settings, members)`` in every worker; ``pids`` are their process ids."""

    def __init__(self, settings: EngineSettings, members: Sequence[Checkpoint]) -> None:
        try:
            import ray
        except ImportError as error:
            raise EngineError("--executor ray: not installed; run `pip install 'retentionbench[ray]'`") from error
        self._ray = ray
        self._settings = replace(settings, executor="local")
        self._members = tuple(members)
        self._name = " + ".join(each.record.name for each in members)
        self.record = engines.describe(self._settings, engines.root_of(self._settings, members))
        _connect(ray, settings)
        self._on_cpu = self.record.device == "cpu"
        total: dict[str, float] = ray.cluster_resources()
        room = (
            total.get("CPU", 1) // settings.threads if self._on_cpu else total.get("GPU", 0) // settings.tensor_parallel
        )
        count = settings.workers or int(room)
        if count < 1 or count > room:
            raise EngineError(
                f"--workers {count}: the Ray cluster has room for {int(room)} "
                f"({'CPU threads' if self._on_cpu else f'GPUs / --tensor-parallel {settings.tensor_parallel}'})"
            )
        self._workers: list[Any] = [None] * count
        self.pids = [0] * count
        try:
            loading = [self._begin(place) for place in range(count)]
            for place, ref in enumerate(loading):
                self._finish(place, ref)
        except BaseException:
            self.close()
            raise

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        return self._ask("generate", requests)

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, ScoreAnswer]]:
        return self._ask("score", requests)

    def close(self) -> None:
        for worker in self._workers:
            if worker is not None:
                self._ray.kill(worker)
        self._workers = []

    def _begin(self, place: int) -> Any:
        """Start the worker at ``place``; returns the reference of its loading."""
        needs = {"num_cpus": self._settings.threads, "num_gpus": 0 if self._on_cpu else self._settings.tensor_parallel}
        actor = self._ray.remote(Worker).options(max_restarts=0, **needs)
        self._workers[place] = actor.remote()
        return self._workers[place].load.remote(self._settings, self._members)

    def _finish(self, place: int, ref: Any) -> None:
        try:
            self.pids[place], record = self._ray.get(ref)
        except self._ray.exceptions.RayTaskError as error:
            raise self._explained(error) from error
        except self._ray.exceptions.RayError as error:
            raise EngineError(f"{self._name}: a Ray worker died while loading it: {_line(error)}") from error
        if record != self.record:
            raise EngineError(
                f"{self._name}: a Ray worker runs {record.fingerprint}, this machine {self.record.fingerprint}; "
                "run the command on a machine like the workers, with the same packages"
            )

    def _ask(self, kind: str, requests: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        size = max(_SMALLEST_CHUNK, min(self._settings.batch, -(-len(requests) // (4 * len(self._workers)))))
        waiting = deque(range(0, len(requests), size))
        idle = deque(range(len(self._workers)))
        running: dict[Any, tuple[int, int]] = {}
        losses: Counter[int] = Counter()
        while waiting or running:
            while waiting and idle:
                start, place = waiting.popleft(), idle.popleft()
                part = list(requests[start : start + size])
                running[self._workers[place].answer.remote(kind, part)] = (place, start)
            done, _ = self._ray.wait(list(running), num_returns=1)
            for ref in done:
                place, start = running.pop(ref)
                answers = self._answers(ref, place)
                idle.append(place)
                if answers is not None:
                    yield from ((start + offset, answer) for offset, answer in answers)
                    continue
                losses[start] += 1
                if losses[start] >= _TRIES:
                    raise EngineError(
                        f"{self._name}: {_TRIES} Ray workers died on the same {size} items; "
                        "what was answered is stored, and the same command goes on from there"
                    )
                waiting.appendleft(start)

    def _answers(self, ref: Any, place: int) -> list[tuple[int, Any]] | None:
        """The answers behind ``ref``; None when its worker died or ran out of memory, and has been replaced."""
        try:
            found: list[tuple[int, Any]] = self._ray.get(ref)
        except self._ray.exceptions.RayTaskError as error:
            if not is_out_of_memory(error.cause) or self._settings.batch <= 1:
                raise self._explained(error) from error
            self._settings = replace(self._settings, batch=self._settings.batch // 2)
        except self._ray.exceptions.RayError:
            pass
        else:
            return found
        self._ray.kill(self._workers[place])
        self._finish(place, self._begin(place))
        return None

    def _explained(self, error: Any) -> EngineError:
        if isinstance(error.cause, EngineError):
            return error.cause
        return EngineError(f"{self._name}: its engine failed in a Ray worker: {_line(error.cause)}")


def _connect(ray: Any, settings: EngineSettings) -> None:
    """Join the cluster, or start one on this machine, once in this process."""
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray's own choice for years to come; said here because it warns otherwise.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    if settings.address:
        try:
            ray.init(address=settings.address, **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise EngineError(f"--address {settings.address}: no Ray cluster there ({_line(error)})") from error
        return
    cpus = max(os.cpu_count() or 1, (settings.workers or 0) * settings.threads)
    ray.init(num_cpus=cpus, include_dashboard=False, **quiet)


def _line(error: BaseException) -> str:
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)
