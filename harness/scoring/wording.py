"""Wording: what a scorecard says in words and figures, the same in a terminal, on a page and in a notebook.

Scorecards hold rates; points (hundredths) exist only here. Shares are per cent with their sign, differences are points
with theirs, and a minus is a true one, which a stream that cannot show it writes as a hyphen (harness/report/encode).
Names come from files anyone may write, so every text here has what could steer a terminal or a page made visible.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from harness.scoring.scorecard import Role, Scorecard, TaskScore

ABSENT = "n/a"
MINUS = "\N{MINUS SIGN}"
ROLES: tuple[Role, ...] = ("target", "transfer", "adjacent", "prior")
VERDICTS = ("forgot", "inconclusive", "nothing to lose", "retained", "improved")
# What a verdict is called where a reader who is no statistician sees it.
SAID = {"inconclusive": "cannot say"}
# The heading of each list of tasks that verdicts are for.
LISTS: Mapping[Role, str] = {
    "prior": "Prior tasks, largest loss first (changes in points)",
    "adjacent": "Target-adjacent tasks, listed apart, largest loss first (changes in points)",
}
CHANGE_COLUMNS = ("task", "base", "tuned", "delta", "verdict")
UNCHECKED = "Provenance not checked:"
NOTES = "Notes on the runs:"


class Statement(NamedTuple):
    """One number in words: "Gain", "+80.8 points", "[+77.0, +84.5] on jigsaw, 400 items"."""

    label: str
    value: str
    detail: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, self))


def points(change: float | None, absent: str = ABSENT) -> str:
    """A difference of rates in points with its sign: 0.385 is "+38.5", and what rounds to no change is "0.0"."""
    text = absent if change is None else f"{change * 100:+.1f}".replace("-", MINUS)
    return "0.0" if text[1:] == "0.0" else text


def per_cent(rate: float | None, absent: str = ABSENT) -> str:
    """A rate in per cent, for where the sign stands beside it: 0.915 is "91.5"."""
    text = absent if rate is None else f"{rate * 100:.1f}".replace("-", MINUS)
    return "0.0" if text == f"{MINUS}0.0" else text


def share(rate: float | None, absent: str = ABSENT) -> str:
    """A rate in per cent with the sign: 0.915 is "91.5 %"."""
    return absent if rate is None else f"{per_cent(rate)} %"


def plain(text: str) -> str:
    """``text`` with hyphens for true minus signs, for what programs and TeX read."""
    return text.replace(MINUS, "-")


def bracketed(show: Callable[[float], str], interval: Sequence[float] | None, absent: str = "") -> str:
    """An interval, whose ends ``show`` writes: "[+30.1, +38.5]"."""
    return absent if interval is None else f"[{show(interval[0])}, {show(interval[1])}]"


def point_interval(interval: tuple[float, float] | None) -> str:
    return bracketed(points, interval, ABSENT)


def rate_interval(interval: tuple[float, float] | None) -> str:
    return bracketed(per_cent, interval, ABSENT)


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


def align_columns(header: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str]) -> list[str]:
    """``rows`` under ``header`` as lines of text, columns named in ``left`` to the left and the others to the right."""
    lines = [list(header), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(map(_cells, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - _cells(cell)) if name in left else " " * (width - _cells(cell)) + cell
            for name, cell, width in zip(header, line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]


def _cells(text: str) -> int:
    """How many cells of a terminal ``text`` takes: ideographs and emoji two, marks on a letter none."""
    if text.isascii():
        return len(text)
    marks = ("Mn", "Me", "Cf")
    return sum(
        0 if unicodedata.category(char) in marks else 1 + (unicodedata.east_asian_width(char) in "WF") for char in text
    )


def title(card: Scorecard) -> str:
    return printable(f"{card.tuned.name} against {card.base.name}")


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
        return f"kept nothing; {per_cent(low)} to {share(high)} fits, below chance"
    if high >= 1 and low < 1:
        return f"kept about {share(min(retention, 1.0))}; a loss of up to {share(1 - low)} would fit"
    return f"kept {share(retention)}; {per_cent(low)} to {share(high)} fits"


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


_PLAIN = (
    "No chat template for either model: both complete the same texts, as a pretrained base does, and what an "
    "instruction-tuned model answers only inside its template does not count."
)


def conditions(card: Scorecard) -> str:
    """What was asked and how, or that nobody checked it."""
    n = f"{sum(card.suite.tasks.values()):,} items"
    if card.engine is None:
        return f"{card.base.source}s, {n}, provenance not checked"
    return printable(f"{card.suite.name}-{card.suite.version}, {n}, engine {card.engine.environment}")


def prompting(card: Scorecard) -> str:
    """What a suite without a chat template means for a pair; empty for one with a template."""
    return _PLAIN if card.suite.protocol.startswith("plain") else ""


def learning(card: Scorecard) -> list[Statement]:
    """Gain on the target and, where the suite has variants of it, transfer gain; or why there is none."""
    target = card.target
    if target is None:
        return [Statement("Gain", f"not defined: {card.reasons['target']}")]
    normalised = ""
    if target.normalised_gain is not None:
        normalised = f"; normalised {share(target.normalised_gain)} (of what the base did not solve)"
    detail = f"{point_interval(target.gain_ci)} on {printable(target.family)}, {target.n:,} items{normalised}"
    found = [Statement("Gain", f"{points(target.gain)} points", detail)]
    if target.transfer_gain is not None:
        variants = printable(", ".join(target.transfer_tasks))
        detail = f"{point_interval(target.transfer_gain_ci)} on variants never trained on: {variants}"
        found.append(Statement("Transfer gain", f"{points(target.transfer_gain)} points", detail))
    return found


def totals(card: Scorecard) -> list[Statement]:
    """Retention with what it rests on, balance and the worst group; or why one is not defined."""
    found = [*_retention(card), _balance(card)]
    if card.worst_group is not None:
        worst = card.worst_group
        found.append(Statement("Worst group", f"{printable(worst.group)} {share(worst.retention)}"))
    return found


def _retention(card: Scorecard) -> Iterator[Statement]:
    if card.retention_macro is None or card.retention_macro_ci is None:
        yield Statement("Retention", card.reasons["retention_macro"])
        if card.rests_on is not None:
            yield Statement("Retention would rest", f"{rests_on(card)}.")
        return
    yield Statement("Retention", kept(card.retention_macro, card.retention_macro_ci), f"({rests_on(card)})")
    if card.retention_ratio is not None:
        yield Statement("With gains counted against losses:", share(card.retention_ratio))


def _balance(card: Scorecard) -> Statement:
    if card.balance is None:
        return Statement("Balance", card.reasons["balance"])
    return Statement("Balance", share(card.balance), rate_interval(card.balance_ci))


def change_row(name: str, task: TaskScore) -> tuple[str, ...]:
    """One task's cells under ``CHANGE_COLUMNS``; a task that gets no verdict has its role in that place."""
    said = finding(task) if task.verdict is not None else f"{task.role} {point_interval(task.delta_ci)}"
    return (printable(name), share(task.base), share(task.tuned), points(task.delta), said)


