"""General tasks: published sets become lettered questions, the same ones from a copy and from the hub."""

import ast
import bz2
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.answers.choices import judge_lettered
from harness.items import Item
from harness.plugin import Reader
from harness.records.samples import Outcome
from harness.records.suites import load_task_module, tasks_root

FILES = ("commonsense", "claims", "mmlu", "bbh", "ifeval")
MODULES = {name: load_task_module(tasks_root() / "general" / f"{name}.py") for name in FILES}
READERS: dict[str, Reader] = {task: made for module in MODULES.values() for task, made in module.TASKS.items()}

# (rows asked, of them different items), as counted in the copies.
COUNTS = {
    "general_hellaswag": (10042, 10042),
    "general_winogrande": (1267, 1267),
    "general_commonsenseqa": (1215, 1215),
    "general_boolq": (3270, 3270),
    "general_truthfulqa": (817, 817),
    "general_mmlu": (10886, 10793),
    "general_bbh": (6006, 6004),
    "general_bbh_letters": (5506, 5504),
    "general_ifeval": (515, 515),
}


def read(task: str, rows: list[dict[str, Any]] | None = None) -> list[Item]:
    reader = READERS[task]
    found = (row for source in reader.sources for row in source.rows()) if rows is None else iter(rows)
    return list(reader.items(found))


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("task", COUNTS)
def test_a_published_set(task: str) -> None:
    items = read(task)
    assert (len(items), len({item.item_id for item in items})) == COUNTS[task]
    for item in items:
        assert item.task == task
        assert item.guess_rate == (1 / len(item.options) if item.options else 0)
        if item.options:
            assert judge_lettered(item.answer, item.answer, item.options).strict.outcome is Outcome.CORRECT
            assert f"\n\nA. {item.options[0]}\nB. {item.options[1]}" in item.question


def test_hellaswag_from_a_copy_and_from_the_hub(data: Path) -> None:
    (data / "hellaswag").mkdir()
    lines = ["Cooking: A man opens a tin. he", "2", "eats it.", "a  b.", "pours it into a bowl.", "sings."]
    (data / "hellaswag" / "hellaswag_val_full.txt.bz2").write_bytes(bz2.compress("\n".join(lines).encode()))
    hub = {
        "activity_label": "Cooking",
        "ctx": "[header] A man opens a tin. [title] he".replace(" [title] he", " he"),
        "endings": ["eats it.", "[step] a b.", " pours it into a bowl.", "sings."],
        "label": "2",
    }
    (item,) = read("general_hellaswag")
    assert [item] == read("general_hellaswag", [hub])
    assert (item.answer, item.options[1]) == ("C", "a b.")
    assert "Cooking: A man opens a tin. he\n\nA." in item.question


def test_the_marks_of_wikihow_are_taken_out() -> None:
    row = {"activity_label": "How to", "ctx": "Begin. [title] Take  one. [step] Go.", "label": 0}
    (item,) = read("general_hellaswag", [{**row, "endings": ["a [substeps] b", "c", "d", "e"]}])
    assert "How to: Begin.. Take one. Go.\n\nA. a b\n" in item.question


@pytest.mark.parametrize(
    ("sentence", "options", "asked"),
    [
        ("Ann beat Eve because _ was fast.", ("Ann", "Eve"), "Ann beat Eve because _ was fast."),
        ("The tin left the box as the _ was big.", ("tin", "box"), "The tin left the box as the _ was big."),
        ("It was _ .", ("the tin", "the box"), "It was the _."),
        ("Bo saw _'s dog.", ("Bob", "Bo"), "Bo saw _'s dog."),
        ("_ is tall.", ("Ann", "Anna"), "_ is tall."),
    ],
)
def test_winogrande_from_a_copy_and_from_the_hub(
    data: Path, sentence: str, options: tuple[str, str], asked: str
) -> None:
    before, _, after = sentence.partition("_")
    copied = {"context_options": [before + each for each in options], "continuation": after.strip(), "gold": 1}
    (data / "winogrande").mkdir()
    (data / "winogrande" / "winogrande.jsonl").write_text(json.dumps(copied) + "\n")
    hub = {"sentence": sentence, "option1": options[0], "option2": options[1], "answer": "2"}
    (item,) = read("general_winogrande")
    assert [item] == read("general_winogrande", [hub])
    assert item.question.split("\n\n")[1] == asked
    assert item.answer == "B"


