"""Trajectory: the gain x retention curve of one training run, for the terminal and as a page of its own."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.report.encode import write_plainly
from harness.report.page import environment
from harness.scoring import (
    LEVELS,
    Point,
    Trajectory,
    point_interval,
    points,
    printable,
    rate_interval,
    share,
)

_NAME = 24
_TICKS = (0, 0.25, 0.5, 0.75, 1)
# The drawing's plane in user units; the template draws axes and labels around it.
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 620.0, 16.0, 300.0


def render_trajectory(trajectory: Trajectory, console: Console) -> None:
    """Print the checkpoints in training order, then retention at matched gain. Names are printed as text."""
    write_plainly(console.file)
    n = sum(trajectory.suite.tasks.values())
    on = trajectory.target or "no target"
    subject = f"{on}, {trajectory.suite.name}-{trajectory.suite.version}, {n:,} items"
    console.print(Text(printable(subject), "dim"))
    if not trajectory.provenance.checked:
        console.print(Text("provenance not checked", "bold yellow"))
    console.print()
    table = _table("checkpoint", "gain", "95 %", "normalised", "retention", "95 %")
    for point in trajectory.points:
        table.add_row(
            Text(printable(point.model.name)),
            points(point.gain),
            point_interval(point.gain_ci),
            share(point.normalised_gain),
            share(point.retention_macro),
            rate_interval(point.retention_macro_ci),
        )
    console.print(table)
    if trajectory.matched:
        console.print(Text("\nRetention at matched gain", "bold"))
    for matched in trajectory.matched:
        reason = matched.reasons.get("retention_macro") or matched.reasons.get("retention_macro_ci")
        interval = "" if matched.retention_macro_ci is None else f" {rate_interval(matched.retention_macro_ci)}"
        value = share(matched.retention_macro)
        said = f"{value}{interval}{f' ({reason})' if reason else ''}{f'; {matched.warning}' if matched.gap else ''}"
        console.print(f"normalised gain {matched.normalised_gain * 100:.0f} %: {said}", highlight=False)


def render_trajectory_page(trajectory: Trajectory) -> str:
    """The curve as self-contained HTML; the same bytes for the same runs, and everything named is escaped."""
    return (
        environment()
        .get_template("trajectory.html.j2")
        .render(
            trajectory=trajectory,
            shown=_shown(trajectory),
            x=_x,
            y=_y,
            levels=LEVELS,
            ticks=_TICKS,
        )
    )


def _shown(trajectory: Trajectory) -> list[tuple[float, Point]]:
    """The points that have a retention, each with its place from left to right: its normalised gain, or without a
    target its place in the order of training, the base at 0 and the last at 1."""
    last = len(trajectory.points) - 1
    places = [
        place / last if trajectory.target is None else point.normalised_gain
        for place, point in enumerate(trajectory.points)
    ]
    return [
        (at, point)
        for at, point in zip(places, trajectory.points, strict=True)
        if at is not None and point.retention_macro is not None
    ]


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in columns:
        left = name in ("checkpoint", "95 %")
        table.add_column(
            name,
            justify="left" if left else "right",
            # Where it is narrow names give way, never numbers.
            no_wrap=name != "checkpoint",
            max_width=_NAME if name == "checkpoint" else None,
            overflow="ellipsis",
        )
    return table


def _x(gain: float) -> float:
    """Where a normalised gain is drawn; below 0 it is drawn on the edge, and the table has the value."""
    return round(_LEFT + max(gain, -0.05) * (_RIGHT - _LEFT), 2)


def _y(retention: float) -> float:
    return round(_BOTTOM - retention * (_BOTTOM - _TOP), 2)
