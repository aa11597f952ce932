"""The trajectory's page and table: whole, silent, and obeying no name."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from harness.report.trajectory import render_trajectory, render_trajectory_page
from harness.scoring.trajectory import Trajectory, score_trajectory
from tests.support.markup import Tags
from tests.support.synthetic import TASKS, synthetic_run

EVIL = '"><script>alert(1)</script>[red]x[/red]\x1b[2J'


@pytest.fixture(scope="module")
def curve(tmp_path_factory: pytest.TempPathFactory) -> Trajectory:
    folder = tmp_path_factory.mktemp("runs")
    runs = [
        synthetic_run(
            folder / str(place),
            name=name,
            accuracy={task.name: prior for task in TASKS} | {"jigsaw_2x2": target},
            seed=place,
        )
        for place, (name, target, prior) in enumerate((("base", 0.1, 0.9), (EVIL, 0.02, 0.85), ("late", 0.6, 0.7)))
    ]
    return score_trajectory(runs, "jigsaw", mixed=True)


def test_without_a_target_the_curve_goes_by_the_order_of_training(tmp_path: Path) -> None:
    rates = enumerate((0.9, 0.85, 0.7))
    runs = [synthetic_run(tmp_path / str(n), name=f"at-{n}", accuracy=rate, seed=n) for n, rate in rates]
    curve = score_trajectory(runs, None, mixed=True)
    html = render_trajectory_page(curve)
    assert re.findall(r'<circle cx="([0-9.]+)"', html) == ["56.0", "338.0", "620.0"]
    assert "order of training" in html
    assert "matched gain" not in html
    stream = io.StringIO()
    render_trajectory(curve, Console(file=stream, width=80))
    assert stream.getvalue().startswith("no target, ")
    assert "matched gain" not in stream.getvalue()


def test_the_page_asks_for_nothing_and_obeys_no_name(curve: Trajectory) -> None:
    html = render_trajectory_page(curve)
    tags = Tags(html)
    assert not tags.names & {"script", "img", "link", "iframe", "object", "base", "form"}
    assert not re.search(r"url\(|@import", html)
    assert "default-src 'none'" in html
    assert not {char for char in html if not char.isprintable() and char not in "\n\t"}
    assert html.count("<circle") == 3
    assert "no checkpoint reaches this gain" in html


def test_the_table_is_whole_in_a_pipe_of_80_columns(curve: Trajectory) -> None:
    stream = io.StringIO()
    render_trajectory(curve, Console(file=stream, width=80))
    text = stream.getvalue()
    assert "\x1b" not in text
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "normalised gain 75 %: n/a (no checkpoint reaches this gain)" in text
    assert [line.split()[0] for line in text.splitlines() if line.startswith(("base ", "late "))] == ["base", "late"]
