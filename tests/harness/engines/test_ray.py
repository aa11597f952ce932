"""Joining a Ray cluster, with a stand-in for Ray; the real one is in contract/."""

import signal

import pytest

from harness.engines.ray import _connect
from harness.engines.settings import EngineSettings


class Ray:
    """Takes over the signals of the process that joins, as Ray does."""

    def is_initialized(self) -> bool:
        return False

    def init(self, **_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize("address", [None, "ray://head:10001"])
def test_signals_are_still_this_process_s_after_it_joined(address: str | None) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    wanted = {number: lambda *_: None for number in before}
    for number, handler in wanted.items():
        signal.signal(number, handler)
    try:
        _connect(Ray(), EngineSettings(name="fake", dtype="float32", address=address))
        assert {number: signal.getsignal(number) for number in wanted} == wanted
    finally:
        for number, each in before.items():
            signal.signal(number, each)
