"""A preview of the site for whoever works on it: on this machine only, and built again when anything changes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from harness.errors import RetentionError

HOST = "127.0.0.1"
_SECONDS = 1.0

State = frozenset[tuple[str, int, int]]


class _Quiet(SimpleHTTPRequestHandler):
    """Files as they are, never from a browser's cache."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript", ".cff": "text/plain"}

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal is for what changed."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that leaves before it has read a page is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Preview:
    """A server of the folder ``out`` that calls ``build`` when a file below ``watched`` is added, changed or removed.

    A build that fails is said to ``say`` and leaves the last one in place.
    """

    def __init__(
        self, out: Path, watched: Iterable[Path], build: Callable[[], None], say: Callable[[str], None], port: int
    ) -> None:
        self.watched, self.build, self.say = tuple(watched), build, say
        try:
            self.server = _Server((HOST, port), partial(_Quiet, directory=str(out)))
        except OSError as error:
            raise RetentionError(f"--port {port}: cannot be used ({error.strerror}); give another one") from error
        self.seen: State | None = None
        self._stop = threading.Event()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server.server_address[1]}/"

    def refresh(self) -> bool:
        """Build if anything changed since the last time; returns whether it was tried."""
        now = _state(self.watched)
        if now == self.seen:
            return False
        self.seen = now
        try:
            self.build()
        except RetentionError as error:
            self.say(f"not built: {error}")
        except Exception as error:  # whoever edits a template wants to go on after a mistake
            self.say(f"not built: {type(error).__name__}: {error}")
        return True

    def run(self) -> None:
        """Serve and watch until :meth:`stop` or an interrupt."""
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        try:
            while not self._stop.is_set():
                self.refresh()
                self._stop.wait(_SECONDS)
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()

    def stop(self) -> None:
        self._stop.set()


def _state(folders: Iterable[Path]) -> State:
    """Every file below ``folders`` with its size and the time of its last change."""
    found = set()
    for folder in folders:
        for path in folder.rglob("*"):
            try:
                if path.is_file():
                    status = path.stat()
                    found.add((str(path), status.st_size, status.st_mtime_ns))
            except OSError:  # gone between listing and looking
                continue
    return frozenset(found)
