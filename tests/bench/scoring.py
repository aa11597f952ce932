"""What scoring costs: ``python -m tests.bench.scoring`` prints seconds and memory; nothing is asserted.

Each case runs in a process of its own, so that one's memory is not counted for the next.
"""

import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd

from harness.items import items_digest
from harness.records.tables import Table, TableRecord
from harness.scoring import score_pair
from harness.scoring.statistics import RESAMPLES

CASES = {
    "20 tasks x 1,000 items": (20, 1_000, "binary"),
    "20 tasks x 1,000 items, clusters of 4": (20, 1_000, "clusters"),
    "20 tasks x 1,000 items, graded": (20, 1_000, "graded"),
    "20 tasks x 50,000 items": (20, 50_000, "binary"),
    "1 task x 1,000,000 items": (1, 1_000_000, "binary"),
    "20 tasks x 50,000 items, clusters of 4": (20, 50_000, "clusters"),
}


def table(tasks: int, n: int, kind: str, accuracy: float, seed: int) -> Table:
    """A table in memory: items shared by all seeds, answers by this one."""
    rng = np.random.default_rng(seed)
    total = tasks * n
    names = [f"task_{k:02}" for k in range(tasks)]
    ids = [f"{place:064x}" for place in range(total)]
    correct = rng.random(total) < accuracy
    frame = pd.DataFrame({"item_id": ids, "task": np.repeat(names, n)})
    frame["family"] = frame["task"].where(frame["task"] != "task_00", "target")
    frame["group"] = frame["family"]
    places = np.arange(total) // 4
    frame["cluster_id"] = [f"image-{k}" for k in places] if kind == "clusters" else ids
    frame["guess_rate"] = 0.25
    frame["output"] = np.where(correct, "<answer>a</answer>", "<answer>b</answer>")
    frame["extracted"] = np.where(correct, "a", "b")
    frame["outcome"] = np.where(correct, "correct", "wrong")
    frame["score"] = np.where(correct, 1.0, rng.random(total) * 0.9) if kind == "graded" else correct.astype(float)
    frame["finish_reason"] = "stop"
    frame["n_output_tokens"] = 5.0
    frame["prompt_digest"] = ids
    frame["error"] = None
    record = TableRecord(f"seed-{seed}", "table", "0" * 64, dict.fromkeys(names, n), items_digest(ids))
    return Table(record, frame)


def measure(case: str) -> None:
    tasks, n, kind = CASES[case]
    base, tuned = table(tasks, n, kind, 0.8, 1), table(tasks, n, kind, 0.75, 2)
    started, worked = time.perf_counter(), time.process_time()
    score_pair(base, tuned, "target")
    seconds, processor = time.perf_counter() - started, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{case:<40} {seconds:6.2f} s ({processor:5.2f} s of processor)  {peak:5.2f} GB peak, tables included")


def main() -> None:
    if len(sys.argv) > 1:
        measure(sys.argv[1])
        return
    print(f"score_pair, {RESAMPLES:,} resamples, one process")
    for case in CASES:
        sys.stdout.flush()
        subprocess.run([sys.executable, "-m", "tests.bench.scoring", case], check=True)


if __name__ == "__main__":
    main()
