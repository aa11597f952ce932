"""Likelihoods: our ``_cloze`` tasks beside lm-eval's stock ``multiple_choice`` tasks, item by item, and their time.

The same published rows, once as lm-eval's own users ask them (vLLM, no chat template) and once through our tasks in the
transformers engine, which computes a question once for all its options. Both must take the same option of every item;
where they do not, the lead of the chosen option says whether it was a tie.
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.bench import children
from tests.bench.choices import TIE

# Our task: its file, the stock task's file, and what differs in the stock task where rows come from a file.
TASKS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "general_hellaswag_cloze": ("general/commonsense.py", "hellaswag/hellaswag.yaml", {}),
    "science_arc_easy_cloze": ("science/ai2.py", "arc/arc_easy.yaml", {}),
    "science_openbookqa_cloze": ("science/ai2.py", "openbookqa/openbookqa.yaml", {}),
}
_FROM_A_FILE = {"training_split": None, "validation_split": None, "dataset_name": None, "test_split": "test"}
ALLOWED_RATIO = 0.5


def measure(model: Path, items: int, settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Run the first ``items`` questions of each set both ways; what agrees, what differs, and the time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ids = {task: _write_stock(folder, task, items) for task in TASKS}
        say(f"likelihoods: stock tasks by lm-eval and vLLM, {items} questions each")
        stock = [f"stock_{task}" for task in TASKS]
        spec = {"model": str(model), "folder": str(folder), "tasks": stock, "settings": settings}
        theirs = children.run("stock", {**spec, "include_defaults": False, "limit": items, "backend": "vllm"})
        say("likelihoods: our tasks by transformers, options of a question together")
        suite = _write_suite(folder, ids)
        own = {**settings, "name": "transformers"}
        ours = children.run(
            "ours", {"base": str(model), "tuned": [], "suite": str(suite), "settings": own, "out": str(folder / "runs")}
        )
        ways = {"lm-eval, vLLM": theirs, "ours, transformers": ours}
        samples = {task: theirs.report["samples"][f"stock_{task}"] for task in TASKS}
        compared = {task: _compared(ids[task], samples[task], ours.report["logprobs"]) for task in TASKS}
    return {
        "model": model.name,
        "tasks": compared,
        "seconds": {way: child.seconds for way, child in ways.items()},
        # The engine's work alone, without imports and its start.
        "choices": {way: child.report["stages"]["choices"] for way, child in ways.items()},
        "ratio": ours.seconds / theirs.seconds,
        "allowed_ratio": ALLOWED_RATIO,
    }


def _write_stock(folder: Path, task: str, count: int) -> list[str]:
    """The stock task on the published rows behind our first ``count`` items, in their order; the items' ids."""
    import lm_eval.tasks

    from harness.lmeval import load_tasks
    from harness.records.suites import load_task_module, tasks_root

    file, stock, overrides = TASKS[task]
    module = load_task_module(tasks_root() / file)
    reader = module.TASKS[task]
    rows = {item.item_id: row for source in reader.sources for row in source.rows() for item in reader.items([row])}
    ids = load_tasks([task])[task].item_ids[:count]
    wanted = [_as_stock(module, rows[item_id]) for item_id in ids]
    (folder / f"{task}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in wanted))
    fields = {
        "include": str(Path(lm_eval.tasks.__file__).parent / stock),
        "task": f"stock_{task}",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(folder / f"{task}.jsonl")}},
        **_FROM_A_FILE,
        **overrides,
    }
    (folder / f"stock_{task}.yaml").write_text(yaml.safe_dump(fields))
    return ids


def _as_stock(module: Any, row: dict[str, Any]) -> dict[str, Any]:
    """A row with the fields that the stock task reads: copies of HellaSwag keep its context in one piece."""
    if "ctx" not in row:
        return row
    return {**row, "ctx_a": module._capitalised(row["ctx"]), "ctx_b": "", "label": int(row["label"])}


def _write_suite(folder: Path, ids: dict[str, list[str]]) -> Path:
    from harness.items import items_digest

    places = {
        task: {"family": "general", "group": "bench", "count": len(each), "digest": items_digest(each)}
        for task, each in ids.items()
    }
    suite = {"name": "likelihoods", "version": "1", "title": "Likelihoods", "prompt": "plain", "tasks": places}
    path = folder / "likelihoods-1.yaml"
    path.write_text(yaml.safe_dump(suite, sort_keys=False))
    return path


def _compared(ids: list[str], theirs: list[dict[str, Any]], ours: dict[str, list[float]]) -> dict[str, Any]:
    pairs = [
        ([logprob for logprob, _ in each["answers"]], ours[item_id]) for item_id, each in zip(ids, theirs, strict=True)
    ]
    differing = []
    for item_id, (other, mine) in zip(ids, pairs, strict=True):
        if mine.index(max(mine)) != other.index(max(other)):
            best, second = sorted(mine, reverse=True)[:2]
            differing.append({"item_id": item_id, "nats_apart": best - second, "tie": best - second < TIE})
    return {
        "items": len(ids),
        "same_option": len(ids) - len(differing),
        "differing": differing,
        "largest_logprob_difference": max(
            abs(one - two) for other, mine in pairs for one, two in zip(other, mine, strict=True)
        ),
    }
