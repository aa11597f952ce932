from .availability import Needed, missing_data, needed_data
from .catalogue import TaskFile, find_task, find_tasks, image_tasks
from .choice import SuiteChoice, given_suite, suite_for
from .freezing import freeze, open_suite, read_lock, sample, verify
from .from_table import GoldenSuite, suite_from_file
from .parts import part_of
from .preview import preview_item, prompt_style_of
from .questions import WrittenQuestions, write_questions

__all__ = [
    "GoldenSuite",
    "Needed",
    "SuiteChoice",
    "TaskFile",
    "WrittenQuestions",
    "find_task",
    "find_tasks",
    "freeze",
    "given_suite",
    "image_tasks",
    "missing_data",
    "needed_data",
    "open_suite",
    "part_of",
    "preview_item",
    "prompt_style_of",
    "read_lock",
    "sample",
    "suite_for",
    "suite_from_file",
    "verify",
    "write_questions",
]
