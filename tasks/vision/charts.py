"""ChartQA: questions about charts, half of them by people and half made by a model.

    vision_chartqa   What is the value of Slovenia in the graph?    -> 1

Chance level 0, and 1/2 where the answer is yes or no. A number may be 5 % wrong, as one read off an axis is; years and
counts are exact (``harness/answers/relaxed.py``).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness import plugin
from harness.answers import forms, relaxed
from harness.items import Item
from harness.plugin import PictureReader
from harness.sources import PictureSource, Row, one_line

_BY = ("human", "machine")


def _items(rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        gold, by = one_line(row["label"][0]), _BY[row["human_or_machine"]]
        yield forms.asked_for_words("vision_chartqa", one_line(row["query"]), [gold], (row["image"],), group=by)


def judge(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """``process_results``: relaxed accuracy."""
    return relaxed.judge_relaxed(results[0], doc["answer"], doc["question"].partition("\n\n")[0]).metrics()


TASKS: dict[str, PictureReader] = {
    "vision_chartqa": PictureReader(
        (
            PictureSource(
                "HuggingFaceM4/ChartQA",
                "b605b6e08b57faf4359aeb2fe6a3ca595f99b6c5",
                "test",
                "chartqa",
                files=("data/test-*.parquet",),
            ),
        ),
        _items,
    )
}

load = plugin.picture_reader(TASKS)
images = plugin.picture_loader(TASKS)
