"""Many workers through Ray: shards of every checkpoint's items go to whichever worker is free.

Each worker holds one engine and starts another when its checkpoint's work is done (:mod:`harness.engines.shards`), so
several checkpoints are answered at once. Answers come back to this process, which alone writes to the store, so the
samples files are those of a local run. A worker that dies gives its shard to another and is replaced.
"""

import contextlib
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.engines import starting
from harness.engines.failures import is_out_of_memory
from harness.engines.orphans import ending_with_this_process
from harness.engines.placement import Placement
from harness.engines.settings import EngineError, EngineSettings
from harness.engines.shards import Shard, Shards
from harness.errors import install_command
from harness.protocol import Completion, Engine, Failed, GenerateRequest, ScoreAnswer, ScoreRequest
from harness.records import EngineRecord

# How often one shard may lose its worker before it is taken to be the cause.
_TRIES = 3
_SMALLEST_SHARD = 16


class Worker:
    """Lives in a Ray actor and holds one engine."""

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def load(self, placement: Placement) -> tuple[int, EngineRecord]:
        """Start the engine; returns this worker's process id and the engine's record."""
        self._engine = starting.load(placement)
        return os.getpid(), self._engine.record

    def answer(self, kind: str, requests: Sequence[Any]) -> list[tuple[int, Any]]:
        return list(getattr(self._engine, kind)(requests))


@dataclass
class _Place:
    """A slot for one worker: the group its engine is of, whether that is loaded, and the checkpoint it answers as."""

    actor: Any = None
    pid: int = 0
    group: int | None = None
    loaded: bool = False
    checkpoint: str | None = None


