"""A real engine for a few checkpoints, without a plan."""

from collections.abc import Sequence

from harness.checkpoints.checkpoint import Checkpoint
from harness.engines import placement, starting
from harness.engines.settings import EngineSettings
from harness.protocol import Engine


def start_engine(settings: EngineSettings, checkpoints: Sequence[Checkpoint]) -> Engine:
    """The one engine in which ``checkpoints`` are placed."""
    (placed,) = placement.place(settings, checkpoints)
    return starting.start(placed)
