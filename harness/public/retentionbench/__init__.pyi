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
from harness.exports import Exported, export_run
from harness.records import Run, RunError, Suite, SuiteError, Table
from harness.report import render_pair_page
from harness.scoring import Scorecard, Trajectory
from harness.suites import GoldenSuite, suite_from_file

__all__ = [
    "CheckFailedError",
    "Estimate",
    "Evaluation",
    "EvaluationFailedError",
    "Exported",
    "GoldenSuite",
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
    "export_run",
    "measure_base_noise",
    "measure_pair_drift",
    "open_run",
    "open_suite",
    "plan",
    "render_pair_page",
    "screen_pairs",
    "suite_from_file",
    "suites",
    "trajectory",
]
