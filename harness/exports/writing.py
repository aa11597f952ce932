"""Writing: one run to one file in the form of another tool."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from harness.errors import RetentionError, install_command
from harness.exports.asked import find_questions
from harness.exports.every_eval_ever import every_eval_ever_lines
from harness.exports.rows import export_rows
from harness.records import SAMPLES_FILE, iter_samples, read_run

ExportFormat = Literal["inspect", "every-eval-ever"]
FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
_SUFFIXES: dict[ExportFormat, tuple[str, ...]] = {"inspect": (".eval", ".json"), "every-eval-ever": (".jsonl",)}


class ExportError(RetentionError):
    """A run that cannot be written in another tool's form."""


@dataclass(frozen=True)
class Exported:
    """What was written: the file, its items, how many of them have their question, and why others have not."""

    path: Path
    items: int
    questions: int
    notes: tuple[str, ...]


def export_run(
    run: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    format: ExportFormat,
    suite: str | os.PathLike[str] | None = None,
    pictures: bool = False,
) -> Exported:
    """Write the run in the folder ``run`` to the file ``out`` in another tool's form.

    ``format`` "inspect" is a log that ``inspect view`` opens (``.eval`` or ``.json``; needs ``inspect_ai``),
    "every-eval-ever" the instance-level records of that schema (``.jsonl``). Questions are looked up in ``suite`` (an
    id or a YAML file), by default the shipped suite that was run; where their data are not at hand they are left out,
    and ``notes`` of the result say so. ``pictures`` puts the pictures into an Inspect log, whose size they decide.
    Raises :class:`RetentionError` where the run cannot be read, the file exists, or the library is missing.

    >>> export_run("runs/nano-1/nano-base-7f2df8e4437c/vllm-float32", "base.eval", format="inspect").items
    2800
    """
    folder, target = Path(run).expanduser(), Path(out).expanduser()
    _check(target, format, pictures)
    write = _inspect_writer() if format == "inspect" else None
    loaded = read_run(folder)
    questions = find_questions(loaded, None if suite is None else os.fspath(suite), pictures=pictures)
    rows = list(export_rows(questions, iter_samples(folder / SAMPLES_FILE)))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if write is not None:
            write(loaded, rows, target)
        else:
            with target.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(every_eval_ever_lines(loaded, rows))
    except OSError as error:
        raise ExportError(f"{target}: cannot be written ({error.strerror or error}); choose another --out") from error
    return Exported(target, len(rows), sum(row.asked is not None for row in rows), questions.notes)


def _check(target: Path, format: ExportFormat, pictures: bool) -> None:
    if format not in FORMATS:
        raise ExportError(f"--format {format}: not one of {', '.join(FORMATS)}")
    if target.suffix not in _SUFFIXES[format]:
        raise ExportError(f"{target}: --format {format} writes {' or '.join(_SUFFIXES[format])}; name such a file")
    if target.exists():
        raise ExportError(f"{target}: already exists; remove it, or name another file")
    if pictures and format != "inspect":
        raise ExportError(f"--pictures: --format {format} has no place for pictures; leave the option out")


def _inspect_writer() -> Callable[..., None]:
    try:
        from harness.exports.inspect_log import write_inspect_log
    except ImportError as error:
        raise ExportError(
            f"--format inspect: inspect_ai is not installed; install the extra: {install_command('logs')}"
        ) from error
    return write_inspect_log
