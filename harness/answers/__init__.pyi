from .choices import shuffled
from .extraction import extract_answer
from .forms import Form, asked_by_letter, asked_freely
from .permutations import judge_permutation
from .thoughts import without_thoughts
from .yes_no import f1_of_yes, share_all_right

__all__ = [
    "Form",
    "asked_by_letter",
    "asked_freely",
    "extract_answer",
    "f1_of_yes",
    "judge_permutation",
    "share_all_right",
    "shuffled",
    "without_thoughts",
]
