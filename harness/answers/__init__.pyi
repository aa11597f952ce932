from .choices import shuffled
from .extraction import extract_answer
from .forms import Form, asked_by_letter, asked_freely, completed
from .likelihoods import LIKELIHOOD_METRICS, likeliest, normalised
from .permutations import judge_permutation
from .thoughts import without_thoughts

__all__ = [
    "LIKELIHOOD_METRICS",
    "Form",
    "asked_by_letter",
    "asked_freely",
    "completed",
    "extract_answer",
    "judge_permutation",
    "likeliest",
    "normalised",
    "shuffled",
    "without_thoughts",
]
