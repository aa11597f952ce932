"""The math tasks: published rows become items, generated gold answers are right, no training item is a test item."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sympy

from harness import plugin
from harness.answers import mathematics
from harness.items import Item, items_digest, split_of
from harness.lmeval import load_tasks
from harness.records.suites import load_task_module, tasks_root

MODULES = {name: load_task_module(tasks_root() / "math" / f"{name}.py") for name in ("gsm8k", "math500", "svamp")}
LETTERED = load_task_module(tasks_root() / "math" / "lettered.py")
PROCEDURAL = load_task_module(tasks_root() / "math" / "procedural.py")
GENERATED = sorted(PROCEDURAL.TASKS)

# Item ids are what two models of a pair are matched by: a change here is a new version of a suite.
DIGESTS = {"math_algebra": "ffcf27716138e9f2", "math_long_arithmetic": "2be7b7a3d58ff354"}


@pytest.fixture(scope="module", autouse=True)
def _worker_ends() -> Iterator[None]:
    yield
    mathematics.close()


@pytest.fixture
def rows(data: Path) -> Any:
    """Writes a data folder of rows in the sets' own schemas."""

    def write(name: str, found: list[dict[str, Any]]) -> None:
        path = data / name
        path.parent.mkdir(exist_ok=True)
        lines = "".join(json.dumps(row) + "\n" for row in found)
        path.write_text(lines if path.suffix == ".jsonl" else json.dumps(found), encoding="utf-8")

    return write


def items(reader: plugin.Reader) -> list[Item]:
    return list(reader.items(row for source in reader.sources for row in source.rows()))


def judged(item: Item, output: str) -> dict[str, Any]:
    doc = {"answer": item.answer, "options": list(item.options)}
    return (plugin.judge_lettered if item.options else plugin.judge_math)(doc, [output])


def draw(task: str, split: str, count: int, seed: int = 1) -> list[Item]:
    return list(PROCEDURAL.TASKS[task](split, count, seed))


def asked(item: Item) -> str:
    return item.question.split("\n\n")[0]


def test_a_gsm8k_row(rows: Any) -> None:
    solution = "He buys 2*3 = <<2*3=6>>6 boxes.\nThey cost 6*$200 = $<<6*200=1200>>1,200.\n#### 1,200"
    rows("gsm8k/test.jsonl", [{"question": "  How much\u00a0does he pay? ", "answer": solution}])
    (item,) = items(MODULES["gsm8k"].TASKS["math_gsm8k"])
    assert item.question == (
        "How much does he pay?\n\n"
        'Think step by step, then end with a last line that starts with "The answer is" and gives the final answer.'
    )
    assert (item.answer, item.guess_rate) == ("1200", 0)
    assert item.target == "He buys 2*3 = 6 boxes.\nThey cost 6*$200 = $1,200.\nThe answer is 1200."
    assert judged(item, "It costs him $1,200.\nThe answer is $1,200.00.")["acc"] == 1
    (thought,) = items(MODULES["gsm8k"].TASKS["math_gsm8k_think"])
    assert thought.item_id != item.item_id
    assert thought.target.startswith("<think>He buys")
    found = judged(thought, "<think>The answer is 5.</think>\n<answer>1200</answer>")
    assert (found["acc"], found["layer"]) == (1, "tag")


