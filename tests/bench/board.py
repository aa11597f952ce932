"""How long a board of N entries takes to build, cold and warm, and how much memory the build and its workers hold.

Each build is the command itself in a process of its own. Memory is the sum of the resident sets of all its processes,
looked at five times a second, so that pages they share are counted more than once.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.bench.boards import ITEMS, write_board

ROOT = Path(__file__).parents[2]
PER_TRACK = 500
COLD_SECONDS, WARM_SECONDS, MEMORY_MIB, LINEAR = 60, 8, 1500, 1.5
_LOOK_SECONDS = 0.2


def measure(sizes: Sequence[int], say: Callable[[str], None]) -> dict[str, Any]:
    """Build boards of each of ``sizes`` entries twice; the first build finds an empty cache."""
    points = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            say(f"board: writing {size} entries")
            write_board(Path(folder), size, PER_TRACK)
            point: dict[str, Any] = {"entries": size}
            for kind in ("cold", "warm"):
                point[kind] = _build(Path(folder))
                say(f"board: {size} entries, {kind}: {point[kind]}")
            index = Path(folder, "public", "index.html").read_bytes()
            point["index_bytes"], point["index_gzip_bytes"] = len(index), len(gzip.compress(index, 9, mtime=0))
            points.append(point)
    return {"items": sum(ITEMS), "per_track": PER_TRACK, "points": points}


def _build(root: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "leaderboard.cli", "board", "build", "--json"]
    for option, name in (
        ("submissions", "submissions"), ("bases", "bases"), ("events", "events"), ("out", "public"), ("cache", "cache")
    ):  # fmt: skip
        command += [f"--{option}", str(root / name)]
    used, started = _cpu_seconds(), time.monotonic()
    with (root / "summary.json").open("w") as told:
        child = subprocess.Popen(command, cwd=ROOT, stdout=told, env={**os.environ, "PYTHONPATH": str(ROOT)})
        peak = 0.0
        while child.poll() is None:
            peak = max(peak, _resident(child.pid))
            time.sleep(_LOOK_SECONDS)
    seconds = time.monotonic() - started
    if child.returncode or json.loads((root / "summary.json").read_text())["left_out"]:
        raise RuntimeError("the build failed or left entries out")
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(_cpu_seconds() - used, 1),
        "peak_mib": round(peak / 2**20),
    }


def _resident(pid: int) -> float:
    """Bytes of the resident sets of a process and all below it."""
    try:
        parent = psutil.Process(pid)
        return float(sum(_rss(process) for process in [parent, *parent.children(recursive=True)]))
    except psutil.NoSuchProcess:
        return 0.0


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def growth(points: Sequence[dict[str, Any]], kind: str) -> float:
    """Processor seconds an entry at the largest size over those at the smallest but one: 1 is linear.

    The smallest is left out, as starting the program outweighs its entries.
    """
    costs = [point[kind]["cpu_seconds"] / point["entries"] for point in points]
    return round(costs[-1] / costs[min(1, len(costs) - 1)], 2)


def plot(points: Sequence[dict[str, Any]]) -> str:
    """Seconds over entries, both logarithmic, as an SVG; dashed lines are what linear growth from the middle gives."""
    left, top, width, height = 70, 40, 480, 300
    sizes = [point["entries"] for point in points]
    values = [point[kind][unit] for point in points for kind in ("cold", "warm") for unit in ("seconds", "cpu_seconds")]
    low_x, high_x, low_y, high_y = _decades(sizes), _decades(sizes, 1), _decades(values), _decades(values, 1)

    def x(value: float) -> float:
        return round(left + width * (_log(value) - low_x) / (high_x - low_x), 1)

    def y(value: float) -> float:
        return round(top + height * (high_y - _log(value)) / (high_y - low_y), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 110} {top + height + 50}" role="img">',
        "<title>Seconds to build a board, over its entries</title>",
        f'<rect width="{left + width + 110}" height="{top + height + 50}" fill="#fff"/>',
        '<g font-family="sans-serif" font-size="12" fill="#333">',
    ]
    for decade in range(low_x, high_x + 1):
        parts.append(_text(x(10**decade), top + height + 18, f"{10**decade:,}", "middle"))
        parts.append(_line([(x(10**decade), top), (x(10**decade), top + height)], "#ddd"))
    for decade in range(low_y, high_y + 1):
        parts.append(_text(left - 8, y(10**decade) + 4, f"{10.0**decade:g}", "end"))
        parts.append(_line([(left, y(10**decade)), (left + width, y(10**decade))], "#ddd"))
    parts.append(_text(left + width / 2, top + height + 40, "entries", "middle"))
    parts.append(_text(left - 8, top - 20, "seconds", "end"))
    for kind, colour in (("cold", "#a3330d"), ("warm", "#12507b")):
        found = [(x(point["entries"]), y(point[kind]["cpu_seconds"])) for point in points]
        middle = points[len(points) // 2]
        straight = [middle[kind]["cpu_seconds"] * size / middle["entries"] for size in (sizes[0], sizes[-1])]
        ends = [
            (x(size), y(max(value, 10**low_y))) for size, value in zip((sizes[0], sizes[-1]), straight, strict=True)
        ]
        parts += [_line(ends, colour, ' stroke-dasharray="4 4"'), _line(found, colour, ' stroke-width="2"')]
        parts += [f'<circle cx="{at}" cy="{up}" r="4" fill="{colour}"/>' for at, up in found]
        parts.append(_text(found[-1][0] + 10, found[-1][1] + 4, f"{kind}, CPU", "start"))
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def _log(value: float) -> float:
    return math.log10(value)


def _decades(values: Sequence[float], up: int = 0) -> int:
    found = [_log(value) for value in values]
    return math.ceil(max(found)) if up else math.floor(min(found))


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{text}</text>'


def _line(points: Sequence[tuple[float, float]], colour: str, more: str = "") -> str:
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}"{more}/>'
