"""Peak memory of the process that evaluates, for N items and for 8 N: the real pipeline around an engine that answers
at once. Run as a child, since a peak is a property of a process.

N is two slabs (``lmeval.SLAB``), so that both sizes stream. What may grow is an item's identity (its id, a few dozen
bytes) and its documents, which ``datasets`` keeps in one table; answers, prompts and samples may not.
"""

import json
import resource
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.bench.children import spec_and_report
from tests.bench.ours import SilentWatcher


class _InstantEngine:
    """Answers every request at once with the same words."""

    def __init__(self, record: Any) -> None:
        self.record = record

    def generate(self, requests: Sequence[Any]) -> Iterator[Any]:
        from harness.protocol import Completion

        for index, request in enumerate(requests):
            yield index, Completion("The answer is 1. " * 8, "stop", len(request.prompt.token_ids), 40)

    def score(self, requests: Sequence[Any]) -> Iterator[Any]:
        raise NotImplementedError

    def close(self) -> None: ...


def main() -> None:
    spec, told = spec_and_report()
    from harness.engines import settings, starting
    from harness.evaluation.plan import make_plan
    from harness.evaluation.run import run_plan

    settings = settings.EngineSettings(**spec["settings"])
    starting.start = lambda placement: _InstantEngine(placement.record)  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:
        plan = make_plan(spec["base"], (), spec["suite"], None, settings, Path(folder))
        planned = _peak()
        run_plan(plan, SilentWatcher())
    told.write_text(json.dumps({"items": plan.n_items, "planned_mib": planned, "peak_mib": _peak()}))


def _peak() -> float:
    """Peak resident memory of this process so far, in MiB."""
    status = Path("/proc/self/status")
    if status.is_file():
        # Linux's ru_maxrss starts at the peak of the process that forked this one.
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
