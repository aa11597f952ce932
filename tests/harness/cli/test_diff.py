"""``retention diff --tasks``: which of two fine-tunes solves more of each task, and whether it is shown."""

import json
from pathlib import Path

from click.testing import CliRunner

from harness.cli.diff import command
from harness.scoring import run_differences
from tests.support.synthetic import synthetic_run


def test_every_task_is_told_with_its_verdict(tmp_path: Path) -> None:
    lost = {"jigsaw_2x2": 0.9, "math_addition": 0.4, "math_word": 0.9, "science_elements": 0.9,
            "vision_colour": 0.9, "vision_count": 0.99}  # fmt: skip
    first = synthetic_run(tmp_path / "first", name="one\x1b[31m")
    second = synthetic_run(tmp_path / "second", name="two", accuracy=lost, seed=2)
    found = run_differences(first, second)
    folders = [str(tmp_path / "first"), str(tmp_path / "second")]
    shown = CliRunner().invoke(command, ["--tasks", *folders])
    assert shown.exit_code == 0, shown.output
    lines = {line.split()[0]: line for line in shown.output.splitlines() if line.strip()}
    assert "first higher" in lines["math_addition"]
    assert "no difference shown" in lines["math_word"]
    assert "second higher" in lines["vision_count"]
    assert "\x1b" not in shown.output
    rows = [
        json.loads(line) for line in CliRunner().invoke(command, ["--tasks", "--json", *folders]).output.splitlines()
    ]
    assert [(row["task"], row["p_holm"], row["shown"]) for row in rows] == [
        (each.task, each.p_holm, each.shown) for each in found
    ]
