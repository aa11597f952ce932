r"""MATH-500: competition problems in LaTeX, seven subjects, five levels; answers are expressions (chance level 0).

    math_math500        Convert the point $(0,3)$ in rectangular coordinates to polar coordinates. ...
                        -> \left( 3, \frac{\pi}{2} \right)
    math_math500_think  the same problems, asked for a thought in <think> and the answer alone in <answer>

Five hundred of the test problems of MATH (Hendrycks et al. 2021, arXiv 2103.03874), drawn by Lightman et al. 2023
(arXiv 2305.20050). The example is the first of them.
"""

from collections.abc import Iterator
from functools import partial

from harness import plugin
from harness.answers import Form, asked_freely
from harness.items import Item
from harness.plugin import Reader
from harness.sources import Row, Source, tidy

_FORMS: dict[str, Form] = {"math_math500": "boxed", "math_math500_think": "think"}

SOURCE = Source(
    "HuggingFaceH4/MATH-500",
    "6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be",
    "test",
    "math500",
    files=("test.jsonl",),
)


def _items(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        yield asked_freely(
            task,
            tidy(row["problem"]),
            tidy(row["answer"]),
            tidy(row["solution"]),
            form=_FORMS[task],
            group=f"{row['subject']} {row['level']}",
        )


TASKS: dict[str, Reader] = {name: Reader((SOURCE,), partial(_items, name)) for name in _FORMS}

load = plugin.reader(TASKS)
