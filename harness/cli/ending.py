"""Ending a command by Ctrl-C or SIGTERM: once, so that engines are closed and it is said what is stored."""

import signal
import time
from types import FrameType

# While a command ends, another signal would only break that off with a traceback; after so long (s) it ends at once.
PATIENCE = 5.0


class OrderlyEnd:
    """A handler of both signals: the first interrupts, others are let pass for :data:`PATIENCE`, then the default."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._since = 0.0

    def install(self) -> None:
        """Take both signals; Ctrl-C only where it is not ignored, as in a job of the background."""
        signal.signal(signal.SIGTERM, self)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.number is None:
            self.number, self._since = number, time.monotonic()
            raise KeyboardInterrupt
        if time.monotonic() - self._since > PATIENCE:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)


def exit_code() -> int:
    """Of a command that was interrupted, as shells count: 128 and the signal that came first."""
    handler = signal.getsignal(signal.SIGTERM)
    asked = handler.number if isinstance(handler, OrderlyEnd) else None
    return 128 + (asked or signal.SIGINT)
