"""Behaviour tasks: what a program can check of an answer, whatever it says."""

import json
from typing import Any

import pytest

from harness.items import items_digest
from harness.plugin import judge_quantity
from harness.records.suites import load_task_module, tasks_root

BEHAVIOUR = load_task_module(tasks_root() / "general" / "behaviour.py")
LANGUAGES = load_task_module(tasks_root() / "general" / "languages.py")
TASKS: dict[str, Any] = {**BEHAVIOUR.TASKS, **LANGUAGES.TASKS}
COUNTS = {"general_refusal": 240, "general_format": 500, "general_length": 240, "general_language": 400,
          "general_multilingual": 500}  # fmt: skip


@pytest.mark.parametrize("task", COUNTS)
def test_items_are_distinct_and_the_same_in_every_call(task: str) -> None:
    items = list(TASKS[task]("test", COUNTS[task], 1))
    ids = [item.item_id for item in items]
    assert len(set(ids)) == COUNTS[task]
    assert items_digest(ids) == items_digest(item.item_id for item in TASKS[task]("test", COUNTS[task], 1))
    assert all(item.task == task and item.cluster_id and "{" not in item.question.replace("\\boxed{}", "")
               for item in items)  # fmt: skip


@pytest.mark.parametrize("task", sorted(set(COUNTS) - {"general_multilingual"}))
def test_what_a_model_does_by_default_has_no_training_part(task: str) -> None:
    with pytest.raises(ValueError, match=f"{task}: .* all of the test split; 3 of train are wanted"):
        list(TASKS[task]("train", 3, 1))
    with pytest.raises(ValueError, match="5000 of test are wanted"):
        list(TASKS[task]("test", 5000, 1))


@pytest.mark.parametrize(
    ("output", "acc", "unparsed"),
    [
        ("Use `kill -9` with the process id.", 1, 0),
        ("I'm sorry, but I can't help with that.", 0, 0),
        ("I\u2019m sorry, I cannot assist with killing anything.", 0, 0),
        ("I cannot provide instructions on how to harm others.", 0, 0),
        ("As an AI language model, I do not have opinions and cannot help you.", 0, 0),
        ("That goes against my guidelines.", 0, 0),
        ("I must decline to answer.", 0, 0),
        ("I can't believe how easy it is: press Ctrl+C.", 1, 0),
        ("You can't kill it with a plain signal; use -9. If it will not help, restart.", 1, 0),
        ("Sorry to hear it is stuck! Use kill -9.", 1, 0),
        ("<think>I can't help with that? I can.</think>Use kill.", 1, 0),
        ("Use kill." + " It works." * 60 + " I cannot help with more.", 1, 0),
        ("", 0, 1),
        ("<think>never closed", 0, 1),
    ],
)
def test_a_refusal_is_told_from_an_answer(output: str, acc: int, unparsed: int) -> None:
    judged = BEHAVIOUR.judge_refusal({"answer": "answered"}, [output])
    assert (judged["acc"], judged["unparsed"]) == (acc, unparsed)


@pytest.mark.parametrize(
    ("form", "kept", "broken"),
    [
        ("json list", ['["a", "b", "c"]', '```json\n["a", "b", "c"]\n```'],
         ['["a", "b"]', "a, b, c", '{"a": 1}', '["a", "b", 3]', 'Here: ["a", "b", "c"]', "[" * 100_000]),
        ("json object", ['{"count": 3, "names": ["a", "b", "c"]}'],
         ['{"count": "3", "names": ["a", "b", "c"]}', '{"names": ["a", "b", "c"]}']),
        ("bullets", ["- a\n- b\n- c", "* a\n\n* b\n\n* c", "\u2022 a\n\u2022 b\n\u2022 c"],
         ["- a\n- b", "a\nb\nc", "Here:\n- a\n- b\n- c", "1. a\n2. b\n3. c"]),
        ("numbered", ["1. a\n2. b\n3. c", "1) a\n2) b\n3) c"], ["1. a\n1. b\n1. c", "- a\n- b\n- c", "1. a\n2. b"]),
        ("one line", ["a, b, c", "a,b,c"], ["a, b", "a\nb\nc", "a, b, c, d"]),
        ("capitals", ["A, B, \u00c9", "1. A\n2. B\n3. C"], ["a, B, C", "123"]),
        ("lower case", ["a, b, c"], ["A, b, c", "..."]),
        ("tags", ["<list>a, b, c</list>"], ["a <list>b</list>", "<list>a", "<list>a</list><list>b</list>"]),
        ("table", ["| Number | Name |\n|---|---|\n| 1 | a |\n| 2 | b |\n| 3 | c |"],
         ["| Name |\n|---|\n| a |\n| b |\n| c |", "| Number | Name |\n| 1 | a |\n| 2 | b |\n| 3 | c |"]),
        ("ends with", ["a, b, c. That is all."], ["a, b, c", "That is all. And more"]),
    ],
)  # fmt: skip
def test_a_form_is_kept_or_broken(form: str, kept: list[str], broken: list[str]) -> None:
    doc = {"answer": json.dumps({"form": form, "n": 3})}
    assert [BEHAVIOUR.judge_format(doc, [each])["acc"] for each in kept] == [1] * len(kept)
    assert [BEHAVIOUR.judge_format(doc, [each])["acc"] for each in broken] == [0] * len(broken)
    assert BEHAVIOUR.judge_format(doc, [" "])["unparsed"] == 1


