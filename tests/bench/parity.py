"""Parity: our score with engine vllm against lm-eval's own vLLM backend, item by item, on the same task files.

Prompts are compared as text and as token ids, then outputs, then verdicts. Every item that differs in anything is
listed with its cause; questions and outputs are not, only ids.
"""

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import children, workload


def measure(
    model: Path, counts: dict[str, int], settings: dict[str, Any], say: Callable[[str], None]
) -> dict[str, Any]:
    """Run both sides on the first ``counts[source]`` items; what agrees, and a row for each item that does not."""
    with tempfile.TemporaryDirectory() as folder:
        work = workload.write(Path(folder, "suite"), **counts)
        say(f"parity: lm-eval's vLLM backend, {work.items} items")
        spec = {"model": str(model), "folder": str(work.folder), "tasks": list(work.tasks), "settings": settings}
        theirs = children.run("stock", {**spec, "include_defaults": False}).report["samples"]
        say(f"parity: ours, {work.items} items")
        spec = {"base": str(model), "tuned": [], "suite": str(work.suite), "settings": settings}
        ours = children.run("ours", {**spec, "out": str(Path(folder, "runs"))}).report
        return _compared(work, model, theirs, ours)


def _compared(work: workload.Workload, model: Path, theirs: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    from harness.checkpoints.prompts import PromptRenderer
    from harness.lmeval import load_tasks
    from harness.protocol import Prompt
    from harness.records.run import read_run

    samples = read_run(Path(ours["folders"][0])).samples.set_index("item_id")
    renderer = PromptRenderer(model, "plain")
    tasks = {}
    for name, loaded in load_tasks(list(work.tasks), work.folder).items():
        rows, prompts, outputs, apart = [], 0, 0, None
        for number, item_id in enumerate(loaded.item_ids):
            mine, other = samples.loc[item_id], theirs[name][number]
            prompt = renderer.render(other["prompt"])
            same_prompt = (
                prompt.digest == mine["prompt_digest"] == Prompt(other["prompt"], tuple(other["prompt_ids"])).digest
            )
            answer = _answer(other)
            if other["options"]:
                logprobs = zip(ours["logprobs"][item_id], other["answers"], strict=True)
                apart = max(apart or 0.0, *(abs(one - two) for one, (two, _) in logprobs))
            prompts += same_prompt
            outputs += answer == mine["output"]
            if not (same_prompt and answer == mine["output"] and other["acc"] == (mine["outcome"] == "correct")):
                rows.append({"item": number, "item_id": item_id, "ours": mine["outcome"], "theirs_acc": other["acc"]})
                rows[-1]["cause"] = _cause(same_prompt, answer, mine, other)
        tasks[name] = {
            "items": len(loaded.item_ids),
            "same_prompt": prompts,
            "same_output": outputs,
            "same_verdict": sum(row["theirs_acc"] == (row["ours"] == "correct") for row in rows)
            + len(loaded.item_ids)
            - len(rows),
            "correct_ours": int((samples.loc[loaded.item_ids, "outcome"] == "correct").sum()),
            "correct_theirs": int(sum(each["acc"] for each in theirs[name])),
            "outcomes_ours": dict(Counter(samples.loc[loaded.item_ids, "outcome"])),
            "largest_logprob_difference": apart,
            "differing": rows,
        }
    return {"model": model.name, "tasks": tasks}


def _answer(other: dict[str, Any]) -> str:
    """lm-eval's answer in the form of ours: the text, or the option of the highest log-probability."""
    if not other["options"]:
        return str(other["answers"][0])
    logprobs = [logprob for logprob, _ in other["answers"]]
    return str(other["options"][logprobs.index(max(logprobs))]).strip()


def _cause(same_prompt: bool, answer: str, mine: Any, other: dict[str, Any]) -> str:
    if not same_prompt:
        return "the prompts differ"
    if answer != mine["output"]:
        if other["options"]:
            logprobs = sorted((logprob for logprob, _ in other["answers"]), reverse=True)
            return f"another option: lm-eval's best two are {logprobs[0] - logprobs[1]:.2e} nats apart"
        return "the generated texts differ"
    if mine["finish_reason"] == "length":
        return "cut off at the budget: unparsed here, judged as it stands by lm-eval"
    return "the same output, judged differently"