def test_rows_of_math500_in_the_schema_of_the_hub(rows: Any) -> None:
    made = [
        {
            "problem": "Compute $1 + \\frac{1}{2}$.",
            "solution": "We get $\\boxed{\\frac{3}{2}}$.",
            "answer": "\\frac{3}{2}",
            "subject": "Prealgebra",
            "level": 1,
            "unique_id": "test/prealgebra/1.json",
        },
        {
            "problem": "Who is the tallest?\n\n[asy]\ndot((0,0));\n[/asy]",
            "solution": "It is \\boxed{\\text{Ada}}.",
            "answer": "\\text{Ada}",
            "subject": "Number Theory",
            "level": 5,
            "unique_id": "test/number_theory/2.json",
        },
    ]
    rows("math500/test.jsonl", made)
    first, second = items(MODULES["math500"].TASKS["math_math500"])
    assert first.question.endswith("\n\nThink step by step, then put the final answer inside \\boxed{}.")
    assert (first.answer, first.group, second.group) == ("\\frac{3}{2}", "Prealgebra 1", "Number Theory 5")
    assert judged(first, "So it is $\\boxed{1.5}$.")["acc"] == 1
    assert judged(first, "So it is $\\boxed{1\\frac12}$.")["layer"] == "boxed"
    assert judged(second, "The answer is \\boxed{Ada}.")["acc"] == 1
    wrong = judged(second, "The answer is \\boxed{Bob}.")
    assert (wrong["acc"], wrong["unparsed"], wrong["extracted"]) == (0, 0, "Bob")


def test_svamp_rows_become_one_text(rows: Any) -> None:
    row = {"ID": "chal-1", "Equation": "( 9.0 - 2.0 )", "Answer": 7.0, "Type": "Common-Divison"}
    made = [
        {**row, "Body": "Dan had 9 pens. He lost 2.", "Question": "How many are left?"},
        {**row, "Body": "If Dan had 9 pens and lost 2 of them ", "Question": "How many are  left?", "Answer": "7"},
    ]
    rows("svamp/SVAMP.json", made)
    first, second = items(MODULES["svamp"].TASKS["math_svamp"])
    assert asked(first) == "Dan had 9 pens. He lost 2. How many are left?"
    assert asked(second) == "If Dan had 9 pens and lost 2 of them, how many are left?"
    assert (first.answer, second.answer, first.group) == ("7", "7", "common-division")
    rows("svamp/SVAMP.json", [{**made[0], "Answer": 7.5}])
    with pytest.raises(ValueError, match="no whole number"):
        items(MODULES["svamp"].TASKS["math_svamp"])


def test_an_aqua_row(rows: Any) -> None:
    row = {"question": "Half of 9?", "rationale": "9/2", "correct": "B"}
    made = [{**row, "options": ["A)4", "B) 4.5", "C)5"]}, {**row, "options": ["A)4.5", "B)4.5", "C)5"]}]
    rows("aqua/test.jsonl", made)
    (item,) = items(LETTERED.TASKS["math_aqua"])  # where the right answer stands twice, nothing can be asked
    assert item.question.startswith("Half of 9?\n\nA. 4\nB. 4.5\nC. 5\n\nThink step by step")
    assert (item.answer, item.guess_rate) == ("B", 1 / 3)
    assert judged(item, "9 / 2 = 4.5.\nThe answer is B.")["acc"] == 1
    assert judged(item, "9 / 2 = 4.5.\nThe answer is 4.5.")["acc"] == 1
    assert judged(item, "The answer is C.")["acc"] == 0


def test_mmlu_pro_rows_of_mathematics_alone(rows: Any) -> None:
    row = {"question": "1 + 1?", "options": ["1", "2", "N/A"], "answer": "B", "answer_index": 1, "src": "ori_mmlu-x"}
    rows("mmlu_pro_science/math.jsonl", [{**row, "category": "math"}, {**row, "category": "law"}])
    (item,) = items(LETTERED.TASKS["math_mmlu_pro"])
    assert (item.options, item.guess_rate, item.group) == (("1", "2"), 1 / 2, "ori_mmlu-x")


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("module", "task", "count"),
    [
        *(("gsm8k", "math_gsm8k", 1319), ("gsm8k", "math_gsm8k_think", 1319), ("svamp", "math_svamp", 1000)),
        *(("lettered", "math_aqua", 250), ("lettered", "math_mmlu_pro", 1351)),
    ],
)
def test_real_sets_are_whole_and_their_own_solutions_are_right(module: str, task: str, count: int) -> None:
    found = items({**MODULES, "lettered": LETTERED}[module].TASKS[task])
    assert len({item.item_id for item in found}) == len(found) == count
    for item in found:
        assert item.question == item.question.strip()
        assert "<<" not in item.target
        assert judged(item, item.target)["acc"] == 1, item.target
        assert judged(item, item.target + " No, wait: the answer is not known.")["acc"] in (0, 1)


