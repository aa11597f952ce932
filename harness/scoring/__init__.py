"""Scoring: pure. What an answer was, and what a pair of runs says (README.md states the law)."""

from harness.scoring.outcomes import (
    Judgement,
    cut_off,
    extract_answer,
    judge_choice,
    judge_number,
    judge_permutation,
    judge_text,
)

__all__ = [
    "Judgement",
    "cut_off",
    "extract_answer",
    "judge_choice",
    "judge_number",
    "judge_permutation",
    "judge_text",
]
