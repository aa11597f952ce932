"""Mathematics with options: AQuA-RAT (five) and the mathematics of MMLU-Pro (up to ten), solved in writing.

    math_aqua      A car is being driven, in a straight line and at a uniform speed, towards the base of a vertical
                   tower. ... After how much more time will this car reach the base of the tower?      -> one of A to E
    math_mmlu_pro  Statement 1 | A ring homomorphism is one to one if and only if the kernel is {0}. Statement 2 | Q is
                   an ideal in R.                                                                       -> one of A to I

Chance level 1/5; 1/k for the k options of an MMLU-Pro item. Ling et al. 2017 (arXiv 1705.04146), Wang et al. 2024
(arXiv 2406.01574). A letter is asked for at the end of a solution, not alone: without one these are guesses.
"""

import re
from collections.abc import Iterator
from functools import partial

from harness import plugin
from harness.answers import asked_by_letter
from harness.items import Item
from harness.plugin import Reader
from harness.sources import Row, Source, one_line, tidy

_LABEL = re.compile(r"\A\s*[A-E]\s*[).:]\s*")

AQUA = Source(
    "deepmind/aqua_rat",
    "33301c6a050c96af81f63cad5562cb5363e88971",
    "test",
    "aqua",
    config="raw",
    files=("test.jsonl",),
)
MMLU_PRO = Source(
    "TIGER-Lab/MMLU-Pro",
    "b189ec765aa7ed75c8acfea42df31fdae71f97be",
    "test",
    "mmlu_pro_science",
    files=("math.jsonl",),
)


def _aqua(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        options = [one_line(_LABEL.sub("", option)) for option in row["options"]]
        gold = "ABCDE".index(row["correct"].strip())
        if item := asked_by_letter(task, tidy(row["question"]), options, gold, solution=tidy(row["rationale"])):
            yield item


def _mmlu_pro(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        if row["category"] != "math":
            continue
        stem = tidy(row["question"])
        options = [tidy(str(option)) for option in row["options"] if option != "N/A"]
        item = asked_by_letter(
            task, stem, options, int(row["answer_index"]), group=row["src"], cluster_id=plugin.cluster(stem)
        )
        if item:
            yield item


TASKS: dict[str, Reader] = {
    "math_aqua": Reader((AQUA,), partial(_aqua, "math_aqua")),
    "math_mmlu_pro": Reader((MMLU_PRO,), partial(_mmlu_pro, "math_mmlu_pro")),
}

load = plugin.reader(TASKS)
