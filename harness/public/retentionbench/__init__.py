"""RetentionBench: how much did a fine-tune teach a model, and how much did it make the model forget?

    import retentionbench as rb

    card = rb.evaluate("nano:base", "nano:sft", suite="nano-1", target="jigsaw")   # checkpoints: runs them and scores
    print(rb.check("nano:base", "nano:sft").summary())                             # a quick part of a suite that fits
    card = rb.compare("runs/BASE", "runs/TUNED", target="jigsaw")                  # runs, tables, frames: only scores
    print(card.summary())
    card.to_frame()                                                                # one row a task, rates in [0, 1]

Whatever is wrong with what is given is a :class:`RetentionError`, one line that names it and the way out. Nothing heavy
is imported before it is used.
"""

from importlib import import_module
from typing import Any

from harness import __version__

# For type checkers, the same names are in __init__.pyi.
_HOMES = {
    "harness.api": (
        "Check",
        "Evaluation",
        "EvaluationFailedError",
        "check",
        "compare",
        "evaluate",
        "evaluate_pairs",
        "measure_base_noise",
        "measure_pair_drift",
        "open_run",
        "open_suite",
        "plan",
        "own_card",
        "screen_pairs",
        "suites",
        "trajectory",
    ),
    "harness.errors": ("CheckFailedError", "RetentionError"),
    "harness.evaluation": ("Estimate", "Watcher"),
    "harness.exports": ("Exported", "export_run"),
    "harness.records": ("Run", "RunError", "Suite", "SuiteError", "Table"),
    "harness.report": ("render_junit", "render_pair_markdown", "render_pair_page"),
    "harness.scoring": ("RuleResult", "Scorecard", "Trajectory", "apply_rule", "apply_rules", "parse_rule"),
    "harness.suites": ("GoldenSuite", "suite_from_file"),
    "harness.training": ("RetentionCallback",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = getattr(import_module(_HOME_OF[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
