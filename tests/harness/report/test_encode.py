"""What a terminal cannot show is written plainly."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report import write_plainly
from harness.scoring import wording


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8", "\N{MINUS SIGN}38.5 \N{MIDDLE DOT} \N{FULL BLOCK}"),
        ("ascii", "-38.5 - #"),
        ("cp437", "-38.5 \N{MIDDLE DOT} \N{FULL BLOCK}"),
    ],
)
def test_a_stream_shows_a_true_minus_where_it_can(encoding: str, written: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    write_plainly(stream)
    stream.write(f"{wording.points(-0.385)} \N{MIDDLE DOT} \N{FULL BLOCK}")
    stream.flush()
    assert raw.getvalue().decode(encoding) == written


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_stops_a_stream(text: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    write_plainly(stream)
    stream.write(text)
    stream.flush()


def test_a_stream_in_memory_stays_as_it_is() -> None:
    stream = io.StringIO()
    write_plainly(stream)
    stream.write(wording.MINUS)
    assert stream.getvalue() == wording.MINUS
