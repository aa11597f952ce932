"""Choices: our ``_letters`` tasks beside lm-eval's stock tasks on the same questions, item by item.

Stock ARC takes the option whose whole text is most probable after "Question: ..", stock MMLU the letter after
"Answer:"; ours takes the letter as the first token of an answer in the chat template. So they must differ, and each
difference is put down to the step at which the verdict changes:

1. stock task, lm-eval's Hugging Face backend   2. stock task, our engine: vLLM (the same file: nothing may differ)
3. our question, without the chat template           4. our task, as suites ask it
5. our task, lm-eval's backend (the same file: nothing may differ)
"""

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.bench import children

TASKS = {"science_arc_challenge": "arc/arc_challenge.yaml", "science_mmlu_stem": "mmlu/default/_default_template_yaml"}
_ABOUT = "The following are multiple choice questions (with answers) about {{subject.replace('_', ' ')}}.\n\n"
_OVERRIDES = {
    "science_arc_challenge": {"training_split": None, "validation_split": None, "dataset_name": None},
    "science_mmlu_stem": {"fewshot_split": None, "fewshot_config": None, "description": _ABOUT},
}
# Two engines may add up in another order: a choice this close (in nats) may fall to either side.
TIE = 1e-3


def measure(model: Path, items: int, settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Run the first ``items`` questions of both sets in all five ways; what agrees, and a row for each that differs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "stock").mkdir()
        ids = {task: _write_stock(folder / "stock", task, file, items) for task, file in TASKS.items()}
        stock, letters = [f"stock_{task}" for task in TASKS], [f"{task}_letters" for task in TASKS]
        theirs, ours = _runners(model, folder, settings, items)
        say(f"choices: stock tasks by lm-eval, {items} questions each")
        first = theirs(stock, False)
        say("choices: stock tasks and our questions by our engine, without the chat template")
        plain = ours("plain", [*stock, *letters])
        say("choices: our tasks by our engine")
        chat = ours("chat", letters)
        say("choices: our tasks by lm-eval, with the chat template")
        last = theirs(letters, True)
        return {
            "model": model.name,
            "tasks": {
                task: _compared(
                    ids[task],
                    [
                        _by_place(first[f"stock_{task}"]),
                        _by_item(plain, f"stock_{task}"),
                        _by_item(plain, f"{task}_letters"),
                        _by_item(chat, f"{task}_letters"),
                        _by_place(last[f"{task}_letters"]),
                    ],
                )
                for task in TASKS
            },
        }


def _write_stock(folder: Path, task: str, file: str, count: int) -> list[str]:
    """The stock task on the published rows behind our first ``count`` items, in their order; the items' ids."""
    import lm_eval.tasks

    from harness.lmeval import load_tasks
    from harness.records.suites import load_task_module, tasks_root

    module = load_task_module(tasks_root() / "science" / ("ai2.py" if "arc" in task else "mmlu.py"))
    name = f"{task}_letters"
    reader = module.TASKS[name]
    rows = {
        item.item_id: row for source in reader.sources for row in source.rows() for item in reader.items(iter([row]))
    }
    ids = load_tasks([name])[name].item_ids[:count]
    (folder / f"{task}.jsonl").write_text("".join(json.dumps(rows[item_id]) + "\n" for item_id in ids))
    stock = {
        "include": str(Path(lm_eval.tasks.__file__).parent / file),
        "task": f"stock_{task}",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(folder / f"{task}.jsonl")}},
        "test_split": "test",
        **_OVERRIDES[task],
    }
    (folder / f"stock_{task}.yaml").write_text(yaml.safe_dump(stock))
    return ids


def _runners(model: Path, folder: Path, settings: dict[str, Any], items: int) -> tuple[Any, Any]:
    from harness.records.suites import tasks_root

    def theirs(tasks: list[str], chat: bool) -> Any:
        where = str(folder / "stock") if tasks[0].startswith("stock") else str(tasks_root())
        spec = {"model": str(model), "folder": where, "tasks": tasks, "settings": settings, "include_defaults": False}
        return children.run("stock", {**spec, "backend": "hf", "limit": items, "chat": chat}).report["samples"]

    def ours(prompt: str, tasks: list[str]) -> dict[str, Any]:
        suite = _write_suite(folder / "stock", prompt, tasks, items)
        spec = {"base": str(model), "tuned": [], "suite": str(suite), "settings": settings}
        found = children.run("ours", {**spec, "out": str(folder / prompt)}).report
        return {"run": found["folders"][0], "logprobs": found["logprobs"]}

    return theirs, ours


