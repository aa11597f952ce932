"""Command group ``submit``: parse, call, print. Heavy imports wait until a command runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from harness.errors import CheckFailedError, RetentionError
from leaderboard.cli.asking import FAMILIES, complete, in_terminal, read_training_fields, training_data
from leaderboard.cli.options import BOARD, command_line, places, restated, shelf_of

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SUITE = click.option("--suite", "suites", type=_FILE, multiple=True,
                      help="A suite of your own, as a YAML file. Repeatable.")  # fmt: skip
_DATA_DIR = click.option("--data-dir", type=_FOLDER, help="Folder of published data sets, for use without the hub.")


@click.group()
def group() -> None:
    """Prepare, validate and open submissions to the leaderboard.

    \b
    Example:
      retention submit prepare --help
    """


@group.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN | BASE_RUN RUN", type=_FOLDER)
@click.option("--base", "base_run", type=_FOLDER, help="Run folder of the base.  [default: found next to RUN]")
@click.option("--target", help="Family the checkpoint was tuned for, such as jigsaw or math.")
@click.option("--method", type=click.Choice(FAMILIES), help="Family of the fine-tuning method.")
@click.option("--license", "license_", help="SPDX identifier under which the outputs are published.")
@click.option("--contact", help="Account name of the author; never an e-mail address.")
@click.option("--consent", is_flag=True, help="I agree that the stored outputs are published with the entry.")
@click.option("--attempts", type=int, help="Checkpoints evaluated before this one was chosen.  [default: 1]")
@click.option("--chosen-by", help="How this checkpoint was chosen.  [default: the last checkpoint]")
@click.option(
    "--data",
    multiple=True,
    metavar="FIELDS",
    help="A training set: id=..,role=..,license=..,overlap=none|train-split|test|unknown. Repeatable.",
)
@click.option("--algorithm", help="Algorithm within the family, such as grpo.")
@click.option("--learning-rate", type=float, help="Peak learning rate.")
@click.option("--steps", type=int, help="Optimiser steps.")
@click.option("--tokens", type=int, help="Training tokens.")
@click.option("--rollouts", type=int, help="Sampled rollouts.")
@click.option("--kl-coefficient", type=float, help="Weight of the KL penalty; 0 says there was none.")
@click.option("--adapter-type", default="lora", show_default=True, help="Kind of adapter, if the checkpoint is one.")
@click.option("--lora-rank", type=int, help="Rank of the adapter.")
@click.option("--replay", help="What earlier data was mixed in.")
@click.option("--seed", "seeds", type=int, multiple=True, help="Training seed. Repeatable.")
@click.option(
    "--recipe", help="One name, without spaces, for all that was set but the seed; the seeds of a recipe share it."
)
@click.option("--code", help="https address of the training code.")
@click.option("--summary", help="The method in a sentence or two.")
@click.option("--reference", "references", multiple=True, help="https address of a paper or page. Repeatable.")
@click.option("--template", type=_FILE, help="Chat template of a run that used one of its own.")
@click.option("--training", type=_FILE, help="A training_record.json: fills the fields of the method.")
@click.option("--dynamics", type=_FILE, help="What `retention dynamics --json` wrote of this base and checkpoint.")
@click.option("--to-hub", metavar="OWNER/NAME", help="Upload the full logs to this data set on the hub.")
@click.option("--yes", is_flag=True, help="Ask nothing, also in a terminal: what is not stated is not disclosed.")
@_SUITE
@_DATA_DIR
@click.option("--json", "as_json", is_flag=True, help="Print what was written, and its scorecard, as JSON.")
@places
def prepare(
    runs: tuple[Path, ...],
    base_run: Path | None,
    template: Path | None,
    training: Path | None,
    dynamics: Path | None,
    to_hub: str | None,
    yes: bool,
    suites: tuple[Path, ...],
    data_dir: Path | None,
    as_json: bool,
    **stated: Any,
) -> None:
    """Write submissions/<entry_id>/ from the run folder RUN and that of its base.

    In a terminal it asks for what is not stated; what stays unstated is shown as not disclosed. All that the runs know
    is filled in, and the entry is scored before it is written. A run above 5 MB has its long outputs cut short where
    that changes no verdict; --to-hub keeps the full log at a commit that the entry names.

    \b
    Examples:
      retention submit prepare runs/nano-1/nano-sft-3a5bdde5e82d/vllm-float32 --target jigsaw
      retention submit prepare BASE_RUN RUN --target jigsaw --method sft --license Apache-2.0 \\
        --contact your-account --consent --yes \\
        --data id=nano-jigsaw,role=train,license=Apache-2.0,overlap=train-split
      retention submit prepare RUN --training sft/step-000160/training_record.json --license CC-BY-4.0 \\
        --contact your-account --consent --yes
    """
    from harness.cli.progress import Display

    _use_data(data_dir)
    if len(runs) > 2 or (len(runs) == 2 and base_run is not None):
        raise RetentionError("give RUN alone, RUN with --base, or BASE_RUN and RUN")
    with Display() as display:
        display.stage(f"reading {runs[-1]}")
        from harness.records import SAMPLES_FILE, read_record, read_samples
        from leaderboard.acceptance import counted
        from leaderboard.submit import REPO, find_base, prepare_entry

        if to_hub is not None and not REPO.match(to_hub):
            raise RetentionError(f"--to-hub {to_hub}: write owner/name of a data set")
        tuned_run, bases = runs[-1], stated["bases"]
        if training is not None:
            stated = read_training_fields(stated, training)
        record = read_record(tuned_run)
        base_run = runs[0] if len(runs) == 2 else base_run or find_base(tuned_run, bases)
        families = sorted(set(read_samples(tuned_run / SAMPLES_FILE)["family"]))
    answers = complete(stated, families, ask=in_terminal() and not yes, adapter=record.checkpoint.kind == "adapter")
    with Display() as display:
        display.stage("scoring the pair and judging its outputs again")
        prepared = prepare_entry(
            tuned_run, base_run, _statement(answers), stated["submissions"], bases,
            suites=suites, to_hub=to_hub, template=template, dynamics=dynamics,
        )  # fmt: skip
    given = restated(stated, suites, data_dir)
    following = [
        command_line("submit", "validate", prepared.folder, *given),
        command_line("submit", "open", prepared.folder, *given),
        command_line("board", "build", "--preview", *restated(stated, only=BOARD)),
    ]
    if as_json:
        written = {"folder": str(prepared.folder), "base": str(prepared.base_folder), "cut": prepared.cut}
        card = prepared.scorecard.model_dump(mode="json")
        click.echo(json.dumps({**written, "next": following, "scorecard": card}, indent=1, ensure_ascii=False))
        return
    click.echo(f"wrote {prepared.folder} (base run: {prepared.base_folder})")
    if prepared.cut:
        click.echo(f"{counted(prepared.cut, 'output')} cut short to fit; no verdict changed")
    click.echo(prepared.scorecard.signature)
    for label, line in zip(("Next", "Then", "On a board"), following, strict=True):
        click.echo(f"{label}: {line}")


@group.command()
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...", type=_FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line a folder.")
def seal(folders: tuple[Path, ...], as_json: bool) -> None:
    """Write SHA256SUMS of an entry again, after you changed its manifest by hand.

    Samples and runs are never edited: validation still holds them against each other.

    \b
    Examples:
      retention submit seal submissions/4eauwmhpomvr
    """
    from leaderboard.documents import MANIFEST_FILE, SUMS_FILE
    from leaderboard.documents import seal as write

    for folder in folders:
        if not (folder / MANIFEST_FILE).is_file():
            raise RetentionError(f"{folder}: not the folder of an entry; it holds no {MANIFEST_FILE}")
        write(folder)
        file = str(folder / SUMS_FILE)
        click.echo(json.dumps({"wrote": file}) if as_json else f"wrote {file}")


@group.command(name="open")
@click.argument("folder", metavar="ENTRY", type=_FOLDER)
@_SUITE
@_DATA_DIR
@click.option("--json", "as_json", is_flag=True, help="Print the commands and the text as one JSON document.")
@places
def open_(folder: Path, suites: tuple[Path, ...], data_dir: Path | None, as_json: bool, **where: Path) -> None:
    """Print the git commands and the text of the pull request that submit ENTRY. Nothing is pushed.

    ENTRY is validated first: one that would be refused is not worth a pull request.

    \b
    Examples:
      retention submit open submissions/4eauwmhpomvr
    """
    from harness.cli.progress import Display

    _use_data(data_dir)
    (folder,) = _entries((folder,))
    with Display() as display:
        display.stage(f"checking {folder} and judging its outputs again")
        from leaderboard.acceptance import report_lines, validate_all
        from leaderboard.submit import commands, pull_request

        (report,) = validate_all([folder], shelf_of(where), suites, jobs=1)
    if not report.accepted:
        click.echo("\n".join(report_lines(report)), err=True)
        raise CheckFailedError(f"{report.entry}: {report.verdict}; fix what is listed above, then open it")
    lines, text = commands(folder, where["bases"], report), pull_request(folder, report)
    if as_json:
        click.echo(json.dumps({"commands": lines, "pull_request": text}, indent=1, ensure_ascii=False))
        return
    click.echo("\n".join(lines))
    click.echo()
    click.echo(text)


@group.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@_SUITE
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: as many as there are cores]")
@_DATA_DIR
@click.option("--json", "as_json", is_flag=True, help="Print the reports as JSON.")
@places
def validate(
    paths: tuple[Path, ...],
    suites: tuple[Path, ...],
    jobs: int | None,
    data_dir: Path | None,
    as_json: bool,
    **where: Path,
) -> None:
    """Take entries through the steps of acceptance, on a CPU: files, schema, path, hashes, coverage, recomputation of
    every score from its stored output, plausibility, report.

    PATH is the folder of an entry, or a folder of such folders; files beside one are passed over. Nothing of a
    submission is executed. Exit 0 when all are accepted, 1 when one is refused or could not be fully checked, 2 for bad
    usage.

    \b
    Examples:
      retention submit validate submissions/4eauwmhpomvr
      retention submit validate submissions --jobs 2 --json
      retention submit validate submissions/*
    """
    import itertools

    from harness.cli.progress import Bars

    _use_data(data_dir)
    folders = _entries(paths)
    with Bars() as bars:
        bars.stage(
            f"checking {len(folders)} {'entry' if len(folders) == 1 else 'entries'} and judging the outputs again"
        )
        from leaderboard.acceptance import report_lines, summary_line, validate_all

        number = itertools.count(1)
        reports = validate_all(
            folders, shelf_of(where), suites, jobs=jobs,
            done=lambda _: bars.show("entries", next(number), len(folders)),
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps([report.model_dump(mode="json") for report in reports], indent=1, ensure_ascii=False))
    else:
        for report in reports:
            click.echo("\n".join(report_lines(report)))
    if not all(report.accepted for report in reports):
        raise CheckFailedError(summary_line(reports))
    if not as_json:
        click.echo(summary_line(reports))


def _entries(paths: tuple[Path, ...]) -> list[Path]:
    """The entry folders that ``paths`` name, each once; what is no folder beside them is passed over, and said so."""
    from leaderboard.documents import ENTRY_ID, MANIFEST_FILE

    folders: dict[Path, None] = {}
    for path in paths:
        if path.is_file() and not path.is_symlink() and any(each.is_dir() for each in paths):
            click.echo(f"{path}: passed over: a file, not the folder of an entry", err=True)
            continue
        if not path.is_dir() and not path.is_symlink():
            raise RetentionError(f"{path}: no such folder; name the folder of an entry, such as submissions/<entry_id>")
        one = ENTRY_ID.match(path.name) or (path / MANIFEST_FILE).exists() or path.is_symlink()
        below = [path] if one else sorted(filter(_is_no_draft, path.iterdir()))
        if not below:
            raise RetentionError(f"{path}: holds no entry; `retention submit prepare` writes one")
        folders.update(dict.fromkeys(below))
    return list(folders)


def _is_no_draft(path: Path) -> bool:
    """Whether ``path`` may be an entry's folder; one with a leading dot is being written by `submit prepare`."""
    return (path.is_dir() or path.is_symlink()) and not path.name.startswith(".")


def _use_data(folder: Path | None) -> None:
    from harness.sources import DATA_VARIABLE

    if folder is not None:
        os.environ[DATA_VARIABLE] = str(folder)


def _statement(stated: dict[str, Any]) -> dict[str, Any]:
    """The manifest fields among the options; what was not given is left out."""
    method_fields = ("algorithm", "learning_rate", "steps", "tokens", "rollouts", "kl_coefficient", "lora_rank",
                     "replay", "recipe", "code", "summary")  # fmt: skip
    method = {"family": stated["method"]} | {name: stated[name] for name in method_fields if stated[name] is not None}
    if stated["seeds"]:
        method["seeds"] = list(stated["seeds"])
    return {
        "adapter_type": stated["adapter_type"],
        "target": stated["target"],
        "method": method,
        "training_data": [training_data(fields) for fields in stated["data"]],
        "selection": {"attempts_evaluated": stated["attempts"], "chosen_by": stated["chosen_by"]},
        "license": stated["license_"],
        "contact": {"handle": stated["contact"]},
        "references": list(stated["references"]),
        "consent": True,
    }
