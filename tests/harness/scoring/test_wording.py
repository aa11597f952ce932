"""How numbers and untrusted names are written."""

import pytest
from rich.cells import cell_len

from harness.scoring import wording


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (wording.points(-0.385), "\N{MINUS SIGN}38.5"),
        (wording.points(0.385), "+38.5"),
        (wording.points(-0.0004), "0.0"),
        (wording.points(0.0), "0.0"),
        (wording.points(-0.0), "0.0"),
        (wording.points(None), "n/a"),
        (wording.per_cent(0.915), "91.5"),
        (wording.per_cent(-0.016), "\N{MINUS SIGN}1.6"),
        (wording.per_cent(-0.0001), "0.0"),
        (wording.share(0.915), "91.5 %"),
        (wording.share(None), "n/a"),
        (wording.plain(wording.points(-0.385)), "-38.5"),
        (wording.point_interval((-0.02, 0.0)), "[\N{MINUS SIGN}2.0, 0.0]"),
        (wording.rate_interval(None), "n/a"),
        (wording.p_value(0.0001), "<.001"),
        (wording.p_value(0.0312), ".031"),
        (wording.p_value(1.0), "1"),
        (wording.printable("a\x00b\r\u202ec\n\td\u00e9"), "a\ufffdb\ufffd\ufffdc\n\td\u00e9"),
    ],
)
def test_wording(written: str, expected: str) -> None:
    assert written == expected


def test_durations_are_for_people() -> None:
    assert [wording.duration(each) for each in (0.4, 59.4, 60, 200, 3599, 3600, 9000)] == [
        "0 s", "59 s", "1 min 0 s", "3 min 20 s", "59 min 59 s", "1 h 0 min", "2 h 30 min"
    ]  # fmt: skip


def test_sizes_are_for_people() -> None:
    assert [wording.byte_size(each) for each in (0, 999, 1000, 5_400_000, 14.2e9)] == [
        "0 B", "999 B", "1 KB", "5 MB", "14.2 GB"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["\u6f22\u5b57", "\U0001f389\U0001f389", "e\u0301\u0301", "\u05e9\u05dc\u05d5\u05dd", "plain"]
)
def test_columns_start_below_each_other_whatever_the_script_of_a_name(name: str) -> None:
    head, first, second = wording.align_columns(("name", "n"), [(name, "12"), ("a longer name", "3")], ("name",))
    assert {cell_len(line) for line in (head, first, second)} == {len("a longer name  12")}
    (right, *_) = wording.align_columns(("name",), [(name,), ("a longer name",)], ())[1:]
    assert cell_len(right) == len("a longer name")
