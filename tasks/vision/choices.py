"""Questions about pictures with lettered options: MMStar, AI2D, CV-Bench and BLINK.

    vision_mmstar      Which option describe the object relationship in the image correctly? ..          -> A
    vision_ai2d        In the diagram, which letter represents the eggs?   A. g  B. f  C. d  D. i        -> B
    vision_cvbench_2d  How many organs are in the image? Select from the following choices. (A) 3 ..     -> C
    vision_blink       Which image is most similar to the reference image? .. (A) the second image ..    -> B

Chance level 1/k for k options. MMStar, CV-Bench and BLINK write their options into the question, each in its own way;
it is asked as it stands. BLINK has no public answers but for its validation split.
"""

import re
from collections.abc import Iterator
from functools import partial

from harness import plugin
from harness.answers import forms
from harness.answers.options import LETTERS
from harness.items import Item
from harness.plugin import PictureReader
from harness.sources import PictureSource, Row, one_line, tidy

_LABEL = re.compile(r"(?:^|(?<=[\s,;(]))\(?([A-Z])[.:)]\s*")
_ANSWER = re.compile(r"\(?([A-Z])\)?\.?")


def listed_options(text: str) -> tuple[str, ...]:
    """The options that ``text`` lists as A, B, C, .. in order; none where it lists fewer than two."""
    labels = list(_LABEL.finditer(text))
    runs = [_run(labels[place:]) for place, label in enumerate(labels) if label[1] == "A"]
    run = max(reversed(runs), key=len, default=[])
    if len(run) < 2:
        return ()
    ends = [*(label.start() for label in run[1:]), len(text)]
    found = [text[label.end() : end].strip(" \n,;") for label, end in zip(run, ends, strict=True)]
    return (*found[:-1], found[-1].partition("\n")[0])


def _run(labels: list[re.Match[str]]) -> list[re.Match[str]]:
    """The labels A, B, C, .. in order; another letter between them is part of an option."""
    run: list[re.Match[str]] = []
    for label in labels:
        if label[1] == LETTERS[len(run)]:
            run.append(label)
    return run


def _gold(answer: str) -> int:
    found = _ANSWER.fullmatch(answer.strip())
    if found is None:
        raise ValueError(f"answer {answer!r} is no letter")
    return LETTERS.index(found[1])


def _mmstar(rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        text, gold = tidy(row["question"]), _gold(row["answer"])
        options = listed_options(text)
        # Where the options stand in the picture alone, their letters are all there is to read: MMStar has four.
        named = options if len(options) > max(1, gold) else tuple(LETTERS[:4])
        yield forms.asked_by_letter_below("vision_mmstar", text, named, gold, (row["image"],), group=row["category"])


def _ai2d(rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        options, shown = [one_line(option) for option in row["options"]], (row["image"],)
        cluster = forms.picture_cluster(shown)
        item = forms.lettered(
            "vision_ai2d", tidy(row["question"]), options, int(row["answer"]), images=shown, cluster_id=cluster
        )
        if item:
            yield item


def _cvbench(task: str, kind: str, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        if row["type"] == kind:
            options = [one_line(option) for option in row["choices"]]
            yield forms.asked_by_letter_below(
                task, tidy(row["prompt"]), options, _gold(row["answer"]), (row["image"],), group=row["task"]
            )


_PICTURES = ("image_1", "image_2", "image_3", "image_4")


def _blink(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        shown = tuple(row[column] for column in _PICTURES if row[column] is not None)
        options = [one_line(option) for option in row["choices"]]
        yield forms.asked_by_letter_below(
            task, tidy(row["prompt"]), options, _gold(row["answer"]), shown, group=row["sub_task"]
        )


_BLINK_TASKS = (
    "Art_Style",
    "Counting",
    "Forensic_Detection",
    "Functional_Correspondence",
    "IQ_Test",
    "Multi-view_Reasoning",
    "Object_Localization",
    "Relative_Depth",
    "Relative_Reflectance",
    "Semantic_Correspondence",
    "Spatial_Relation",
    "Visual_Correspondence",
    "Visual_Similarity",
)


def _blink_source(config: str) -> PictureSource:
    revision = "ae0b8b522d6db5d40e5086fa3e209d1e21214dd0"
    files = (f"{config}/val-*.parquet",)
    return PictureSource("BLINK-Benchmark/BLINK", revision, "val", "blink", config, files, pictures=_PICTURES)


_MMSTAR = PictureSource(
    "Lin-Chen/MMStar",
    "bc98d668301da7b14f648724866e57302778ab27",
    "val",
    "mmstar",
    files=("mmstar.parquet",),
)
_AI2D = PictureSource(
    "lmms-lab/ai2d",
    "c83a9b9692933aff8349157c88a413df9d02c4e5",
    "test",
    "ai2d",
    files=("data/test-*.parquet",),
)
_CVBENCH = PictureSource(
    "nyu-visionx/CV-Bench",
    "22409a927ab5cf68e3655023d51694587455fc99",
    "test",
    "cvbench",
    files=("test.parquet",),
)

TASKS: dict[str, PictureReader] = {
    "vision_mmstar": PictureReader((_MMSTAR,), _mmstar),
    "vision_ai2d": PictureReader((_AI2D,), _ai2d),
    "vision_cvbench_2d": PictureReader((_CVBENCH,), partial(_cvbench, "vision_cvbench_2d", "2D")),
    "vision_cvbench_3d": PictureReader((_CVBENCH,), partial(_cvbench, "vision_cvbench_3d", "3D")),
    "vision_blink": PictureReader(tuple(map(_blink_source, _BLINK_TASKS)), partial(_blink, "vision_blink")),
    "vision_blink_jigsaw": PictureReader((_blink_source("Jigsaw"),), partial(_blink, "vision_blink_jigsaw")),
}

load = plugin.picture_reader(TASKS)
images = plugin.picture_loader(TASKS)