def _write_suite(folder: Path, prompt: str, tasks: list[str], items: int) -> Path:
    from harness.items import items_digest
    from harness.lmeval import first, load_tasks

    places = {}
    for name, loaded in load_tasks(tasks, folder).items():
        ids = first(loaded, items).item_ids
        places[name] = {"family": "science", "group": "bench", "count": len(ids), "digest": items_digest(ids)}
        if name.startswith("stock"):
            places[name]["guess_rate"] = 0.25
    suite = {"name": prompt, "version": "1", "title": "Choices", "prompt": prompt, "tasks": places}
    path = folder / f"{prompt}-1.yaml"
    path.write_text(yaml.safe_dump(suite, sort_keys=False))
    return path


def _by_place(samples: list[dict[str, Any]]) -> list[tuple[bool, list[float]]]:
    """Verdict and log-probabilities of each item as lm-eval logged them."""
    return [(bool(each["acc"]), [logprob for logprob, _ in each["answers"]]) for each in samples]


def _by_item(run: dict[str, Any], task: str) -> list[tuple[bool, list[float]]]:
    from harness.records.run import read_run

    samples = read_run(Path(run["run"])).samples
    rows = samples[samples["task"] == task]
    return [
        (outcome == "correct", run["logprobs"][item_id])
        for item_id, outcome in zip(rows["item_id"], rows["outcome"], strict=True)
    ]


def _compared(ids: list[str], ways: list[list[tuple[bool, list[float]]]]) -> dict[str, Any]:
    stock_by_lm_eval, stock, worded, ours, ours_by_lm_eval = ways
    assert all(len(way) == len(ids) for way in ways)
    steps = list(_steps(stock, worded, ours))
    return {
        "items": len(ids),
        "correct": dict(
            zip(("stock", "our question, plain", "ours"), map(_correct, (stock, worded, ours)), strict=True)
        ),
        "stock_differs": list(_apart(ids, stock_by_lm_eval, stock)),
        "ours_differs": list(_apart(ids, ours_by_lm_eval, ours)),
        "largest_logprob_difference": max(_farthest(stock_by_lm_eval, stock), _farthest(ours_by_lm_eval, ours)),
        "equal_verdicts": steps.count(None),
        "causes": dict(Counter(step for step in steps if step)),
        "differing": [
            {"item_id": item_id, "stock": stock[place][0], "ours": ours[place][0], "cause": steps[place]}
            for place, item_id in enumerate(ids)
            if steps[place]
        ],
    }


def _steps(*ways: list[tuple[bool, list[float]]]) -> Iterator[str | None]:
    """For each item: the step after which its verdict is no longer the stock task's, None where it is."""
    for (stock, _), (worded, _), (ours, _) in zip(*ways, strict=True):
        if stock == ours:
            yield None
        else:
            yield "the question and what is scored" if worded == ours else "the chat template"


def _apart(ids: list[str], one: list[tuple[bool, list[float]]], two: list[tuple[bool, list[float]]]) -> Iterator[Any]:
    """Items on which two engines choose otherwise on the same task file, and whether that was a tie."""
    for item_id, (_, mine), (_, other) in zip(ids, one, two, strict=True):
        if mine.index(max(mine)) != other.index(max(other)):
            best, second = sorted(mine, reverse=True)[:2]
            yield {"item_id": item_id, "nats_apart": best - second, "tie": best - second < TIE}


def _farthest(one: list[tuple[bool, list[float]]], two: list[tuple[bool, list[float]]]) -> float:
    return max(
        abs(mine - other)
        for (_, these), (_, those) in zip(one, two, strict=True)
        for mine, other in zip(these, those, strict=True)
    )


def _correct(way: list[tuple[bool, list[float]]]) -> int:
    return sum(right for right, _ in way)
