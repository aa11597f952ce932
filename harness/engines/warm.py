"""Imported once by the server that engines are forked from (:mod:`harness.engines.child`): the slow imports.

A failure here is left to the engine that needs the library, which can say so. A server whose parent is killed notices
it once it serves, and then ends at once; while it imports, :func:`ended_with_the_parent` sees to it.
"""

import atexit
import contextlib
import importlib
import os
import signal
import threading
from collections.abc import Iterator

# What `RETENTION_WARM` names: an engine, or several of them separated by spaces.
_LIBRARIES = {
    "vllm": ("vllm", "vllm.entrypoints.llm", "vllm.v1.engine.llm_engine", "vllm.v1.worker.cpu_worker"),
    "transformers": ("transformers",),
}
_SECONDS = 0.5


@contextlib.contextmanager
def ended_with_the_parent() -> Iterator[None]:
    """End this process within a second or two of its parent's death. No thread of it is left behind, to be forked."""
    parent, done = os.getppid(), threading.Event()

    def watch() -> None:
        while not done.wait(_SECONDS):
            if os.getppid() != parent:
                os._exit(0)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _import(engine: str) -> None:
    from harness.engines.environment import quieten

    quieten()
    from harness.engines.torchvision_ops import define_missing_ops

    define_missing_ops()
    for library in _LIBRARIES[engine]:
        importlib.import_module(library)


if _named := os.environ.get("RETENTION_WARM", "").split():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; without the parent this ends.
    with ended_with_the_parent():
        for _engine in _named:
            with contextlib.suppress(Exception):
                _import(_engine)
    # Registered last, so called first: what the libraries would take apart costs up to ten seconds of a busy machine.
    atexit.register(os._exit, 0)
