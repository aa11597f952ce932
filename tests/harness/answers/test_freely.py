"""Free short answers with several right ones."""

import pytest

from harness.answers.freely import judge_freely
from harness.records.samples import Outcome


@pytest.mark.parametrize(
    ("output", "golds", "outcome"),
    [
        ("8.4", ["8.4"], Outcome.CORRECT),
        ("8.40 cm", ["8.4"], Outcome.CORRECT),
        ("8.404", ["8.4"], Outcome.CORRECT),
        ("8.5", ["8.4"], Outcome.WRONG),
        ("0.03", ["0.0301"], Outcome.CORRECT),
        ("0.004", ["0.001"], Outcome.WRONG),
        ("0", ["0"], Outcome.CORRECT),
        ("The answer is 42/5.", ["8.4", "8 2/5"], Outcome.CORRECT),
        ("Mitosis", ["mitosis", "cell division"], Outcome.CORRECT),
        ("the mitosis.", ["mitosis"], Outcome.CORRECT),
        ("meiosis", ["mitosis"], Outcome.WRONG),
        ("Not enough information", ["mitosis"], Outcome.UNPARSED),
        ("", ["8.4"], Outcome.UNPARSED),
    ],
)
def test_one_of_the_golds_is_enough(output: str, golds: list[str], outcome: Outcome) -> None:
    assert judge_freely(output, golds).content.outcome is outcome