class RayEngine:
    """Runs ``starting.load`` in workers, which share the placement's members; requests name their checkpoint."""

    def __init__(self, placement: Placement) -> None:
        try:
            import psutil  # noqa: F401 - what ends Ray's processes with this one
            import ray
        except ImportError as error:
            raise EngineError(
                f"--executor ray: not installed; run `{install_command('ray')}` in the checkout"
            ) from error
        self._ray = ray
        self._settings = placement.settings
        self._groups = placement.on_workers()
        placed = [(k, each) for k, group in enumerate(self._groups) for each in group.members]
        self._group_of = {each.weights_digest: k for k, each in placed}
        self._request_adapters = {each.weights_digest: each.request_adapter for _, each in placed}
        self.record = self._groups[0].record
        _connect(ray, self._settings)
        self._on_cpu = self.record.device == "cpu"
        self._places = [_Place() for _ in range(self._count())]

    def _count(self) -> int:
        total: dict[str, float] = self._ray.cluster_resources()
        settings = self._settings
        cpus, gpus = total.get("CPU", 1) // settings.threads, total.get("GPU", 0) // settings.tensor_parallel
        free = int(cpus if self._on_cpu else gpus)
        count = settings.workers or free
        if count < 1 or count > free:
            kind = "CPU threads" if self._on_cpu else f"GPUs / --tensor-parallel {settings.tensor_parallel}"
            raise EngineError(f"--workers {count}: the Ray cluster has room for {free} ({kind})")
        return count

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that hold an engine."""
        return [place.pid for place in self._places if place.pid]

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        return self._call("generate", requests)

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, ScoreAnswer]]:
        return self._call("score", requests)

    def close(self) -> None:
        for place in self._places:
            self._end(place)

    def _call(self, kind: str, requests: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        size = max(_SMALLEST_SHARD, min(self._settings.batch, -(-len(requests) // (4 * len(self._places)))))
        shards = Shards([request.adapter for request in requests], self._group_of, size)
        losses: Counter[Shard] = Counter()
        busy: dict[Any, tuple[_Place, Shard]] = {}
        while len(shards) or busy:
            working = [place for place, _ in busy.values()]
            for place in self._places:
                if place not in working and (shard := shards.take(place.group, place.checkpoint, self._holding())):
                    busy[self._give(kind, place, shard, requests)] = (place, shard)
            (ref,), _ = self._ray.wait(list(busy), num_returns=1)
            place, shard = busy.pop(ref)
            try:
                found = self._ray.get(ref)
            except self._ray.exceptions.RayError as error:
                self._end(place)
                losses[shard] += 1
                failure = self._failure(error, shard, losses[shard])
                if failure is None:
                    shards.put_back(shard)
                elif len(shards.groups) == 1:
                    raise failure from error
                else:  # The other checkpoints go on; this one's items fail with the reason.
                    for each in (shard, *shards.drop(shard.group)):
                        yield from ((index, _failed(kind, failure)) for index in each.places)
                continue
            if not place.loaded:
                self._check(place, found)
                busy[self._give(kind, place, shard, requests)] = (place, shard)
            else:
                yield from ((shard.places[offset], answer) for offset, answer in found)

    def _holding(self) -> Counter[int]:
        return Counter(place.group for place in self._places if place.group is not None)

    def _give(self, kind: str, place: _Place, shard: Shard, requests: Sequence[Any]) -> Any:
        """Let a worker answer a shard, or first load the engine for it; returns the reference of what it does."""
        if place.group != shard.group:
            self._end(place)
            needs = {"num_cpus": self._settings.threads, "num_gpus": 0}
            if not self._on_cpu:
                needs["num_gpus"] = self._settings.tensor_parallel
            place.actor = self._ray.remote(Worker).options(max_restarts=0, **needs).remote()
            place.group = shard.group
            return place.actor.load.remote(self._groups[shard.group])
        place.checkpoint = shard.checkpoint
        adapter = self._request_adapters[shard.checkpoint]
        return place.actor.answer.remote(kind, [replace(requests[index], adapter=adapter) for index in shard.places])

    def _check(self, place: _Place, loaded: tuple[int, EngineRecord]) -> None:
        """Note which process a worker is; all must run what this machine would."""
        place.pid, record = loaded
        place.loaded = True
        expected = self._groups[place.group or 0].record
        if record != expected:
            raise EngineError(
                f"a Ray worker runs {record.fingerprint}, this machine {expected.fingerprint}; "
                "run the command on a machine like the workers, with the same packages"
            )

    def _end(self, place: _Place) -> None:
        if place.actor is not None:
            self._ray.kill(place.actor)
        place.actor, place.pid, place.group, place.loaded, place.checkpoint = None, 0, None, False, None

    def _failure(self, error: Any, shard: Shard, losses: int) -> EngineError | None:
        """Why a shard cannot be answered; None where it can be tried again, with half the batch if memory was short."""
        group = self._groups[shard.group]
        if isinstance(error, self._ray.exceptions.RayTaskError):
            if is_out_of_memory(error.cause) and self._settings.at_once > 1:
                self._halve()
                return None
            if isinstance(error.cause, EngineError):
                return error.cause
            return EngineError(f"{group.name}: its engine failed in a Ray worker: {_line(error.cause)}")
        if losses < _TRIES:
            return None
        return EngineError(
            f"{group.name}: {_TRIES} Ray workers died on the same {len(shard.places)} items ({_line(error)}); "
            "what was answered is stored, and the same command goes on from there"
        )

    def _halve(self) -> None:
        """Take half the batch from now on, in this process and in engines that workers start later."""
        self._settings = self._settings.halved()
        self._groups = tuple(replace(each, settings=each.settings.halved()) for each in self._groups)


def _failed(kind: str, failure: EngineError) -> Completion | Failed:
    return Completion("", "error", 0, 0, error=str(failure)) if kind == "generate" else Failed(str(failure))


def _connect(ray: Any, settings: EngineSettings) -> None:
    """Join the cluster, or start one on this machine, once in this process."""
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray's future default; set here because Ray warns otherwise.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    if settings.address:
        try:
            with _own_signals():
                ray.init(address=settings.address, **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise EngineError(f"--address {settings.address}: no Ray cluster there ({_line(error)})") from error
        return
    cpus = max(os.cpu_count() or 1, (settings.workers or 0) * settings.threads)
    with ending_with_this_process(), _own_signals():
        ray.init(num_cpus=cpus, include_dashboard=False, **quiet)


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the handlers of this process: Ray answers SIGTERM with a report of a crash, before anything is closed."""
    if threading.current_thread() is not threading.main_thread():  # Which alone handles signals.
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


def _line(error: BaseException) -> str:
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)
