"""Text by others loses what could mislead or break a page, a file or a spreadsheet, and keeps what it says."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.text import clean, clean_document, spreadsheet_cell


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("nano-sft", "nano-sft"),
        ("\u202egnp.exe", "gnp.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("two\n\nlines\tand\u2028more", "two lines and more"),
        ("nul\x00bell\x07", "nulbell"),
        ("e\u0301", "é"),
        ("z" + "\u0335" * 40, "z" + "\u0335" * 3),
        ("\ue000private\ud800", "private"),
    ],
)
def test_clean_removes_what_cannot_be_seen(raw: str, shown: str) -> None:
    assert clean(raw) == shown


def test_clean_caps_with_a_sign_that_something_is_missing() -> None:
    assert clean("x" * 600, cap=10) == "x" * 9 + "…"


@given(st.text(max_size=300))
def test_clean_is_idempotent_and_leaves_no_control_character(raw: str) -> None:
    once = clean(raw, 100)
    assert clean(once, 100) == once
    assert len(once) <= 100
    assert not any(unicodedata.category(char).startswith("C") for char in once)


def test_clean_document_reaches_keys_and_nested_texts() -> None:
    assert clean_document({"a\u202e": ["b\u200b", 1, None, {"c": ("d\x00",)}]}) == {"a": ["b", 1, None, {"c": ["d"]}]}


@pytest.mark.parametrize("formula", ["=1+1", "+cmd", "-2", "@SUM(A1)", "\t=1", "\u200b=1", "\uff1d1"])
def test_a_spreadsheet_runs_no_formula(formula: str) -> None:
    assert spreadsheet_cell(formula).startswith("'")


def test_numbers_stay_numbers_in_a_spreadsheet() -> None:
    assert [spreadsheet_cell(value) for value in (-0.5, 3, None, "plain")] == ["-0.5", "3", "", "plain"]
