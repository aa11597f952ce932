"""Our time outside the engine: the whole pipeline against raw ``LLM.generate`` on the same token ids.

Run as a child. Two engines are started alike and warmed up: one in a process of its own, as ``retention evaluate`` uses
it, and one here. Then the pipeline (requests built and digested, sent to the engine and back, store, lm-eval's
scoring, samples written and recorded) and raw vLLM take turns. The raw side gets exactly the inputs and sampling
parameters that the pipeline puts into an engine, in the same calls.
"""

import gc
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tests.bench.children import Stages, spec_and_report
from tests.bench.ours import SilentWatcher


class _SharedEngine:
    """The started engine: outlives each run, and counts the seconds that a run spends in it."""

    def __init__(self, engine: Any, stages: Stages) -> None:
        self.record = engine.record
        self.generate = stages.each("engine", engine.generate)
        self.score = stages.each("engine", engine.score)

    def close(self) -> None: ...


def main() -> None:
    spec, told = spec_and_report()
    from harness.engines import settings, starting
    from harness.evaluation.plan import make_plan
    from harness.evaluation.run import run_plan

    settings = settings.EngineSettings(**spec["settings"])
    with tempfile.TemporaryDirectory() as folder:
        plans = [
            make_plan(spec["base"], (), spec["suite"], None, settings, Path(folder, str(number)))
            for number in range(spec["repeats"] + 2)
        ]
        stages = Stages()
        here, child = starting.load(*plans[0].placements), starting.start(*plans[0].placements)
        llm = here._llm
        worker = psutil.Process(child._process.pid)
        # The first runs warm up; the second also records what an engine is given.
        for plan, engine in ((plans[0], child), (plans[1], here)):
            starting.start = lambda *_, engine=engine: _SharedEngine(engine, stages)  # type: ignore[assignment,return-value,misc]
            calls = _recorded(llm, lambda plan=plan: run_plan(plan, SilentWatcher()))
        starting.start = lambda *_: _SharedEngine(child, stages)  # type: ignore[assignment,return-value]
        rounds = []
        for plan in plans[2:]:
            raw = _seconds(llm, lambda: [llm.generate(*call, use_tqdm=False) for call in calls])
            stages.seconds.clear()
            busy = _busy(worker)
            ours = _seconds(llm, lambda plan=plan: run_plan(plan, SilentWatcher()))
            ours["cpu"] = round(ours["cpu"] + _busy(worker) - busy, 3)
            rounds.append({"raw": raw, "ours": ours, "outside_seconds": ours["wall"] - stages.seconds["engine"]})
        child.close()
    # A CPU engine's work is processor time of this process and its child, which other load on the machine hardly moves:
    # the better clock. A GPU's work does not show there.
    clock = "cpu" if here.record.device == "cpu" else "wall"
    ratios = [each["ours"][clock] / each["raw"][clock] - 1 for each in rounds]
    items = plans[0].n_items
    report = {
        "items": items,
        "rounds": rounds,
        "clock": clock,
        "ratio": round(statistics.median(ratios), 4),
        "outside_ms_per_item": round(1000 * statistics.median(each["outside_seconds"] for each in rounds) / items, 3),
        "engine_ms_per_item": round(1000 * statistics.median(each["raw"][clock] for each in rounds) / items, 3),
    }
    told.write_text(json.dumps(report))


def _recorded(llm: Any, work: Any) -> list[tuple[list[Any], list[Any]]]:
    """What ``work`` puts into the engine: (inputs, sampling parameters), one pair for answers and one for scores."""
    enqueue, calls = llm.enqueue, {}

    def recording(prompt: Any, params: Any, **options: Any) -> Any:
        inputs, parameters = calls.setdefault(params.logprob_token_ids is None, ([], []))
        inputs.append(prompt)
        parameters.append(params)
        return enqueue(prompt, params, **options)

    llm.enqueue = recording
    work()
    llm.enqueue = enqueue
    return list(calls.values())


def _busy(process: Any) -> float:
    """Processor seconds of another process so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _seconds(llm: Any, work: Any) -> dict[str, float]:
    """Seconds of ``work``, by the clock and of the processor, on an engine that remembers no prompt and no image."""
    llm.reset_prefix_cache()
    llm.reset_mm_cache()
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {"wall": round(time.perf_counter() - wall, 3), "cpu": round(time.process_time() - cpu, 3)}


if __name__ == "__main__":
    main()
