"""Case 2 of harness/scoring/README.md on a real engine: the nano base against a second run of itself."""

from pathlib import Path

import pytest

from harness.engines.settings import EngineSettings
from harness.evaluation.noise import measure_noise
from harness.evaluation.plan import make_plan
from harness.suites.freezing import sample
from tests.support.evaluating import Silent
from tests.support.fakes import part_of_nano


@pytest.mark.usefixtures("engines")
def test_the_nano_base_agrees_with_itself_in_float32(tmp_path: Path) -> None:
    """Greedy in float32, another order and batch size move no answer; where they did, F and BT would have to cancel."""
    suite = tmp_path / "few-1.yaml"
    sample(str(part_of_nano(tmp_path, "math_arithmetic", "vision_colour")), 100, suite)
    settings = EngineSettings(name="transformers", dtype="float32", max_model_len=256)
    _, floor = measure_noise(make_plan("nano:base", (), str(suite), None, settings, tmp_path / "runs"), Silent())
    assert sum(task.outputs_differ for task in floor.tasks.values()) <= 3
    assert all(task.delta_ci[0] <= 0 <= task.delta_ci[1] for task in floor.tasks.values())
    print({name: (task.forgotten, task.learned, task.outputs_differ) for name, task in floor.tasks.items()})
