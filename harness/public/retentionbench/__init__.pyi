from harness import __version__
from harness.api import (
    Evaluation,
    EvaluationFailedError,
    compare,
    evaluate,
    evaluate_pairs,
    measure_base_noise,
    measure_pair_drift,
    open_run,
    open_suite,
    plan,
    screen_pairs,
    suites,
    trajectory,
)
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation import Estimate, Watcher
from harness.records import Run, RunError, Suite, SuiteError, Table
from harness.report import render_pair_page
from harness.scoring import Scorecard, Trajectory

__all__ = [
    "CheckFailedError",
    "Estimate",
    "Evaluation",
    "EvaluationFailedError",
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
    "compare",
    "evaluate",
    "evaluate_pairs",
    "measure_base_noise",
    "measure_pair_drift",
    "open_run",
    "open_suite",
    "plan",
    "render_pair_page",
    "screen_pairs",
    "suites",
    "trajectory",
]
