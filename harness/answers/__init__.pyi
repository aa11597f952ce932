from .canonical import canonical_answer
from .choices import shuffled
from .extraction import extract_answer
from .forms import ANSWER_ONLY, Form, asked_by_letter, asked_freely, completed, golds_of, tagged, with_working
from .likelihoods import LIKELIHOOD_METRICS, likeliest, normalised
from .permutations import judge_permutation
from .thoughts import opened_thought, without_thoughts
from .yes_no import f1_of_yes, share_all_right

__all__ = [
    "ANSWER_ONLY",
    "LIKELIHOOD_METRICS",
    "Form",
    "asked_by_letter",
    "asked_freely",
    "canonical_answer",
    "completed",
    "extract_answer",
    "f1_of_yes",
    "golds_of",
    "judge_permutation",
    "likeliest",
    "normalised",
    "opened_thought",
    "share_all_right",
    "shuffled",
    "tagged",
    "with_working",
    "without_thoughts",
]
