"""Science tasks: published sets become lettered questions, and computed ones have the answers that physics gives."""

import csv
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from harness import lmeval
from harness.answers.choices import LETTERS, judge_lettered
from harness.checkpoints.checkpoint import nano_root
from harness.checkpoints.prompts import PromptRenderer, PromptStyle
from harness.items import Item, items_digest, split_of
from harness.plugin import Reader
from harness.protocol import ContinuationScore, ScoreRequest
from harness.records.samples import Outcome
from harness.records.suites import Suite, SuiteTask, load_task_module, tasks_root
from tests.bench import smollm2
from tests.support.fakes import FakeEngine

MODULES = {name: load_task_module(tasks_root() / "science" / f"{name}.py") for name in ("ai2", "mmlu", "hub")}
READERS: dict[str, Reader] = {task: made for module in MODULES.values() for task, made in module.TASKS.items()}
QUANTITIES = load_task_module(tasks_root() / "science" / "quantities.py")

# (rows asked, of them different items), as counted in the copies; GPQA and SciKnowEval are on the hub alone.
COUNTS = {
    "science_arc_easy": (2376, 2376),
    "science_arc_challenge": (1172, 1172),
    "science_openbookqa": (500, 500),
    "science_qasc": (926, 926),
    "science_mmlu_stem": (3152, 3140),
    "science_mmlu_redux": (1813, 1802),
    "science_mmlu_pro_physics": (1299, 1299),
    "science_mmlu_pro_chemistry": (1132, 1132),
    "science_mmlu_pro_biology": (717, 717),
}


def read(task: str, rows: list[dict[str, Any]] | None = None) -> list[Item]:
    reader = READERS[task]
    found = (row for source in reader.sources for row in source.rows()) if rows is None else iter(rows)
    return list(reader.items(found))


def test_every_question_set_is_asked_in_both_ways() -> None:
    # The suites for pretrained bases ask some of them in further ways (test_base_tasks.py).
    asked = [task for task in READERS if not task.endswith(("_cloze", "_shots"))]
    assert {task.removesuffix("_letters") for task in asked} == {*COUNTS, "science_gpqa", "science_sciknoweval"}
    assert all(f"{task}_letters" in READERS for task in asked if not task.endswith("_letters"))


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("task", COUNTS)
def test_a_published_set(task: str) -> None:
    items = read(task)
    assert (len(items), len({item.item_id for item in items})) == COUNTS[task]
    for item in items:
        assert item.guess_rate == 1 / len(item.options)
        assert judge_lettered(item.answer, item.answer, item.options).strict.outcome is Outcome.CORRECT
        assert item.question.endswith("Answer with the letter of the correct option only.")
        assert f"\n\nA. {item.options[0]}\nB. {item.options[1]}" in item.question
        assert item.question.strip() == item.question


@pytest.mark.usefixtures("published")
def test_both_ways_ask_the_same_questions_as_different_items() -> None:
    written, letters = read("science_openbookqa"), read("science_openbookqa_letters")
    assert [item.question for item in written] == [item.question for item in letters]
    assert not {item.item_id for item in written} & {item.item_id for item in letters}


def test_the_gold_letter_names_the_option_with_the_gold_label(published: Path) -> None:
    lines = (published / "arc" / "ARC-Challenge-Test.jsonl").read_text(encoding="utf-8").splitlines()
    labelled_by_number = 0
    for row, item in zip(map(json.loads, lines), read("science_arc_challenge"), strict=True):
        texts = {each["label"]: each["text"] for each in row["question"]["choices"]}
        labelled_by_number += "1" in texts
        assert item.options["ABCDE".index(item.answer)] == texts[row["answerKey"]].strip()
    assert labelled_by_number == 22


def test_options_are_found_by_label_whatever_the_labels_are() -> None:
    row = {"question": "2 + 2?", "choices": {"text": ["3", "4", "5"], "label": ["1", "2", "3"]}, "answerKey": "2"}
    (item,) = read("science_arc_easy", [row])
    assert (item.answer, item.guess_rate) == ("B", 1 / 3)


def test_a_copy_and_the_hub_give_the_same_items(data: Path) -> None:
    choices = [{"text": "iron ", "label": "1"}, {"text": "air", "label": "2"}]
    copied = {"question": {"stem": "Which is a metal?\r\n", "choices": choices}, "answerKey": "1"}
    hub = {"answerKey": "1", "choices": {"text": ["iron", "air"], "label": ["1", "2"]}, "id": "x"}
    for task, folder, file, name in (
        ("science_arc_easy", "arc", "ARC-Easy-Test.jsonl", "question"),
        ("science_openbookqa", "openbookqa", "openbookqa-test.jsonl", "question_stem"),
        ("science_qasc", "qasc", "dev.jsonl", "question"),
    ):
        (data / folder).mkdir()
        (data / folder / file).write_text(json.dumps(copied) + "\n")
        assert read(task) == read(task, [{**hub, name: "Which is a metal?"}])


