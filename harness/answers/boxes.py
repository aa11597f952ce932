r"""Boxes: the one rectangle that an output names, and how much of the right one it covers.

A box is four numbers: two corners, ``[x1, y1, x2, y2]``. They are read from JSON (``{"bbox_2d": [..]}``, named sides,
x, y, width and height), lists, corners in brackets, and the marks that models put around them (``<box>``,
``<|box_start|>``). Where an output names several different boxes, none is the answer. The frame that coordinates
count in is stated in the question; it is never guessed from an answer, so that a box beyond the frame, or one of
fractions of it, can be read and is off-list.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.answers.extraction import Judgement, decided, unparsed
from harness.answers.readings import Readings
from harness.answers.statements import answer_of, statements
from harness.records import Outcome

ENOUGH = 0.5
# How far beyond the frame, in shares of it, a box may reach and still be one of that frame.
_BEYOND = 0.05
_MAX_READ = 16_000

_NUMBER = r"-?[0-9]{1,5}(?:\.[0-9]{1,12})?(?![0-9])"
# A number, what may stand between the numbers of a box, or anything else, which ends it.
_PART = re.compile(
    rf"(?<![\w.])({_NUMBER})(?!\w)|(?:[\s,;()\[\]{{}}\"'`*<>|&]"
    r"|\b(?:and|to|at|the|is|top|bottom|upper|lower|left|right|corner|coordinates?|pixels?|px|box_end|box_start|box)\b"
    r"|[-–→:](?![0-9]))+|(.)",
    re.IGNORECASE | re.DOTALL,
)
_SIDE = re.compile(
    rf"[\"']?\b(x_?1|y_?1|x_?2|y_?2|x_?min|y_?min|x_?max|y_?max|left|top|right|bottom|x|y|w|h|width|height)\b[\"']?"
    rf"\s*[:=]\s*[\"']?({_NUMBER})",
    re.IGNORECASE,
)
_SIDES = {
    "x1": 0, "xmin": 0, "left": 0, "y1": 1, "ymin": 1, "top": 1, "x2": 2, "xmax": 2, "right": 2, "y2": 3, "ymax": 3,
    "bottom": 3,
}  # fmt: skip
_EXTENTS = {"x": 0, "y": 1, "w": 2, "width": 2, "h": 3, "height": 3}
_MARKED = re.compile(r"<(?:\|box_start\||box)>([^<]{0,400})<(?:\|box_end\||/box)>", re.IGNORECASE)
_FORM = re.compile(rf"\s*\[\s*({_NUMBER})\s*,\s*({_NUMBER})\s*,\s*({_NUMBER})\s*,\s*({_NUMBER})\s*\]\s*")


@dataclass(frozen=True)
class Box:
    """Two corners; ``x2`` and ``y2`` are not part of the box."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def area(self) -> float:
        return max(0.0, self.x2 - self.x1) * max(0.0, self.y2 - self.y1)

    def overlap(self, other: "Box") -> float:
        """Intersection over union, 0 where one of the two has no area."""
        shared = Box(
            max(self.x1, other.x1), max(self.y1, other.y1), min(self.x2, other.x2), min(self.y2, other.y2)
        ).area
        return shared / (self.area + other.area - shared) if shared else 0.0


@dataclass(frozen=True)
class FramedBox:
    """The gold answer: a box, and the width and height of the frame that its coordinates count in."""

    box: Box
    width: int
    height: int

    def __str__(self) -> str:
        sides = ", ".join(f"{side:.2f}" for side in (self.box.x1, self.box.y1, self.box.x2, self.box.y2))
        return f"[{sides}] in {self.width}x{self.height}"

    @classmethod
    def parse(cls, text: str) -> "FramedBox":
        """The box that :meth:`__str__` wrote; ``ValueError`` for anything else."""
        found = re.fullmatch(r"\[(.+)\] in ([0-9]+)x([0-9]+)", text)
        if found is None:
            raise ValueError(f"gold {text!r} is not a box in a frame")
        return cls(Box(*map(float, found[1].split(","))), int(found[2]), int(found[3]))

    def holds(self, box: Box) -> bool:
        """Whether ``box`` counts in this frame: not beyond it, and not in fractions of it."""
        room = (_BEYOND * self.width, _BEYOND * self.height)
        within = (
            -room[0] <= min(box.x1, box.x2) <= max(box.x1, box.x2) <= self.width + room[0]
            and -room[1] <= min(box.y1, box.y2) <= max(box.y1, box.y2) <= self.height + room[1]
        )
        return within and max(box.x2, box.y2) > 1


def judge_box(output: str, gold: str) -> Readings:
    """Judge a box by its overlap with the gold one (a :class:`FramedBox` as text): the score is the intersection over
    union, and it is correct at ``ENOUGH`` and more."""
    expected = FramedBox.parse(gold)
    content = _judge(read_box(output), expected)
    found = _FORM.fullmatch(output[:_MAX_READ])
    form = unparsed(None) if found is None else _judge(Box(*map(float, found.groups())), expected)
    return Readings(content, form)


def read_box(output: str) -> Box | None:
    """The one box that ``output`` names; None for none, or several different ones."""
    answer = answer_of(output)[:_MAX_READ]
    for statement in statements(answer):
        if len(found := _boxes_in(statement.text)) == 1:
            return found[0]
    found = _boxes_in("; and then ".join(_MARKED.findall(answer))) or _boxes_in(answer)
    return found[0] if len(found) == 1 else None


def _boxes_in(text: str) -> list[Box]:
    """The different boxes that ``text`` names, in order."""
    return list(dict.fromkeys((*_named(text), *_listed(_SIDE.sub(";", text)))))


def _judge(box: Box | None, expected: FramedBox) -> Judgement:
    if box is None:
        return unparsed(None)
    stated = f"[{box.x1:g}, {box.y1:g}, {box.x2:g}, {box.y2:g}]"
    if not expected.holds(box):
        return Judgement(stated, Outcome.WRONG, 0.0, off_list=True)
    overlap = expected.box.overlap(box)
    made = decided(stated, overlap >= ENOUGH)
    return Judgement(stated, made.outcome, overlap, "box")


def _listed(text: str) -> Iterator[Box]:
    """Every run of four numbers with nothing but separators between; runs of eight and more are as many boxes."""
    numbers: list[float] = []
    for part in _PART.finditer(f"{text}."):
        if part[1]:
            numbers.append(float(part[1]))
        elif part[2]:
            yield from _in_fours(numbers)
            numbers = []


def _in_fours(numbers: Sequence[float]) -> Iterator[Box]:
    if len(numbers) % 4 == 0:
        for start in range(0, len(numbers), 4):
            yield Box(*numbers[start : start + 4])


def _named(text: str) -> Iterator[Box]:
    """Boxes whose sides are named, in whatever order: ``{"x1": 3, "x2": 40, ..}``."""
    sides: dict[int, float] = {}
    extents: dict[int, float] = {}
    for name, value in _SIDE.findall(text):
        known = name.lower().replace("_", "")
        if known in _SIDES:
            sides[_SIDES[known]] = float(value)
        if known in _EXTENTS:
            extents[_EXTENTS[known]] = float(value)
        if len(sides) == 4:
            yield Box(*(sides[side] for side in range(4)))
            sides, extents = {}, {}
        if len(extents) == 4:
            x, y, width, height = (extents[side] for side in range(4))
            yield Box(x, y, x + width, y + height)
            sides, extents = {}, {}
