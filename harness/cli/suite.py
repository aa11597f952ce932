"""``retention suite``: what a suite contains, whether the data still give its items, and how one is made."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import data_dir

if TYPE_CHECKING:
    from harness.records import Draft, DraftTask, Suite
    from harness.suites import TaskFile


@click.group(name="suite")
def group() -> None:
    """Show, verify, freeze and sample suites."""


@group.command(name="show")
@click.argument("suite")
@click.option(
    "--churn",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.1,
    show_default=True,
    help="Share of items whose outcome is taken to differ between the models, for the detectable change.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_command(suite: str, churn: float, as_json: bool) -> None:
    """Show every task of SUITE: items, chance level, budget, data sets, and the smallest change that can be detected.

    A change is detectable if it is found with 80 % power, in points: on one task after Holm over all of the suite's;
    for a family it is the change of the mean of its tasks, each counted alike. Items on one picture or passage are a
    cluster, and depend on each other: at worst, if all of a cluster change together, clusters count in place of items.

    \b
    Examples:
      retention suite show nano-1
      retention suite show core-text-1 --churn 0.2 --json
    """
    from harness.records import read_suite, suite_path
    from harness.suites import find_tasks

    facts = _facts(read_suite(suite), find_tasks(suite_path(suite).parent), churn)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        _echo(facts)


@group.command(name="verify")
@click.argument("suite")
@data_dir
@click.option("--redraw", is_flag=True, help="Make every item anew, without the item cache.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify_command(suite: str, redraw: bool, as_json: bool) -> None:
    """Compute every digest of SUITE from the data again, and name the first item of each task that differs.

    Items made before from the same data, code and libraries are taken from the item cache: a picture then counts by the
    digest that it had, which is compared when it is shown.

    Exit status 1 when a task's items, decoding or data sets are not the frozen ones, or it cannot be loaded.

    \b
    Examples:
      retention suite verify nano-1
      retention suite verify core-vl-1 --data-dir data --redraw
    """
    from contextlib import nullcontext

    from harness.cli.columns import echo_columns
    from harness.cli.progress import Display
    from harness.errors import CheckFailedError
    from harness.item_cache import without_cache

    with Display() as display, without_cache() if redraw else nullcontext():
        display.stage(f"making the items of {suite}")
        from harness.suites import verify

        findings = []
        for finding in verify(suite):
            findings.append(finding)
            display.stage(f"{finding.task}: {finding.items:,} items, {finding.problem or 'as frozen'}")
    wrong = [finding for finding in findings if finding.problem]
    if as_json:
        click.echo(json.dumps([vars(finding) for finding in findings], indent=2))
    else:
        rows = [[each.task, f"{each.items:,}", "ok" if not each.problem else "differs"] for each in findings]
        echo_columns(("task", "items", ""), rows, ("task", ""))
    if wrong:
        said = "; ".join(f"{each.task}: {each.problem}" for each in wrong)
        raise CheckFailedError(f"suite {suite}: {len(wrong)} of {len(findings)} tasks do not hold: {said}")


@group.command(name="freeze")
@click.argument("draft")
@click.option("--note", required=True, help="Why this version: its entry in the CHANGES file next to it.")
@data_dir
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def freeze_command(draft: str, note: str, as_json: bool) -> None:
    """Fix the items of DRAFT, a suite whose version ends in -draft, and write the frozen suite next to it.

    Counts, digests, budgets and revisions that the draft leaves open are filled in from the tasks and the data. What is
    frozen is never changed, only succeeded: by the next number, or by a letter (1a) where scores stay comparable.

    \b
    Examples:
      retention suite freeze my-suite-1-draft.yaml --note "The first."
      retention suite freeze core-vl-2-draft --note "With the study's benchmarks."
    """
    from harness.cli.progress import Display
    from harness.records import load_suite

    with Display() as display:
        display.stage(f"making the items of {draft}")
        from harness.suites import freeze

        path = freeze(draft, note)
    frozen = load_suite(str(path))
    if as_json:
        click.echo(json.dumps({"file": str(path), "suite": frozen.id, "digest": frozen.digest}))
    else:
        click.echo(f"{path} (digest {frozen.digest[:12]})")


@group.command(name="sample")
@click.argument("suite")
@click.option("--count", type=click.IntRange(1), required=True, help="Items to take of each task, at most.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The new suite's file: NAME-VERSION.yaml.")
@data_dir
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sample_command(suite: str, count: int, out: Path, as_json: bool) -> None:
    """Write a smaller suite of your own: the first --count items of each task of SUITE, which are a random sample.

    It has its own name and digest, so that its scores are never mistaken for those of the full suite.

    \b
    Examples:
      retention suite sample nano-1 --count 50 --out quick-1.yaml
      retention evaluate nano:base nano:sft --suite quick-1.yaml --target jigsaw
    """
    from harness.cli.progress import Display

    with Display() as display:
        display.stage(f"making the items of {suite}")
        from harness.suites import sample

        part = sample(suite, count, out)
    items = sum(task.count for task in part.tasks.values())
    if as_json:
        facts = {"file": str(out), "suite": part.id, "tasks": len(part.tasks), "items": items, "digest": part.digest}
        click.echo(json.dumps(facts))
    else:
        click.echo(f"{out} ({len(part.tasks)} tasks, {items:,} items, digest {part.digest[:12]})")


@group.command(name="from-csv")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--judge",
    type=click.Choice(["letter", "math", "exact", "contains", "box"]),
    required=True,
    help="How answers are read: a letter of options, mathematics, a short text, a text that contains it, a box.",
)
@click.option("--name", help="The suite's name.  [default: the file's]")
@click.option("--version", default="1", show_default=True, help="A number; the next one once the questions change.")
@click.option("--family", help="The family of the questions that the model is trained for.  [default: the name]")
@click.option("--title", help="What the suite is, in a line.")
@click.option("--out", type=click.Path(path_type=Path), help="The folder to write.  [default: NAME-VERSION]")
@click.option(
    "--prompt",
    type=click.Choice(["chat", "plain"]),
    default="chat",
    show_default=True,
    help="In the base's chat template, or in none.",
)
@click.option("--instruction", help="What stands below each question; empty for nothing.  [default: the judge's own]")
@click.option("--max-tokens", type=click.IntRange(1), help="Budget of an answer.  [default: the judge's own]")
@click.option(
    "--index-from",
    type=click.Choice(["0", "1"]),
    help="What the first option is called, where answers are numbers of options.  [default: as the answers tell]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def from_csv_command(file: Path, as_json: bool, index_from: str | None, **settings: Any) -> None:
    """Freeze a suite of your own questions in FILE, a CSV, TSV or JSON lines file, without writing any code.

    \b
    Columns of FILE:
      question  what is asked
      answer    the right answer; for exact and contains, a JSON list of all that are accepted
      options   A|B|C or a JSON list, for --judge letter; the answer is a letter, a number or the text of one
      image     a picture's path relative to FILE, or a JSON list of paths; PNG, JPEG or WebP
      group     a name; the questions of a group are a task, and have their own line in a scorecard
      kind      target or prior: trained for (gain), or known before (forgetting); without it all are target
      cluster   a name shared by questions on one passage; questions on one picture share one by themselves

    The folder it writes has the file, its pictures and the frozen suite; it can be moved and sent as it is. Nothing in
    FILE is executed, and no picture outside its folder is read.

    \b
    Examples:
      retention suite from-csv questions.csv --judge exact
      retention suite from-csv exam.jsonl --judge letter --name exam --family law --out suites/exam
      retention evaluate nano:base nano:sft --suite questions-1/questions-1.yaml --target questions
    """
    from harness.suites import find_tasks, suite_from_file

    made = suite_from_file(file, index_from=None if index_from is None else int(index_from), **settings)
    facts = _facts(made.suite, find_tasks(made.path.parent), 0.1)
    if as_json:
        click.echo(json.dumps({"path": str(made.path), "unused": list(made.unused), **facts}, indent=2))
        return
    _echo(facts)
    if made.unused:
        click.echo(f"Columns that were not used: {', '.join(made.unused)}")
    _echo_next(made.path, made.suite)


def _echo_next(path: Path, suite: "Suite") -> None:
    """What was written, and commands that run as they are printed."""
    import shlex

    from harness.scoring import printable

    task = next(iter(suite.tasks))
    folder = shlex.quote(str(path.parent))
    target = next((place.family for place in suite.tasks.values() if place.family != "prior"), "prior")
    click.echo(f"Wrote {printable(str(path))}")
    click.echo(f"Next: retention tasks preview {task} --include-path {folder}")
    click.echo(
        f"Next: retention evaluate nano:base nano:sft --suite {shlex.quote(str(path))} --target {target}"
        "  # your checkpoints in place of these"
    )


def _facts(suite: "Suite | Draft", catalogue: "Mapping[str, TaskFile]", churn: float) -> dict[str, Any]:
    from harness.records import Suite
    from harness.scoring import smallest_loss

    tasks = []
    for name, place in suite.tasks.items():
        known = catalogue.get(name)
        tasks.append(
            {
                "task": name,
                "family": place.family,
                "group": place.group,
                "items": place.count,
                "chance": place.guess_rate if place.guess_rate is not None or known is None else known.chance,
                "max_tokens": place.max_tokens or (known.max_tokens if known else None),
                "stop": list(place.stop),
                "sources": list(place.sources) or _open_sources(suite, known),
                "transfer": place.transfer,
                "adjacent": list(place.adjacent),
                "metric": place.metric,
                "shots": place.shots,
                "digest": place.digest,
                "detectable": smallest_loss(churn, place.count, len(suite.tasks)) if place.count else None,
                "clusters": _clusters(place),
                "at_worst": smallest_loss(churn, clusters, len(suite.tasks))
                if (clusters := _clusters(place))
                else None,
            }
        )
    families = {}
    for family in sorted({place.family for place in suite.tasks.values()}):
        counts = [place.count for place in suite.tasks.values() if place.family == family]
        units = [_clusters(place) for place in suite.tasks.values() if place.family == family]
        families[family] = {
            "tasks": len(counts),
            "items": _sum(counts),
            "detectable": _of_mean(churn, counts),
            "clusters": _sum(units),
            "at_worst": _of_mean(churn, units),
        }
    return {
        "suite": suite.id,
        "title": suite.title,
        "frozen": isinstance(suite, Suite),
        "digest": suite.digest if isinstance(suite, Suite) else None,
        "protocol": f"{suite.prompt}-greedy",
        "churn": churn,
        "tasks": tasks,
        "families": families,
    }


def _marks(task: dict[str, Any]) -> list[str]:
    marks = ["transfer"] * task["transfer"] + [f"near {family}" for family in task["adjacent"]]
    marks += [task["metric"]] * (task["metric"] != "acc")
    return marks + ([] if task["shots"] is None else [f"{task['shots']} shots"])


def _open_sources(suite: "Suite | Draft", known: "TaskFile | None") -> list[str]:
    """What a draft leaves open: the data that the task's file names now."""
    from harness.records import Suite

    return [] if known is None or isinstance(suite, Suite) else list(map(str, known.sources()))