def test_boolq_from_a_copy_and_from_the_hub(data: Path) -> None:
    (data / "boolq").mkdir()
    copied = {"query": "Passage: Tin is soft.\nQuestion: is tin hard?", "choices": ["no", "yes"], "gold": 0}
    (data / "boolq" / "boolq.jsonl").write_text(json.dumps(copied) + "\n")
    (item,) = read("general_boolq")
    hub = {"question": "is tin hard", "passage": "Tin is soft. ", "answer": False}
    other = {**hub, "question": "is tin soft", "answer": True}
    assert [item] == read("general_boolq", [hub])
    assert item.question.startswith("Tin is soft.\n\nQuestion: is tin hard?\n\nA. yes\nB. no\n")
    assert [each.cluster_id for each in read("general_boolq", [hub, other])] == [item.cluster_id] * 2


def test_truthfulqa_from_a_copy_and_from_the_hub(data: Path) -> None:
    (data / "truthfulqa").mkdir()
    copied = [{"question": f"q{k}?", "mc1_targets": {"true": 1, "false": 0, "wrong": 0}} for k in range(60)]
    (data / "truthfulqa" / "mc_task.json").write_text(json.dumps(copied))
    hub = [
        {"question": f"q{k}?", "mc1_targets": {"choices": ["true", "false", "wrong"], "labels": [1, 0, 0]}}
        for k in range(60)
    ]
    items = read("general_truthfulqa")
    assert items == read("general_truthfulqa", hub)
    assert all(item.options["ABC".index(item.answer)] == "true" for item in items)
    assert min(Counter(item.answer for item in items).values()) > 10


def test_mmlu_leaves_the_stem_subjects_to_science() -> None:
    row = {"question": "q", "choices": ["a", "b", "c", "d"], "answer": 3}
    items = read("general_mmlu", [{**row, "subject": "anatomy"}, {**row, "subject": "philosophy"}])
    assert [(item.group, item.answer) for item in items] == [("philosophy", "D")]


@pytest.mark.parametrize(
    ("subtask", "asked", "target", "options", "answer"),
    [
        ("navigate", "Do you return?\nOptions:\n- Yes\n- No", "No", ("Yes", "No"), "B"),
        ("formal_fallacies", "Is it?\nOptions:\n- valid \n- invalid", "valid", ("valid", "invalid"), "A"),
        ("snarks", "Which?\nOptions:\n(A) x\n(B) y", "(B)", ("x", "y"), "B"),
        ("boolean_expressions", "not True is", "False", ("True", "False"), "B"),
        ("object_counting", "How many?", "12", (), "12"),
    ],
)
def test_bbh_options(subtask: str, asked: str, target: str, options: tuple[str, ...], answer: str) -> None:
    (item,) = read("general_bbh", [{"input": asked, "target": target, "subtask": subtask}])
    assert (item.options, item.answer, item.group) == (options, answer, subtask)
    assert "Options:" not in item.question
    judge = MODULES["bbh"].judge
    said = f"Answer: {answer}"
    assert judge({"answer": item.answer, "options": list(options)}, [said])["acc"] == 1
    assert judge({"answer": item.answer, "options": list(options)}, ["who knows"])["unparsed"] == 1


def test_bbh_drops_what_has_no_right_option() -> None:
    row = {"input": "Which?\nOptions:\n(A) x\n(B) y", "target": "z", "subtask": "movie_recommendation"}
    assert read("general_bbh", [row]) == []
    assert len(MODULES["bbh"].SUBTASKS) == 25


