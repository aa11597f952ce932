"""``python -m tests.bench.bases``: what small bases score on core-base-1, and the table of tasks/general/README.md.

A random part of each task is asked of SmolLM2-135M-Instruct, without its chat template, and of the pretrained
Gemma 3 270M, by transformers in bfloat16: likelihoods are quickest there on a CPU. Results go to ``results/scores/``.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import yaml

from tests.bench import machine, smollm2, workload
from tests.bench.ours import SilentWatcher

SUITE = "core-base-1"
PAGE = smollm2.ROOT / "tasks" / "general" / "README.md"
RESULTS = Path(__file__).parent / "results" / "scores" / f"{SUITE}.json"
MODELS: dict[str, Callable[[], Path]] = {
    "SmolLM2-135M-Instruct": smollm2.base,
    "Gemma 3 270M (pretrained)": smollm2.gemma3,
}
_START, _END = "<!-- bases, written by python -m tests.bench.bases -->\n", "<!-- end of bases -->"


@click.command()
@click.option("--options", default=100, show_default=True, help="Items of each task that compares options.")
@click.option("--letters", default=50, show_default=True, help="Items of each task with examples and letters.")
@click.option("--written", default=24, show_default=True, help="Items of each task with examples and solutions.")
@click.option("--table", is_flag=True, help="Measure nothing; write the table anew.")
def main(options: int, letters: int, written: int, table: bool) -> None:
    """Measure, and write the table."""
    if not table:
        for name, folder in MODELS.items():
            found = measure(folder(), options, letters, written)
            kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {"models": {}}
            kept["models"][name] = found
            RESULTS.write_text(json.dumps({**kept, "suite": SUITE, "machine": machine.facts()}, indent=1) + "\n")
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_START)
    PAGE.write_text(f"{before}{_START}{scores_table()}\n{_END}{rest.partition(_END)[2]}", encoding="utf-8")
    click.echo(scores_table())


def measure(model: Path, options: int, letters: int, written: int) -> dict[str, Any]:
    """Rates of each task, and the seconds of the whole run, the engine's start included."""
    workload.use_data()
    from harness.engines.settings import EngineSettings
    from harness.evaluation.listing import summarise
    from harness.evaluation.plan import make_plan
    from harness.evaluation.run import run_plan
    from harness.records.run import read_run

    load = machine.load()
    with tempfile.TemporaryDirectory() as folder:
        path = _part(Path(folder), options, letters, written)
        settings = EngineSettings(name="transformers", dtype="bfloat16", max_model_len=4096)
        started = time.monotonic()
        plan = make_plan(str(model), (), str(path), None, settings, Path(folder, "runs"))
        (run_folder,) = run_plan(plan, SilentWatcher(), fail_on_error=0.99)
        seconds = time.monotonic() - started
        run = read_run(run_folder)
    summary = summarise(run)
    chance = run.samples.groupby("task")["guess_rate"].mean()
    return {
        "engine": run.record.engine.environment,
        "load": load,
        "seconds": round(seconds),
        "tasks": {name: {**summary[name], "chance": float(chance[name])} for name in run.record.suite.tasks},
    }


def _part(folder: Path, options: int, letters: int, written: int) -> Path:
    """A draft of the suite with the first items of each task, which are a random sample."""
    from harness.records.suites import suite_path

    suite = yaml.safe_load(suite_path(SUITE).read_text(encoding="utf-8"))
    for task in suite["tasks"].values():
        count = written if task.get("max_tokens") else letters if task.get("shots") else options
        task.update(count=min(count, task["count"]))
        task.pop("digest")
    path = folder / "part-1-draft.yaml"
    path.write_text(yaml.safe_dump({**suite, "name": "part", "version": "1-draft"}, sort_keys=False))
    return path


def scores_table() -> str:
    """Each task's items, the largest standard error of a share of so many, chance, and what each model scores."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    models = found["models"]
    header = ["task", "items", "± at most", "chance %", *models]
    rows = [
        [f"`{name}`", str(task["n"]), f"{50 / task['n'] ** 0.5:.1f}", f"{100 * task['chance']:.1f}"]
        + [f"{100 * each['tasks'][name]['correct']:.1f}" for each in models.values()]
        for name, task in next(iter(models.values()))["tasks"].items()
    ]
    rows.append(["seconds", "", "", "", *(f"{each['seconds']:,}" for each in models.values())])
    rows.append(["load a core", "", "", "", *(f"{each['load']}" for each in models.values())])
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows])


if __name__ == "__main__":
    main()
