from .accepting import Decision, accept_entries
from .event_request import check_events
from .pull_request import take
from .report import Report, counted, numbers_line, report_lines, summary_line
from .workers import validate_all

__all__ = [
    "Decision",
    "Report",
    "accept_entries",
    "check_events",
    "counted",
    "numbers_line",
    "report_lines",
    "summary_line",
    "take",
    "validate_all",
]
