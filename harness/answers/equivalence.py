r"""Equivalence of mathematical expressions: what a checker's worker runs, and nothing else imports.

An answer is first taken apart by :mod:`~harness.answers.structures` into lists, tuples, sets, intervals, matrices and
relations; what is left are single expressions, which latex2sympy parses with a grammar (no text is ever evaluated as
Python, and what the grammar does not read to its end is not read at all). sympy compares them: rational numbers
exactly, other numbers to 30 digits, formulas at several points. On hostile input sympy may run for ever or fill the
memory: this module is for :mod:`harness.sandbox`.
"""

from functools import lru_cache
from typing import Any, Literal

from sympy import FiniteSet, Interval, S, Union, simplify

from harness.answers.scalars import ScalarError, same_scalar, scalar
from harness.answers.structures import Node, parse_structure

Verdict = Literal["equal", "different", "unread"]

_PAIRS = {("(", ")"), ("\\langle", "\\rangle")}


def compare(gold: str, answer: str) -> Verdict:
    """Whether two expressions in LaTeX, or in the plain text of formulas, are the same mathematical object.

    An ordered pair is not its set, a list counts how often a value stands in it, an interval is not a pair, and
    numerals to different bases differ. "unread" when ``answer`` is no expression; where ``gold`` is none, nothing is
    equal to it.
    """
    found = _parsed(answer)
    if found is None:
        return "unread"
    wanted = _parsed(gold)
    if wanted is None:
        return "different"
    try:
        return _compared(wanted, found)
    except ScalarError:
        return "unread"


@lru_cache(maxsize=256)
def _parsed(text: str) -> Node | None:
    try:
        node = parse_structure(text)
        _read_all(node)
    except ScalarError:
        return None
    return node


def _read_all(node: Node) -> None:
    for text in node.leaves():
        scalar(text)


def _compared(gold: Node, answer: Node) -> Verdict:
    if (
        gold.kind in ("scalar", "relation")
        and answer.kind == "list"
        and len(answer.parts) > 1
        and gold.kind == "scalar"
    ):
        return "unread" if not _symbols(gold) else "different"  # several values where one was asked for
    if gold.kind == "scalar" and answer.kind in ("tuple", "set", "interval", "union"):
        if len(answer.parts) == 1 and answer.kind == "set":
            return _verdict(_same(gold, answer.parts[0]))
        return "unread" if not _symbols(gold) else "different"
    return _verdict(_same(gold, answer))


def _verdict(same: bool) -> Verdict:
    return "equal" if same else "different"


def _same(gold: Node, answer: Node) -> bool:
    as_sets = _sets(gold, answer)
    if as_sets is not None:
        return bool(as_sets[0] == as_sets[1])
    answer = _unnamed(answer, gold)
    gold = _unnamed(gold, answer)
    if gold.kind == "scalar" and answer.kind == "scalar":
        return same_scalar(gold.text, answer.text)
    if gold.kind == "relation" or answer.kind == "relation":
        return _same_relation(gold, answer)
    if gold.kind == "tuple":
        brackets = answer.brackets if answer.kind == "tuple" else ("(", ")")
        same_kind = (gold.brackets in _PAIRS and brackets in _PAIRS) or gold.brackets == brackets
        return answer.kind in ("tuple", "list") and same_kind and _in_order(gold, answer)
    if gold.kind in ("list", "set"):
        return answer.kind in ("list", "set") and _in_any_order(gold.parts, answer.parts)
    return gold.kind == answer.kind and gold.brackets == answer.brackets and _in_order(gold, answer)


def _in_order(gold: Node, answer: Node) -> bool:
    return len(gold.parts) == len(answer.parts) and all(map(_same, gold.parts, answer.parts))


def _in_any_order(gold: tuple[Node, ...], answer: tuple[Node, ...]) -> bool:
    """Whether every value stands in both as often."""
    left = list(answer)
    for wanted in gold:
        place = next((place for place, found in enumerate(left) if _same(wanted, found)), None)
        if place is None:
            return False
        del left[place]
    return not left


def _unnamed(node: Node, other: Node) -> Node:
    """``node`` without names before its values; of a tuple's the values in the order of the names."""
    if node.kind == "relation" and node.ops == ("in",) and node.parts[0].is_name and node.parts[1].kind == "set":
        return node.parts[1]
    if node.kind == "relation" and other.kind != "relation" and node.ops and set(node.ops) == {"="}:
        first, *rest = node.parts
        return rest[-1] if first.is_name or len(node.parts) > 2 else first if rest[-1].is_name else node
    if node.kind in ("list", "tuple", "set") and other.kind != "scalar":
        named = [
            part for part in node.parts if part.kind == "relation" and part.ops == ("=",) and part.parts[0].is_name
        ]
        if named and len(named) == len(node.parts):
            names = [part.parts[0].text.strip() for part in named]
            if other.kind == "tuple" and len(set(names)) == len(names):
                named = [part for _, part in sorted(zip(names, named, strict=True), key=lambda pair: pair[0])]
            return node.with_parts(tuple(part.parts[-1] for part in named))
    return node


