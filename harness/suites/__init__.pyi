from .availability import missing_data
from .catalogue import TaskFile, find_task, find_tasks, image_tasks
from .choice import SuiteChoice, given_suite, suite_for
from .freezing import freeze, open_suite, sample, verify
from .parts import part_of
from .preview import preview_item

__all__ = [
    "SuiteChoice",
    "TaskFile",
    "find_task",
    "find_tasks",
    "freeze",
    "given_suite",
    "image_tasks",
    "missing_data",
    "open_suite",
    "part_of",
    "preview_item",
    "sample",
    "suite_for",
    "verify",
]
