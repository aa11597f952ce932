"""Imported once by the server that engines are forked from (:mod:`harness.engines.child`): the slow imports.

A failure here is left to the engine that needs the library, which can say so.
"""

import contextlib
import importlib
import os

# What `RETENTION_WARM` names: an engine, or several of them separated by spaces.
_LIBRARIES = {
    "vllm": ("vllm", "vllm.entrypoints.llm", "vllm.v1.engine.llm_engine", "vllm.v1.worker.cpu_worker"),
    "transformers": ("transformers",),
}

for _engine in os.environ.get("RETENTION_WARM", "").split():
    with contextlib.suppress(Exception):
        from harness.engines.environment import quieten

        quieten()
        from harness.engines.torchvision_ops import define_missing_ops

        define_missing_ops()
        for _library in _LIBRARIES[_engine]:
            importlib.import_module(_library)
