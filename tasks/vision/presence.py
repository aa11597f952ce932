"""Yes or no about a picture: POPE (is a thing there that is not?) and MME (fourteen subtasks, two questions a picture).

    vision_pope_random   Is there a snowboard in the image?                                        -> yes
    vision_mme           Is there a total of two person appear in the image? Please answer yes or no.   -> no

Chance level 1/2. The things that POPE asks for in vain are drawn at random, are the most frequent ones, or those that
are mostly seen beside what is there; its questions with a yes are the same in all three parts. Of MME's two questions
on a picture one has a yes and one a no, and both must be right (``picture``, acc+ in its paper).
"""

from collections.abc import Iterator
from functools import partial

from harness import plugin
from harness.answers import forms
from harness.items import Item
from harness.plugin import PictureReader
from harness.sources import PictureSource, Row, one_line

_ASKED = "Please answer yes or no."


def _items(task: str, category: str, rows: Iterator[Row]) -> Iterator[Item]:
    """The rows of one ``category``, or all."""
    for row in rows:
        if category in ("", row["category"]):
            question, gold = one_line(row["question"]), row["answer"].strip().rstrip(".").lower()
            asked = question.removesuffix(_ASKED).strip()
            yield forms.asked_for_words(
                task, asked, [gold], (row["image"],), ask=forms.ASK_YES_OR_NO, group=row["category"]
            )


_POPE = PictureSource(
    "lmms-lab/POPE",
    "4db1276663dfa5eb8ad16a52d24c31a09e470896",
    "test",
    "pope",
    files=("data/test-*.parquet",),
)
_MME = PictureSource(
    "lmms-lab/MME",
    "d6c9023f017b564f7b3ccccf5348166bce8fdbcd",
    "test",
    "mme",
    files=("data/test-*.parquet",),
)

TASKS: dict[str, PictureReader] = {
    **{
        f"vision_pope_{part}": PictureReader((_POPE,), partial(_items, f"vision_pope_{part}", part))
        for part in ("random", "popular", "adversarial")
    },
    "vision_mme": PictureReader((_MME,), partial(_items, "vision_mme", "")),
}

load = plugin.picture_reader(TASKS)
images = plugin.picture_loader(TASKS)