def _same_relation(gold: Node, answer: Node) -> bool:
    if gold.kind != answer.kind or len(gold.parts) != len(answer.parts):
        return False
    mirrored = answer.mirrored()
    for found in (answer, mirrored):
        if gold.ops == found.ops and all(map(_same, gold.parts, found.parts)):
            return True
    if gold.ops != ("=",) or answer.ops != ("=",):
        return False
    if gold.parts[0].is_name and answer.parts[0].is_name:
        return _same(gold.parts[1], answer.parts[1])
    differences = [scalar(node.parts[0].text) - scalar(node.parts[1].text) for node in (gold, answer)]
    quotient = simplify(differences[0] / differences[1]) if differences[1] != 0 else S.NaN
    return bool(quotient.is_number and quotient != 0 and quotient.is_finite)


def _symbols(node: Node) -> bool:
    return any(scalar(text).free_symbols for text in node.leaves())


def _sets(gold: Node, answer: Node) -> tuple[Any, Any] | None:
    """Both as sets of real numbers, where one is an interval, a union or a bound and both can be one."""
    kinds = {gold.kind, answer.kind}
    bounds = any((node.kind == "relation" and node.ops != ("=",)) or _bounds(node) for node in (gold, answer))
    if not kinds & {"interval", "union"} and not bounds:
        return None
    if gold.kind == "relation" and answer.kind == "relation" and "in" not in (*gold.ops, *answer.ops):
        return None
    wanted, found = _as_set(gold), _as_set(answer)
    return None if wanted is None or found is None else (wanted, found)


def _bounds(node: Node) -> bool:
    return node.kind == "list" and all(part.kind == "relation" and part.ops != ("=",) for part in node.parts)


def _as_set(node: Node) -> Any:
    if node.kind == "interval" or (node.kind == "tuple" and len(node.parts) == 2):
        low, high = (scalar(part.text) if part.kind == "scalar" else None for part in node.parts)
        if low is None or high is None or low.free_symbols or high.free_symbols or not low < high:
            return None
        return Interval(low, high, node.brackets[0] in ("(", "]"), node.brackets[1] in (")", "["))
    if node.kind == "set":
        values = [scalar(part.text) if part.kind == "scalar" else None for part in node.parts]
        return None if None in values else FiniteSet(*values)
    if node.kind == "union":
        parts = [_as_set(part) for part in node.parts]
        return None if None in parts else Union(*parts)
    if node.kind == "relation":
        return _bound(node)
    if _bounds(node):
        parts = [_bound(part) for part in node.parts]
        if None in parts:
            return None
        # "x > 2, x \ne 5" narrows; "x < 2 or x > 5" cannot both hold, and is a choice.
        both = parts[0].intersect(*parts[1:]) if len(parts) > 1 else parts[0]
        return both if both is not S.EmptySet else Union(*parts)
    return None


def _bound(node: Node) -> Any:
    """The numbers of which an inequality in one unknown holds that stands alone on a side, or in the middle."""
    found: Any = S.Reals
    for left, op, right in zip(node.parts, node.ops, node.parts[1:], strict=False):
        if left.kind != "scalar" or right.kind not in ("scalar", "interval", "tuple", "union"):
            return None
        if op == "in":
            held = _as_set(right)
            found = None if held is None else found.intersect(held)
        elif left.is_name and right.kind == "scalar":
            found = _half(found, op, scalar(right.text))
        elif right.is_name:
            found = _half(found, {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(op, op), scalar(left.text))
        else:
            return None
        if found is None:
            return None
    return found


def _half(within: Any, op: str, bound: Any) -> Any:
    if bound.free_symbols or not bound.is_extended_real:
        return None
    halves = {
        "<": lambda: Interval.open(-S.Infinity, bound),
        "<=": lambda: Interval(-S.Infinity, bound),
        ">": lambda: Interval.open(bound, S.Infinity),
        ">=": lambda: Interval(bound, S.Infinity),
        "!=": lambda: S.Reals - FiniteSet(bound),
        "=": lambda: FiniteSet(bound),
    }
    return within.intersect(halves[op]())
