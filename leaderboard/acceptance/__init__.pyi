from .pull_request import take
from .report import Report, counted, numbers_line, report_lines, summary_line
from .workers import validate_all

__all__ = [
    "Report",
    "counted",
    "numbers_line",
    "report_lines",
    "summary_line",
    "take",
    "validate_all",
]
