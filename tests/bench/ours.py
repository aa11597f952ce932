"""Child: one evaluation by this project, the base and its fine-tunes in one process, as ``retention evaluate`` does."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.bench.children import Stages, spec_and_report


class SilentWatcher:
    """A watcher that counts what was asked of an engine and what came from the store."""

    def __init__(self) -> None:
        self.reused = self.generated = 0

    def checkpoint(self, name: str, role: str, total: int) -> None: ...

    def planned(self, what: str) -> None: ...

    def engine_starting(self, name: str, engine: str) -> None: ...

    def answered(self, count: int) -> None: ...

    def waiting(self, folder: Path) -> None: ...

    def ignored(self, name: str, what: str) -> None: ...

    def finished(self, name: str, folder: Path, reused: int, generated: int) -> None:
        self.reused += reused
        self.generated += generated


def main() -> None:
    spec, told = spec_and_report()
    stages = Stages()
    from harness.engines import settings, starting
    from harness.evaluation.plan import make_plan
    from harness.evaluation.run import run_plan

    starts = 0
    logprobs: dict[str, list[float]] = {}
    start = starting.start

    def timed_start(*args: Any) -> Any:
        nonlocal starts
        starts += 1
        engine = stages.timed("engine start", start, *args)
        engine.generate = stages.each("generation", engine.generate)
        engine.score = stages.each("choices", _kept(engine.score, logprobs))
        return engine

    starting.start = timed_start  # type: ignore[assignment]
    settings = settings.EngineSettings(**spec["settings"])
    plan = stages.timed(
        "plan", make_plan, spec["base"], spec["tuned"], spec["suite"], None, settings, Path(spec["out"])
    )
    watcher = SilentWatcher()
    folders = stages.timed("run", run_plan, plan, watcher)
    report = {
        "folders": [str(folder) for folder in folders],
        "starts": starts,
        "engine_imported": any(name in sys.modules for name in ("vllm", "torch", "transformers")),
        "reused": watcher.reused,
        "generated": watcher.generated,
        "stages": stages.seconds,
        "logprobs": logprobs,
    }
    told.write_text(json.dumps(report))


def _kept(score: Any, logprobs: dict[str, list[float]]) -> Any:
    """``score``, with the log-probability of each option kept by item: a run's samples hold the choice alone."""

    def keeping(requests: Sequence[Any]) -> Iterator[Any]:
        for index, scores in score(requests):
            logprobs[requests[index].item_id] = [each.logprob for each in scores]
            yield index, scores

    return keeping


if __name__ == "__main__":
    main()
