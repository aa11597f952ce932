"""``retention diff``: where two runs of the same questions gave different answers, e.g. on two engines."""

from pathlib import Path

import click


@click.command(name="diff")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the differing items as JSON lines.")
def command(first: Path, second: Path, as_json: bool) -> None:
    """List the items whose answers differ between two runs; exit 1 if there are any.

    Meant for one checkpoint run on two engines, or twice on one engine.

    \b
    Examples:
      retention diff runs/nano-1/nano-base-*/vllm-float32 runs/nano-1/nano-base-*/transformers-float32
    """
    import json

    from harness.errors import CheckFailedError
    from harness.records import read_run

    runs = [read_run(first), read_run(second)]
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
