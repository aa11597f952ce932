from .asking import Asking, chance_of, judge_box, judge_contains, judge_exact
from .cells import GoldenError
from .reader import GoldenFile
from .rows import JUDGES, GoldenRow, GoldenRows, Judge, read_golden

__all__ = [
    "JUDGES",
    "Asking",
    "GoldenError",
    "GoldenFile",
    "GoldenRow",
    "GoldenRows",
    "Judge",
    "chance_of",
    "judge_box",
    "judge_contains",
    "judge_exact",
    "read_golden",
]
