"""Agreement: our judge of GSM8K against lm-eval's stock scoring, item by item, on the very same outputs.

lm-eval's task file ``gsm8k.yaml`` scores twice: *strict-match* takes what stands behind ``####``, *flexible-extract*
the last number of the text. It is included as it is and given outputs to score: the data set's own solutions, those of
a model to the few-shot prompt that the task was made for, and those to the prompt of ``math_gsm8k``. Every item where a
verdict differs is listed with its cause; questions and outputs are not, only numbers of items.
"""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from tests.bench import children, workload

FILTERS = ("strict-match", "flexible-extract")
_MAX_MODEL_LEN = 2048
Row = dict[str, Any]


def measure(model: Path, items: int, settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Judge all three kinds of outputs both ways; ``items`` of each kind that a model writes."""
    from harness.records.suites import load_task_module, tasks_root

    task = load_task_module(tasks_root() / "math" / "gsm8k.py")
    rows = list(task.TEST.rows())
    say(f"agreement: {len(rows)} solutions of the set itself")
    kinds = {"solutions of the set": compared(rows, [row["answer"] for row in rows])}
    settings = {**settings, "max_model_len": _MAX_MODEL_LEN}
    with tempfile.TemporaryDirectory() as folder:
        for kind, prompt, name in (("few-shot", "plain", "bench_gsm8k_shots"), ("math_gsm8k", "chat", "math_gsm8k")):
            say(f"agreement: {items} outputs of {model.name} to the prompt {kind}")
            place = Path(folder, name)
            suite, asked = _written(place, name, prompt, items, rows)
            spec = {"base": str(model), "tuned": [], "suite": str(suite), "settings": settings, "out": str(place / "o")}
            ours = children.run("ours", spec).report
            kinds[f"outputs to the prompt {kind}"] = _of_run(Path(ours["folders"][0]), asked)
    return {"model": model.name, "kinds": kinds}


def _written(folder: Path, name: str, prompt: str, count: int, rows: Sequence[Row]) -> tuple[Path, dict[str, Row]]:
    """A suite of one task with its first ``count`` items, and the row of each by its item id."""
    from harness.items import items_digest
    from harness.lmeval import load_tasks

    folder.mkdir(parents=True)
    if name.startswith("bench"):
        workload.write_task(folder, name, "gsm8k_shots", count)
    loaded = load_tasks([name], folder)[name]
    ids = loaded.item_ids[:count]
    place = {"family": "math", "group": "bench", "count": count, "digest": items_digest(ids)}
    suite = {"name": "agreement", "version": "1", "title": "Agreement", "prompt": prompt, "tasks": {name: place}}
    path = folder / "agreement-1.yaml"
    path.write_text(yaml.safe_dump(suite, sort_keys=False))
    documents = [loaded.task.eval_docs[number] for number in range(count)]
    found = [[row for row in rows if _asked(row) in " ".join(each["question"].split())] for each in documents]
    assert all(len(each) == 1 for each in found), "an item without its row, or with several"
    return path, dict(zip(ids, (each[0] for each in found), strict=True))


def _asked(row: Row) -> str:
    return " ".join(row["question"].split())


def _of_run(folder: Path, asked: dict[str, Row]) -> dict[str, Any]:
    from harness.records.run import read_run

    samples = read_run(folder).samples.set_index("item_id").loc[list(asked)]
    return compared(list(asked.values()), list(samples["output"]), list(samples["finish_reason"] == "length"))


def compared(rows: Sequence[Row], outputs: Sequence[str], cut: Sequence[bool] | None = None) -> dict[str, Any]:
    """Verdicts of both on ``outputs``, the n-th an answer to the n-th row; ``cut`` marks those ended by the budget."""
    from harness.answers.extraction import cut_off
    from harness.answers.mathematics import judge_math

    stock = stock_verdicts(rows, outputs)
    outcomes: Counter[str] = Counter()
    layers: Counter[str] = Counter()
    differing: dict[str, list[dict[str, Any]]] = {name: [] for name in FILTERS}
    for number, (row, output) in enumerate(zip(rows, outputs, strict=True)):
        judged = judge_math(output, _gold(row))
        ended = cut is not None and bool(cut[number])
        judged = cut_off(judged) if ended else judged
        outcomes[judged.outcome] += 1
        layers[judged.layer or "none"] += 1
        for name in FILTERS:
            theirs = stock[name][number]
            if theirs["right"] != (judged.outcome == "correct"):
                cause = _cause(name, theirs, judged, output, _gold(row), ended)
                differing[name].append({"item": number, "ours": judged.outcome, "theirs": theirs["right"]})
                differing[name][-1]["cause"] = cause
    return {
        "items": len(rows),
        "outcomes": dict(outcomes),
        "layers": dict(layers),
        "filters": {
            name: {"right": sum(each["right"] for each in stock[name]), "differing": differing[name]}
            for name in FILTERS
        },
    }


def stock_verdicts(rows: Sequence[Row], outputs: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """What lm-eval's own gsm8k task says of each output, by filter: ``right``, and ``taken``, what the filter found."""
    import lm_eval
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import LM
    from lm_eval.tasks import TaskManager

    written = iter(outputs)

    class Replay(LM):  # type: ignore[misc]
        """Answers the documents in their order with the outputs."""

        def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
            return [next(written) for _ in requests]

        def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
            raise NotImplementedError

        def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
            raise NotImplementedError

    stock = Path(lm_eval.__file__).parent / "tasks" / "gsm8k" / "gsm8k.yaml"
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "rows.jsonl")
        fields = ("question", "answer")
        data.write_text("".join(json.dumps({field: row[field] for field in fields}) + "\n" for row in rows))
        task = {
            "include": str(stock),
            "task": "gsm8k_replay",
            "dataset_path": "json",
            "dataset_name": None,
            "dataset_kwargs": {"data_files": {"train": str(data), "test": str(data)}, "cache_dir": folder},
            "num_fewshot": 0,
        }
        Path(folder, "gsm8k_replay.yaml").write_text(yaml.safe_dump(task))
        manager = TaskManager(include_path=folder, include_defaults=False)
        results = lm_eval.simple_evaluate(
            model=Replay(), tasks=["gsm8k_replay"], task_manager=manager, bootstrap_iters=0, log_samples=True
        )
    found: dict[str, list[dict[str, Any]]] = {name: [{}] * len(rows) for name in FILTERS}
    for sample in results["samples"]["gsm8k_replay"]:
        (taken,) = sample["filtered_resps"]
        found[sample["filter"]][sample["doc_id"]] = {"right": bool(sample["exact_match"]), "taken": str(taken)}
    return found


def _gold(row: Row) -> str:
    return str(row["answer"]).rpartition("####")[2].strip().replace(",", "")


def _cause(name: str, theirs: dict[str, Any], judged: Any, output: str, gold: str, ended: bool) -> str:
    """Why the verdicts differ, in words that count the same on every item."""
    if ended:
        return "cut off at the budget: unparsed here, judged as it stands there"
    if theirs["right"]:
        if judged.layer is None:
            return "no answer is stated: unparsed here; there the last number of the text counts"
        return f"the answer stated ({judged.layer}) is {judged.outcome} here; there a later number counts"
    if theirs["taken"] == "[invalid]":
        return "right here; there nothing was found" + (" (no ####)" if name == "strict-match" else "")
    if _value(theirs["taken"]) == Fraction(gold):
        return "right here; there the same number is another text"
    return "right here; there another number of the text counts"


def _value(taken: str) -> Fraction | None:
    text = re.sub(r"[$,]", "", taken).rstrip(".")
    return Fraction(text) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) else None
