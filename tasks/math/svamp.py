"""SVAMP: one-step word problems, varied so that surface patterns mislead; whole numbers, written freely (chance 0).

    math_svamp  Each pack of dvds costs 76 dollars. If there is a discount of 25 dollars on each pack, how much do you
                have to pay to buy each pack?                                                                  -> 51

    math_svamp_shots  the same problems after five solved ones of GSM8K's train split, for models that complete

Patel et al. 2021, arXiv 2103.07191. All 1,000 problems are asked; on the hub they are spread over two splits.
"""

from collections.abc import Iterator
from functools import partial

from harness import plugin
from harness.answers import asked_freely, completed
from harness.items import Item
from harness.plugin import Reader
from harness.records import load_task_module, tasks_root
from harness.sources import Row, Source, one_line

SOURCE = Source(
    "ChilleD/SVAMP", "5e0bf1e5e7c0e9c4bc39180d224f41f3f801b7ef", "train+test", "svamp", files=("SVAMP.json",)
)


def _items(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        answer = float(row["Answer"])
        if not answer.is_integer():
            raise ValueError(f"{row['ID']}: answer {row['Answer']} is no whole number")
        yield asked_freely(
            task,
            _joined(one_line(row["Body"]), one_line(row["Question"])),
            str(int(answer)),
            solution=one_line(row["Equation"]).replace(".0", ""),
            group=row["Type"].replace("Divison", "Division").lower(),
        )


def _completed(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    """The examples are GSM8K's: all of SVAMP is asked, and its authors tested models trained on other sets."""
    for item in _items(task, rows):
        question = item.question.partition("\n\n")[0]
        yield completed(task, question, item.answer, "", group=item.group)


def _joined(body: str, question: str) -> str:
    """One text: where the body is the first half of a sentence, the question ends it."""
    if body.endswith((".", "?", "!")):
        return f"{body} {question}"
    return f"{body.rstrip(',')}, {question[:1].lower()}{question[1:]}"


_gsm8k = load_task_module(tasks_root() / "math" / "gsm8k.py")

TASKS: dict[str, Reader] = {
    "math_svamp": Reader((SOURCE,), partial(_items, "math_svamp")),
    "math_svamp_shots": Reader((SOURCE,), partial(_completed, "math_svamp_shots"), _gsm8k.SHOTS),
}

load = plugin.reader(TASKS)
