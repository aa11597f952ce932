"""Scoring: pure. What a pair of runs says (README.md states the formulas)."""

from harness.scoring.scorecard import Scorecard
from harness.scoring.scorer import score_pair, transitions

__all__ = ["Scorecard", "score_pair", "transitions"]
