"""``retention runs``: what runs are there, what one of them says, and what can be deleted."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import data_dir

if TYPE_CHECKING:
    from harness.evaluation import FoundRun

_OUT = click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of runs."
)


@click.group(name="runs")
def group() -> None:
    """List runs, show one, write one for other tools, and delete what no run needs."""


@group.command(name="list")
@_OUT
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line a run.")
def list_command(out: Path, as_json: bool) -> None:
    """List every run: suite, checkpoint, engine, items, date, size, and whether it is complete.

    \b
    Examples:
      retention runs list
      retention runs list --out /data/runs --json
    """
    import json

    from harness.cli.columns import echo_columns
    from harness.evaluation import find_runs, store_size
    from harness.scoring import printable
    from harness.scoring.wording import byte_size

    found = find_runs(out)
    if as_json:
        for run in found:
            click.echo(json.dumps(_row(run)))
        return
    columns = ("suite", "checkpoint", "engine", "items", "errors", "created")
    rows = []
    for run in found:
        row = _row(run)
        facts = ("-" if row[name] is None else str(row[name]) for name in columns)
        rows.append([*facts, byte_size(run.size), run.state, str(run.folder.relative_to(out))])
    if rows:
        left = ("suite", "checkpoint", "engine", "created", "state", "folder")
        echo_columns((*columns, "size", "state", "folder"), rows, left)
    for run in found:
        if run.detail:
            click.echo(f"{printable(str(run.folder))}: {printable(run.detail)}")
    click.echo(f"{len(found)} runs in {out}, {byte_size(store_size(out))} in the response store")


@group.command(name="show")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the record and the tasks as one JSON document.")
def show_command(run: Path, as_json: bool) -> None:
    """Show one RUN folder: what ran, and each task's correct, unparsed, off-list and cut-off answers.

    \b
    Examples:
      retention runs show runs/nano-1/nano-base-*/vllm-float32
      retention runs show runs/nano-1/nano-base-*/vllm-float32 --json
    """
    import json

    from harness.cli.columns import echo_columns
    from harness.evaluation import summarise
    from harness.records import read_run
    from harness.scoring import printable, share

    loaded = read_run(run)
    record, tasks = loaded.record, summarise(loaded)
    if as_json:
        click.echo(json.dumps({"record": record.model_dump(mode="json"), "tasks": tasks}, indent=2))
        return
    facts = {
        "checkpoint": f"{record.checkpoint.name} ({record.checkpoint.kind}, {record.checkpoint.weights_digest[:12]})",
        "suite": f"{record.suite.name}-{record.suite.version} ({record.suite.protocol})",
        "engine": record.engine.fingerprint,
        "items": f"{record.n_items:,}, {record.n_errors} failed",
        "date": record.created,
        "wall time": f"{record.wall_seconds:.1f} s",
        "packages": ", ".join(f"{name} {version}" for name, version in record.packages.items()),
    }
    if record.commit:
        facts["commit"] = record.commit + (" with changed files" if record.dirty else "")
    if (drawn := record.sampling) is not None:
        how = f"temperature {drawn.temperature:g}, top-p {drawn.top_p:g}, seed {drawn.seed}"
        facts["sampled"] = f"{drawn.repeats} answers an item, {how}; not for submission"
    if record.replicate:
        facts["replicate"] = f"{record.replicate}, order of seed {record.seed}"
    if record.screened:
        facts["screened"] = f"stopped at look {record.screened.look} of {record.screened.looks}; not for submission"
    for name, fact in facts.items():
        click.echo(f"{name + ':':<12}{printable(fact)}")
    header = ("task", "items", "failed", "correct", "unparsed", "off-list", "cut off", "tokens")
    rows = []
    for name, task in tasks.items():
        rates = (share(task[rate]) for rate in ("correct", "unparsed", "off_list", "truncated"))
        rows.append([name, str(task["n"]), str(task["failed"]), *rates, f"{task['output_tokens']:.1f}"])
    click.echo()
    echo_columns(header, rows, ("task",))
    for name, task in tasks.items():
        if task["f1"] is not None:
            said = f"F1 of yes {share(task['f1'])}, {share(task['yes'])} of the answers are yes"
            click.echo(f"{name}: {said}; all questions of a picture right {share(task['all_right'], '-')}")


@group.command(name="export")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--format",
    type=click.Choice(["inspect", "every-eval-ever"]),
    required=True,
    help="A log for `inspect view` (.eval or .json), or instance-level records of Every Eval Ever (.jsonl).",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option("--suite", help="Where the questions are: a suite or its YAML file.  [default: the run's, if shipped]")
@click.option("--pictures", is_flag=True, help="Put the pictures into an Inspect log too.")
@data_dir
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def export_command(run: Path, as_json: bool, **settings: Any) -> None:
    """Write a RUN folder in the form of another tool: every item with its answer, its score, and how it was read.

    A run stores answers and not what was asked; the questions are found again in the suite by their ids. Where its data
    are not at hand they are left out, which is said.

    \b
    Examples:
      retention runs export runs/nano-1/nano-base-*/vllm-float32 --format inspect --out logs/base.eval
      retention runs export runs/nano-1/nano-sft-*/vllm-float32 --format every-eval-ever --out sft.jsonl
    """
    import json

    from harness.exports import export_run
    from harness.scoring import printable

    made = export_run(run, **settings)
    if as_json:
        facts = {"path": str(made.path), "items": made.items, "questions": made.questions, "notes": list(made.notes)}
        click.echo(json.dumps(facts, indent=2))
        return
    for note in made.notes:
        click.echo(printable(note))
    click.echo(f"Wrote {printable(str(made.path))}: {made.items:,} items, {made.questions:,} with their question")
    if made.path.suffix in (".eval", ".json"):
        click.echo(f"Next: inspect view start --log-dir {shlex.quote(str(made.path.parent))}")


@group.command(name="gc")
@_OUT
@click.option("--unfinished", is_flag=True, help="Also give up runs that were interrupted, with their answers.")
@click.option("--dry-run", is_flag=True, help="Only say what would go; this is also what happens without --yes.")
@click.option("--yes", is_flag=True, help="Delete it.")
def gc_command(out: Path, unfinished: bool, dry_run: bool, yes: bool) -> None:
    """Delete what no run needs: partial files, and stored answers whose run folders are gone.

    An answer goes when no run folder of the same weights, engine and replicate is left, so deleting a run's folder is
    how its answers are given up. While a run is unfinished no answer goes, as the same command would reuse it. Run
    folders are never deleted.

    \b
    Examples:
      retention runs gc
      retention runs gc --unfinished --yes
    """
    from harness.errors import RetentionError
    from harness.evaluation import collect, find_garbage, store_size
    from harness.scoring import printable
    from harness.scoring.wording import byte_size

    if dry_run and yes:
        raise RetentionError("--dry-run and --yes contradict each other; give one of them")
    garbage = find_garbage(out, unfinished=unfinished)
    for path in garbage.partial:
        click.echo(f"partial file {printable(str(path))} ({byte_size(path.stat().st_size)})")
    for source, count in garbage.sources.items():
        click.echo(
            f"{count:,} answers of weights {printable(source[:12])} on {printable(source[65:])}: no run folder is left"
        )
    for folder in garbage.unfinished:
        click.echo(f"unfinished: {printable(str(folder))}; finish it with the same command, or see --unfinished")
    why = "while a run is unfinished" if garbage.unfinished else "in use"
    click.echo(f"kept: {garbage.kept_answers:,} answers {why}; store {byte_size(store_size(out))}")
    if not garbage.partial and not garbage.sources:
        click.echo("nothing to delete")
    elif yes:
        freed = collect(garbage)
        click.echo(f"deleted; {byte_size(freed)} freed, store now {byte_size(store_size(out))}")
    else:
        click.echo("nothing was deleted; run again with --yes to delete this")


def _row(run: "FoundRun") -> dict[str, Any]:
    record = run.record
    return {
        "folder": str(run.folder),
        "suite": record and f"{record.suite.name}-{record.suite.version}",
        "checkpoint": record and record.checkpoint.name,
        "weights_digest": record and record.checkpoint.weights_digest,
        "engine": record and record.engine.fingerprint,
        "replicate": record and record.replicate,
        "items": record and record.n_items,
        "errors": record and record.n_errors,
        "created": record and record.created,
        "size": run.size,
        "state": run.state,
        "complete": run.state == "complete",
        "detail": run.detail,
    }
