from harness import __version__
from harness.api import (
    Check,
    Evaluation,
    EvaluationFailedError,
    check,
    compare,
    evaluate,
    evaluate_pairs,
    measure_base_noise,
    measure_pair_drift,
    open_run,
    open_suite,
    screen_pairs,
    suites,
    trajectory,
)
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation import Watcher
from harness.records import Run, RunError, Suite, SuiteError, Table
from harness.report import render_pair_page
from harness.scoring import Scorecard, Trajectory
from harness.training import RetentionCallback

__all__ = [
    "Check",
    "CheckFailedError",
    "Evaluation",
    "EvaluationFailedError",
    "RetentionCallback",
    "RetentionError",
    "Run",
    "RunError",
    "Scorecard",
    "Suite",
    "SuiteError",
    "Table",
    "Trajectory",
    "Watcher",
    "__version__",
    "check",
    "compare",
    "evaluate",
    "evaluate_pairs",
    "measure_base_noise",
    "measure_pair_drift",
    "open_run",
    "open_suite",
    "render_pair_page",
    "screen_pairs",
    "suites",
    "trajectory",
]