PASSES = "pass@k: one of k sampled answers at least is right (changes in points)"
PASS_COLUMNS = ("task", "pass@k", "base", "tuned", "change", "95 %")


def passes(card: Scorecard) -> list[tuple[str, ...]]:
    """The cells of each task and k under ``PASS_COLUMNS``; none where an item has one answer."""
    return [
        (
            printable(name) if not place else "",
            f"@{each.k}",
            *map(share, (each.base, each.tuned)),
            points(each.delta),
            point_interval(each.delta_ci),
        )
        for name in in_order(card)
        for place, each in enumerate(card.tasks[name].pass_at)
    ]


def drawn(card: Scorecard) -> str:
    """How answers were sampled; empty where they are greedy."""
    if not card.decoding.get("temperature") and card.repeats == 1:
        return ""
    temperature = card.decoding.get("temperature")
    how = "" if temperature is None else f", drawn at temperature {temperature:g} with the same seeds for both models"
    return (
        f"{card.repeats} answer{'s' * (card.repeats > 1)} to an item{how}; the item stays the unit of intervals and "
        "tests. Forgotten and learned count answers, and hold what sampling alone moves. Not for the board."
    )


def caveats(card: Scorecard) -> list[str]:
    """What was assumed of a pair whose provenance nobody checked; empty where it was checked."""
    return [] if card.provenance.checked else [printable(note) for note in card.provenance.notes]


def notes(card: Scorecard) -> list[str]:
    """What of the tuned checkpoint the base's took the place of, and whether the base run is of an older version."""
    return [printable(note) for note in card.provenance.notes] if card.provenance.checked else []


def in_order(card: Scorecard) -> list[str]:
    """Task names as they are shown: the target's, its transfer tasks, target-adjacent ones, prior ones by loss."""
    return [name for role in ROLES for name in card.tasks_of(role)]


def duration(seconds: float) -> str:
    """A time for people: "41 s", "3 min 20 s", "1 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def byte_size(count: float) -> str:
    """A number of bytes for people: "1.2 GB"."""
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
