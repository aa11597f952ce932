from .comparing import RunLike, compare, measure_pair_drift, trajectory
from .evaluating import (
    Evaluation,
    EvaluationFailedError,
    Settings,
    engine_note,
    evaluate,
    evaluate_pairs,
    measure_base_noise,
    screen_pairs,
)
from .opening import open_run, open_suite, suites

__all__ = [
    "Evaluation",
    "EvaluationFailedError",
    "RunLike",
    "Settings",
    "compare",
    "engine_note",
    "evaluate",
    "evaluate_pairs",
    "measure_base_noise",
    "measure_pair_drift",
    "open_run",
    "open_suite",
    "screen_pairs",
    "suites",
    "trajectory",
]