@pytest.mark.usefixtures("published")
def test_training_questions_of_gsm8k_are_no_test_questions() -> None:
    test = items(MODULES["gsm8k"].TASKS["math_gsm8k"])
    train = list(MODULES["gsm8k"].train_items())
    assert len(train) == len({item.item_id for item in train}) == 7473
    assert not {asked(item) for item in test} & {asked(item) for item in train}
    assert MODULES["gsm8k"].TRAIN not in MODULES["gsm8k"].TASKS["math_gsm8k"].sources
    assert all(judged(item, item.target)["acc"] for item in train)


@pytest.mark.usefixtures("published")
def test_every_task_states_its_budget_and_is_judged_by_the_checker() -> None:
    budgets = {
        "math_gsm8k": 512,
        "math_gsm8k_think": 1024,
        "math_svamp": 384,
        "math_aqua": 1024,
        "math_mmlu_pro": 1024,
        "math_long_arithmetic": 512,
        "math_algebra": 768,
    }
    for name, loaded in load_tasks(list(budgets)).items():
        config = loaded.task.config
        assert config.generation_kwargs == {"until": [], "max_gen_toks": budgets[name], "do_sample": False}
        assert {"acc", "score", "unparsed", "extracted", "layer"} <= {each["metric"] for each in config.metric_list}
        document = loaded.task.eval_docs[0]
        found = loaded.task.process_results(document, [f"Well.\nThe answer is {document['answer']}."])
        assert (found["acc"], found["layer"]) == (1, "said")


@pytest.mark.parametrize("task", GENERATED)
def test_generated_items_cover_every_kind_and_level(task: str) -> None:
    found = draw(task, "test", 500)
    groups = Counter(item.group for item in found)
    kinds = {group.split()[0] for group in groups}
    assert set(groups) == {f"{kind} {level}" for kind in kinds for level in (1, 2, 3, 4)}
    assert len({item.item_id for item in found}) == 500
    assert Counter(item.answer for item in found).most_common(1)[0][1] < 0.05 * len(found)
    assert all(split_of(item.cluster_id) == "test" for item in found)


@pytest.mark.parametrize("task", GENERATED)
def test_generated_splits_share_no_numbers(task: str) -> None:
    test = {item.cluster_id for item in draw(task, "test", 500)}
    train = {item.cluster_id for item in draw(task, "train", 3000) + draw(task, "train", 1000, seed=2)}
    assert not test & train