def test_mmlu_is_split_by_subject(data: Path) -> None:
    (data / "mmlu" / "test").mkdir(parents=True)
    for subject in ("anatomy", "philosophy"):
        with (data / "mmlu" / "test" / f"{subject}_test.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["question", "choice0", "choice1", "choice2", "choice3", "answer"])
            writer.writerow([f"{subject}?\nline", "a", "b, c", '"d"', "e", "1"])
    hub = {"question": "anatomy?\nline", "choices": ["a", "b, c", '"d"', "e"], "answer": 1, "subject": "anatomy"}
    assert read("science_mmlu_stem") == read("science_mmlu_stem", [hub])
    assert [item.group for item in read("science_mmlu_stem")] == ["anatomy"]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_mmlu_redux_keeps_what_its_annotators_found_right(data: Path, delimiter: str) -> None:
    folder = data / "mmlu_redux"
    folder.mkdir()
    for subject in MODULES["mmlu"].STEM:
        with (folder / f"mmlu_{subject}.csv").open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow(["question", "choices", "answer", "error_type"])
            for verdict in ("Ok", "wrong_groundtruth", " OK"):
                writer.writerow([f"{subject} {verdict}?", "['a', \"b's\", 'c', 'd']", "1", verdict])
    items = read("science_mmlu_redux")
    assert len(items) == 2 * 19
    assert {(item.answer, item.options[1]) for item in items} == {("B", "b's")}


def test_items_that_share_a_stem_share_a_cluster() -> None:
    row = {"question": "Stem", "options": ["a", "b"], "answer_index": 0, "category": "biology", "src": "x"}
    first, second = read("science_mmlu_pro_biology", [row, {**row, "options": ["a", "c"]}])
    assert first.cluster_id == second.cluster_id
    assert read("science_mmlu_pro_physics", [row]) == []


def test_a_question_whose_right_option_stands_there_twice_is_left_out() -> None:
    row = {"question": "Stem", "choices": ["a", "b", "a", "c"], "subject": "anatomy"}
    assert read("science_mmlu_stem", [{**row, "answer": 2}]) == []
    assert len(read("science_mmlu_stem", [{**row, "answer": 1}])) == 1


def test_gpqa_options_are_in_an_order_of_their_own() -> None:
    fields = ("Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")
    rows = [
        {"Question": f"q{k}", "High-level domain": "Physics", **{f: f"{f} {k}" for f in fields}} for k in range(200)
    ]
    items = read("science_gpqa", rows)
    assert all(item.options["ABCD".index(item.answer)].startswith("Correct") for item in items)
    counts = [sum(item.answer == letter for item in items) for letter in "ABCD"]
    assert min(counts) > 25
    assert items == read("science_gpqa", rows)


def test_sciknoweval_keeps_the_questions_with_options() -> None:
    row = {
        "question": "Which?",
        "choices": {"text": ["x", "y"], "label": ["A", "B"]},
        "answerKey": "B",
        "type": "mcq-2-choices",
        "domain": "Chemistry",
    }
    open_ended = {**row, "type": "open-ended-qa", "choices": {"text": [], "label": []}, "answerKey": ""}
    (item,) = read("science_sciknoweval", [row, open_ended])
    assert (item.answer, item.group) == ("B", "Chemistry")


def drawn(task: str, count: int = 400, split: str = "test") -> list[Item]:
    return list(QUANTITIES.TASKS[task](split, count, 1))


def number(text: str) -> float:
    return float(re.findall(r"-?[0-9.]+", text)[0])


def numbers(text: str) -> list[float]:
    return [float(each) for each in re.findall(r"(?<![\w(])-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?(?![0-9)])", text)]


def atoms(formula: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for symbol, count in re.findall(r"([A-Z][a-z]?)([0-9]*)", formula):
        found[symbol] = found.get(symbol, 0) + int(count or 1)
    return found


_SYMBOLS = ("H", "N", "O", "C", "S", "P", "Cl", "Br", "I", "Na", "K", "Li", "Ag", "Ca")
_METALS = {"Mg": 24.305, "Ba": 137.327, "Zn": 65.38, "Cu": 63.546, "Fe": 55.845, "Al": 26.982, "Cr": 51.996}
_MASSES = (1.008, 14.007, 15.999, 12.011, 32.06, 30.974, 35.45, 79.904, 126.904, 22.990, 39.098, 6.94, 107.868, 40.078)
MASSES = dict(zip(_SYMBOLS, _MASSES, strict=True)) | _METALS


def flat(formula: str) -> dict[str, int]:
    """Atoms of a formula with at most one level of brackets."""
    found: dict[str, int] = {}
    for inside, times, rest in re.findall(r"\(([A-Z0-9a-z]+)\)([0-9]+)|([A-Z][a-z]?[0-9]*)", formula):
        for symbol, count in atoms(inside or rest).items():
            found[symbol] = found.get(symbol, 0) + count * int(times or 1)
    return found


def weight(formula: str) -> float:
    return sum(MASSES[symbol] * count for symbol, count in flat(formula).items())


def crossed(first: str, second: str, wanted: str) -> float:
    """Per cent of offspring by counting every pair of gametes."""
    dominant = {"tall": "A", "short": "a", "purple": "B", "white": "b", "round": "D", "wrinkled": "d"}
    genes = [(first[k : k + 2], second[k : k + 2]) for k in range(0, len(first), 2)]
    signs = [dominant[word] for word in re.findall("tall|short|purple|white|round|wrinkled", wanted)]
    hits = total = 0
    for child in product(*(product(mother, father) for mother, father in genes)):
        shown = [pair[0] if pair[0].isupper() else pair[1] for pair in child]
        hits, total = hits + (shown == signs), total + 1
    return 100 * hits / total


def expected(item: Item) -> float:
    """The answer worked out again from the words of the question."""
    asked = item.question.split("\n\n")[0]
    n = numbers(asked)
    match item.group:
        case "mass of an amount":
            return n[0] * weight(asked.rpartition(", ")[2].rstrip("?"))
        case "mass per cent":
            found = re.search(r", (\S+), is the element (\w+)\?", asked)
            assert found
            return 100 * flat(found[1])[found[2]] * MASSES[found[2]] / weight(found[1])
        case "gas law":
            if "pressure" in asked:
                return n[0] * 8.314 * (n[2] + 273.15) / n[1]
            return n[1] * n[0] / (8.314 * (n[2] + 273.15))
        case "photon energy":
            return 6.626e-34 * 2.998e8 / (n[0] * 1e-9) / 1.602e-19
        case "half-life":
            half, amount, passed = (float(each) for each in re.findall(r"([0-9.]+) (?:days|mg)", asked))
            return amount * 2 ** (-passed / half)
        case "pH":
            power = -math.log10(n[0] / 1000)
            return 14 - power if "hydroxide" in asked else power
        case "dilution":
            return n[2] * n[1] / n[0]
        case "projectile":
            up, along = (n[0] * turn(math.radians(number(asked.split(", ")[1]))) for turn in (math.sin, math.cos))
            time_up = up / 9.81
            return up * time_up - 9.81 * time_up**2 / 2 if "high" in asked else 2 * time_up * along
        case "genetics":
            found = re.search(r"offspring of (\w+) x (\w+) is expected to have (.+)\?", asked)
            assert found
            return crossed(*found.groups())
    raise AssertionError(item.group)


def test_computed_answers_hold_when_worked_out_again() -> None:
    items = [item for item in drawn("science_quantities", 500) if item.group != "balancing"]
    assert {item.group for item in items} == set(QUANTITIES._TOPICS) - {"balancing"}
    for item in items:
        assert float(item.answer) == pytest.approx(expected(item), rel=0.0056), item.question


def test_balanced_equations_balance_with_the_smallest_whole_numbers() -> None:
    items = [item for item in drawn("science_quantities", 500) if item.group == "balancing"]
    assert len(items) > 20
    for item in items:
        equation, answer = item.target.rstrip(".").split(".\nAnswer: ")
        sides = [
            [(int(part.split()[0]), part.split()[1]) for part in side.split(" + ")] for side in equation.split(" -> ")
        ]
        left, right = ({s: sum(k * atoms(f).get(s, 0) for k, f in side) for s in ("C", "H", "O")} for side in sides)
        assert left == right
        assert math.gcd(*(k for side in sides for k, _ in side)) == 1
        asked = re.search(r"coefficient of (\w+)", item.question)
        assert asked
        assert int(answer) == {f: k for side in sides for k, f in side}[asked[1]]


def test_open_answers_are_judged_within_one_per_cent() -> None:
    for item in drawn("science_quantities", 200):
        doc = {"answer": item.answer}
        assert QUANTITIES.judge(doc, [item.target])["acc"] == 1
        assert QUANTITIES.judge(doc, [f"Answer: {float(item.answer) * 1.009:.6g}"])["acc"] == 1
        assert QUANTITIES.judge(doc, [f"Answer: {float(item.answer) * 1.02:.6g}"])["acc"] == 0
        assert QUANTITIES.judge(doc, ["I do not know"])["unparsed"] == 1
        assert not re.search("e[-+]?[0-9]", item.answer)


def test_options_are_four_and_clearly_apart() -> None:
    for item in drawn("science_quantities_choice"):
        values = [number(option) for option in item.options]
        assert len(values) == 4
        for k, value in enumerate(values):
            assert all(abs(value - other) > 0.04 * max(value, other) for other in values[k + 1 :]), item.options
        assert len({option.partition(" ")[2] for option in item.options}) == 1
        assert judge_lettered(item.target, item.answer, item.options).lenient.outcome is Outcome.CORRECT


def test_letters_are_asked_the_same_questions() -> None:
    written, letters = (drawn(f"science_quantities_choice{end}", 50) for end in ("", "_letters"))
    assert [item.question for item in written] == [item.question for item in letters]


def tokenizers() -> list[Path]:
    """Real tokenizers at hand: the nano base's, and SmolLM2's where the benchmark has been run."""
    found = [nano_root() / "base", smollm2.CACHE / "smollm2-135m-instruct"]
    return [folder for folder in found if (folder / "tokenizer.json").is_file()]


@pytest.mark.parametrize("folder", tokenizers(), ids=lambda folder: folder.name)
@pytest.mark.parametrize("style", ["chat", "plain"])
def test_letters_are_one_request_of_one_token_each_and_the_row_tells_the_choice(
    folder: Path, style: PromptStyle
) -> None:
    name = "science_quantities_choice_letters"
    loaded = lmeval.first_items(lmeval.load_tasks([name])[name], 12)
    digest = items_digest(loaded.item_ids)
    suite = Suite(
        name="t",
        version="1",
        title="t",
        prompt=style,
        tasks={name: SuiteTask(family="science", group="quantities", count=12, digest=digest)},
    )
    engine = Counting()
    run = lmeval.run_tasks(suite, {name: loaded}, engine, PromptRenderer(folder, style), lambda _: None)
    samples = [sample for chunk in run for sample in chunk]
    assert [len(request.continuations) for request in engine.requests] == [4] * 12
    for request in engine.requests:
        tokens = [token for continuation in request.continuations for token in continuation]
        assert len(tokens) == len(set(tokens)) == 4, "each letter is one token, and another one"
    # The outcome follows from the row and the item alone.
    for sample, item in zip(samples, drawn(name, 12), strict=True):
        assert (sample.output, sample.extracted, sample.layer) == ("C", "C", "logprobs")
        assert sample.outcome is (Outcome.CORRECT if sample.output == item.answer else Outcome.WRONG)
        assert set(sample.details) == {"letter_mass", "margin"}
    assert {sample.outcome for sample in samples} == {Outcome.CORRECT, Outcome.WRONG}


@pytest.mark.parametrize("folder", tokenizers(), ids=lambda folder: folder.name)
def test_every_letter_is_one_token_behind_a_question(folder: Path) -> None:
    for style in ("chat", "plain"):
        renderer = PromptRenderer(folder, style)
        prompt = renderer.render(drawn("science_quantities_choice", 1)[0].question)
        tokens = [renderer.continuation(prompt, letter) for letter in LETTERS]
        assert {len(each) for each in tokens} == {1}
        assert len(set(tokens)) == len(LETTERS)


class Counting(FakeEngine):
    """Prefers the third letter, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[ScoreRequest] = []

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, tuple[ContinuationScore, ...]]]:
        self.requests = list(requests)
        for index, request in enumerate(requests):
            yield index, tuple(ContinuationScore(-2.0 - abs(k - 2), k == 2) for k in range(len(request.continuations)))


def test_no_quantity_is_in_two_splits() -> None:
    keys = [
        {item.cluster_id for task in QUANTITIES.TASKS for item in drawn(task, 500, split)}
        for split in ("test", "train")
    ]
    assert not keys[0] & keys[1]
    assert {split_of(f"science:{key}") for key in keys[0]} == {"test"}


def test_fewer_items_are_the_first_of_more() -> None:
    assert drawn("science_quantities", 40) == drawn("science_quantities", 80)[:40]


DIGESTS = (
    "import sys; from harness.items import items_digest; "
    "from harness.records.suites import load_task_module, tasks_root; "
    "tasks = load_task_module(tasks_root() / 'science' / 'quantities.py').TASKS; "
    "print({name: items_digest(i.item_id for i in make('test', 150, 1)) for name, make in tasks.items()})"
)


@pytest.mark.slow
def test_item_ids_are_the_same_in_every_process() -> None:
    here = {name: items_digest(item.item_id for item in drawn(name, 150)) for name in QUANTITIES.TASKS}
    for seed in ("0", "4711"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}
        printed = subprocess.run([sys.executable, "-c", DIGESTS], env=env, capture_output=True, text=True, check=True)
        assert printed.stdout.strip() == str(here)
