from .accepting import Decision, accept_entries
from .event_request import check_events
from .pull_request import take
from .replacing import Replacement, replace_base
from .report import Report, counted, numbers_line, report_lines, summary_line
from .workers import validate_all

__all__ = [
    "Decision",
    "Replacement",
    "Report",
    "accept_entries",
    "check_events",
    "counted",
    "numbers_line",
    "replace_base",
    "report_lines",
    "summary_line",
    "take",
    "validate_all",
]
