"""``retention tasks``: the tasks, what each is about, and one item as a model would see it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from harness.cli.jigsaw import command as jigsaw_command
from harness.cli.options import data_dir

if TYPE_CHECKING:
    from harness.suites import TaskFile

_INCLUDE = click.option(
    "--include-path",
    "extra",
    type=click.Path(path_type=Path),
    help="A folder of your own tasks, in addition to the shipped ones.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(name="tasks")
def group() -> None:
    """List the tasks, show one, preview an item."""


group.add_command(jigsaw_command)


@group.command(name="list")
@click.option("--family", help="Only the tasks of this family.")
@_INCLUDE
@_JSON
def list_command(family: str | None, extra: Path | None, as_json: bool) -> None:
    """List every task: the form of its answers, how many items it has, the chance level, and where its items come from.

    An answer is written, or the log-probabilities of letters or of whole options are compared. The family is that of
    the task's folder; a suite states its own.

    \b
    Examples:
      retention tasks list
      retention tasks list --family science --json
      retention tasks list --include-path my-tasks
    """
    from harness.cli.columns import count, echo_columns, places
    from harness.errors import RetentionError
    from harness.scoring import share
    from harness.suites import find_tasks

    found = find_tasks(extra).values()
    families = dict.fromkeys(task.family for task in found)
    if family is not None and family not in families:
        raise RetentionError(f"--family {family}: no task is of this family; there are {', '.join(families)}")
    facts = [_facts(task) for task in found if family in (None, task.family)]
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    rows = [
        [
            each["task"],
            each["family"],
            each["answer"],
            count(each["items"]),
            share(each["chance"], "-"),
            count(each["max_tokens"]),
            places(each["sources"]) or "procedural",
        ]
        for each in facts
    ]
    header = ("task", "family", "answer", "items", "chance", "budget", "source")
    echo_columns(header, rows, ("task", "family", "answer", "source"))


@group.command(name="show")
@click.argument("task")
@_INCLUDE
@_JSON
def show_command(task: str, extra: Path | None, as_json: bool) -> None:
    """Show one task: its data set and revision, licence, budget, stop rule, and what its family's README says of it.

    \b
    Examples:
      retention tasks show math_arithmetic
      retention tasks show science_arc_easy --json
    """
    from harness.suites import find_task

    found = find_task(task, extra)
    facts = _facts(found)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    for name in ("task", "family", "answer", "items", "chance", "licence", "max_tokens", "stop"):
        click.echo(f"{name:<12} {_shown(facts[name])}")
    click.echo(f"{'sources':<12} {', '.join(facts['sources']) or 'procedural: made from a seed'}")
    click.echo(f"{'yaml':<12} {found.path}")
    for line in _said_of(found):
        click.echo(f"{'readme':<12} {line}")


@group.command(name="preview")
@click.argument("task")
@click.option("--item", metavar="N|ID", default="0", show_default=True,
              help="Which item: its number from 0, or 8 or more digits of its id.")  # fmt: skip
@click.option("--model", help="Render as this checkpoint is asked (folder, hub id or nano:NAME).")
@click.option(
    "--prompt",
    type=click.Choice(["chat", "plain"]),
    help="For --model: in its chat template, or in none.  [default: as the shipped suites ask this task]",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write the item's images to this folder.")
@_INCLUDE
@data_dir
@_JSON
def preview_command(
    task: str,
    item: str,
    model: str | None,
    prompt: Literal["chat", "plain"] | None,
    out: Path | None,
    extra: Path | None,
    as_json: bool,
) -> None:
    """Print one item as a model gets it: the exact prompt, the correct answer, options, chance level, budget.

    Without --model the prompt is the bare question; with it, that question in the model's own chat template, or plain
    where the suites of this task ask so.

    \b
    Examples:
      retention tasks preview math_arithmetic
      retention tasks preview jigsaw_2x2 --item 3 --model nano:base --out pictures
      retention tasks preview vision_count --item 20f45dee98d0
      retention tasks preview general_hellaswag_cloze --model models/gemma3 --data-dir DATA
    """
    from harness.cli.progress import Display
    from harness.scoring import printable

    with Display() as display:
        display.stage(f"making item {item} of {task}" + (f" as {model} reads it" if model else ""))
        from harness.checkpoints import PromptRenderer, open_checkpoint
        from harness.suites import preview_item, prompt_style_of

        renderer = None
        if model:
            checkpoint = open_checkpoint(model)
            root = checkpoint.base.path if checkpoint.base else checkpoint.path
            renderer = PromptRenderer(root, prompt or prompt_style_of(task))
        shown = preview_item(task, item, extra, renderer)
    images = shown.write_images(out) if out else []
    facts: dict[str, Any] = {
        "task": shown.task,
        "item": shown.number,
        "items": shown.items,
        "item_id": shown.item_id,
        "answer": shown.answer,
        "options": list(shown.options),
        "chance": shown.guess_rate,
        "max_tokens": shown.max_tokens,
        "stop": list(shown.stop),
        "continuations": list(shown.continuations),
        "prompt_tokens": shown.n_tokens,
        "images": list(map(str, images)) if out else len(shown.images),
    }
    if as_json:
        click.echo(json.dumps({**facts, "prompt": shown.prompt}, indent=2))
        return
    for name, value in facts.items():
        click.echo(f"{name:<14} {printable(_shown(value))}")
    click.echo(click.style("prompt", dim=True))
    for line in shown.prompt.split("\n"):
        click.echo(f"  {printable(line)}")


def _facts(task: "TaskFile") -> dict[str, Any]:
    return {
        "task": task.name,
        "family": task.family,
        "output_type": task.output_type,
        "answer": task.answer,
        "items": task.items,
        "chance": task.chance,
        "licence": task.licence,
        "max_tokens": task.max_tokens,
        "stop": list(task.stop),
        "sources": list(map(str, task.sources())),
    }


def _said_of(task: "TaskFile") -> list[str]:
    """The lines of the family's README that name the task."""
    if not task.readme.is_file():
        return []
    return [line for line in task.readme.read_text(encoding="utf-8").splitlines() if f"`{task.name}`" in line]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(repr, value)) or "none"
    return "-" if value is None else str(value)