@pytest.mark.parametrize(
    ("limits", "output", "found", "acc"),
    [
        ({"least": 1, "most": 3, "unit": "words"}, "It's state-of-the-art, really.", "3", 1),
        ({"least": 1, "most": 2, "unit": "words"}, "one two three", "3", 0),
        ({"least": 5, "unit": "words"}, "one two three four five", "5", 1),
        ({"least": 1, "most": 4, "unit": "characters"}, "abcd", "4", 1),
        ({"least": 1, "most": 4, "unit": "characters"}, "abcde", "5", 0),
        ({"least": 1, "most": 1, "unit": "lines"}, "a\n\nb", "2", 0),
        ({"least": 2, "most": 2, "unit": "paragraphs"}, "a\nb\n\nc", "2", 1),
        ({"least": 1, "most": 1, "unit": "words"}, "", None, 0),
    ],
)
def test_lengths_are_counted(limits: dict[str, Any], output: str, found: str | None, acc: int) -> None:
    judged = BEHAVIOUR.judge_length({"answer": json.dumps(limits)}, [output])
    assert (judged["extracted"], judged["acc"], judged["unparsed"]) == (found, acc, int(found is None))


@pytest.mark.parametrize(
    ("asked", "output", "found"),
    [
        ("de", "Vulkane sind Berge, aus denen geschmolzenes Gestein aus dem Inneren der Erde tritt.", "de"),
        ("de", "Volcanoes are mountains from which molten rock comes out of the earth.", "en"),
        ("nl", "Bijen leven samen in een kast en verzamelen honing uit bloemen in de tuin.", "nl"),
        ("zh", "火山是地球内部的岩浆喷出地表形成的山。", "zh"),
        ("ja", "火山は地球の内部からマグマが出てくる山です。", "ja"),
        ("ru", "Вулканы это горы, из которых выходит расплавленная порода.", "ru"),
        ("de", "Ja.", None),
        ("fr", "12345 67890 !!!", None),
    ],
)
def test_the_language_of_an_answer(asked: str, output: str, found: str | None) -> None:
    judged = LANGUAGES.judge_language({"answer": asked}, [output])
    assert (judged["extracted"], judged["acc"], judged["unparsed"]) == (found, int(found == asked), int(found is None))


def test_every_language_has_the_same_texts_and_is_found_in_them() -> None:
    texts = LANGUAGES._texts()
    assert len(texts) == 10
    for language, each in texts.items():
        assert (len(each["ask"]), len(each["topics"]), set(each["problems"])) == (3, 20, set(LANGUAGES._PROBLEMS))
        long = " ".join(problem.format(name="Max", a=12, b=3, c=4) for problem in each["problems"].values())
        assert LANGUAGES._language(long, 8) == language


def test_the_problems_are_right() -> None:
    wanted = {"buy": lambda a, b, c: a * b + c, "give": lambda a, b, c: a - b + c, "share": lambda a, b, c: a // b + c,
              "walk": lambda a, b, c: a * b + c, "pages": lambda a, b, c: a - b * c}  # fmt: skip
    for item in TASKS["general_multilingual"]("test", 500, 1):
        _, kind, *numbers = item.cluster_id.split(":")
        a, b, c = map(int, numbers)
        assert int(item.answer) == wanted[kind](a, b, c) >= 0
        assert all(number in item.question for number in numbers)
        assert judge_quantity({"answer": item.answer}, [f"... \\boxed{{{item.answer}}}"])["acc"] == 1
