"""``python -m tests.bench.loading``: processor seconds to load a suite's items, each time in a process of its own:
drawn anew, out of the item cache, and a sample of six items a task."""

import json
import os
import statistics
import subprocess
import sys
import tempfile

import click

SUITES = ("core-vl-1", "core-vl-2-local", "core-text-2", "core-base-1")
OF_SAMPLE = 6

_MEASURED = """
import json, resource, sys
from harness.lmeval import load_frozen, load_tasks
from harness.records import read_suite
suite, of_sample = read_suite(sys.argv[1]), int(sys.argv[2])
found = load_tasks(list(suite.tasks), counts=dict.fromkeys(suite.tasks, of_sample)) if of_sample else load_frozen(suite)
used = resource.getrusage(resource.RUSAGE_SELF)
items = sum(len(each.item_ids) for each in found.values())
print(json.dumps({"items": items, "seconds": used.ru_utime + used.ru_stime}))
"""


@click.command()
@click.argument("names", nargs=-1)
@click.option("--repeats", default=3, show_default=True)
def main(names: tuple[str, ...], repeats: int) -> None:
    """Measure the suites NAMES (default: the four largest) and print a table."""
    click.echo("| suite | items | drawn anew, s | from the cache, s | sample | sample, s |\n|---|---|---|---|---|---|")
    for name in names or SUITES:
        with tempfile.TemporaryDirectory() as cache:
            first = _load(name, 0, cache)
            whole = [_load(name, 0, cache) for _ in range(repeats)]
            part = [_load(name, OF_SAMPLE, cache) for _ in range(repeats)]
        medians = (f"{statistics.median(each['seconds'] for each in found):.1f}" for found in (whole, part))
        cells = (name, first["items"], f"{first['seconds']:.1f}", next(medians), part[0]["items"], next(medians))
        click.echo(f"| {' | '.join(map(str, cells))} |")


def _load(name: str, of_sample: int, cache: str) -> dict[str, float]:
    command = [sys.executable, "-c", _MEASURED, name, str(of_sample)]
    environment = {**os.environ, "RETENTION_CACHE": cache}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
