"""MMLU outside of science: the 38 subjects of the humanities, the social sciences and the rest.

    general_mmlu  What is the role of the Security Council?  -> one of four letters

Chance level 1/4. The 19 STEM subjects are the task science_mmlu_stem; both read the same source.
"""

from functools import partial

from harness import plugin
from harness.plugin import Reader, with_letters, with_options
from harness.records import load_task_module, tasks_root

_mmlu = load_task_module(tasks_root() / "science" / "mmlu.py")

_STEM = frozenset(_mmlu.STEM)

TASKS: dict[str, Reader] = {
    **with_letters("general_mmlu", (_mmlu.MMLU,), partial(_mmlu.mmlu_items, subjects=_STEM, others=True)),
    **with_options("general_mmlu", (_mmlu.MMLU,), partial(_mmlu.mmlu_cloze, subjects=_STEM, others=True)),
    **_mmlu.mmlu_shots("general_mmlu", _STEM, others=True),
}

load = plugin.reader(TASKS)
