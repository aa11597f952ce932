"""Marks of truncation: those that truncation writes hold, those that were written by hand do not."""

import pandas as pd
import pytest

from harness.records.run import FullLog
from leaderboard.acceptance.cuts import cut_marks
from leaderboard.submit.shortening import cut

LOG = FullLog(samples_sha256="a" * 64, size=10_000, cut=1)
LONG = "word " * 400
MARK = "\n[... 1800 characters left out, sha256 0123456789abcdef ...]\n"


def rules(*outputs: str, tokens: int = 400, log: FullLog | None = LOG, size: int = 5_000) -> list[str]:
    rows = pd.DataFrame({"item_id": [f"{at:064d}" for at in range(len(outputs))], "output": outputs})
    return [each.rule for each in cut_marks("f", rows.assign(n_output_tokens=tokens), log, size)]


@pytest.mark.parametrize("kept", [256, 512, 1024])
def test_what_truncation_writes_holds(kept: int) -> None:
    assert rules("short", cut(LONG, kept), cut(LONG * 2, kept)) == []
    assert rules("short") == []


@pytest.mark.parametrize(
    "outputs",
    [
        (f"Let me see.{MARK}The answer is 7.",),
        (MARK + "7" * 256,),
        ("a" * 128 + MARK + "7" * 128,),
        (cut(LONG, 256), cut(LONG, 512)),
        (("a" * 64 + MARK + "7" * 192).replace("1800", "0"),),
    ],
)
def test_a_mark_of_another_shape_is_refused(outputs: tuple[str, ...]) -> None:
    assert rules(*outputs) == ["cut-mark"]


def test_a_mark_must_fit_the_tokens_and_the_full_log() -> None:
    whole = cut(LONG, 256)
    assert rules(whole, tokens=15) == ["cut-mark"]
    assert rules(whole, tokens=16) == []
    assert rules(whole, size=10_000) == ["cut-mark"]
