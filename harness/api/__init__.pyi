from .cards import own_card
from .checking import Check, PlannedCheck, check, plan_check
from .comparing import RunLike, compare, measure_pair_drift, trajectory
from .evaluating import (
    Evaluation,
    EvaluationFailedError,
    Settings,
    engine_note,
    evaluate,
    evaluate_pairs,
    measure_base_noise,
    plan,
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
    "engine_note",
    "evaluate",
    "evaluate_pairs",
    "measure_base_noise",
    "measure_pair_drift",
    "open_run",
    "open_suite",
    "own_card",
    "plan",
    "plan_check",
    "screen_pairs",
    "suites",
    "trajectory",
]