def test_ifeval_items_are_the_same_with_and_without_empty_arguments() -> None:
    row = {"prompt": "Do it.", "instruction_id_list": ["length_constraints:number_words"], "key": 1}
    copied = read("general_ifeval", [{**row, "kwargs": [{"num_words": 300}]}])
    assert copied == read("general_ifeval", [{**row, "kwargs": [{"num_words": 300.0, "relation": None}]}])


def test_ifeval_judges_by_the_checks_of_lm_eval(monkeypatch: pytest.MonkeyPatch) -> None:
    def verdict(first: bool, second: bool) -> Any:
        followed = [first, second]
        return lambda asked, output: SimpleNamespace(
            follow_all_instructions=all(followed), follow_instruction_list=followed
        )

    checks = SimpleNamespace(
        InputExample=lambda *fields: fields,
        test_instruction_following_strict=verdict(True, False),
        test_instruction_following_loose=verdict(True, True),
    )
    monkeypatch.setattr(MODULES["ifeval"], "_checks", lambda: checks)
    doc = {"question": "q", "answer": json.dumps({"instructions": ["a", "b"], "arguments": [{}, {}], "unchecked": 0})}
    judged = MODULES["ifeval"].judge(doc, ["text"])
    assert (judged["acc"], judged["score"], judged["loose"], judged["unparsed"]) == (0, 0.5, 1, 0)
    assert MODULES["ifeval"].judge(doc, [" "])["unparsed"] == 1


def test_ifeval_leaves_out_what_needs_a_download() -> None:
    kinds = ["length_constraints:number_sentences", "punctuation:no_comma"]
    row = {"prompt": "p", "instruction_id_list": kinds, "kwargs": [{"relation": "at least", "num_sentences": 2}, {}]}
    (item,) = read("general_ifeval", [row])
    assert (item.group, json.loads(item.answer)["unchecked"]) == ("punctuation", 1)
    assert read("general_ifeval", [{**row, "instruction_id_list": kinds[:1], "kwargs": row["kwargs"][:1]}]) == []


def test_ifeval_with_the_real_checks_and_without_a_download(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process that has not imported lm-eval's checks, whose import downloads punkt_tab where it is missing."""
    code = (
        "import json, nltk; nltk.download = lambda *_, **__: print('downloaded'); "
        "from harness.records.suites import load_task_module, tasks_root; "
        "module = load_task_module(tasks_root() / 'general' / 'ifeval.py'); "
        "answer = json.dumps({'instructions': ['punctuation:no_comma', 'length_constraints:number_words'], "
        "'arguments': [{}, {'relation': 'at least', 'num_words': 3}], 'unchecked': 1}); "
        "print([module.judge({'question': 'p', 'answer': answer}, [said]) "
        "for said in ('One here two.', 'One, here. Two.')])"
    )
    monkeypatch.setenv("NLTK_DATA", "nowhere")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    judged = ast.literal_eval(found.stdout)
    assert [(each["acc"], each["score"], each["unchecked"]) for each in judged] == [(1, 1.0, 1), (0, 0.5, 1)]


IDS = (
    "from harness.items import items_digest; from harness.records.suites import load_task_module, tasks_root; "
    "from harness.plugin import sampled; "
    "tasks = load_task_module(tasks_root() / 'general' / 'claims.py').TASKS; reader = tasks['general_truthfulqa']; "
    "items = reader.items(row for source in reader.sources for row in source.rows()); "
    "print(items_digest(item.item_id for item in sampled(items, 1)))"
)


@pytest.mark.slow
def test_item_ids_and_their_order_are_the_same_in_every_process(data: Path) -> None:
    (data / "truthfulqa").mkdir()
    rows = [{"question": f"q{k}?", "mc1_targets": {"true": 1, "false": 0, f"w{k}": 0}} for k in range(40)]
    (data / "truthfulqa" / "mc_task.json").write_text(json.dumps(rows))
    printed = set()
    for seed in ("0", "4711"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run([sys.executable, "-c", IDS], env=env, capture_output=True, text=True, check=True)
        printed.add(done.stdout)
    assert len(printed) == 1
