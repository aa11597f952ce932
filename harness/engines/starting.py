"""Start the engine of a placement: in a child process, by Ray, on a server."""

from harness.engines.loading import end_rehearsals
from harness.engines.placement import Placement
from harness.engines.settings import LM_EVAL, EngineError
from harness.protocol import Engine


def start(placement: Placement) -> Engine:
    """Start the engine where its settings say. Slow."""
    end_rehearsals()
    if placement.settings.executor == "ray":
        if placement.settings.name == "openai":
            raise EngineError("--executor ray: engine openai is a server, which has its own workers; leave it out")
        from harness.engines.ray import RayEngine

        return RayEngine(placement)
    if placement.settings.name == "openai":
        return load(placement)
    from harness.engines.child import ChildEngine

    return ChildEngine(placement)


def load(placement: Placement) -> Engine:
    """Like :func:`start`, but always in this process: imports torch, and its memory is freed only when this ends."""
    name = placement.settings.name
    if name == "openai":
        from harness.engines.openai import ServerEngine

        return ServerEngine(placement)
    if name == "vllm":
        from harness.engines.vllm import VllmEngine

        return VllmEngine(placement)
    if name.startswith(LM_EVAL):
        from harness.engines.backend import BackendEngine

        return BackendEngine(placement)
    from harness.engines.transformers import TransformersEngine

    return TransformersEngine(placement)
