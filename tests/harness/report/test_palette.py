"""Colours of a terminal can be read on white and on black, and mean what they mean on a page."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from harness.report import IN_TERMINALS, TRANSITIONS, render_pair
from harness.scoring import Scorecard, score_pair
from tests.support.synthetic import TASKS, synthetic_run


def luminance(colour: str) -> float:
    """WCAG's relative luminance of ``#rrggbb``."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("name", TRANSITIONS)
def test_a_terminal_may_be_light_or_dark(name: str) -> None:
    own = luminance(IN_TERMINALS[name])
    assert min(1.05 / (own + 0.05), (own + 0.05) / 0.05) >= 4


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    folder: Path = tmp_path_factory.mktemp("runs")
    accuracy = {task.name: 0.9 for task in TASKS} | {"jigsaw_2x2": 0.1}
    base = synthetic_run(folder / "base", accuracy=accuracy)
    tuned = accuracy | {"jigsaw_2x2": 0.9, "math_word": 0.3}
    return score_pair(base, synthetic_run(folder / "tuned", name="tuned", accuracy=tuned, seed=2), "jigsaw")


def painted(card: Scorecard, **console: bool) -> str:
    stream = io.StringIO()
    render_pair(card, Console(file=stream, width=80, force_terminal=True, color_system="truecolor", **console))  # type: ignore[arg-type]
    return stream.getvalue()


def escape(colour: str) -> str:
    return "38;2;" + ";".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))


def test_forgot_and_learned_have_their_colours(card: Scorecard) -> None:
    lines = painted(card).splitlines()
    (lost,) = [line for line in lines if "math_word" in line and "forgot" in line]
    (gain,) = [line for line in lines if "Gain" in line]
    assert escape(IN_TERMINALS["forgotten"]) in lost
    assert escape(IN_TERMINALS["learned"]) in gain


def test_no_color_is_none(card: Scorecard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "38;2;" not in painted(card)
    assert "math_word" in painted(card)
