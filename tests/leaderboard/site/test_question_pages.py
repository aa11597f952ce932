"""Question pages: every answer of every entry is counted once, under what it says and what became of the item."""

import re
from collections import Counter
from pathlib import Path

import pytest

from harness.records import write_question_file
from harness.records.run import read_run
from harness.scoring import paired_items
from leaderboard.board.cache import Cache
from leaderboard.site.build import files, render
from leaderboard.site.item_index import ItemIndex, by_suite
from leaderboard.site.question_pages import Listed, SuiteQuestions, lined, most_forgotten, name_parts, total
from tests.support.asked import WITHHELD, AskedBoard, asked_board

SUITE = "synthetic-1"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> AskedBoard:
    return asked_board(tmp_path_factory.mktemp("asked"))


@pytest.fixture(scope="module")
def suite(made: AskedBoard) -> SuiteQuestions:
    index = ItemIndex(made.board, made.questions)
    return SuiteQuestions(index.suites[SUITE], by_suite(made.board)[SUITE])


def test_items_are_counted_as_they_were_paired(made: AskedBoard, suite: SuiteQuestions) -> None:
    expected: dict[str, Counter[str]] = {}
    for row in made.board.rows:
        items = paired_items(*(read_run(folder) for folder in row.folders))
        for item_id, kind in zip(items["item_id"], items["transition"], strict=True):
            expected.setdefault(item_id, Counter())[kind] += 1
    listed = {item.item_id: item for items in suite.tasks.values() for item in items}
    assert {item_id: Counter(item.counts) for item_id, item in listed.items()} == {
        item_id: Counter({kind: counts[kind] for kind in ("never", "learned", "forgotten", "kept")})
        for item_id, counts in expected.items()
    }
    assert sum(total(list(listed.values())).values()) == len(listed) * len(made.board.rows)


def test_every_entry_or_its_whole_track_is_linked_once_beside_what_it_said(
    made: AskedBoard, suite: SuiteQuestions
) -> None:
    answers = {row.entry_id: dict(zip(*_said(row.folders[1]), strict=True)) for row in made.board.rows}
    (track,) = made.board.tracks
    together = 0
    for task, ids in suite.items.tasks.items():
        for part in range(1, suite.items.parts(task) + 1):
            for view in suite.views(task, part):
                (heard,) = view.heard
                groups = [group for group in str(heard.groups).split("<li ") if group]
                named = []
                for group in groups:
                    text, _, by = group.partition("<p class=by>")
                    whole = f"<a href=../../tracks/{track.key.slug}.html>all 3 entries of" in by
                    names = list(answers) if whole else re.findall(r"entries/([a-z2-7]{12})\.html", by)
                    together += whole
                    named += names
                    assert {answers[name][view.item_id] for name in names} == set(re.findall(r"<bdi>(.*)</bdi>", text))
                assert sorted(named) == sorted(answers)
        assert [view.item_id for view in suite.views(task, 1)] == list(ids[:8])
    assert together


def _said(folder: Path) -> tuple[list[str], list[str]]:
    samples = read_run(folder).samples
    return list(samples["item_id"]), list(samples["output"])


def test_many_answers_of_their_own_are_counted_together(
    made: AskedBoard, suite: SuiteQuestions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leaderboard.site.question_pages.MOST_ANSWERS", 1)
    monkeypatch.setattr("leaderboard.site.question_pages.MOST_LINKED", 1)
    seen = ""
    for task in suite.items.tasks:
        for view in suite.views(task, 1):
            groups = str(view.heard[0].groups)
            counted = [int(count) for count in re.findall(r"<b>(\d+) ×", groups)]
            assert sum(counted) == len(made.board.rows)
            assert groups.count("<a ") == 1, groups
            seen += groups
    assert "other answers" in seen
    assert " more" in seen


def test_the_most_forgotten_come_first_and_those_of_nobody_do_not() -> None:
    items = [Listed(f"{at:064x}", "t", {"forgotten": at % 3, "learned": 0, "kept": 0, "never": 0}) for at in range(6)]
    assert [item.item_id[-1] for item in most_forgotten(items)] == ["2", "5", "1", "4"]
    assert len(most_forgotten(items, 2)) == 2


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("nano-sft-seed0", ("nano-sft", "seed0")),
        ("nano-2-rft-seed12-kept", ("nano-2-rft", "seed12-kept")),
        ("nano-seedling-b", ("nano-seedling", "b")),
        ("qwen2.5-7b", ("qwen2.5", "7b")),
        ("seed0", ("", "seed0")),
        ("model", ("", "model")),
        ("a <b>-c", ("", "a <b>-c")),
        ("a-seed0-with-more", ("a-seed0-with", "more")),
        ("a-" + "b" * 40, ("", "a-" + "b" * 40)),
    ],
)
def test_a_name_is_cut_before_what_tells_seeds_apart(name: str, parts: tuple[str, str]) -> None:
    assert name_parts(name) == parts


def test_a_question_keeps_its_lines_and_is_only_text() -> None:
    assert lined("one <b>\n\ntwo") == "one &lt;b&gt;<br><br>two"


def test_pages_say_what_may_be_published_and_how_to_see_the_rest(made: AskedBoard) -> None:
    pages = render(made.board, questions=made.questions)
    page = pages[f"questions/{SUITE}/{WITHHELD}.1.html"].decode()
    assert "not published here (licence of its source: <bdi>MIT</bdi>)" in page
    assert re.search(rf"retention tasks preview {WITHHELD} --item [0-9a-f]{{12}}</code>", page)
    assert f"Question 0 of {WITHHELD}" not in "".join(
        data.decode() for name, data in pages.items() if name.endswith(".html")
    )
    page = pages[f"questions/{SUITE}/vision_count.1.html"].decode()
    assert page.count("<img ") == 8
    assert "from <bdi>owner/set@0123</bdi>, licence <bdi>MIT</bdi>" in page
    bare = render(made.board)[f"questions/{SUITE}/vision_count.1.html"].decode()
    assert "The site has no text of this question" in bare
    assert "<img " not in bare


def test_without_its_pictures_a_question_says_how_to_see_them(made: AskedBoard, tmp_path: Path) -> None:
    write_question_file(tmp_path / made.file.name, made.content, {})
    page = render(made.board, questions=tmp_path)[f"questions/{SUITE}/vision_count.1.html"].decode()
    assert page.count("--out pictures</code>") == 8


def test_pages_are_the_same_from_the_cache_and_again(made: AskedBoard, tmp_path: Path) -> None:
    def built() -> dict[str, bytes]:
        found = files(made.board, cache=Cache(tmp_path), questions=made.questions)
        return {name: data for name, data in found if name.startswith(("questions/", "items"))}

    assert built() == built()
