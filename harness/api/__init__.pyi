from .checking import Check, PlannedCheck, check, plan_check
from .comparing import RunLike, compare, measure_pair_drift, trajectory
from .evaluating import (
    Evaluation,
    EvaluationFailedError,
    Settings,
    evaluate,
    evaluate_pairs,
    measure_base_noise,
    screen_pairs,
)
from .opening import open_run, open_suite, suites

__all__ = [
    "Check",
    "Evaluation",
    "EvaluationFailedError",
    "PlannedCheck",
    "RunLike",
    "Settings",
    "check",
    "compare",
    "evaluate",
    "evaluate_pairs",
    "measure_base_noise",
    "measure_pair_drift",
    "open_run",
    "open_suite",
    "plan_check",
    "screen_pairs",
    "suites",
    "trajectory",
]
