"""``python -m tests.bench.statistics [ROW...]``: what the scorer's statistics promise, against what they do.

Pairs are simulated whose truth is known, and go through the scorer's own functions: how often a test is wrong, how
often an interval holds the truth, how far an estimate is off. Each row has a seed of its own and is kept as soon as it
is measured (``results/statistics.json``), so that the same command goes on where it was stopped; ``--again`` starts
anew. About five minutes on one idle core; ``tests/harness/scoring/test_promises.py`` is the short form.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from harness.scoring import statistics
from harness.scoring.clusters import Counts
from harness.scoring.kept import Kept, Units, kept, mean_interval
from harness.scoring.scorecard import Role
from harness.scoring.study.comparison import check_claims, matched_over_seeds
from harness.scoring.summary import group_kept
from harness.scoring.task_scores import Measured, adjusted_p
from harness.scoring.trajectory import retention_at

RESULTS = Path(__file__).parent / "results" / "statistics.json"
G = 0.25
Rng = np.random.Generator
Cells = NDArray[np.int64]


@dataclass(frozen=True)
class Truth:
    """One task as it is simulated: the shares of items kept, forgotten and learned, in clusters of ``size`` items whose
    fates are those of the whole cluster with probability sqrt(``icc``) each."""

    base: float
    lost: float
    won: float
    clusters: int
    size: int = 1
    icc: float = 0.0

    def draw(self, rng: Rng, name: str = "task", guess: float = G) -> Measured:
        chances = [self.base - self.lost, self.lost, self.won, 1 - self.base - self.won]
        own = rng.choice(4, (self.clusters, self.size), p=chances)
        shared = rng.choice(4, (self.clusters, 1), p=chances)
        cells = np.where(rng.random(own.shape) < np.sqrt(self.icc), shared, own).ravel()
        labels = None if self.size == 1 else np.repeat(np.arange(self.clusters), self.size)
        return Measured(name, cells <= 1, (cells == 0) | (cells == 2), np.full(len(cells), guess), labels)


def changed(base: float, ratio: float, n: int, churn: float = 0.1) -> Truth:
    """A task of single items of whose corrected score ``ratio`` is left."""
    change = (ratio - 1) * (base - G)
    won = min((churn + change) / 2, 0.95 * (1 - base))
    return Truth(base, max(won - change, 0.0), max(won, 0.0), n)


def any_forgot(rng: Rng, tasks: list[Measured]) -> bool:
    """Whether one of the tasks is called forgot."""
    named = {str(place): task for place, task in enumerate(tasks)}
    roles: dict[str, Role] = dict.fromkeys(named, "prior")
    words = (
        statistics.verdict(named[name].transitions.delta, p, above_chance=named[name].above_chance, retained=False)
        for name, p in adjusted_p(named, roles).items()
    )
    return "forgot" in words


def forgot_on_clusters(reps: int, icc: float) -> float:
    """Any false "forgot" among 20 null tasks of 87 pictures with 6 questions."""
    rng, truth = np.random.default_rng([1, int(100 * icc)]), Truth(0.8, 0.06, 0.06, 87, 6, icc)
    return float(np.mean([any_forgot(rng, [truth.draw(rng) for _ in range(20)]) for _ in range(reps)]))


def retained_at_the_margin(reps: int, n: int) -> float:
    """ "Retained" at a true loss of exactly two points, without churn and with it: the larger share."""
    rng = np.random.default_rng([2, n])
    shares = []
    for chances in ([0.02, 0.0, 0.98], [0.04, 0.02, 0.94]):
        cells = rng.multinomial(n, chances, size=reps)
        shares.append(np.mean([statistics.is_retained(Counts(lost, won, n), n) for lost, won, _ in cells]))
    return float(max(shares))


def retention(reps: int, ratios: tuple[float, ...], n: int, base: float | None = None) -> dict[str, float]:
    """Mean one-sided retention of groups of four tasks, its bias, and how often its interval holds the truth."""
    rng, truth = np.random.default_rng([3, n, *(int(1000 * ratio) for ratio in ratios)]), np.mean(np.minimum(ratios, 1))
    bases = np.linspace(0.45, 0.9, 4) if base is None else np.full(4, base)
    found, held = [], 0
    for _ in range(reps):
        groups = [
            group_kept(f"group {place}", [changed(each, ratio, n).draw(rng) for each in bases])
            for place, ratio in enumerate(ratios)
        ]
        there = [group for group in groups if group is not None]
        if not there:
            continue
        low, high = mean_interval([g.one_sided for g in there], [g.error for g in there], min(g.units for g in there))
        held += low <= truth <= high
        found.append(np.mean([group.one_sided for group in there]))
    return {
        "mean": float(np.mean(found)),
        "bias_points": float(100 * (np.mean(found) - truth)),
        "covers": held / len(found),
    }


def covers(reps: int, truth: Truth) -> float:
    """How often the interval of delta holds the truth."""
    rng, delta = np.random.default_rng([4, truth.clusters, truth.size, int(100 * truth.icc)]), truth.won - truth.lost
    found = [truth.draw(rng).delta_interval for _ in range(reps)]
    return float(np.mean([each is not None and each[0] <= delta <= each[1] for each in found]))


def power(reps: int, tasks: int, truth: Truth) -> float:
    """How often a loss of the size that the task states is called forgot, after Holm over ``tasks``."""
    rng = np.random.default_rng([5, tasks, truth.size])
    churn = truth.lost + truth.won
    stated = float(np.mean([truth.draw(rng).smallest_loss(tasks) for _ in range(200)]))
    losing = Truth(truth.base, (churn + stated) / 2, max(churn - stated, 0) / 2, truth.clusters, truth.size, truth.icc)
    return float(np.mean([losing.draw(rng).p_value * tasks < statistics.ALPHA for _ in range(reps)]))


def study_claims(reps: int, seeds: int) -> float:
    """Any claim decided between trainings that differ by their seeds alone."""
    rng, claims = np.random.default_rng([6, seeds]), [("a", b, "s") for b in "bcd"] + [("b", "c", "s")]
    wrong = 0
    for _ in range(reps):
        matched = {
            name: [matched_over_seeds(level, list(rng.normal(0.9, 0.02, seeds))) for level in (0.25, 0.5)]
            for name in "abcd"
        }
        wrong += any(test.verdict in ("holds", "contradicted") for test in check_claims(matched, claims))
    return wrong / reps


def matched_retention(reps: int, n: int) -> float:
    """How often the interval of retention at matched gain holds 1 where nothing is forgotten, linearised at the two
    checkpoints it is read between."""
    rng, held = np.random.default_rng([7, n]), 0
    for _ in range(reps):
        ends = []
        for _ in range(2):
            groups = [kept_of(rng, f"group {place}", n) for place in range(5)]
            ends.append((np.mean([g.one_sided for g in groups]), np.sqrt(sum(g.error**2 for g in groups)) / 5))
        gains, values = np.array([[0.4], [0.6]]), np.array([[ends[0][0]], [ends[1][0]]])
        found = float(retention_at(0.5, gains, values)[0])
        error = 0.5 * np.hypot(ends[0][1], ends[1][1])
        held += abs(found - 1) <= 1.96 * error
    return held / reps


def kept_of(rng: Rng, name: str, n: int) -> Kept:
    """One unchanged group of one checkpoint."""
    parts = [changed(base, 1.0, n).draw(rng) for base in np.linspace(0.45, 0.9, 4)]
    return kept(name, Units.joined([Units.of((p.base, p.tuned), p.guess_rate, p.clusters) for p in parts]))


@dataclass(frozen=True)
class Row:
    """One line of the table: what is promised, what scorer version 1 did, and how it is measured now."""

    what: str
    nominal: str
    version_1: str
    reps: int
    measure: Callable[[int], Any]


HALF = (0.9, 0.9, 1.1, 1.1)
ROWS = {
    **{
        f"forgot-icc-{icc}": Row(
            f"any false forgot, 20 null tasks, 87 x 6, ICC {icc}", "<= .05", was, 3000,
            lambda reps, icc=icc: forgot_on_clusters(reps, icc),
        )
        for icc, was in ((0.3, ".36"), (0.7, ".77"))
    },
    **{
        f"retained-{n}": Row(
            f"retained at a true loss of the margin, n {n}", "<= .025", was, 4000,
            lambda reps, n=n: retained_at_the_margin(reps, n),
        )
        for n, was in ((151, ".19"), (400, ""), (1000, ""))
    },
    **{
        f"retention-{name}-{n}": Row(
            f"retention, {title}, n {n}", wanted, was if n == 300 else "", 4000,
            lambda reps, ratios=ratios, n=n: retention(reps, ratios, n),
        )
        for n in (300, 100)
        for name, title, ratios, wanted, was in (
            ("same", "nothing forgotten", (1.0,) * 5, "1, covers .93-.97", ".989, covers .00"),
            ("98", "all at .98", (0.98,) * 5, ".98, covers >= .90", ""),
            ("90", "all at .9", (0.9,) * 5, ".9, covers >= .90", ""),
            ("half", "half .9, half 1.1", HALF, ".95, covers >= .90", ""),
        )
    },
    "near-chance": Row(
        "retention near chance (g .25, corrected base .05), nothing lost", "1", ".65", 2000,
        lambda reps: retention(reps, (1.0,) * 5, 300, 0.2875),
    ),
    **{
        f"losses-{n}": Row(
            f"interval of delta, losses only, F 2 %, n {n}", ">= .95", was, 4000,
            lambda reps, n=n: covers(reps, Truth(0.9, 0.02, 0.0, n)),
        )
        for n, was in ((50, ".65"), (100, ".87"), (200, ".90"))
    },
    **{
        f"clusters-{icc}": Row(
            f"interval of delta, 10 x 10, base .95, ICC {icc}", ">= .95", ".82-.92", 2000,
            lambda reps, icc=icc: covers(reps, Truth(0.95, 0.03, 0.03, 10, 10, icc)),
        )
        for icc in (0.0, 0.3, 0.7)
    },
    **{
        f"balanced-{size}": Row(
            f"interval of delta, balanced churn, {clusters} x {size}", ".95", was, 2000,
            lambda reps, truth=Truth(0.8, 0.05, 0.05, clusters, size, icc): covers(reps, truth),
        )
        for clusters, size, icc, was in ((300, 1, 0.0, ".95"), (87, 6, 0.5, ".95"))
    },
    **{
        f"power-{tasks}-{truth.size}": Row(
            f"power at the smallest loss, {tasks} tasks, {truth.clusters} x {truth.size}", ".80", was, 2000,
            lambda reps, tasks=tasks, truth=truth: power(reps, tasks, truth),
        )
        for tasks, truth, was in (
            (9, Truth(0.8, 0.05, 0.05, 400), ".47"),
            (20, Truth(0.8, 0.05, 0.05, 400), ".36"),
            (1, Truth(0.8, 0.1, 0.1, 87, 6, 0.5), ".40"),
        )
    },
    **{
        f"claims-{seeds}": Row(
            f"any study claim decided under the null, {seeds} seeds", "<= .05", was, 1000,
            lambda reps, seeds=seeds: study_claims(reps, seeds),
        )
        for seeds, was in ((3, ".48"), (1, ".82"))
    },
    "matched": Row("matched retention when nothing is forgotten", ".95", ".00", 4000,
                   lambda reps: matched_retention(reps, 300)),
}  # fmt: skip


@click.command()
@click.argument("rows", nargs=-1, type=click.Choice(sorted(ROWS)))
@click.option("--scale", default=1.0, show_default=True, help="Repetitions, as a share of the declared ones.")
@click.option("--out", type=click.Path(path_type=Path), default=RESULTS, help="Where the results are kept.")
@click.option("--again", is_flag=True, help="Measure everything anew.")
def main(rows: tuple[str, ...], scale: float, out: Path, again: bool) -> None:
    """Measure ROWS (default: all that are not there yet) and print the table."""
    found: dict[str, Any] = json.loads(out.read_text()) if out.is_file() and not again else {}
    for name in rows or ROWS:
        row = ROWS[name]
        reps = max(1, round(row.reps * scale))
        if name in found and found[name]["repetitions"] == reps and not rows:
            continue
        started = time.process_time()
        found[name] = {"repetitions": reps, "measured": row.measure(reps)}
        found[name]["seconds"] = round(time.process_time() - started, 1)
        out.write_text(json.dumps({key: found[key] for key in ROWS if key in found}, indent=2) + "\n")
    click.echo(table(found))


def table(found: dict[str, Any]) -> str:
    """The table in Markdown."""
    lines = ["| what | nominal | version 1 | measured |", "|---|---|---|---|"]
    for name, row in ROWS.items():
        if name in found:
            lines.append(f"| {row.what} | {row.nominal} | {row.version_1} | {said(found[name]['measured'])} |")
    return "\n".join(lines)


def said(measured: Any) -> str:
    """One measured cell."""
    if isinstance(measured, dict):
        return f"{measured['mean']:.4f}, bias {measured['bias_points']:+.2f} points, covers {measured['covers']:.3f}"
    return f"{measured:.3f}"


if __name__ == "__main__":
    main()
