"""GSM8K: grade-school word problems of two to eight steps; answers are whole numbers, written freely (chance level 0).

    math_gsm8k        Janet's ducks lay 16 eggs per day. ... How much in dollars does she make every day ...?  -> 18
    math_gsm8k_think  the same questions, asked for a thought in <think> and the answer alone in <answer>
    math_gsm8k_shots  the same questions after five solved ones of the train split, for models that complete

Cobbe et al. 2021, arXiv 2110.14168. The test split is asked and never trained on; :func:`train_items` gives the other
one to training.
"""

import re
from collections.abc import Iterator
from functools import partial

from harness import plugin
from harness.answers import Form, asked_freely, completed
from harness.items import Item
from harness.plugin import Reader, Shots
from harness.sources import Row, Source, tidy

_REPO = "openai/gsm8k"
_REVISION = "cc7b047b6e5bb11b4f1af84efc572db110a51b3c"
# The authors' own marks of what a calculator computed.
_CALCULATOR = re.compile(r"<<[^<>]*>>")

_FORMS: dict[str, Form] = {"math_gsm8k": "said", "math_gsm8k_think": "think"}

TEST = Source(_REPO, _REVISION, "test", "gsm8k", config="main", files=("test.jsonl",))
TRAIN = Source(_REPO, _REVISION, "train", "gsm8k", config="main", files=("train.jsonl",))


def train_items(task: str = "math_gsm8k") -> Iterator[Item]:
    """The 7,473 questions of the train split, asked as ``task`` asks; none of them is a test question."""
    return _items(task, TRAIN.rows())


def _items(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for question, answer, steps in _solved(rows):
        yield asked_freely(task, question, answer, steps, form=_FORMS[task])


def _completed(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for question, answer, steps in _solved(rows):
        yield completed(task, question, answer, steps)


def _solved(rows: Iterator[Row]) -> Iterator[tuple[str, str, str]]:
    """The question, the answer and the solution of each row."""
    for row in rows:
        solution, _, gold = row["answer"].rpartition("####")
        yield tidy(row["question"]), gold.strip().replace(",", ""), tidy(_CALCULATOR.sub("", solution))


SHOTS = Shots((TRAIN,), partial(_completed, "example"))

TASKS: dict[str, Reader] = {
    **{name: Reader((TEST,), partial(_items, name)) for name in _FORMS},
    "math_gsm8k_shots": Reader((TEST,), partial(_completed, "math_gsm8k_shots"), SHOTS),
}

load = plugin.reader(TASKS)
