"""The page and the tables of ``retention dynamics``."""

import io

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harness.report.dynamics import Scale, figure, pair, render_dynamics, render_dynamics_page, signed
from harness.scoring.dynamics.document import Dynamics
from tests.support.explaining import document


def test_the_page_is_whole_and_the_same_bytes_each_time() -> None:
    found = Dynamics.model_validate(document())
    page = render_dynamics_page(found)
    assert page == render_dynamics_page(Dynamics.model_validate_json(found.to_json()))
    html5lib.HTMLParser(strict=True).parse(page)
    for told in ("402", "[350, 460]", "\N{MINUS SIGN}0.2500", "math_word", "nano-1", "tuned", "2.50"):
        assert told in page
    assert page.count("<svg") == 1 + 1 + 3 + 2


def test_a_page_without_probes_and_checkpoints_says_why() -> None:
    bare = document(influence=None, drift=None, probes=None, target_prompts=None)
    bare["reasons"] = dict.fromkeys(("influence", "drift", "probes", "target_prompts"), "no suite was given")
    page = render_dynamics_page(Dynamics.model_validate(bare))
    html5lib.HTMLParser(strict=True).parse(page)
    assert "no suite was given" in page
    assert "In which direction" not in page


def test_what_others_wrote_is_text() -> None:
    hostile = document(base={"name": "<script>alert(1)</script>\u202e", "weights_digest": "a" * 64})
    page = render_dynamics_page(Dynamics.model_validate(hostile))
    assert "<script" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page
    out = io.StringIO()
    hostile["base"]["name"] = "[bold]\x1b[31m"
    render_dynamics(Dynamics.model_validate(hostile), Console(file=out, width=120))
    assert "\x1b" not in out.getvalue()
    assert "[bold]" in out.getvalue()


def test_the_terminal_has_every_table() -> None:
    out = io.StringIO()
    render_dynamics(Dynamics.model_validate(document()), Console(file=out, width=120))
    told = out.getvalue()
    assert "402" in told
    assert "\N{MINUS SIGN}0.2500  [\N{MINUS SIGN}0.5000, +0.1250]" in told
    assert "2.50" in told


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "n/a"), (0, "0.00"), (1.134, "1.13"), (8326.05, "8,326"), (0.0406, "0.0406"), (5e-4, "5.0e-4"),
     (-0.25, "\N{MINUS SIGN}0.250"), (2.5e7, "2.5e7"), (999.6, "1,000"), (-1e-9, "\N{MINUS SIGN}1.0e-9")],
)  # fmt: skip
def test_figures_have_three_digits(value: float | None, written: str) -> None:
    assert figure(value) == written


def test_signs_and_intervals() -> None:
    assert signed(0.5) == "+0.500"
    assert signed(-0.5) == "\N{MINUS SIGN}0.500"
    assert signed(0.0) == "0.00"
    assert pair((1, 20.5)) == "[1.00, 20.5]"
    assert pair((-1, 2), "+") == "[\N{MINUS SIGN}1.00, +2.00]"
    assert pair(None) == "n/a"


def test_scales_hold_their_values() -> None:
    decades = Scale([2.0, 900.0], log=True)
    assert decades.ticks == pytest.approx([1, 10, 100, 1000])
    assert (decades.at(1), decades.at(1000), decades.at(0)) == (0, 100, 0)
    assert decades.at(10) == pytest.approx(33.333)
    around = Scale([-0.3, 0.1], symmetric=True)
    assert around.at(0) == 50
    assert around.at(-0.3) == pytest.approx(100 - around.at(0.3))
    assert min(around.ticks) <= -0.3
    assert max(around.ticks) >= 0.3
    assert len(Scale([0, 12345.0]).ticks) <= 7
    assert Scale([]).at(0) == 0
    assert Scale([5.0, 5.0], log=True).at(5) == pytest.approx(69.897)


@given(st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), min_size=1, max_size=5), st.booleans())
def test_a_scale_has_few_ticks_and_everything_on_it(values: list[float], symmetric: bool) -> None:
    scale = Scale(values, symmetric=symmetric)
    # A symmetric one, or one around 0, may need one more for its rounded ends.
    assert 2 <= len(scale.ticks) <= 8
    places = [scale.at(value) for value in sorted(values)]
    assert places == sorted(places)
    slack = 1e-9 * max(map(abs, values))
    assert scale.ticks[0] <= min(values) + slack
    assert scale.ticks[-1] >= max(values) - slack


def test_tick_labels_are_short() -> None:
    assert [Scale([1], log=True).label(tick) for tick in (1, 1000, 1e6, 1e-4)] == ["1", "1,000", "1e6", "1e-4"]
    assert [Scale([1]).label(tick) for tick in (0.1 + 0.2, -0.0)] == ["0.3", "0"]
