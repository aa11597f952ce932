"""Each judge of a golden set reads answers as the task of a shipped suite would."""

from pathlib import Path

import numpy as np
import pytest

from harness.golden.asking import Asking, judge_box, judge_contains, judge_exact
from harness.golden.rows import Judge, read_golden
from harness.items import Item
from harness.pictures import encode_png


def ask(folder: Path, judge: Judge, text: str, instruction: str | None = None) -> list[Item]:
    (folder / "q.csv").write_text(text, encoding="utf-8")
    return list(Asking.of(judge, instruction).items("t", read_golden(folder / "q.csv", judge).rows))


def doc(item: Item) -> dict[str, object]:
    return item.model_dump()


@pytest.mark.parametrize(
    ("output", "acc", "unparsed"),
    [("Paris", 1, 0), ("paris.", 1, 0), ("The answer is Paris.", 1, 0), ("Rome", 0, 0), ("I do not know", 0, 1)],
)
def test_an_exact_answer_is_equal_but_for_its_form(tmp_path: Path, output: str, acc: int, unparsed: int) -> None:
    (item,) = ask(tmp_path, "exact", 'question,answer\nCapital?,"[""Paris"", ""City of Paris""]"\n')
    made = judge_exact(doc(item), [output])
    assert (made["acc"], made["unparsed"], item.guess_rate) == (acc, unparsed, 0)


def test_yes_or_no_is_read_as_such_and_guessed_half_the_time(tmp_path: Path) -> None:
    (item,) = ask(tmp_path, "exact", "question,answer\nIs it open?,Yes\n")
    assert item.guess_rate == 0.5
    assert judge_exact(doc(item), ["Yes, it is."])["acc"] == 1
    assert judge_exact(doc(item), ["No."])["acc"] == 0


def test_an_answer_contains_a_text_as_a_whole(tmp_path: Path) -> None:
    (item,) = ask(tmp_path, "contains", "question,answer\nHow long?,30 days\n")
    assert judge_contains(doc(item), ["You have 30 days to return it."])["acc"] == 1
    assert judge_contains(doc(item), ["You have 130 days to return it."])["acc"] == 0
    assert judge_contains(doc(item), ["30 days " + "or more " * 40])["unparsed"] == 1


def test_a_box_is_asked_for_in_pixels_of_the_picture_as_shown(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(encode_png(np.zeros((336, 644, 3), np.uint8)))
    (item,) = ask(tmp_path, "box", 'question,answer,image\nWhere?,"10,20,110,220",p.png\n')
    assert "which is 644 pixels wide and 336 pixels high" in item.question
    assert judge_box(doc(item), ["[10, 20, 110, 220]"])["score"] == pytest.approx(1)
    half = judge_box(doc(item), ["[10, 20, 60, 220]"])
    assert (half["score"], half["acc"]) == (pytest.approx(0.5), 1)


def test_the_instruction_is_the_judges_own_another_or_none(tmp_path: Path) -> None:
    text = "question,answer\nWhat is 2+2?,4\n"
    assert ask(tmp_path, "math", text)[0].question.startswith("What is 2+2?\n\nThink step by step")
    assert ask(tmp_path, "math", text, "Only a number.")[0].question == "What is 2+2?\n\nOnly a number."
    assert ask(tmp_path, "math", text, "")[0].question == "What is 2+2?"
    braces = ask(tmp_path, "exact", text, "Answer as {json} or {width}.")[0].question
    assert braces.endswith("Answer as {json} or {width}.")
