"""Rows: the cells of a golden set as checked questions; what is wrong in one names its row and its column."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from harness.golden.cells import GoldenError, Line, read_cells
from harness.golden.lists import as_box, as_list
from harness.golden.options import gold_place, index_base, read_options
from harness.golden.pictures import read_picture
from harness.items import IMAGE_MARK, image_digest
from harness.pictures import size_of
from harness.sources import one_line, tidy

Judge = Literal["letter", "math", "exact", "contains", "box"]
JUDGES: tuple[Judge, ...] = get_args(Judge)
KINDS = ("target", "prior")
# What an answer may be several of: the texts that are accepted.
_SEVERAL = ("exact", "contains")


@dataclass(frozen=True)
class GoldenRow:
    """One question: ``answers`` are the accepted ones, ``gold`` the place of the right one of ``options``.

    ``images`` are paths relative to the file and ``digests`` the sha256 of these pictures; ``size`` is the width and
    height of the first in pixels, where the answer is a box in it. ``kind`` says whether the question is of the target
    family or of prior ability; ``cluster`` is shared by questions on one passage.
    """

    place: str
    question: str
    answers: tuple[str, ...]
    options: tuple[str, ...] = ()
    gold: int | None = None
    images: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    group: str = ""
    kind: str = "target"
    cluster: str = ""

    @property
    def part(self) -> tuple[str, str]:
        """What the questions of one task share: the kind, and the group but for its case."""
        return self.kind, self.group.casefold()

    @property
    def asked(self) -> object:
        """What is asked: two rows that share it are one question."""
        return one_line(self.question).casefold(), self.options, self.digests


@dataclass(frozen=True)
class GoldenRows:
    """The questions of a file, and the names of its columns that were not used."""

    rows: tuple[GoldenRow, ...]
    unused: tuple[str, ...]


def read_golden(
    path: Path, judge: Judge, *, index_from: int | None = None, part: tuple[str, str] | None = None
) -> GoldenRows:
    """The questions of ``path`` as ``judge`` needs them; ``GoldenError`` names the first row and column at fault.

    ``index_from`` (0 or 1) is the number of the first option, for answers that are numbers of options; where it is not
    given, the answers themselves must tell. With a ``part``, a kind and a group in lower case, only its questions.
    """
    cells = read_cells(path)
    _check_columns(path, cells.columns, judge)
    base = index_base(path, cells.rows, index_from) if judge == "letter" else None
    shown = _Pictures(path)
    lines = [line for line in cells.rows if part is None or _part(line, f"{path}: {line.place}") == part]
    rows = tuple(_row(path, line, cells.columns, judge, base, shown) for line in lines)
    _check_different(path, rows)
    return GoldenRows(rows, cells.unused)


def _check_columns(path: Path, columns: Iterable[str], judge: Judge) -> None:
    needed = {"letter": "options", "box": "image"}.get(judge)
    if needed is not None and needed not in columns:
        why = "A|B|C or a JSON list" if needed == "options" else "the picture's path, relative to the file"
        raise GoldenError(f"{path}: --judge {judge} needs a column {needed} ({why}); add it or choose another judge")
    if judge != "letter" and "options" in columns:
        raise GoldenError(
            f"{path}: column options is for --judge letter, and --judge {judge} asks for a written answer; remove the "
            "column or choose that judge"
        )


class _Pictures:
    """The pictures of a file, each read once: its digest and its size."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, tuple[str, tuple[int, int]]] = {}

    def look(self, name: str, place: str) -> tuple[str, tuple[int, int]]:
        if name not in self._known:
            data = read_picture(self._path.parent, name, f"{self._path}: {place}, column image")
            self._known[name] = image_digest(data), size_of(data)
        return self._known[name]


def _row(path: Path, line: Line, columns: Sequence[str], judge: Judge, base: int | None, shown: _Pictures) -> GoldenRow:
    where = f"{path}: {line.place}"
    for column in ("question", "answer", *({"group", "kind"} & set(columns))):
        if not line.cells.get(column) or not tidy("".join(line.cells[column])):
            raise GoldenError(f"{where}: column {column} is empty; fill it in, or remove the row{_OR.get(column, '')}")
    names = as_list(line.cells.get("image", ""), where, "image")
    looked = [shown.look(name, line.place) for name in names]
    options, gold, answers, size = _answer(line, where, judge, base, [each for _, each in looked])
    question = tidy(line.text("question"))
    if question.count(IMAGE_MARK) > len(names):
        raise GoldenError(
            f"{where}: the question has {question.count(IMAGE_MARK)} {IMAGE_MARK}, but column image names "
            f"{len(names)} pictures; name as many, or take the mark out"
        )
    return GoldenRow(
        place=line.place,
        question=question,
        answers=answers,
        options=options,
        gold=gold,
        images=names,
        digests=tuple(digest for digest, _ in looked),
        size=size,
        group=one_line(line.text("group")),
        kind=_kind(line, where),
        cluster=one_line(line.text("cluster")),
    )


_OR = {"group": ", or leave out the column", "kind": ", or leave out the column"}


def _answer(
    line: Line, where: str, judge: Judge, base: int | None, sizes: Sequence[tuple[int, int]]
) -> tuple[tuple[str, ...], int | None, tuple[str, ...], tuple[int, int] | None]:
    """Options, the place of the right one, the accepted answers, and the size of the picture of a box."""
    cell = line.cells["answer"]
    if judge == "letter":
        options = read_options(line.cells.get("options", ""), where)
        gold = gold_place(cell, options, base, where)
        return options, gold, (options[gold],), None
    if judge == "box":
        if len(sizes) != 1:
            raise GoldenError(f"{where}: a box is in one picture, and column image names {len(sizes)}; name one")
        return (), None, (as_box(cell, sizes[0], where),), sizes[0]
    if judge in _SEVERAL:
        return (), None, tuple(map(tidy, as_list(cell, where, "answer"))), None
    if not isinstance(cell, str):
        raise GoldenError(f"{where}: column answer is a list; --judge {judge} takes one answer")
    return (), None, (tidy(cell),), None


def _part(line: Line, where: str) -> tuple[str, str]:
    return _kind(line, where), one_line(line.text("group")).casefold()


def _kind(line: Line, where: str) -> str:
    given = line.text("kind").strip().casefold()
    if not given or given in KINDS:
        return given or KINDS[0]
    close = difflib.get_close_matches(given, KINDS, 1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise GoldenError(f"{where}: column kind is {given[:40]!a}, not target or prior{hint or '; write one of them'}")


def _check_different(path: Path, rows: Iterable[GoldenRow]) -> None:
    seen: dict[object, str] = {}
    for row in rows:
        if (before := seen.setdefault(row.asked, row.place)) != row.place:
            raise GoldenError(
                f"{path}: {row.place} asks the question of {before} again ({one_line(row.question)[:60]!a}); remove "
                "one of them"
            )
