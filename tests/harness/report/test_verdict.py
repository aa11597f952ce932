"""The verdict of a check: at most ten lines, with what was lost first and what may explain it."""

from pathlib import Path

import pytest

from harness.report import verdict_lines
from harness.scoring import score_pair
from tests.support.synthetic import TASKS, synthetic_run

LOST = "vision_count"


def lines(folder: Path, target: str | None, unparsed: float = 0.0) -> list[str]:
    rates = {task.name: 0.9 for task in TASKS}
    base = synthetic_run(folder / "base", name="base", accuracy=rates)
    lower = {LOST: 0.5, "jigsaw_2x2": 0.95}
    tuned = synthetic_run(folder / "tuned", name="tuned", accuracy=rates | lower, seed=1, unparsed=unparsed)
    return verdict_lines(score_pair(base, tuned, target))


def test_ten_lines_say_what_was_lost_and_kept(tmp_path: Path) -> None:
    found = lines(tmp_path, "jigsaw")
    assert len(found) <= 10
    assert found[0].startswith("tuned against base: Learned jigsaw (+")
    assert found[1].startswith("Gain +")
    (forgot,) = [line for line in found if line.startswith("Forgot (")]
    assert f"{LOST} \N{MINUS SIGN}" in forgot
    (worst,) = [line for line in found if line.startswith("Worst task: ")]
    assert LOST in worst
    assert any(line.startswith("Flips: of ") for line in found)


def test_without_a_target_nothing_is_said_of_a_gain(tmp_path: Path) -> None:
    assert not [line for line in lines(tmp_path, None) if "Gain" in line]


def test_lost_format_explains_the_worst_task(tmp_path: Path) -> None:
    (worst,) = [line for line in lines(tmp_path, "jigsaw", unparsed=0.9) if line.startswith("Worst task: ")]
    assert worst.endswith("lost format more than lost knowledge")
    assert "unparsed answers on" in worst


@pytest.mark.parametrize("target", [None, "jigsaw"])
def test_nothing_lost_has_no_worst_task(tmp_path: Path, target: str | None) -> None:
    base = synthetic_run(tmp_path / "base", name="base")
    tuned = synthetic_run(tmp_path / "tuned", name="tuned")
    found = verdict_lines(score_pair(base, tuned, target))
    assert "Worst task: none, no prior task has a lower score than before" in found
