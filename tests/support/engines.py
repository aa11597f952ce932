"""Real engines for tests: one for a few checkpoints, without a plan, or shared and kept by those that want the same."""

from collections.abc import Sequence

from harness.checkpoints.checkpoint import Checkpoint
from harness.engines import placement, starting
from harness.engines.child import warm_server
from harness.engines.environment import prepare
from harness.engines.settings import EngineSettings
from harness.protocol import Engine

VLLM = EngineSettings(name="vllm", dtype="float32", max_model_len=256)
TRANSFORMERS = EngineSettings(name="transformers", dtype="float32", max_model_len=256)


def start_engine(settings: EngineSettings, checkpoints: Sequence[Checkpoint]) -> Engine:
    """The one engine in which ``checkpoints`` are placed."""
    (placed,) = placement.place(settings, checkpoints)
    return starting.start(placed)


def warm_up() -> None:
    """Let the server that engines are forked from import vLLM (14 s) once; it takes in what transformers needs.

    Left alone it imports what its first engine needs, and every engine of the other kind imports the rest by itself.
    """
    if placement.device_class() == "cpu":
        prepare(True, 1)
        warm_server("vllm")


class Engines:
    """Engines by their settings and the checkpoints that they hold."""

    def __init__(self) -> None:
        self._running: dict[tuple[EngineSettings, tuple[str, ...]], Engine] = {}

    def get(self, settings: EngineSettings, members: Sequence[Checkpoint]) -> Engine:
        key = settings, tuple(each.record.weights_digest for each in members)
        if key not in self._running:
            self._running[key] = start_engine(settings, members)
        return self._running[key]

    def close(self) -> None:
        for engine in self._running.values():
            engine.close()
