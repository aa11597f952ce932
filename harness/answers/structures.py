r"""Structures: what a formula is made of from the outside: a list, a tuple, a set, an interval, a matrix, a relation.

A small grammar over brackets, commas and signs of relation; what is left inside are the texts of single expressions
("scalars"), which :mod:`~harness.answers.scalars` reads. ``1 \pm \sqrt{3}`` is the list of its two values.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["scalar", "list", "tuple", "set", "interval", "union", "matrix", "relation"]

_MOST_PARTS = 60
_OPEN, _CLOSE = {"(": ")", "[": "]", "{": "}", "\\{": "\\}", "\\langle": "\\rangle"}, {")", "]", "}", "\\}", "\\rangle"}
_TOKEN = re.compile(r"\\[{}]|\\[a-zA-Z]+|.", re.DOTALL)
_SPELLING = (
    (re.compile(r"\\m?(?:left|right|big|Big|bigg|Bigg)[lr]?(?![a-zA-Z])\.?"), ""),
    (re.compile(r"(?<!\\)\\[,;:! ]|~|\\q?quad(?![a-zA-Z])|\\(?:displaystyle|textstyle|limits)(?![a-zA-Z])"), " "),
    (re.compile(r"\\(?:leqslant|leq|leqq)(?![a-zA-Z])|<=|≤|⩽"), r"\\le "),
    (re.compile(r"\\(?:geqslant|geq|geqq)(?![a-zA-Z])|>=|≥|⩾"), r"\\ge "),
    (re.compile(r"\\neq(?![a-zA-Z])|\\not ?=|!=|≠"), r"\\ne "),
    (re.compile(r"\\lt(?![a-zA-Z])"), "<"),
    (re.compile(r"\\gt(?![a-zA-Z])"), ">"),
    (re.compile(r"∈"), r"\\in "),
    (re.compile(r"\u222a"), r"\\cup "),
    (re.compile(r"±|\+/-|\+-"), r"\\pm "),
    (re.compile(r"\\lbrace(?![a-zA-Z])"), r"\\{"),
    (re.compile(r"\\rbrace(?![a-zA-Z])"), r"\\}"),
    (re.compile(r"\^ ?\{? ?\\circ ?\}?|°"), ""),
    (re.compile(r"⟨"), r"\\langle "),
    (re.compile(r"⟩"), r"\\rangle "),
)
_OPS = {"=": "=", "<": "<", ">": ">", "\\le": "<=", "\\ge": ">=", "\\ne": "!=", "\\in": "in"}
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_INTERVAL = re.compile(r"([(\[\]])([^,;]+)[,;]([^,;]+)([)\]\[])")
_MATRIX = re.compile(r"\\begin ?\{([pb]?)matrix\}(.*)\\end ?\{\1matrix\}", re.DOTALL)
_ROWS = re.compile(r"\[\s*(\[[^\[\]]*\](?:\s*,\s*\[[^\[\]]*\])*)\s*\]")
_NAME = re.compile(
    r"\s*(?:\\?[a-zA-Z]|\\(?:theta|alpha|beta|gamma|phi|lambda|mu|omega|rho))(?:_\{?\w{1,3}\}?)?(?:'"
    r"|\^\{?-1\}?)*\s*(?:\(\s*[a-z](?:\s*,\s*[a-z])*\s*\))?\s*"
)


@dataclass(frozen=True)
class Node:
    """A part of a formula: scalars have a ``text``, what is bracketed ``brackets`` (a matrix its size), relations
    ``ops``."""

    kind: Kind
    text: str = ""
    parts: tuple["Node", ...] = ()
    brackets: tuple[str, str] = ("", "")
    ops: tuple[str, ...] = ()

    @property
    def is_name(self) -> bool:
        """Whether this is an unknown or a function of one, or a tuple of unknowns."""
        if self.kind == "tuple":
            return all(part.is_name for part in self.parts)
        return self.kind == "scalar" and _NAME.fullmatch(self.text) is not None

    def leaves(self) -> Iterator[str]:
        """The texts of all scalars."""
        if self.kind == "scalar":
            yield self.text
        for part in self.parts:
            yield from part.leaves()

    def with_parts(self, parts: tuple["Node", ...]) -> "Node":
        return replace(self, parts=parts)

    def mirrored(self) -> "Node":
        """A relation read from its other end."""
        turned = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
        return replace(self, parts=self.parts[::-1], ops=tuple(turned.get(op, op) for op in self.ops[::-1]))


def parse_structure(text: str) -> Node:
    """Take ``text`` apart."""
    for written, form in _SPELLING:
        text = written.sub(form, text)
    return _parse(text)


def _parse(text: str, depth: int = 0) -> Node:
    text = text.strip()
    if depth > 6:
        return Node("scalar", text)
    if (bracketed := _bracketed(text, depth)) is not None:
        return bracketed
    text = _THOUSANDS.sub(lambda found: found.group().replace(",", ""), text)
    parts, _ = _split(text, {",", ";"})
    if len(parts) > 1 and all(part.strip() for part in parts) and len(parts) <= _MOST_PARTS:
        nodes = [_parse(part, depth + 1) for part in parts]
        return Node("list", parts=tuple(_flat(nodes)))
    parts, ops = _split(text, set(_OPS))
    if ops and all(part.strip() for part in parts):
        return Node(
            "relation", parts=tuple(_parse(part, depth + 1) for part in parts), ops=tuple(_OPS[op] for op in ops)
        )
    parts, _ = _split(text, {"\\cup"})
    if len(parts) > 1:
        return Node("union", parts=tuple(_parse(part, depth + 1) for part in parts))
    if (text.count("\\pm") == 1 and "\\mp" not in text) or text.count("\\pm") == text.count("\\mp") == 1:
        plus, minus = text.replace("\\pm", "+").replace("\\mp", "-"), text.replace("\\pm", "-").replace("\\mp", "+")
        return Node("list", parts=(Node("scalar", plus), Node("scalar", minus)))
    return Node("scalar", text)


def _flat(nodes: list[Node]) -> Iterator[Node]:
    for node in nodes:
        yield from node.parts if node.kind == "list" else (node,)


def _bracketed(text: str, depth: int) -> Node | None:
    """What stands in one pair of brackets from end to end; None for anything else."""
    if matrix := _MATRIX.fullmatch(text):
        return _matrix([row.split("&") for row in matrix[2].strip().removesuffix("\\\\").split("\\\\")], depth)
    if rows := _ROWS.fullmatch(text):
        return _matrix([row.strip(" []").split(",") for row in re.split(r"\]\s*,\s*\[", rows[1])], depth)
    interval = _INTERVAL.fullmatch(text)
    if interval and (interval[1], interval[4]) != ("(", ")") and _balanced(interval[2]) and _balanced(interval[3]):
        ends = tuple(_parse(end, depth + 1) for end in interval.group(2, 3))
        return Node("interval", parts=ends, brackets=(interval[1], interval[4]))
    opening = next((each for each in ("\\{", "\\langle", "(", "[") if text.startswith(each)), None)
    if opening is None or not text.endswith(_OPEN[opening]):
        return None
    inner = text[len(opening) : -len(_OPEN[opening])]
    if not _balanced(inner):
        return None
    if opening == "\\{":
        held, _ = _split(inner, {"\\mid", "|", ":"})
        if len(held) == 2 and held[1].strip():
            return _parse(held[1], depth + 1)
        node = _parse(inner, depth + 1)
        return Node("set", parts=node.parts if node.kind == "list" else (node,))
    node = _parse(inner, depth + 1)
    if node.kind == "list" and _split(inner, {",", ";"})[1]:
        return Node("tuple", parts=node.parts, brackets=(opening, _OPEN[opening]))
    return node if opening == "(" and node.kind != "scalar" else None


def _matrix(rows: list[list[str]], depth: int) -> Node | None:
    if len({len(row) for row in rows}) != 1 or len(rows) * len(rows[0]) > _MOST_PARTS:
        return None
    cells = tuple(_parse(cell, depth + 1) for row in rows for cell in row)
    return Node("matrix", parts=cells, brackets=(str(len(rows)), str(len(rows[0]))))


def _split(text: str, at: set[str]) -> tuple[list[str], list[str]]:
    """``text`` between the tokens ``at`` that stand in no bracket, and those tokens."""
    parts, found, depth, start = [], [], 0, 0
    for token in _TOKEN.finditer(text):
        sign = token.group()
        if sign in _OPEN:
            depth += 1
        elif sign in _CLOSE:
            depth -= 1
        elif depth == 0 and sign in at:
            parts.append(text[start : token.start()])
            found.append(sign)
            start = token.end()
    return [*parts, text[start:]], found


def _balanced(text: str) -> bool:
    """Whether every bracket in ``text`` is closed in it, and none before it is opened."""
    depth = 0
    for token in _TOKEN.finditer(text):
        sign = token.group()
        depth += (sign in _OPEN) - (sign in _CLOSE)
        if depth < 0:
            return False
    return depth == 0
