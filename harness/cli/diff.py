"""``retention diff``: where two runs of the same questions gave different answers, e.g. on two engines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.records import Run

_COLUMNS = ("task", "items", "first", "second", "difference", "95 %", "p", "", "first only", "second only")


@click.command(name="diff")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--tasks", is_flag=True, help="Print per task which of two models solves more, and whether it is shown.")
@click.option("--json", "as_json", is_flag=True, help="Print the differing items, or the tasks, as JSON lines.")
def command(first: Path, second: Path, tasks: bool, as_json: bool) -> None:
    """List the items whose answers differ between two runs; exit 1 if there are any.

    Meant for one checkpoint run on two engines, or twice on one engine. With --tasks for two fine-tunes of one base:
    a paired test of every task, as on the board's page that compares entries.

    \b
    Examples:
      retention diff runs/nano-1/nano-base-*/vllm-float32 runs/nano-1/nano-base-*/transformers-float32
      retention diff --tasks submissions/FIRST/tuned submissions/SECOND/tuned
    """
    from harness.records import read_run

    runs = [read_run(first), read_run(second)]
    if tasks:
        _print_tasks(runs[0], runs[1], as_json)
    else:
        _print_items(first, second, runs, as_json)


def _print_items(first: Path, second: Path, runs: list[Run], as_json: bool) -> None:
    import json

    from harness.errors import CheckFailedError

    sampled = [run.record.sampling is not None for run in runs]
    if any(sampled) and not all(sampled):
        raise CheckFailedError(f"{runs[0].record.decoding} and {runs[1].record.decoding}: one is sampled, one greedy")
    tables = [run.samples.set_index(["item_id", "repeat"] if all(sampled) else "item_id") for run in runs]
    if len(tables[0].index.symmetric_difference(tables[1].index)):
        shared = len(tables[0].index.intersection(tables[1].index))
        raise CheckFailedError(
            f"{first} and {second} hold different items ({len(tables[0])} and {len(tables[1])}, {shared} shared)"
        )
    left, right = tables[0], tables[1].loc[tables[0].index]
    prompts = int((left["prompt_digest"] != right["prompt_digest"]).sum())
    differing = left.index[(left["output"] != right["output"]) | (left["outcome"] != right["outcome"])]
    for key in differing:
        item_id, *repeat = key if all(sampled) else (key,)
        row = {"item_id": item_id, **({"repeat": int(repeat[0])} if repeat else {}), "task": left.at[key, "task"]}
        row |= {name: table.at[key, "output"] for name, table in (("first", left), ("second", right))}
        name = item_id[:12] + "".join(f" #{each}" for each in repeat)
        click.echo(json.dumps(row) if as_json else f"{name} {row['task']}: {row['first']!r} | {row['second']!r}")
    if not as_json:
        click.echo(f"{len(differing)} of {len(left)} answers differ; {prompts} prompts differ")
        click.echo(f"first:  {runs[0].record.checkpoint.name} on {runs[0].record.engine.fingerprint}")
        click.echo(f"second: {runs[1].record.checkpoint.name} on {runs[1].record.engine.fingerprint}")
    if len(differing) or prompts:
        raise CheckFailedError(f"{len(differing)} of {len(left)} answers and {prompts} prompts differ")


def _print_tasks(first: Run, second: Run, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from harness.cli.columns import count, echo_columns
    from harness.scoring import point_interval, points, printable, run_differences, share, wording

    found = run_differences(first, second)
    if as_json:
        for each in found:
            click.echo(json.dumps(asdict(each) | {"shown": each.shown}))
        return
    rows = []
    for each in found:
        said = "no difference shown" if not each.shown else "second higher" if each.delta > 0 else "first higher"
        numbers = (count(each.n), share(each.first), share(each.second), points(each.delta))
        alone = (count(each.only_first), count(each.only_second))
        between = point_interval(each.interval)
        rows.append((printable(each.task), *numbers, between, wording.p_value(each.p_holm), said, *alone))
    echo_columns(_COLUMNS, rows, ("task", "95 %", ""))
    click.echo(f"first:  {printable(first.record.checkpoint.name)}")
    click.echo(f"second: {printable(second.record.checkpoint.name)}")
    click.echo(
        "Shares solved, and differences in points; p of the exact sign-flip test (McNemar's, where items stand alone) "
        f"after Holm over {len(found)} tasks."
    )
