"""A command ends by its first signal, in order; a second does not break that off, a late one ends it at once."""

import signal
from collections.abc import Iterator

import pytest

from harness.cli import ending
from harness.cli.ending import PATIENCE, OrderlyEnd, exit_code


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_only_the_first_signal_is_raised(first: signal.Signals, second: signal.Signals) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    OrderlyEnd().install()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(first)
    signal.raise_signal(second)
    assert exit_code() == 128 + first


def test_a_late_one_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    end, now, sent = OrderlyEnd(), 100.0, list[tuple[int, object]]()
    monkeypatch.setattr(ending.time, "monotonic", lambda: now)
    monkeypatch.setattr(ending.signal, "raise_signal", lambda number: sent.append((number, signal.getsignal(number))))
    with pytest.raises(KeyboardInterrupt):
        end(signal.SIGINT, None)
    now += PATIENCE
    end(signal.SIGTERM, None)
    assert sent == []
    now += 0.1
    end(signal.SIGTERM, None)
    assert sent == [(signal.SIGTERM, signal.SIG_DFL)]


def test_an_interrupt_that_is_ignored_stays_ignored() -> None:
    """As in a job that a shell started in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    OrderlyEnd().install()
    signal.raise_signal(signal.SIGINT)
