"""A process that may be killed, forked from the test's own: what that has imported need not be imported again."""

import multiprocessing
import warnings
from collections.abc import Callable


def forked(work: Callable[[], object]) -> int:
    """Run ``work`` in a child; its exit code, or minus the signal that ended it."""
    child = multiprocessing.get_context("fork").Process(target=work)
    with warnings.catch_warnings():
        # From Python 3.12 on: that threads are not forked along. The child uses none of ours.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode
