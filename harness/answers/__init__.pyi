from .choices import shuffled
from .extraction import extract_answer
from .forms import Form, asked_by_letter, asked_freely
from .permutations import judge_permutation
from .thoughts import opened_thought, without_thoughts

__all__ = [
    "Form",
    "asked_by_letter",
    "asked_freely",
    "extract_answer",
    "judge_permutation",
    "opened_thought",
    "shuffled",
    "without_thoughts",
]
