"""Ending a command by Ctrl-C or SIGTERM: once, so that engines are closed and it is said what is stored."""

import signal
import time
from types import FrameType

# While a command ends, another signal would only break that off with a traceback; after so long (s) it ends at once.
PATIENCE = 5.0


class Interrupted(KeyboardInterrupt):
    """A command was asked to end by ``signal``."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = number


class OrderlyEnd:
    """A handler of both signals: the first is raised, others are let pass for :data:`PATIENCE`, then the default."""

    def __init__(self) -> None:
        self._first: float | None = None

    def install(self) -> None:
        """Take both signals; Ctrl-C only where it is not ignored, as in a job of the background."""
        signal.signal(signal.SIGTERM, self)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._first is None:
            self._first = time.monotonic()
            raise Interrupted(number)
        if time.monotonic() - self._first > PATIENCE:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
