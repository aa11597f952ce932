"""``retention rejudge``: judge stored outputs again, after the rules of judging changed."""

from pathlib import Path

import click

from harness.cli.options import data_dir


@click.command(name="rejudge")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=click.Path(file_okay=False, path_type=Path))
@click.option("--suite", help="The suite's YAML file, where it is not a shipped one.")
@data_dir
def command(runs: tuple[Path, ...], suite: str | None) -> None:
    """Judge the stored outputs of RUNs again by the rules of this version, without any model.

    Outputs stay byte by byte; samples and run.json are written anew, and run.json says which version judged. Both
    runs of a pair must be judged by one version.

    \b
    Examples:
      retention rejudge runs/nano-1/*
      retention rejudge runs/mine-1/0123456789ab --suite mine-1.yaml
    """
    from harness.lmeval import Recomputer, rejudge_run
    from harness.records import load_suite, read_record, suite_path

    recomputers: dict[str, Recomputer] = {}
    for folder in runs:
        record = read_record(folder)
        name = suite or f"{record.suite.name}-{record.suite.version}"
        if name not in recomputers:
            recomputers[name] = Recomputer(load_suite(name), suite_path(name).parent)
        done = rejudge_run(folder, recomputers[name])
        click.echo(f"{folder}: {done.rows} rows judged by version {done.record.judge}, {done.changed} outcomes changed")
