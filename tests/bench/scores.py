"""``python -m tests.bench.scores``: what a small real model scores on core-text-1, and the tables of tasks/README.md.

A sample of the suite (``retention suite sample``) is asked of SmolLM2-135M-Instruct with vLLM in bfloat16, as
``retention evaluate`` does. The results go to ``results/scores/``, and the page's tables are written from them and from
the task files. ``--tables`` writes the tables alone.
"""

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tests.bench import machine, smollm2, workload
from tests.bench.ours import SilentWatcher

if TYPE_CHECKING:
    from harness.suites.catalogue import DataSet

SUITE = "core-text-1"
PAGE = smollm2.ROOT / "tasks" / "README.md"
RESULTS = Path(__file__).parent / "results" / "scores" / f"{SUITE}.json"
_MAX_MODEL_LEN = 4096


@click.command()
@click.option("--count", default=150, show_default=True, help="Items of each task.")
@click.option("--tables", is_flag=True, help="Measure nothing; write the tables anew.")
def main(count: int, tables: bool) -> None:
    """Measure, and write the tables of tasks/README.md."""
    if not tables:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(measure(count), indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    click.echo(scores_table())


def measure(count: int) -> dict[str, Any]:
    """Rates of each task of a sample of the suite, and the seconds of the whole run, the engine's start included."""
    workload.use_data()
    from harness.engines.settings import EngineSettings
    from harness.evaluation.listing import summarise
    from harness.evaluation.plan import make_plan
    from harness.evaluation.run import run_plan
    from harness.records.run import read_run
    from harness.suites.freezing import sample

    load = machine.load()
    with tempfile.TemporaryDirectory() as folder:
        part = sample(SUITE, count, Path(folder, "part-1.yaml"))
        settings = EngineSettings(name="vllm", dtype="bfloat16", max_model_len=_MAX_MODEL_LEN)
        started = time.monotonic()
        plan = make_plan(
            str(smollm2.base()), (), str(Path(folder, "part-1.yaml")), None, settings, Path(folder, "runs")
        )
        (run_folder,) = run_plan(plan, SilentWatcher(), fail_on_error=0.99)
        seconds = time.monotonic() - started
        run = read_run(run_folder)
    summary = summarise(run)
    return {
        "suite": SUITE,
        "sample_digest": part.digest,
        "model": "SmolLM2-135M-Instruct",
        "engine": run.record.engine.environment,
        "machine": machine.facts(),
        "load": load,
        "seconds": round(seconds),
        "output_tokens": int(run.samples["n_output_tokens"].sum()),
        "tasks": {name: {**summary[name], "chance": _chance(run.samples, name)} for name in part.tasks},
    }


def _chance(samples: Any, task: str) -> float:
    return float(samples.loc[samples["task"] == task, "guess_rate"].mean())


def page(text: str) -> str:
    """``text`` with its tables, each between two comments, written anew."""
    for name, table in (("tasks", tasks_table()), ("suites", suites_table()), ("scores", scores_table())):
        start, end = f"<!-- {name}, written by python -m tests.bench.scores -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(start)
        after = rest.partition(end)[2]
        text = f"{before}{start}{table}\n{end}{after}"
    return text


def tasks_table() -> str:
    """Every task with what its file says of it."""
    from harness.suites.catalogue import find_tasks

    rows = [
        [
            f"`{task.name}`",
            task.answer,
            "any" if task.items is None else f"{task.items:,}",
            _per_cent(task.chance),
            f"{task.max_tokens:,}" if task.max_tokens else "",
            ", ".join(map(_source, task.sources())) or "made by its file",
            task.licence or "",
        ]
        for task in find_tasks().values()
    ]
    return _table(["task", "answer", "items", "chance %", "budget", "source", "licence"], rows)


def _source(source: "DataSet") -> str:
    """A link to a set of the hub; a local file by its path."""
    local = (source.revision or "").startswith("sha256:")
    return f"`{source.repo}`" if local else f"[{source.repo}](https://huggingface.co/datasets/{source.repo})"


def suites_table() -> str:
    """Every released suite: its size, and the change that each family shows at a churn of 10 %."""
    from harness.records.suites import load_suite, suite_names
    from harness.scoring import mean_minimum_detectable_difference

    rows = []
    for name in suite_names():
        suite = load_suite(name)
        shown = []
        for family in suite.families:
            places = [place for place in suite.tasks.values() if place.family == family]
            found = 100 * mean_minimum_detectable_difference(0.1, [place.count for place in places])
            units = [place.clusters for place in places if place.clusters]
            worst = 100 * mean_minimum_detectable_difference(0.1, units) if len(units) == len(places) else found
            shown.append(f"{family} {found:.1f}" + f" (at worst {worst:.1f})" * (f"{worst:.1f}" != f"{found:.1f}"))
        items = sum(place.count for place in suite.tasks.values())
        rows.append([f"`{name}`", suite.title, str(len(suite.tasks)), f"{items:,}", ", ".join(shown)])
    return _table(["suite", "what", "tasks", "items", "detectable, points"], rows)


def scores_table() -> str:
    """The rates of the last measurement."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    facts = found["machine"]
    items = sum(task["n"] for task in found["tasks"].values())
    said = (
        f"{found['model']} on a sample of {found['suite']}, {items} items: {found['seconds']} s for "
        f"{found['output_tokens']:,} tokens, the engine's start included; {found['engine']}, {facts['cores']} cores of "
        f"{facts['cpu']}, load average a core {found['load']} at the start (above 1, others were at work).\n\n"
    )
    rows = [
        [
            f"`{name}`",
            str(task["n"]),
            *(_per_cent(task[rate]) for rate in ("chance", "correct", "unparsed", "truncated")),
            f"{task['output_tokens']:.0f}",
        ]
        for name, task in found["tasks"].items()
    ]
    return said + _table(["task", "items", "chance %", "correct %", "unparsed %", "cut off %", "tokens"], rows)


def _table(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows])


def _per_cent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


if __name__ == "__main__":
    main()
