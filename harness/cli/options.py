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


def engine_options(command: Command) -> Command:
    """What a GPU user chooses of vLLM and of images: settings of :class:`harness.api.Settings` by the same names."""
    for option in reversed(_ENGINE):
        command = option(command)
    return command


def engine_arguments(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    """``KEY=VALUE`` as arguments of an engine: a value is JSON, or else a text."""
    found: dict[str, Any] = {}
    for each in given:
        key, equals, value = each.partition("=")
        name = key.strip().removeprefix("--").replace("-", "_")
        if not equals or not name.isidentifier():
            raise click.BadParameter(f"{each}: write KEY=VALUE, e.g. max_num_batched_tokens=8192")
        if name in found:
            raise click.BadParameter(f"{name}: given twice")
        found[name] = _json(each, value)
    return found


def pixel_range(context: click.Context, parameter: click.Parameter, given: str | None) -> tuple[int, int] | None:
    """``MIN-MAX`` as two numbers of pixels."""
    if given is None:
        return None
    fewest, dash, most = given.replace(",", "").replace("_", "").partition("-")
    if not (dash and fewest.isdecimal() and most.isdecimal()):
        raise click.BadParameter(f"{given}: write MIN-MAX in pixels, e.g. 3136-1003520")
    return int(fewest), int(most)


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


def _json(given: str, value: str) -> Any:
    def refuse(constant: str) -> Any:
        raise click.BadParameter(f"{given}: {constant} is no number of JSON")

    try:
        return json.loads(value, parse_constant=refuse)
    except ValueError:
        return value
    except RecursionError as error:
        raise click.BadParameter(f"{given[:40]}...: too many lists or objects in one another") from error


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


_ENGINE = (
    click.option(
        "--gpu-memory-utilization",
        type=click.FloatRange(0, 1, min_open=True),
        help="Share of the GPU's memory that vLLM takes.  [default: vLLM's]",
    ),
    click.option(
        "--max-num-seqs",
        type=click.IntRange(1),
        help="Sequences in one step of vLLM.  [default: --batch]",
    ),
    click.option(
        "--quantization",
        metavar="METHOD",
        help="Have vLLM quantise the weights while it loads them: fp8, bitsandbytes, ...; other answers, so recorded.",
    ),
    click.option(
        "--pixels",
        metavar="MIN-MAX",
        callback=pixel_range,
        help="Fewest and most pixels an image is resized to, within the suite's (custom track).",
    ),
    click.option(
        "--engine-arg",
        "engine_args",
        multiple=True,
        metavar="KEY=VALUE",
        callback=engine_arguments,
        help="Any other argument of vLLM, as JSON or text; recorded. E.g. max_num_batched_tokens=8192.",
    ),
)
