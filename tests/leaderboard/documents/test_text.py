"""Text by others loses what could mislead or break a page, a file or a spreadsheet, and keeps what it says."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.documents.text import clean, clean_document, columns, deceptive, spreadsheet_cell


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


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\u6a21\u578b" * 9, "\u6a21\u578b\u6a21\u578b…"),
        ("\U0001f680" * 9, "\U0001f680" * 4 + "…"),
        ("z\u0335\u0336" * 9, "z\u0335\u0336" * 9),
        ("z\u0335\u0336" * 11, "z\u0335\u0336" * 9 + "…"),
        ("\ufdfd" * 9, "…"),
        ("\ufdfa", "…"),
        ("\U0001242b" * 9, "\U0001242b" * 2 + "…"),
        ("\u05d0" * 11, "\u05d0" * 9 + "…"),
    ],
)
def test_what_is_wide_is_cut_by_its_width(raw: str, shown: str) -> None:
    assert clean(raw, 10) == shown
    assert columns(shown) <= 10


@given(st.text(max_size=300))
def test_clean_is_idempotent_and_leaves_no_control_character(raw: str) -> None:
    once = clean(raw, 100)
    assert clean(once, 100) == once
    assert columns(once) <= 100
    assert not any(unicodedata.category(char).startswith("C") for char in once)


def test_clean_document_reaches_keys_and_nested_texts() -> None:
    assert clean_document({"a\u202e": ["b\u200b", 1, None, {"c": ("d\x00",)}]}) == {"a": ["b", 1, None, {"c": ["d"]}]}


@pytest.mark.parametrize(
    "formula", ["=1+1", "+cmd", "-2", "@SUM(A1)", "\t=1", "\u200b=1", "\uff1d1", "\ufe62", "\u207a1"]
)
def test_a_spreadsheet_runs_no_formula(formula: str) -> None:
    assert spreadsheet_cell(formula).startswith("'")


def test_a_spreadsheet_that_splits_at_semicolons_runs_none_either() -> None:
    assert spreadsheet_cell("name;=1+1; @x;y") == "name;'=1+1; '@x;y"


@given(st.text(max_size=40))
def test_no_cell_or_half_of_one_starts_like_a_formula(raw: str) -> None:
    for part in spreadsheet_cell(raw).split(";"):
        assert not unicodedata.normalize("NFKC", part).lstrip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize(
    "name",
    [
        "nano-sft",
        "Qwen2.5-VL-7B",
        "a<b>&",
        "\u6a21\u578bv1",
        "\u30e2\u30c7\u30ebA",
        "\u03b2-VAE",
        "Gr\u00fc\u00dfe \u00c9t\u00e9",
        "Hy\u00e4ne \u0424\u0438\u043b\u0438\u043d",
    ],
)
def test_names_in_any_one_script_are_names(name: str) -> None:
    assert deceptive(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Qw\u0435n", "several scripts"),
        ("\u041ewen", "several scripts"),
        ("\u0430\u0441\u0435-7b", "look like Latin"),
        ("\u0391\u0399", "look like Latin"),
        ("\U0001d410wen", "variants of plain ones"),
        ("\uff31wen", "variants of plain ones"),
        ("\ufb01ne", "variants of plain ones"),
        ("nano\u200b-sft", "invisible characters"),
        *(
            (f"nano{unseen}-sft", "invisible characters")
            for unseen in "\ufe0f\u034f\u17b4\u180b\u2800\u3164\uffa0\U000e0100"
        ),
        ("\u202enano", "invisible characters"),
        ("nano-sft ", "invisible characters"),
        ("e\u0301", "invisible characters"),
        ("nano\n", "invisible characters"),
        ("\u6a21\u0444", "several scripts"),
    ],
)
def test_names_that_pass_for_others_are_told(name: str, why: str) -> None:
    assert why in (deceptive(name) or "")


@given(st.text(max_size=60))
def test_any_text_is_judged(raw: str) -> None:
    assert deceptive(raw) is None or deceptive(raw)


def test_numbers_stay_numbers_in_a_spreadsheet() -> None:
    assert [spreadsheet_cell(value) for value in (-0.5, 3, None, "plain")] == ["-0.5", "3", "", "plain"]
