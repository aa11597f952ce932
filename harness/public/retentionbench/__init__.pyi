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
    own_card,
    plan,
    screen_pairs,
    suites,
    trajectory,
)
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation import Estimate, Watcher
from harness.exports import Exported, export_run
from harness.records import Run, RunError, Suite, SuiteError, Table
from harness.report import render_junit, render_pair_markdown, render_pair_page
from harness.scoring import RuleResult, Scorecard, Trajectory, apply_rule, apply_rules, parse_rule
from harness.suites import GoldenSuite, suite_from_file
from harness.training import RetentionCallback

__all__ = [
    "Check",
    "CheckFailedError",
    "Estimate",
    "Evaluation",
    "EvaluationFailedError",
    "Exported",
    "GoldenSuite",
    "RetentionCallback",
    "RetentionError",
    "RuleResult",
    "Run",
    "RunError",
    "Scorecard",
    "Suite",
    "SuiteError",
    "Table",
    "Trajectory",
    "Watcher",
    "__version__",
    "apply_rule",
    "apply_rules",
    "check",
    "compare",
    "evaluate",
    "evaluate_pairs",
    "export_run",
    "measure_base_noise",
    "measure_pair_drift",
    "open_run",
    "open_suite",
    "own_card",
    "parse_rule",
    "plan",
    "render_junit",
    "render_pair_markdown",
    "render_pair_page",
    "screen_pairs",
    "suite_from_file",
    "suites",
    "trajectory",
]
