"""Drawn pictures with sure answers: statements about boxes of shapes (NLVR), and lines, circles, squares and grids.

    perception_statements   Is this statement true of the picture: "There is a box with a blue circle .."   -> yes
    perception_drawings     How many squares are in the image?    A. 4  B. 2  C. 5  D. 3                    -> B
    perception_charts       What is the value of Slovenia in the graph?                                      -> 1

Chance level 1/2; 1/k of k options; 0, and 1/2 where a chart's answer is yes or no. The drawings are of "Vision language
models are blind"; their options are all the answers that a kind of drawing has. The charts are the part of ChartQA's
test whose pictures are in the data folder (vision_chartqa has all of them, from the hub).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from harness import plugin
from harness.answers import forms, relaxed, shuffled
from harness.items import Item
from harness.pictures import ListedPictures, decode_png, encode_png
from harness.plugin import Reader
from harness.sources import LocalFile, Row, one_line

_NLVR = "github.com/lil-lab/nlvr, nlvr/dev at 18924841aa96 (300 statements of it)"
_BLIND = "github.com/anguyen8/vision-llms-are-blind at dd2a28d96b3b (280 drawings of it)"
_CHARTQA = "github.com/RobustCQA/ChartQA-Split, dataset/ at d20e38ad159d (631 questions of it have their chart)"

STATEMENTS = LocalFile("nlvr/dev_300.jsonl", "df6f85383d90c274fe9fecde08c4a0d81a4d843940475e4a44249a3d14fed41a", _NLVR)
DRAWINGS = LocalFile(
    "vlms_are_blind/vlms_are_blind.jsonl", "7b4c523568e4218edd6f0db737159b0c789f4295aa291a659f35be3e7fb2462b", _BLIND
)
CHARTS = tuple(
    LocalFile(f"chartqa/test_{part}.jsonl", sha256, _CHARTQA)
    for part, sha256 in (
        ("human", "71dfb84e5afe74b8a6ec53e2a45ea323d58a6e4fe02f7e1136fc67ffdb6762f8"),
        ("augmented", "b75d8f5c28fe7cba35efb2598ca4f30138dd0def9ee7cbd5115acbc2af06d422"),
    )
)
STATED, DRAWN, CHARTED = (
    ListedPictures(LocalFile(path, sha256, origin))
    for path, sha256, origin in (
        ("nlvr/images.csv", "c7d89e341ca9aa044ab1d1eb697f17033e139916e44491e197f800ea4cd395b4", _NLVR),
        ("vlms_are_blind/images.csv", "f55558393c401250d28007b17c0acb0502e1e1419aef1d8779fe9705d3fc16cd", _BLIND),
        ("chartqa/images.csv", "b1bb5dd51e31cba19018f6958f03c90dff5bf396d6173f8cbf0ec5efee9bf9fc", _CHARTQA),
    )
)

# The short side of NLVR's pictures is 100 pixels, which is little for some processors.
_ENLARGED = 2
_BY = ("human", "machine")
_DRAWINGS = {
    "Line Plot Intersections": ("lines", "How many times do the blue and red lines touch each other?"),
    "Nested Squares": ("squares", "How many squares are in the image?"),
    "Olympic Counting - Circles": ("circles", "How many circles are in the image?"),
    "Olympic Counting - Pentagons": ("pentagons", "How many pentagons are in the image?"),
    "Counting Grid - Blank Grids": ("blank_grids", "How many {side} does the grid in the image have?"),
    "Counting Grid - Word Grids": ("word_grids", "How many {side} does the grid in the image have?"),
    "Touching Circles": ("two_circles", "Are the two circles in the image overlapping?"),
}
_SIDES = ("rows", "columns")


def statements(rows: Iterator[Row]) -> Iterator[Item]:
    """The statements that all who checked them agree about; those on one drawing are a cluster."""
    digests: dict[str, str] = {}
    for row in rows:
        if row["votes_true"] and row["votes_false"]:
            continue
        text = f'Is this statement true of the picture: "{one_line(row["sentence"])}"'
        gold = "yes" if row["label"] == "true" else "no"
        item = forms.asked_for_words("perception_statements", text, [gold], (), ask=forms.ASK_YES_OR_NO)
        name = row["image"]
        digests.setdefault(name, hashlib.sha256(enlarged(name)).hexdigest())
        clustered = item.model_copy(update={"cluster_id": f"nlvr-{row['identifier'].partition('-')[0]}"})
        yield clustered.with_pictures(name, digests=(digests[name],))


def enlarged(name: str) -> bytes:
    """A picture of NLVR with every pixel as a square of four, so that nothing is interpolated."""
    pixels = decode_png(STATED.file(name))
    return encode_png(pixels.repeat(_ENLARGED, axis=0).repeat(_ENLARGED, axis=1).astype(np.uint8))


def drawings(rows: Iterator[Row]) -> Iterator[Item]:
    """Options are the answers that any drawing of the kind has, in an order drawn from the picture."""
    read = [(row, *_asked(row)) for row in rows]
    answers: dict[str, set[str]] = {}
    for _, kind, _, gold in read:
        answers.setdefault(kind, set()).add(gold)
    digests = DRAWN.digests()
    for row, kind, stem, gold in read:
        options = shuffled(sorted(answers[kind]), row["image"])
        item = forms.lettered("perception_drawings", stem, options, options.index(gold), group=kind)
        assert item is not None, "answers of a kind are different"
        digest = digests[row["image"]]
        yield item.model_copy(update={"cluster_id": digest[:16]}).with_pictures(row["image"], digests=(digest,))


def _asked(row: Row) -> tuple[str, str, str]:
    """The kind of drawing, the question and the right answer; of a grid its rows or its columns are asked for."""
    kind, stem = _DRAWINGS[row["task"]]
    gold = row["groundtruth"]
    if "{side}" not in stem:
        return kind, stem, gold
    side = hashlib.sha256(row["image"].encode()).digest()[0] % 2
    return kind, stem.format(side=_SIDES[side]), gold.split(",")[side]


def charts(rows: Iterator[Row]) -> Iterator[Item]:
    """Questions whose chart is here."""
    digests = CHARTED.digests()
    for row in rows:
        if row["image_here"]:
            gold, by = one_line(row["label"][0]), _BY[row["human_or_machine"]]
            item = forms.asked_for_words("perception_charts", one_line(row["query"]), [gold], (), group=by)
            digest = digests[row["image"]]
            yield item.model_copy(update={"cluster_id": digest[:16]}).with_pictures(row["image"], digests=(digest,))


def judge_chart(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """``process_results``: relaxed accuracy."""
    return relaxed.judge_relaxed(results[0], doc["answer"], doc["question"].partition("\n\n")[0]).metrics()


TASKS: dict[str, Reader] = {
    "perception_statements": Reader((STATEMENTS,), statements, pictures=(STATED,)),
    "perception_drawings": Reader((DRAWINGS,), drawings, pictures=(DRAWN,)),
    "perception_charts": Reader(CHARTS, charts, pictures=(CHARTED,)),
}

_OPENERS = {"perception_statements": enlarged, "perception_drawings": DRAWN.file, "perception_charts": CHARTED.file}

load = plugin.reader(TASKS)
statement_images, drawing_images, chart_images = (plugin.opener(_OPENERS[name]) for name in TASKS)
