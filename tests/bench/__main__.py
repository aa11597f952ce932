"""``python -m tests.bench [SECTION...]``: measure, and write the results of this machine class.

Sections: runs, outside, building, memory, likelihoods (all five when none is named), and parity, agreement, choices,
engines, validation, board.

    python -m tests.bench                         # about 25 minutes on two idle cores
    python -m tests.bench parity agreement choices engines  # correctness rather than speed
    python -m tests.bench validation --entries 500
    python -m tests.bench runs --gsm8k 4 --arc 4 --repeats 1
    python -m tests.bench board --boards 100 --boards 300 --boards 1000 --boards 3000
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import click

from tests.bench import (
    agreement,
    board,
    building,
    children,
    choices,
    likelihoods,
    machine,
    pair,
    parity,
    report,
    runs,
    smollm2,
    validation,
    workload,
)

TIMED = ("runs", "outside", "building", "memory", "likelihoods")
SECTIONS = (*TIMED, "parity", "agreement", "choices", "engines", "validation", "board")
# Python objects of one item that may stay: its id (113 bytes), its place in lists, its document in an arrow table.
ALLOWED_BYTES_PER_ITEM = 1024


@click.command()
@click.argument("sections", nargs=-1, type=click.Choice(SECTIONS))
@click.option("--gsm8k", default=16, show_default=True, help="GSM8K items of the timed runs.")
@click.option("--arc", default=16, show_default=True, help="ARC items of the timed runs.")
@click.option(
    "--items", default=200, show_default=True, help="Items of each kind for parity, agreement, choices and likelihoods."
)
@click.option("--entries", default=500, show_default=True, help="Entries to validate.")
@click.option("--repeats", default=3, show_default=True)
@click.option("--dtype", default="float32", show_default=True)
@click.option("--boards", multiple=True, type=int, default=(100, 300, 1000), help="Entries of the boards. Repeatable.")
def main(
    sections: tuple[str, ...],
    gsm8k: int,
    arc: int,
    items: int,
    entries: int,
    repeats: int,
    dtype: str,
    boards: tuple[int, ...],
) -> None:
    """Measure SECTIONS (default: runs outside building memory likelihoods) and write tests/bench/results/."""
    about = {"data": workload.use_data(), "model": "SmolLM2-135M-Instruct", "dtype": dtype}
    settings = {"name": "vllm", "dtype": dtype, "max_model_len": workload.MAX_MODEL_LEN, "batch": 256, "threads": 1}
    for section in sections or TIMED:
        load, started = machine.load(), time.monotonic()
        if section == "runs":
            measured = runs.measure(gsm8k, arc, repeats, settings, say)
        elif section == "outside":
            measured = _outside(gsm8k, arc, repeats, settings)
        elif section == "building":
            measured = building.measure(300, 64, repeats, say)
        elif section == "memory":
            measured = _memory(settings)
        elif section == "parity":
            measured = parity.measure(smollm2.base(), {"gsm8k": items, "arc": items}, settings, say)
        elif section == "agreement":
            measured = agreement.measure(smollm2.base(), items, settings, say)
        elif section == "choices":
            measured = choices.measure(smollm2.base(), items, {**settings, "max_model_len": 2048}, say)
        elif section == "likelihoods":
            measured = likelihoods.measure(smollm2.base(), items, settings, say)
        elif section == "validation":
            about, measured = {}, validation.measure(entries, int(machine.facts()["cores"]), say)
        elif section == "board":
            about, measured = {}, board.measure(sorted(boards), say)
            report.plot_path().write_text(board.plot(measured["points"]), encoding="utf-8")
        else:
            measured = {"checkpoints": pair.measure(say)}
        report.keep(section, measured, **about, load=load, seconds=round(time.monotonic() - started))
    click.echo(report.PAGE.read_text())


def say(message: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')} {message}", err=True)


def _outside(gsm8k: int, arc: int, repeats: int, settings: dict[str, Any]) -> dict[str, Any]:
    """A real small model, and for scale the nano base: an engine so fast that all around it shows, and drawn items."""
    with tempfile.TemporaryDirectory() as folder:
        work = workload.write(Path(folder, "suite"), gsm8k=gsm8k, arc=arc)
        say("outside the engine: SmolLM2")
        spec = {"base": str(smollm2.base()), "suite": str(work.suite), "settings": settings, "repeats": repeats}
        kinds = {"SmolLM2": children.run("outside", spec).report}
    say("outside the engine: nano base, nano-1")
    nano = {"base": "nano:base", "suite": "nano-1", "settings": {**settings, "max_model_len": 4096}}
    return {"kinds": {**kinds, "nano": children.run("outside", {**spec, **nano}).report}}


def _memory(settings: dict[str, Any]) -> dict[str, Any]:
    from harness.lmeval import SLAB

    sizes = []
    for items in (2 * SLAB, 16 * SLAB):
        say(f"memory: {items} items")
        with tempfile.TemporaryDirectory() as folder:
            work = workload.write(Path(folder, "suite"), sums=items)
            spec = {"base": str(smollm2.base()), "suite": str(work.suite), "settings": settings}
            sizes.append(children.run("memory", spec).report)
    small, large = sizes
    grown = (large["peak_mib"] - small["peak_mib"]) * 2**20 / (large["items"] - small["items"])
    return {"sizes": sizes, "bytes_per_item": round(grown), "allowed_bytes_per_item": ALLOWED_BYTES_PER_ITEM}


if __name__ == "__main__":
    main()
