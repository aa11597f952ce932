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


def log_choices(command: Command) -> Command:
    """What counts in logs of other tools, for all their tasks or for one: ``filters`` and ``metrics``."""
    for option in reversed(_LOGS):
        command = option(command)
    return command


def engine_options(command: Command) -> Command:
    """What a GPU user chooses of vLLM and of images: settings of :class:`harness.api.Settings` by the same names."""
    for option in reversed(_ENGINE):
        command = option(command)
    return command


def evaluation_options(command: Command) -> Command:
    """How checkpoints are run and asked, where runs go and what may fail: what `evaluate` and `check` share."""
    for option in reversed(_EVALUATION):
        command = option(command)
    return command


def margin(command: Command) -> Command:
    """``--margin``: what a verdict of "retained" rules out."""
    return click.option(
        "--margin",
        type=float,
        default=0.02,
        show_default=True,
        help='The loss that "retained" must rule out, as a rate.',
    )(command)


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

_EVALUATION = (
    click.option("--name", "names", multiple=True, help="What to call a TUNED in records; once each, in order."),
    click.option(
        "--engine", help="vllm, transformers, openai (a server), or lm-eval:NAME.  [default: vllm if installed]"
    ),
    click.option("--dtype", type=click.Choice(["float32", "bfloat16", "float16"]), help="Default: float32 on a CPU."),
    click.option(
        "--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where runs go."
    ),
    click.option(
        "--max-model-len",
        type=click.IntRange(1),
        help="Longest prompt plus answer, in tokens.  [default: what suite and model need]",
    ),
    click.option(
        "--batch", type=click.IntRange(1), default=256, show_default=True, help="Requests in the engine at once."
    ),
    click.option(
        "--threads",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="CPU threads of the engine; more was slower on 2 cores.",
    ),
    click.option(
        "--adapters",
        type=click.Choice(["auto", "merge", "lora"]),
        default="auto",
        show_default=True,
        help="Merge adapters into a copy of the base, or apply them next to it in one engine; auto: merge on a CPU.",
    ),
    click.option(
        "--processor",
        type=click.Choice(["base", "tuned"]),
        default="base",
        show_default=True,
        help="Whose image processor a TUNED is given: the base's, or its own (custom track).",
    ),
    click.option(
        "--prompt",
        type=click.Choice(["chat", "plain", "native"]),
        help="In the base's chat template, in none, or each in its own (custom track).  [default: the suite's]",
    ),
    click.option(
        "--chat-template", metavar="tuned|FILE", help="Ask both in TUNED's chat template, or a file's (custom track)."
    ),
    click.option(
        "--template-arg",
        "template_args",
        multiple=True,
        metavar="NAME=VALUE",
        callback=template_arguments,
        help="Tell the chat template, e.g. enable_thinking=false (custom track).",
    ),
    click.option(
        "--tensor-parallel",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="GPUs that share one model (vllm).",
    ),
    click.option("--server", help="Address of an OpenAI-compatible server, for --engine openai."),
    click.option(
        "--model", "models", multiple=True, help="Name a checkpoint is served under; once a checkpoint, in order."
    ),
    click.option(
        "--executor", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="ray: many workers."
    ),
    click.option("--address", help="Ray cluster to join, e.g. auto.  [default: start one on this machine]"),
    click.option("--workers", type=click.IntRange(1), help="Ray workers.  [default: one a GPU, or one a CPU]"),
    click.option(
        "--fail-on-error",
        type=click.FloatRange(0),
        default=0,
        show_default=True,
        help="Failed items to tolerate in a run: a count, or below 1 a fraction.",
    ),
    click.option(
        "--time-limit", type=click.FloatRange(0, min_open=True), help="Seconds for one item; it then fails alone."
    ),
    *_ENGINE,
)

_LOGS = (
    click.option(
        "--filter",
        "filters",
        multiple=True,
        metavar="[TASK=]NAME",
        help="lm-eval logs: whose answers count, e.g. strict-match or gsm8k=strict-match; may be repeated.",
    ),
    click.option(
        "--metric",
        "metrics",
        multiple=True,
        metavar="[TASK=]NAME",
        help="Logs: the number that is 1 for a correct answer; may be repeated. Default: its first.",
    ),
)
