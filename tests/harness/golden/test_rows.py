"""A row is a checked question, or names its row, its column and the way out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.golden.cells import GoldenError
from harness.golden.rows import GoldenRow, Judge, read_golden
from harness.pictures import encode_png


def read(folder: Path, judge: Judge, *lines: str, **settings: Any) -> tuple[GoldenRow, ...]:
    (folder / "q.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_golden(folder / "q.csv", judge, **settings).rows


def picture(path: Path, width: int = 40, height: int = 20, colour: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(np.full((height, width, 3), colour, np.uint8)))


@pytest.mark.parametrize("answer", ["B", "b", "(B)", "B.", "no", " No ", "the no"])
def test_an_answer_names_its_option_by_letter_or_text(tmp_path: Path, answer: str) -> None:
    (row,) = read(tmp_path, "letter", "question,answer,options", f'x,"{answer}",yes|no|maybe')
    assert (row.gold, row.options) == (1, ("yes", "no", "maybe"))


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ('"[""a|b"", ""c""]"', ("a|b", "c")),
        ("A. one|B. two", ("one", "two")),
        ("(A) one|(B) two", ("one", "two")),
        ("A. one|C. two", ("A. one", "C. two")),
        ("1|2.0", ("1", "2.0")),
    ],
)
def test_options_are_a_list_or_stand_between_bars(tmp_path: Path, options: str, found: tuple[str, ...]) -> None:
    (row,) = read(tmp_path, "letter", "question,answer,options", f"x,A,{options}")
    assert row.options == found


def test_a_number_names_the_option_of_that_text_first(tmp_path: Path) -> None:
    rows = read(tmp_path, "letter", "question,answer,options", "x,3,1|3|2", "y,1,b|c", "z,0,b|c")
    assert [row.gold for row in rows] == [1, 1, 0]


def test_numbers_of_options_are_counted_as_the_answers_tell(tmp_path: Path) -> None:
    rows = read(tmp_path, "letter", "question,answer,options", "x,1,a|b", "y,2,a|b")
    assert [row.gold for row in rows] == [0, 1]
    with pytest.raises(GoldenError, match=r"row 2, column answer: 1 may count .* --index-from 0 or 1"):
        read(tmp_path, "letter", "question,answer,options", "x,1,a|b|c")
    (row,) = read(tmp_path, "letter", "question,answer,options", "x,1,a|b|c", index_from=0)
    assert row.gold == 1
    with pytest.raises(GoldenError, match="from 0 in row 2 and from 1 in row 3"):
        read(tmp_path, "letter", "question,answer,options", "x,0,a|b", "y,2,a|b")


@pytest.mark.parametrize(
    ("judge", "lines", "message"),
    [
        ("exact", ["question,answer", "x,"], "row 2: column answer is empty; fill it in, or remove the row"),
        ("exact", ["question,answer", ' ," "', "x,y", "  ,z"], "row 4: column question is empty"),
        ("exact", ["question,answer", "x,y", "X ,z"], "row 3 asks the question of row 2 again"),
        ("exact", ["question,answer,group", "x,y,"], "column group is empty; .*or leave out the column"),
        (
            "exact",
            ["question,answer,kind", "x,y,pior"],
            "kind is 'pior', not target or prior; did you mean prior",
        ),
        ("exact", ["question,answer,options", "x,y,a|b"], "column options is for --judge letter"),
        ("exact", ["question,answer", 'x,"[""a"", 1.5, {}]"'], "column answer is no list of texts"),
        ("exact", ["question,answer", "<image> what?,y"], "1 <image>, but column image names 0 pictures"),
        ("letter", ["question,answer", "x,A"], "--judge letter needs a column options"),
        ("letter", ["question,answer,options", "x,E,a|b"], "row 2: column answer is 'E', none of the options 'a | b'"),
        ("letter", ["question,answer,options", "x,A,a"], "column options has 1 option, not 2 to 26"),
        ("letter", ["question,answer,options", "x,A,"], "column options is empty"),
        ("letter", ["question,answer,options", "x,A,a|A "], "'a' and 'A', which no answer can tell apart"),
        ("letter", ["question,answer,options", "x,A,a||b"], "an empty option"),
        ("letter", ["question,answer,options", "x,B,B|c"], "the text of option A and the letter of another"),
        ("letter", ["question,answer,options", "x,A,[a|b]"], "column options is no JSON list"),
        ("box", ["question,answer", "x,1"], "--judge box needs a column image"),
        ("box", ["question,answer,image", 'x,"1,2,3",p.png'], "'1,2,3', not the four numbers x1, y1, x2, y2 of a box"),
        (
            "box",
            ["question,answer,image", 'x,"1,2,41,4",p.png'],
            r"no box in a picture of 40 x 20 pixels: \[1, 2, 41",
        ),
        ("box", ["question,answer,image", 'x,"9,2,3,4",p.png'], "write x1, y1, x2, y2 with x1 < x2 <= 40"),
        ("box", ["question,answer,image", 'x,"1,2,3,4",'], "a box is in one picture, and column image names 0"),
        ("exact", ["question,answer,image", "x,y,q.png"], "row 2, column image: no such picture: 'q.png'"),
    ],
)
def test_what_is_wrong_names_row_and_column(tmp_path: Path, judge: Judge, lines: list[str], message: str) -> None:
    picture(tmp_path / "p.png")
    with pytest.raises(GoldenError, match=message) as raised:
        read(tmp_path, judge, *lines)
    assert str(raised.value).startswith(str(tmp_path / "q.csv"))


def test_pictures_belong_to_the_question(tmp_path: Path) -> None:
    picture(tmp_path / "p" / "a.png", colour=1)
    picture(tmp_path / "b.png", colour=2)
    lines = ("question,answer,image", "x,1,p/a.png", "x,2,b.png", 'x,3,"[""b.png"", ""p/a.png""]"', "x,4,")
    rows = read(tmp_path, "exact", *lines)
    assert [row.images for row in rows] == [("p/a.png",), ("b.png",), ("b.png", "p/a.png"), ()]
    assert rows[2].digests == (*rows[1].digests, *rows[0].digests)
    with pytest.raises(GoldenError, match="row 3 asks the question of row 2 again"):
        read(tmp_path, "exact", "question,answer,image", "x,1,b.png", "x,2,b.png")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../secret.png", "lies outside the file's folder"),
        ("/etc/hostname", "lies outside the file's folder"),
        ("link.png", "lies outside the file's folder"),
        ("linked/secret.png", "lies outside the file's folder"),
        ("a\\b.png", "has a backslash; write / between folders"),
        ("https://example.org/a.png", "is an address; save the picture beside the file"),
        ("data:image/png;base64,AA", "is an address"),
        ("text.png", "is no readable picture"),
        ("cut.png", "is no readable picture"),
        (".", "no such picture"),
    ],
)
def test_no_picture_outside_the_folder_is_read(tmp_path: Path, name: str, message: str) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    picture(tmp_path / "secret.png")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "text.png").write_text("no picture")
    (folder / "cut.png").write_bytes((tmp_path / "secret.png").read_bytes()[:-200])
    with pytest.raises(GoldenError, match=message):
        read(folder, "exact", "question,answer,image", f'x,y,"{name}"')


def test_several_answers_are_accepted_where_a_text_is_asked_for(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "contains", "question,answer", 'x,"[""30 days"", ""a month""]"')
    assert row.answers == ("30 days", "a month")
    (row,) = read(tmp_path, "math", "question,answer", 'x,"[0, 1]"')
    assert row.answers == ("[0, 1]",)
