"""From a table: a suite out of a file of a team's own questions, frozen like any other, without any code of theirs.

The questions of a ``group`` are a task. Those of kind ``target`` are of the family that a model is trained for, those
of kind ``prior`` of another, so that a pair has both gain and forgetting.
"""

import os
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.golden import Asking, GoldenRow, Judge, read_golden
from harness.records import DRAFT, Draft, DraftTask, Suite, SuiteError, load_suite, suite_names, tasks_root
from harness.suites.golden_folder import GoldenFolder, Part

PRIOR_FAMILY = "prior"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_VERSION = re.compile(r"[0-9]+[a-z]?")


@dataclass(frozen=True)
class GoldenSuite:
    """A frozen suite of a file: ``path`` is its YAML, ``unused`` the columns of the file that no question has."""

    path: Path
    suite: Suite
    unused: tuple[str, ...]


def suite_from_file(
    file: str | os.PathLike[str],
    *,
    judge: Judge,
    name: str | None = None,
    family: str | None = None,
    version: str = "1",
    title: str | None = None,
    out: str | os.PathLike[str] | None = None,
    prompt: Literal["chat", "plain"] = "chat",
    instruction: str | None = None,
    max_tokens: int | None = None,
    index_from: int | None = None,
    note: str | None = None,
) -> GoldenSuite:
    """Freeze a suite of the questions in ``file`` (CSV, TSV or JSON lines), in the folder ``out``.

    Columns: ``question`` and ``answer``; and possibly ``options`` (``A|B|C`` or a JSON list), ``image`` (a path
    relative to the file, or a JSON list of them), ``group`` (its questions are a task), ``kind`` ("target" or "prior";
    without it, all are of the target family) and ``cluster`` (shared by questions on one passage, which depend on each
    other; those on one picture do so without it).

    ``judge`` says how answers are read: "letter" (the answer is the letter, number or text of one of the options;
    chance level 1/k), "math", "exact" and "contains" (of several accepted texts as a JSON list any), "box" (four
    numbers in pixels of the picture). ``name`` is by default that of the file, ``family`` (of the target) the suite's,
    ``out`` NAME-VERSION. ``instruction`` is put behind every question in place of the judge's own, nothing where it is
    empty; ``max_tokens`` is the budget of an answer, ``index_from`` the number of the first option where answers are
    numbers.

    Raises :class:`RetentionError` with file, row and column of what is wrong, and :class:`SuiteError` where the suite
    cannot be written: a frozen one is never replaced.

    >>> suite_from_file("questions.csv", judge="exact").path
    PosixPath('questions-1/questions-1.yaml')
    """
    path = Path(file).expanduser()
    asking = Asking.of(judge, instruction, max_tokens)
    if index_from not in (None, 0, 1):
        raise SuiteError(f"--index-from {index_from}: options are counted from 0 or from 1")
    read = read_golden(path, judge, index_from=index_from)
    named = _named(path, name, version)
    own = _checked_name("--family", named if family is None else family)
    if own == PRIOR_FAMILY:
        raise SuiteError(f"--family {own}: this is the family of kind prior; give the target another name")
    parts = _parts(path, named, read.rows)
    draft = Draft(
        name=named,
        version=f"{version}{DRAFT}",
        title=title or f"Golden set of {path.name}",
        prompt=prompt,
        tasks={task: _place(own, named, part) for task, part in parts.items()},
    )
    folder = GoldenFolder(path, asking, index_from, draft, parts, read.rows)
    written = folder.write(
        Path(f"{named}-{version}" if out is None else out).expanduser(), note or f"The questions of {path.name}."
    )
    return GoldenSuite(written, load_suite(str(written)), read.unused)


def _named(path: Path, name: str | None, version: str) -> str:
    named = _slug(path.stem) if name is None else name
    if not named:
        raise SuiteError(f"{path}: no name can be made of the file's; give one with --name")
    _checked_name("--name", named)
    if not _VERSION.fullmatch(version):
        raise SuiteError(f"--version {version}: a version is a number, possibly with a letter (1, 2, 2a)")
    if f"{named}-{version}" in suite_names() or next(tasks_root().glob(f"*/{named}.yaml"), None):
        raise SuiteError(f"--name {named}: a shipped suite or task has this name; give another one with --name")
    return named


def _checked_name(option: str, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise SuiteError(
            f"{option} {name}: not a name; it has 1 to 40 lower-case letters, digits, - and _, and starts with one of "
            "the first two"
        )
    return name


def _parts(path: Path, named: str, rows: Iterable[GoldenRow]) -> dict[str, Part]:
    """The tasks, by the kind and the group of their questions; groups that differ in case alone are one."""
    found: dict[str, Part] = {}
    for row in rows:
        prior = "prior" if row.kind == "prior" else ""
        task = "_".join(filter(None, (named, prior, _group(row.group))))
        part = found.setdefault(task, Part(row.kind, row.group))
        if part.key != row.part:
            raise SuiteError(
                f"{path}: {row.place}, column group: {row.group[:40]!a} and {part.group[:40]!a} would have one name, "
                f"{task}; rename one of them"
            )
    return found


def _place(family: str, named: str, part: Part) -> DraftTask:
    return DraftTask(family=PRIOR_FAMILY if part.kind == "prior" else family, group=_group(part.group) or named)


def _group(group: str) -> str:
    """The name of a group; one without letters of the alphabet is known by its code points."""
    return _slug(group) or "-".join(f"{ord(character):x}" for character in group[:8])


def _slug(text: str) -> str:
    """``text`` as a name: lower-case letters of the alphabet, digits and dashes; empty if it has none."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return re.sub(r"[^a-z0-9]+", "-", plain.casefold())[:40].strip("-")
