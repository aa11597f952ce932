from .catalogue import TaskFile, find_task, find_tasks, image_tasks
from .freezing import freeze, open_suite, sample, verify
from .from_table import GoldenSuite, suite_from_file
from .preview import preview_item, prompt_style_of

__all__ = [
    "GoldenSuite",
    "TaskFile",
    "find_task",
    "find_tasks",
    "freeze",
    "image_tasks",
    "open_suite",
    "preview_item",
    "prompt_style_of",
    "sample",
    "suite_from_file",
    "verify",
]
