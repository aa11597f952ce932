"""``retention study``: a declared study, from its first training to its results."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import data_dir

if TYPE_CHECKING:
    from harness.scoring import StudyResults
    from harness.study import Plan, Step, Study

# Simulated studies a number, and standard deviations of retention between seeds: at matched gain, those of the first
# study had a median of one point.
_SIMULATED = 20
_SEED_SDS = (0.005, 0.01, 0.02)
_PATH = click.Path(path_type=Path)


@click.command(name="study")
@click.argument("plan")
@click.option("--quick", is_flag=True, help="The short form that the plan declares.")
@click.option("--base", help="Another checkpoint than the plan's: a folder, a hub id, nano:NAME.")
@click.option("--images", help="Folder of pictures that the trainings' jigsaws are cut from.")
@click.option("--out", type=_PATH, help="Folder of the study.  [default: .retention/study/PLAN]")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Steps at once.")
@click.option("--seeds", help="Only these of the plan's seeds, such as 0,1.")
@click.option(
    "--known",
    type=_PATH,
    multiple=True,
    help="Results of the same study from elsewhere. A seed that they have to its end is not run again.",
)
@click.option("--steps", "list_only", is_flag=True, help="List the steps and which are done; run none.")
@click.option("--dry-run", is_flag=True, help="Sum up steps, device hours, disk and data; load and run none.")
@click.option("--power", is_flag=True, help="Simulate which differences the study would show; run none.")
@click.option("--results", "collect_only", is_flag=True, help="Only score the steps that are finished.")
@click.option(
    "--retest", type=_PATH, help="Test the claims of this results file again, from its seeds' values; run none."
)
@click.option("--entries", type=_PATH, help="Also write the last checkpoints' entries into this folder of submissions.")
@click.option("--bases", type=_PATH, help="Runs of the bases of such entries.  [default: leaderboard/data/bases]")
@click.option("--contact", help="Account name of who answers for the entries.")
@click.option("--license", "licence", default="CC0-1.0", show_default=True, help="Licence of their outputs (SPDX).")
@click.option("--json", "as_json", is_flag=True, help="Print the results, or what --dry-run found, as JSON.")
@data_dir
def command(
    plan: str,
    quick: bool,
    base: str | None,
    images: str | None,
    out: Path | None,
    jobs: int,
    seeds: str | None,
    known: tuple[Path, ...],
    list_only: bool,
    dry_run: bool,
    power: bool,
    collect_only: bool,
    retest: Path | None,
    entries: Path | None,
    bases: Path | None,
    contact: str | None,
    licence: str,
    as_json: bool,
) -> None:
    """Run the study PLAN: trainings, rollouts, evaluations along training, and what they show together.

    PLAN is a shipped study (conversions, nano, nano-2, qwen2.5-vl, smollm2) or a YAML file. Every step is a process
    of its own with a log below --out; killed at any moment, the same command goes on, and a training where it was.
    results.json is written at the end; copied into leaderboard/data/studies/ it becomes a page of the board's
    Findings, which begins with the verdict that is printed here. --entries makes the last checkpoints of all
    trainings and seeds into entries of the board. A study may run in several places, each with other --seeds, or go
    on elsewhere with nothing but its results.json: --known takes over what that has, and the results then hold
    both.

    \b
    Examples:
      retention study nano --quick
      retention study nano --out my-study --jobs 2
      retention study nano --seeds 1,2 --known first-machine/results.json
      retention study nano --steps
      retention study nano --power
      retention study qwen2.5-vl --dry-run
      retention study nano --results --entries submissions --contact your-account
      retention study smollm2 --base models/smollm2 --data-dir FOLDER
      retention study nano --retest leaderboard/data/studies/nano.json
    """
    from harness.cli.progress import Display

    with Display() as display:
        display.stage(f"reading study {plan}")
        from harness.study import load_plan

    if (seeds is not None or known) and (power or retest is not None):
        raise click.UsageError("--seeds and --known go with steps and results, not with --power or --retest")
    if retest is not None:
        _retest(retest)
        return
    if entries is not None and contact is None:
        raise click.UsageError("--entries needs --contact: the account name of who answers for them")
    declared = load_plan(plan, quick=quick)
    if power:
        _power(declared)
        return
    if base is not None:
        # Steps may run in another folder than this command.
        folder_of_base = Path(base).expanduser()
        place = str(folder_of_base.absolute()) if folder_of_base.is_dir() else base
        declared = declared.model_copy(update={"base": place})
    if images is not None:
        declared = declared.with_images(images)
    folder = out or Path(".retention/study") / f"{declared.name}{'-quick' if quick else ''}"
    chosen = declared.seeds if seeds is None else _parse_seeds(seeds, declared.seeds)
    if dry_run:
        _dry_run(_open(declared, folder.absolute(), known, opened=False)[0].running(chosen), as_json=as_json)
        return
    if list_only:
        _list(declared, folder.absolute(), chosen, known)
        return
    study, held = _open(declared, folder.absolute(), known)
    steps = study.running(chosen).steps()
    if not collect_only:
        _run(study, steps, jobs)
    with Display() as display:
        display.stage("scoring the finished steps")
        # Of all that is there, whichever seeds were chosen this time.
        results = _collect(study, held)
    if entries is not None and contact is not None:
        _enter(study, entries, bases or Path("leaderboard/data/bases"), contact, licence)
    if as_json:
        click.echo(results.to_json(), nl=False)
    else:
        _print(results, study.out)


def _power(declared: "Plan") -> None:
    """For spreads between seeds as the first study had them: what is shown of 3 points, of none, and what it takes."""
    from harness.cli.columns import echo_columns
    from harness.cli.progress import Display
    from harness.scoring import StudySize, detectable_difference, share, shown_share
    from harness.suites import open_suite
    from harness.training import load_recipe

    suite = open_suite(declared.suite)
    for target, fields in declared.targets.items():
        claims = [(claim.keeps, other, claim.source) for claim in fields.claims for other in claim.than]
        if not claims:
            continue
        trained = load_recipe(fields.config, "sft").target
        prior = [place for place in suite.tasks.values() if trained not in (place.family, *place.adjacent)]
        tasks, part = len(prior), fields.part or declared.part
        items = round(sum(min(place.count, part) for place in prior) / tasks)
        rows = []
        for seed_sd in _SEED_SDS:
            size = StudySize(
                len(declared.seeds),
                items,
                tasks,
                seed_sd,
                **(declared.prior.model_dump() if declared.prior else {}),
            )
            with Display() as display:
                display.stage(f"simulating studies of {target}")
                shown = [share(shown_share(size, claims, each, _SIMULATED)) for each in (0.03, 0.0)]
                least = detectable_difference(size, claims, _SIMULATED)
            rows.append([share(seed_sd), *shown, "more than 20" if least is None else share(least)])
        click.echo(
            f"\n{target}: {size.seeds} seeds, {size.items} items of each of {tasks} prior tasks, {len(claims)} claims"
        )
        echo_columns(
            ("spread between seeds", "shown of 3 points", "shown of none", "shown 4 times in 5 from"), rows, ()
        )


def _dry_run(study: "Study", *, as_json: bool) -> None:
    """What a study takes; the hub is asked for nothing."""
    import json
    from dataclasses import asdict

    from harness.cli.columns import echo_columns
    from harness.evaluation import size_of
    from harness.records import suite_path
    from harness.study import outlay_of

    os.environ["HF_HUB_OFFLINE"] = "1"
    found = outlay_of(study, study.steps(), suite_path(study.plan.suite).parent)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
        return
    rows = [[kind.kind, f"{kind.count:,}", _hours(kind.hours)] for kind in found.kinds]
    rows.append(["all", f"{sum(kind.count for kind in found.kinds):,}", _hours(found.hours)])
    click.echo(f"{found.study}: base {found.base}, {found.device}")
    echo_columns(("steps", "count", "hours" if found.device == "one process" else "GPU hours"), rows, ("steps",))
    click.echo(f"Hours rest on {found.rests_on}.")
    size = {name: "not known" if count is None else size_of(count) for name, count in found.disk.items()}
    each = "" if found.weights is None else f" of {size_of(found.weights)} each"
    click.echo(f"Disk: {', '.join(f'{name} {text}' for name, text in size.items())}")
    click.echo(f"  {found.trainings} trainings save {found.checkpoints} checkpoints{each}")
    click.echo("Data for training:")
    for name, what in found.training_data.items():
        click.echo(f"  {name}: {what}")
    if found.suite_data:
        click.echo("Data of the suite, here if in --data-dir or in the hub's cache:")
        listed = [[data.name, f"{data.items:,}", "yes" if data.here else "no"] for data in found.suite_data]
        echo_columns(("data set", "items", "here"), listed, ("data set", "here"))


def _hours(value: float | None) -> str:
    return "not known" if value is None else f"{value:,.1f}"


def _retest(path: Path) -> None:
    """Renew the intervals and claims of a results file, whose runs need not be there."""
    from harness.scoring import printable, retest, verdict_sentence
    from harness.study import read_results

    again = retest(read_results(path))
    path.write_text(again.to_json(), encoding="utf-8")
    for target in again.targets:
        click.echo(printable(f"{target.target}: {verdict_sentence(target, len(again.seeds))}"))


def _open(
    declared: "Plan", out: Path, known: tuple[Path, ...], *, opened: bool = True
) -> "tuple[Study, StudyResults | None]":
    """The study, and what is known of it from elsewhere."""
    from harness.study import Study, complete_seeds, read_known

    study = Study(declared, out, opened=opened)
    if not known:
        return study, None
    held = read_known(study, known)
    return study.taking_over(complete_seeds(study, held)), held


def _parse_seeds(text: str, planned: tuple[int, ...]) -> tuple[int, ...]:
    named = {str(seed): seed for seed in planned}
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in named:
            raise click.BadParameter(f"{word!r}: the seeds of this plan are {','.join(named)}", param_hint="--seeds")
    return tuple(named[word] for word in words)


def _list(declared: "Plan", out: Path, seeds: tuple[int, ...], known: tuple[Path, ...]) -> None:
    """All steps; a base that is not here leaves open which of them are done."""
    from harness.checkpoints import CheckpointError
    from harness.cli.columns import echo_columns
    from harness.study import Folder, step_digests

    try:
        study, _ = _open(declared, out, known)
    except CheckpointError as error:
        click.echo(f"Which steps are done is not known without the base: {error}", err=True)
        study, _ = _open(declared, out, known, opened=False)
    folder, steps = Folder(out), study.running(seeds).steps()
    digests = step_digests(steps)
    rows = []
    for step in steps:
        done = folder.done(step.key) if folder.is_done(step, digests[step.key]) else None
        rows.append([step.key, step.kind, f"{done.seconds:.0f} s" if done else "to do"])
    echo_columns(("step", "kind", ""), rows, ("step", "kind"))
    click.echo(f"{sum(row[2] != 'to do' for row in rows)} of {len(rows)} steps are done.")


def _run(study: "Study", steps: "list[Step]", jobs: int) -> None:
    from harness.cli.progress import StepWatcher
    from harness.errors import CheckFailedError
    from harness.study import Folder, Runner

    folder = Folder(study.out)
    with StepWatcher() as watcher:
        outcome = Runner(folder, steps, watcher, jobs=jobs, seconds=study.plan.seconds).run()
    if outcome.failed:
        waiting = f", and {len(outcome.blocked)} that need them were not run" if outcome.blocked else ""
        raise CheckFailedError(
            f"{len(outcome.failed)} of {len(steps)} steps failed{waiting}: {', '.join(outcome.failed[:4])}; see "
            f"{folder.log(outcome.failed[0])}, and run the same command again"
        )


def _collect(study: "Study", known: "StudyResults | None") -> "StudyResults":
    from harness.study import RESULTS_FILE, collect

    results = collect(study, study.steps(), known)
    study.out.mkdir(parents=True, exist_ok=True)
    (study.out / RESULTS_FILE).write_text(results.to_json(), encoding="utf-8")
    return results


def _enter(study: "Study", entries: Path, bases: Path, contact: str, licence: str) -> None:
    from harness.study import Statement, write_entries

    for key, said in write_entries(study, entries, bases, Statement(contact, licence)):
        click.echo(f"{key}: {said}", err=True)


def _print(results: "StudyResults", out: Path) -> None:
    from harness.cli.columns import echo_columns
    from harness.scoring import missing_sentence, printable, seeds_there, share, toy_sentence, verdict_sentence
    from harness.study import RESULTS_FILE

    if toy := toy_sentence(results):
        click.echo(toy)
    for target in results.targets:
        count = len(seeds_there(results))
        seeds = f"{count} {'seed' if count == 1 else 'seeds'}"
        click.echo(printable(f"\n{results.title}: {target.target}, {seeds}, base {share(target.base_score)}"))
        rows = []
        for training in target.trainings:
            kept = (each.retention_macro for each in training.matched)
            rows.append([training.name, *map(share, (training.last.score, training.last.retention_macro, *kept))])
        levels = [f"at {100 * each.normalised_gain:g} % gain" for each in target.trainings[0].matched]
        echo_columns(("training", "score", "retention", *levels), rows, ("training",))
        click.echo(printable(verdict_sentence(target, len(results.seeds))))
    if missing := missing_sentence(results):
        click.echo(printable(missing))
    click.echo(f"\n{out / RESULTS_FILE}")
