"""Wording: how numbers and untrusted names are written, the same in the terminal and on the page.

Scorecards hold rates; points (hundredths) exist only here.
"""

from collections import Counter

from harness.scoring import Role, Scorecard, TaskScore

ABSENT = "n/a"
ROLES: tuple[Role, ...] = ("target", "transfer", "adjacent", "prior")
VERDICTS = ("forgot", "inconclusive", "nothing to lose", "retained", "improved")
# What a verdict is called where a reader who is no statistician sees it.
SAID = {"inconclusive": "cannot say"}


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


def nats(divergence: float) -> str:
    """A divergence in nats with three significant digits."""
    return f"{divergence:.3g}"


def headline(card: Scorecard) -> str:
    """The finding in one sentence; verdicts count prior tasks."""
    counts = Counter(str(task.verdict) for task in card.prior_tasks.values())
    verdicts = ", ".join(f"{counts[word]} {SAID.get(word, word)}" for word in VERDICTS if counts[word])
    forgetting = f"Prior tasks: {verdicts or 'none measured'}."
    target = card.target
    if target is None:
        return forgetting
    learning = f"{printable(target.family)} from {per_cent(target.score_base)} % to {per_cent(target.score_tuned)} %."
    return f"{learning} {forgetting}"


def finding(task: TaskScore) -> str:
    """The verdict on a task with what fits: "forgot [-8.0, -2.0]", "cannot say: -5.0 to +1.0 fits" (points)."""
    word = str(task.verdict)
    if task.delta_ci is None or word == "nothing to lose":
        return SAID.get(word, word)
    if word == "inconclusive":
        return f"cannot say: {points(task.delta_ci[0])} to {points(task.delta_ci[1])} fits"
    return f"{word} {point_interval(task.delta_ci)}"


def kept(retention: float, interval: tuple[float, float]) -> str:
    """Retention as a sentence: what was kept, and what loss would fit."""
    low, high = interval
    if high < 0:
        return f"kept nothing; {per_cent(low)} to {per_cent(high)} % fits, below chance"
    if high >= 1 and low < 1:
        return f"kept about {per_cent(min(retention, 1.0))} %; a loss of up to {per_cent(1 - low)} % would fit"
    return f"kept {per_cent(retention)} %; {per_cent(low)} to {per_cent(high)} % fits"


def rests_on(card: Scorecard) -> str:
    """What retention rests on: groups, tasks, items, and independent units where these are fewer."""
    found = card.rests_on
    if found is None:
        return card.reasons["rests_on"]
    units = f", {found.units:,} independent units" if found.units != found.items else ""
    return (
        f"on {found.tasks} of {found.of_tasks} prior tasks in {found.groups} of {found.of_groups} capability groups, "
        f"{found.items:,} items{units}"
    )


def conditions(card: Scorecard) -> str:
    """What was asked and how, or that nobody checked it."""
    n = f"{sum(card.suite.tasks.values()):,} items"
    if card.engine is None:
        return f"{card.base.source}s, {n}, provenance not checked"
    return f"{card.suite.name} {card.suite.version}, {n}, engine {card.engine.environment}"


def in_order(card: Scorecard) -> list[str]:
    """Task names as they are shown: the target's, its transfer tasks, target-adjacent ones, prior ones by loss."""
    return [name for role in ROLES for name in card.tasks_of(role)]
