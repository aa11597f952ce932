from .catalogue import TaskFile, find_task, find_tasks, image_tasks
from .freezing import freeze, open_suite, sample, verify
from .preview import preview_item, prompt_style_of

__all__ = [
    "TaskFile",
    "find_task",
    "find_tasks",
    "freeze",
    "image_tasks",
    "open_suite",
    "preview_item",
    "prompt_style_of",
    "sample",
    "verify",
]
