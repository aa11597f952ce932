"""Milliseconds to build one request, from a task's data to what an engine is given; run as a child, a side each.

Ours: the task loaded and its items identified, the prompt rendered in the chat template, token ids, digests of prompt
and images, the store's key and its look-up; a jigsaw is cut, shuffled and encoded here too. lm-eval: its ``evaluate``
over a model that only tokenises, with the prompt as the Jinja template that its stock task has, and a jigsaw as the
ready picture that its vision tasks hold (not cut here), which it hashes when it logs the sample.

Beside them, about a thousand requests of the shipped jigsaw 3x3, whose documents hold no image: loaded, identified,
cut, shuffled, encoded, put to an engine that answers at once, stored and judged.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import children, smollm2, workload
from tests.bench.children import spec_and_report


class _Built(Exception):
    """Raised instead of starting an engine: every request is built by then."""


def measure(text: int, jigsaw: int, repeats: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Both kinds, both sides, a process each, taking turns."""
    from harness.checkpoints.checkpoint import nano_root

    models = {"gsm8k": smollm2.base(), "arc": smollm2.base(), "jigsaw": nano_root() / "base"}
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, count in (("gsm8k", text), ("arc", text), ("jigsaw", jigsaw)):
            say(f"building {count} {kind} requests")
            work = workload.write(Path(folder, kind), "chat", **{kind: count})
            stock = workload.write_task(Path(folder, f"{kind}-stock"), f"bench_{kind}_stock", kind, count)
            spec = {"model": str(models[kind]), "suite": str(work.suite), "task": f"bench_{kind}", "items": count}
            spec |= {"folder": str(stock)}
            rounds = [
                [children.run("building", {**spec, "side": side}).report["ms"] for side in ("ours", "lm-eval")]
                for _ in range(repeats)
            ]
            ours, theirs = (statistics.median(each[side] for each in rounds) for side in (0, 1))
            report[kind] = {"items": count, "ours_ms": round(ours, 3), "lm_eval_ms": round(theirs, 3), "rounds": rounds}
    report["shipped_jigsaw"] = _measure_shipped(repeats, say)
    return report


def _measure_shipped(repeats: int, say: Callable[[str], None]) -> dict[str, Any]:
    """The headline jigsaw where its photographs are at hand, and the landscapes otherwise; direct and think."""
    pictures = "coco" if Path(os.environ["RETENTION_DATA"], "photos").is_dir() else "scenes"
    tasks = [f"jigsaw_{pictures}_3x3", f"jigsaw_{pictures}_3x3_think"]
    say(f"building the requests of {' and '.join(tasks)}")
    found = [children.run("building", {"side": "shipped", "tasks": tasks}).report for _ in range(repeats)]
    middle = {name: statistics.median(each[name] for each in found) for name in ("ms", "processor_ms", "peak_mib")}
    return {"tasks": tasks, "items": found[0]["items"], **middle, "rounds": found}


def main() -> None:
    spec, told = spec_and_report()
    if spec["side"] == "shipped":
        told.write_text(json.dumps(_shipped(spec["tasks"])))
        return
    ms = _ours(spec) if spec["side"] == "ours" else _stock(spec)
    told.write_text(json.dumps({"ms": round(ms, 3)}))


def _ours(spec: dict[str, Any]) -> float:
    from harness.checkpoints.checkpoint import open_checkpoint
    from harness.checkpoints.prompts import PromptRenderer
    from harness.engines.placement import place
    from harness.engines.settings import EngineSettings
    from harness.evaluation.store import ResponseStore, StoredEngine, Variant
    from harness.lmeval import load_tasks, run_tasks
    from harness.records.suites import load_suite

    checkpoint, suite = open_checkpoint(spec["model"]), load_suite(spec["suite"])
    (placed,) = place(EngineSettings("vllm", "float32"), [checkpoint])

    def stop() -> Any:
        raise _Built

    with tempfile.TemporaryDirectory() as folder, ResponseStore(Path(folder, "store.sqlite")) as store:
        engine = StoredEngine(store, Variant.of(placed.members[0]), stop)
        renderer = PromptRenderer(checkpoint.path, suite.prompt)
        started = time.perf_counter()
        tasks = load_tasks(list(suite.tasks), Path(spec["suite"]).parent)
        try:
            list(run_tasks(suite, tasks, engine, renderer, lambda _: None))
        except _Built:
            seconds = time.perf_counter() - started
    return 1000 * seconds / spec["items"]


def _shipped(names: list[str]) -> dict[str, float]:
    import resource

    from harness.checkpoints.checkpoint import open_checkpoint
    from harness.checkpoints.prompts import PromptRenderer
    from harness.engines.placement import place
    from harness.engines.settings import EngineSettings
    from harness.evaluation.store import ResponseStore, StoredEngine, Variant
    from harness.items import items_digest
    from harness.lmeval import load_tasks, run_tasks
    from harness.records.suites import Suite, SuiteTask
    from tests.support.fakes import FakeEngine

    checkpoint = open_checkpoint("nano:base")
    (placed,) = place(EngineSettings("vllm", "float32"), [checkpoint])
    with tempfile.TemporaryDirectory() as folder, ResponseStore(Path(folder, "store.sqlite")) as store:
        engine = StoredEngine(store, Variant.of(placed.members[0]), FakeEngine)
        renderer = PromptRenderer(checkpoint.path, "chat")
        started, busy = time.perf_counter(), time.process_time()
        tasks = load_tasks(names)
        places = {
            name: SuiteTask(
                family="jigsaw", group="bench", count=len(loaded.item_ids), digest=items_digest(loaded.item_ids)
            )
            for name, loaded in tasks.items()
        }
        suite = Suite(name="bench", version="1", title="Shipped jigsaws", prompt="chat", tasks=places)
        items = sum(len(part) for part in run_tasks(suite, tasks, engine, renderer, lambda _: None))
        seconds, busy = time.perf_counter() - started, time.process_time() - busy
    return {
        "items": items,
        "ms": round(1000 * seconds / items, 3),
        "processor_ms": round(1000 * busy / items, 3),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _stock(spec: dict[str, Any]) -> float:
    # Progress bars are no work of lm-eval's; hashing images is its default.
    os.environ["TQDM_DISABLE"] = "1"
    from harness.engines.torchvision_ops import define_missing_ops

    define_missing_ops()
    import lm_eval
    import transformers
    from lm_eval.api.model import LM
    from lm_eval.tasks import TaskManager

    tokenizer = transformers.AutoTokenizer.from_pretrained(spec["model"], local_files_only=True)

    class Tokenising(LM):  # type: ignore[misc]
        MULTIMODAL = True

        def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
            tokenizer([request.args[0] for request in requests])
            return ["The answer is 1."] * len(requests)

        def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
            # As its vLLM model does: the context, and the context with the option, one request at a time.
            for context, option in (request.args for request in requests):
                tokenizer(context)
                tokenizer(context + option)
            return [(0.0, False)] * len(requests)

        loglikelihood_rolling = generate_until

    task = TaskManager(include_path=spec["folder"], include_defaults=False).load([f"{spec['task']}_stock"])["tasks"]
    started = time.perf_counter()
    lm_eval.evaluate(lm=Tokenising(), task_dict={"tasks": task}, bootstrap_iters=0)
    return 1000 * (time.perf_counter() - started) / spec["items"]


if __name__ == "__main__":
    main()
