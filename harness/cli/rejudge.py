"""``retention rejudge``: judge stored outputs again, after the rules of judging changed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import data_dir

if TYPE_CHECKING:
    from harness.lmeval import Rejudged


@click.command(name="rejudge")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=click.Path(file_okay=False, path_type=Path))
@click.option("--suite", help="The suite's YAML file, where it is not a shipped one.")
@data_dir
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line a run.")
def command(runs: tuple[Path, ...], suite: str | None, as_json: bool) -> None:
    """Judge the stored outputs of RUNs again by the rules of this version, without any model.

    Outputs stay byte by byte; samples and run.json are written anew, and run.json says which version judged. Both
    runs of a pair must be judged by one version.

    \b
    Examples:
      retention rejudge runs/nano-1/*
      retention rejudge runs/mine-1/0123456789ab --suite mine-1.yaml
    """
    from harness.cli.progress import Display

    with Display() as display:
        display.stage(f"reading {len(runs)} runs")
        from harness.lmeval import Recomputer, rejudge_run
        from harness.records import load_suite, read_record, suite_path

        recomputers: dict[str, Recomputer] = {}
        for folder in runs:
            record = read_record(folder)
            name = suite or f"{record.suite.name}-{record.suite.version}"
            if name not in recomputers:
                display.stage(f"loading the items of {name}")
                recomputers[name] = Recomputer(load_suite(name), suite_path(name).parent)
            display.stage(f"judging {folder}")
            _print(folder, rejudge_run(folder, recomputers[name]), as_json=as_json)


def _print(folder: Path, done: "Rejudged", *, as_json: bool) -> None:
    if as_json:
        facts = {"folder": str(folder), "rows": done.rows, "judge": done.record.judge, "changed": done.changed}
        click.echo(json.dumps(facts))
    else:
        click.echo(f"{folder}: {done.rows} rows judged by version {done.record.judge}, {done.changed} outcomes changed")