def _clusters(place: "DraftTask") -> int | None:
    return getattr(place, "clusters", None)


def _sum(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count]
    return sum(known) if len(known) == len(counts) else None


def _of_mean(churn: float, counts: list[int | None]) -> float | None:
    """The detectable change of the mean of tasks of these sizes, if all are known."""
    from harness.scoring import mean_minimum_detectable_difference

    known = [count for count in counts if count]
    return mean_minimum_detectable_difference(churn, known) if len(known) == len(counts) else None


def _echo(facts: dict[str, Any]) -> None:
    from harness.cli.columns import count, echo_columns, places
    from harness.scoring import share

    click.echo(f"{facts['suite']}: {facts['title']}")
    state = f"frozen, digest {facts['digest'][:12]}" if facts["frozen"] else "a draft: its items are not fixed"
    click.echo(f"{facts['protocol']}; {state}")
    columns = _columns(any(each["clusters"] for each in facts["tasks"]))
    rows = [
        [
            each["task"],
            each["family"],
            each["group"],
            *columns(each, "items", "clusters", count),
            share(each["chance"], "-"),
            count(each["max_tokens"]),
            *columns(each, "detectable", "at_worst", _points),
            ", ".join(_marks(each)),
            places(each["sources"], revisions=True),
        ]
        for each in facts["tasks"]
    ]
    sizes, changes = columns(_NAMES, "items", "clusters", str), columns(_NAMES, "detectable", "at_worst", str)
    header = ("task", "family", "group", *sizes, "chance", "budget", *changes, "marks", "data")
    echo_columns(header, rows, ("task", "family", "group", "marks", "data"))
    click.echo()
    families = [
        [
            name,
            str(each["tasks"]),
            *columns(each, "items", "clusters", count),
            *columns(each, "detectable", "at_worst", _points),
        ]
        for name, each in facts["families"].items()
    ]
    echo_columns(("family", "tasks", *sizes, *changes), families, ("family",))
    click.echo(
        f"Detectable: the smallest change found with 80 % power if {100 * facts['churn']:g} % of the items change "
        "their outcome, in points; of a family, the change of its tasks' mean."
        + " At worst: if all items of a cluster, such as those on one picture, change together."
        * (len(sizes) > 1)
    )


_NAMES = {"items": "items", "clusters": "clusters", "detectable": "detectable", "at_worst": "at worst"}


def _columns(clustered: bool) -> Callable[..., list[str]]:
    """Cells of a size by items and, in a suite that states its clusters, of the same by clusters."""

    def cells(facts: Mapping[str, Any], by_item: str, by_cluster: str, shown: Callable[[Any], str]) -> list[str]:
        return [shown(facts[by_item]), *([shown(facts[by_cluster])] if clustered else [])]

    return cells


def _points(change: float | None) -> str:
    from harness.scoring import per_cent

    return per_cent(change, "-")