@pytest.mark.slow
@pytest.mark.parametrize("task", GENERATED)
def test_the_same_generated_items_in_another_process(task: str) -> None:
    code = (
        "from tests.tasks.test_math_tasks import draw, items_digest\n"
        f"print(items_digest(item.item_id + item.target for item in draw({task!r}, 'test', 60)))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == items_digest(item.item_id + item.target for item in draw(task, "test", 60))


@pytest.mark.parametrize("task", GENERATED)
def test_known_digest_of_generated_items(task: str) -> None:
    assert items_digest(item.item_id for item in draw(task, "test", 60))[:16] == DIGESTS[task]


@pytest.mark.slow
@pytest.mark.parametrize("task", GENERATED)
def test_targets_of_generated_items_are_right_and_other_answers_are_not(task: str) -> None:
    found = draw(task, "test", 120)
    for item, other in pairwise(found):
        assert judged(item, item.target)["acc"] == 1, item.target
        if item.answer != other.answer:
            assert judged(item, f"The answer is {other.answer}.")["acc"] == 0
        assert judged(item, asked(item))["unparsed"] == 1


def formula(text: str) -> Any:
    """The value of an expression in the notation of the questions, by sympy and not by the generator's own way."""
    text = re.sub(
        r"(?<=[0-9)])(?=[x(])|(?<=x)(?=\()", "*", re.sub(r"(?<=[0-9)]) x (?=[0-9(])", "*", text.replace("^", "**"))
    )
    return sympy.sympify(re.sub(r"(?<=[0-9])y", "*y", text), rational=True)


def test_gold_of_long_arithmetic() -> None:
    for item in draw("math_long_arithmetic", "test", 500):
        text, kind = asked(item), item.group.split()[0]
        numbers = [Fraction(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]
        if kind == "brackets":
            assert formula(re.sub(r"^[A-Za-z ]+(?=[(0-9])|[.?]$", "", text)) == int(item.answer), text
            continue
        first, second = numbers
        if text.startswith(("Subtract", "How often")):
            first, second = second, first
        minus = kind == "subtraction" or re.search(r" - |minus|Subtract", text)
        results = {"multiplication": first * second, "division": first / second}
        expected = results.get(kind, first - second if minus else first + second)
        assert Fraction(item.answer) == expected, text


def test_gold_of_algebra() -> None:
    x, y = sympy.symbols("x y")
    checked: Counter[str] = Counter()
    for item in draw("math_algebra", "test", 500):
        text, kind = asked(item), item.group.split()[0]
        checked[kind] += 1
        if kind == "linear":
            left, right = re.search(r"([-0-9x(][-+0-9x() ]*) = ([-+0-9x ]+)", text).groups()  # type: ignore[union-attr]
            assert sympy.solve(formula(left) - formula(right), x) == [sympy.Rational(item.answer)], text
        elif kind == "system":
            sides = re.findall(r"([-+0-9xy ]+) = (-?\d+)", text)
            solved = sympy.solve([formula(left) - int(right) for left, right in sides], (x, y))
            assert f"({solved[x]}, {solved[y]})" == item.answer, text
        elif kind == "quadratic":
            roots = sympy.solve(formula(re.search(r"of (.*) = 0", text)[1]), x)  # type: ignore[index]
            if "\\pm" in item.answer:
                p, q = re.fullmatch(r"(-?\d*) ?\\pm \\sqrt\{(\d+)\}", item.answer).groups()  # type: ignore[union-attr]
                assert set(roots) == {int(p or 0) + sympy.sqrt(int(q)), int(p or 0) - sympy.sqrt(int(q))}, text
            else:
                assert ", ".join(map(str, sorted(roots))) == item.answer, text
        elif kind == "expand":
            term = re.search(r"(\([^?.]*\))+", text)[0]  # type: ignore[index]
            power = re.search(r"coefficient of (x(?:\^2)?)", text)[1]  # type: ignore[index]
            assert sympy.expand(formula(term)).coeff(x, 2 if "^" in power else 1) == int(item.answer), text
        elif kind == "derivative":
            term = re.search(r"(?:of|Differentiate) (.*) with", text)[1]  # type: ignore[index]
            assert sympy.diff(formula(term), x) == formula(item.answer), text
        elif kind == "value":
            at = re.search(r"x = (-?\d+)", text)[1]  # type: ignore[index]
            term = next(
                each for each in re.findall(r"-?\d*x[-+^0-9x ]*\d|-?\d*x", text) if each != "x" or "of x " in text
            )
            assert formula(term.strip()).subs(x, int(at)) == int(item.answer), text
        elif kind == "sequence":
            a, b, c, _, place = map(int, re.findall(r"-?\d+", text))
            expected = a + (b - a) * (place - 1) if b - a == c - b else a * (b // a) ** (place - 1)
            assert expected == int(item.answer), text
        else:
            number, inside = map(int, re.findall(r"\((\d+)\)", text))
            assert int(item.answer) ** 2 * inside == number, text
    assert min(checked.values()) > 20
