"""How the estimate of ``retention evaluate --dry-run`` is printed."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.evaluation import Estimate, Work

_HEADER = (
    "checkpoint", "items", "stored", "to answer", "prompt tokens", "options", "output, at most", "expected", "images",
)  # fmt: skip


def print_estimate(found: "Estimate", *, as_json: bool) -> None:
    """Print ``found`` as JSON, or as a table and a few lines."""
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
        return
    from harness.cli.columns import echo_columns

    rows = [[each.name, *_cells(each.work, each.expected_output_tokens)] for each in found.checkpoints]
    known = [each.expected_output_tokens for each in found.checkpoints if each.expected_output_tokens is not None]
    rows.append(["all", *_cells(found.total, sum(known) if len(known) == len(found.checkpoints) else None)])
    calibrated = found.duration.source == "calibration"
    done = f"{found.duration.answers:,} answers were given and stored" if calibrated else "nothing was run"
    click.echo(f"{found.suite} on {found.engine}; {done}")
    header = _HEADER if found.repeats == 1 else ("checkpoint", "answers", *_HEADER[2:])
    echo_columns(header, rows, ("checkpoint",))
    click.echo("Tokens and images are of what is to be answered; those of images as the processor's files say.")
    for line in (_memory(found), _time(found), _power(found), *_unused(found)):
        click.echo(line)


def _cells(work: "Work", expected: int | None) -> list[str]:
    counts = (work.items, work.stored, work.to_answer, work.prompt_tokens, work.option_tokens, work.output_tokens)
    return [*(f"{each:,}" for each in counts), "not known" if expected is None else f"{expected:,}", f"{work.images:,}"]


def _memory(found: "Estimate") -> str:
    from harness.evaluation import size_of

    memory = found.memory
    text = f"Memory ({memory.dtype}): weights {size_of(memory.weights)}"
    text += f" before {memory.quantization} makes them smaller" if memory.quantization else ""
    if memory.cache_one is None or memory.cache_all is None:
        return f"{text}; cache not known, the configuration does not tell"
    return (
        f"{text}; cache {size_of(memory.cache_one)} for an item of {memory.length:,} tokens, "
        f"{size_of(memory.cache_all)} for {memory.at_once:,} of them at once"
    )


def _time(found: "Estimate") -> str:
    duration = found.duration
    if duration.seconds is None:
        return "Time: not measured on this device; --calibrate answers for at most 30 s and says"
    if duration.source == "nothing to answer":
        return "Time: every answer is stored, no engine starts"
    source = "a calibration" if duration.source == "calibration" else "stored runs on this device"
    about = f"about {_spoken(duration.seconds)}, by {duration.answers:,} answers of {source}"
    return f"Time: {about}; an engine's start comes on top"


def _spoken(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _power(found: "Estimate") -> str:
    if not found.detectable or found.detectable_overall is None:
        return "Detectable loss: the suite has no prior task"
    least, most = (100 * pick(found.detectable.values()) for pick in (min, max))
    on_a_task = f"{most:.1f}" if f"{least:.1f}" == f"{most:.1f}" else f"{least:.1f} to {most:.1f}"
    return (
        f"Detectable loss, where {100 * found.churn:.0f} % of the items change: {on_a_task} points on one prior task, "
        f"{100 * found.detectable_overall:.1f} on the mean of {len(found.detectable)}"
    )


def _unused(found: "Estimate") -> list[str]:
    return [f"The engine has no use for {', '.join(found.unused)}"] if found.unused else []
