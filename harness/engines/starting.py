"""Start the engine of a group of checkpoints: in a child process, by Ray, on a server."""

from collections.abc import Sequence

from harness.checkpoints import Checkpoint
from harness.engines.placement import describe, root_of
from harness.engines.settings import LM_EVAL, EngineError, EngineSettings
from harness.protocol import Engine


def start(settings: EngineSettings, members: Sequence[Checkpoint]) -> Engine:
    """Start the engine of one group of :func:`groups` where its settings say: in a child process, by Ray, on a server.

    Slow. Adapters among ``members`` are asked for by their weights digest.
    """
    if settings.executor == "ray":
        if settings.name == "openai":
            raise EngineError("--executor ray: engine openai is a server, which has its own workers; leave it out")
        from harness.engines.ray import RayEngine

        return RayEngine(settings, members)
    if settings.name == "openai":
        return load(settings, members)
    from harness.engines.child import ChildEngine

    return ChildEngine(settings, members)


def load(settings: EngineSettings, members: Sequence[Checkpoint]) -> Engine:
    """Like :func:`start`, but always in this process: imports torch, and gives its memory back only when this ends."""
    if settings.name == "openai":
        from harness.engines.openai import ServerEngine

        return ServerEngine(settings, members)
    root = root_of(settings, members)
    record = describe(settings, root)
    if settings.name == "vllm":
        from harness.engines.vllm import VllmEngine

        return VllmEngine(root, settings, record, [each for each in members if each.base])
    if settings.name.startswith(LM_EVAL):
        from harness.engines.backend import BackendEngine

        return BackendEngine(root, settings, record)
    from harness.engines.transformers import TransformersEngine

    return TransformersEngine(root, settings, record)
