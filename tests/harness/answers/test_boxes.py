"""Boxes: every way in which models write one, the frame that a question states, and the overlap."""

import pytest

from harness.answers.boxes import Box, FramedBox, judge_box, read_box
from harness.records.samples import Outcome

GOLD = str(FramedBox(Box(100, 60, 300, 200), 644, 476))


@pytest.mark.parametrize(
    "output",
    [
        "[100, 60, 300, 200]",
        "[100,60,300,200].",
        "(100, 60, 300, 200)",
        "100 60 300 200",
        "[[100, 60, 300, 200]]",
        '{"bbox_2d": [100, 60, 300, 200], "label": "man 2"}',
        '```json\n[\n\t{"bbox_2d": [100, 60, 300, 200], "label": "man"}\n]\n```',
        '{"box": [100.0, 60.0, 300.0, 200.0]}',
        '{"x1": 100, "y1": 60, "x2": 300, "y2": 200}',
        '{"xmin": 100, "xmax": 300, "ymin": 60, "ymax": 200}',
        '{"x": 100, "y": 60, "width": 200, "height": 140}',
        "x1=100, y1=60, x2=300, y2=200",
        "<box>(100,60),(300,200)</box>",
        "<ref>the man</ref><box>(100,60),(300,200)</box>",
        "<|box_start|>(100,60),(300,200)<|box_end|>",
        "<box>[[100, 60, 300, 200]]</box>",
        "(100, 60), (300, 200)",
        "top-left (100, 60) and bottom-right (300, 200)",
        "The man is at [100, 60, 300, 200].",
        "In the picture of 3 people: [100, 60, 300, 200]",
        "<answer>[100, 60, 300, 200]</answer>",
        "There is one at [10, 20, 30, 40]. The answer is [100, 60, 300, 200].",
        "[100, 60, 300, 200], that is [100, 60, 300, 200]",
        "<think>[1, 2, 3, 4]</think>[100, 60, 300, 200]",
    ],
)
def test_what_is_read(output: str) -> None:
    assert read_box(output) == Box(100, 60, 300, 200)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "I see a man.",
        "[100, 60, 300]",
        "[[10, 20, 30, 40], [100, 60, 300, 200]]",
        "[100, 60, 300, 200] or [10, 20, 30, 40]",
        "<loc0100><loc0060><loc0300><loc0200>",
        "[x1, y1, x2, y2]",
        "1. a man 2. a dog 3. a cat 4. a bird",
        "[100, 60, 300, 200, 0.97]",
        "<think>[100, 60, 300, 200]",
        "[" * 30_000,
        "<box>" * 6_000,
        "1 2 3 4 5 " * 8_000 + "x",
    ],
)
def test_what_names_no_one_box_is_unparsed(output: str) -> None:
    assert judge_box(output, GOLD).content.outcome is Outcome.UNPARSED


@pytest.mark.parametrize(
    ("output", "outcome", "score"),
    [
        ("[100, 60, 300, 200]", Outcome.CORRECT, 1.0),
        ("[100, 60, 200, 200]", Outcome.CORRECT, 0.5),
        ("[100, 60, 199, 200]", Outcome.WRONG, 0.495),
        ("[400, 300, 500, 400]", Outcome.WRONG, 0.0),
        ("[300, 200, 100, 60]", Outcome.WRONG, 0.0),
    ],
)
def test_half_the_union_is_enough(output: str, outcome: Outcome, score: float) -> None:
    content = judge_box(output, GOLD).content
    assert (content.outcome, content.off_list) == (outcome, False)
    assert content.score == pytest.approx(score)


@pytest.mark.parametrize("output", ["[155, 126, 966, 820]", "[0.15, 0.12, 0.46, 0.42]", "[-200, 60, 300, 200]"])
def test_a_box_of_another_frame_is_read_and_never_converted(output: str) -> None:
    content = judge_box(output, GOLD).content
    assert (content.outcome, content.off_list, content.score) == (Outcome.WRONG, True, 0)


def test_a_box_that_reaches_a_little_beyond_the_picture_is_of_its_frame() -> None:
    gold = str(FramedBox(Box(0, 0, 644, 476), 644, 476))
    assert judge_box("[-3, 0, 650, 480]", gold).content.outcome is Outcome.CORRECT


def test_the_form_is_a_list_of_four() -> None:
    assert judge_box("[100, 60, 300, 200]", GOLD).form.outcome is Outcome.CORRECT
    assert judge_box('{"bbox_2d": [100, 60, 300, 200]}', GOLD).form.outcome is Outcome.UNPARSED


def test_a_gold_says_its_frame() -> None:
    assert GOLD == "[100.00, 60.00, 300.00, 200.00] in 644x476"
    assert FramedBox.parse(GOLD) == FramedBox(Box(100, 60, 300, 200), 644, 476)
    with pytest.raises(ValueError, match="is not a box in a frame"):
        FramedBox.parse("[1, 2, 3, 4]")


def test_the_overlap_of_boxes() -> None:
    one = Box(0, 0, 10, 10)
    assert one.overlap(Box(5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert one.overlap(Box(10, 10, 20, 20)) == one.overlap(Box(3, 3, 3, 9)) == 0
