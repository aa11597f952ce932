"""Wording: how numbers and untrusted names are written, the same in the terminal and on the page.

Scorecards hold rates; points (hundredths) exist only here.
"""

from collections import Counter

from harness.scoring import Role, Scorecard

ABSENT = "n/a"
ROLES: tuple[Role, ...] = ("target", "transfer", "adjacent", "prior")
VERDICTS = ("forgot", "inconclusive", "retained", "improved")


def points(change: float | None) -> str:
    """A difference of rates in signed points: -0.385 is "-38.5"."""
    return ABSENT if change is None else f"{change * 100 + 0.0:+.1f}"


def per_cent(rate: float | None) -> str:
    """A rate without its sign of per cent: 0.915 is "91.5"."""
    return ABSENT if rate is None else f"{rate * 100:.1f}"


def point_interval(interval: tuple[float, float] | None) -> str:
    return ABSENT if interval is None else f"[{points(interval[0])}, {points(interval[1])}]"


def rate_interval(interval: tuple[float, float] | None) -> str:
    return ABSENT if interval is None else f"[{per_cent(interval[0])}, {per_cent(interval[1])}]"


def p_value(p: float) -> str:
    return "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0") if p < 1 else "1"


def printable(text: str) -> str:
    """``text`` with what could steer a terminal or a page (escapes, direction marks) made visible; lines stay."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)


def outcome(state: str, off_list: bool) -> str:
    """An outcome as a reader sees it, with the mark of an answer that is none of the options."""
    return f"{state}, off-list" if off_list else str(state)


def nats(divergence: float) -> str:
    """A divergence in nats with three significant digits."""
    return f"{divergence:.3g}"


def headline(card: Scorecard) -> str:
    """The finding in one sentence; verdicts count prior tasks."""
    counts = Counter(str(task.verdict) for task in card.prior_tasks.values())
    verdicts = ", ".join(f"{counts[word]} {word}" for word in VERDICTS if counts[word])
    forgetting = f"Prior tasks: {verdicts or 'none measured'}."
    target = card.target
    if target is None:
        return forgetting
    learning = f"{printable(target.family)} from {per_cent(target.score_base)} % to {per_cent(target.score_tuned)} %."
    return f"{learning} {forgetting}"


def conditions(card: Scorecard) -> str:
    """What was asked and how, or that nobody checked it."""
    n = f"{sum(card.suite.tasks.values()):,} items"
    if card.engine is None:
        return f"{card.base.source}s, {n}, provenance not checked"
    return f"{card.suite.name} {card.suite.version}, {n}, engine {card.engine.environment}"


def in_order(card: Scorecard) -> list[str]:
    """Task names as they are shown: the target's, its transfer tasks, target-adjacent ones, prior ones by loss."""
    return [name for role in ROLES for name in card.tasks_of(role)]
