"""Options that several commands share."""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.sources import DATA_VARIABLE, data_folder

Command = TypeVar("Command", bound=Callable[..., Any])


def data_dir(command: Command) -> Command:
    """``--data-dir``: where published data sets lie, for this process and the children that it starts."""
    option = click.option(
        "--data-dir",
        metavar="FOLDER",
        expose_value=False,
        callback=_use,
        help=f"Folder of data sets, read in place of the hub.  [default: {DATA_VARIABLE}]",
    )
    return option(command)


def template_arguments(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> dict[str, str | int | float | bool | None]:
    """``NAME=VALUE`` as arguments of a chat template: a value is a JSON scalar, or else a text."""
    found: dict[str, str | int | float | bool | None] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name.isidentifier():
            raise click.BadParameter(f"{each}: write NAME=VALUE, e.g. enable_thinking=false")
        if name in found:
            raise click.BadParameter(f"{name}: given twice")
        found[name] = _scalar(each, value)
    return found


def _scalar(given: str, value: str) -> str | int | float | bool | None:
    try:
        read = json.loads(value, parse_constant=str)
    except ValueError:
        return value
    if isinstance(read, dict | list):
        raise click.BadParameter(f"{given}: the value is a JSON scalar (true, 3, text), no list and no object")
    scalar: str | int | float | bool | None = read
    return value if isinstance(scalar, float) and not math.isfinite(scalar) else scalar


def sampling(command: Command) -> Command:
    """``--temperature``, ``--repeats`` and what goes with them: answers that are drawn, where they are greedy else."""
    for option in reversed(
        (
            click.option("--temperature", type=float, help="Draw answers at this temperature.  [default: greedy]"),
            click.option("--repeats", type=int, metavar="K", help="Answers to draw for an item.  [default: 1]"),
            click.option("--top-p", type=float, help="Draw from the likeliest tokens of this share.  [default: 1]"),
            click.option("--sampling-seed", type=int, help="Seed of all draws.  [default: 0]"),
        )
    ):
        command = option(command)
    return command


def _use(context: click.Context, parameter: click.Parameter, folder: str | None) -> None:
    if folder is not None:
        # A child may be started in another folder.
        os.environ[DATA_VARIABLE] = str(Path(folder).expanduser().absolute())
        data_folder()
