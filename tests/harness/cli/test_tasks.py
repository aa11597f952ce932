"""``retention tasks``: what each command prints and writes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.lmeval import load_tasks
from harness.pictures.pixels import decode_png
from harness.records.suites import load_suite
from harness.suites import prompt_style_of
from leaderboard.cli import cli

LETTERS = """
task: letters
custom_dataset: !function letters.load
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: ["A", "B"]
doc_to_target: "{{gold}}"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
metadata: {items: 2, chance: 0.5, licence: MIT}
"""
LETTERS_CODE = """
from datasets import Dataset

def load(**_):
    return {"test": Dataset.from_list([{"question": f"a \\x1b[31m {k}", "gold": k} for k in range(2)])}
"""


def tasks(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["tasks", *map(str, arguments)])


def write_letters(folder: Path) -> Path:
    (folder / "letters.yaml").write_text(LETTERS)
    (folder / "letters.py").write_text(LETTERS_CODE)
    return folder


def test_list_has_every_task_of_the_shipped_suites() -> None:
    listed = {each["task"]: each for each in json.loads(tasks("list", "--json").stdout)}
    assert set(load_suite("nano-1").tasks) <= set(listed)
    assert listed["math_word"]["max_tokens"] == 64
    lines = tasks("list", "--family", "jigsaw").output.splitlines()
    assert lines[0].split() == ["task", "family", "answer", "items", "chance", "budget", "source"]
    assert all(line.split()[1] == "jigsaw" for line in lines[1:])
    assert (
        "--family jigsaws: no task is of this family; there are general, jigsaw, "
        in tasks("list", "--family", "jigsaws").output
    )


def test_a_users_own_task_is_listed_beside_them(tmp_path: Path) -> None:
    write_letters(tmp_path)
    line = next(
        line for line in tasks("list", "--include-path", tmp_path).output.splitlines() if line.startswith("letters ")
    )
    assert line.split()[2:] == ["options", "2", "50.0", "%", "-", "procedural"]


def test_the_list_says_how_a_task_is_answered_and_names_the_first_place_of_its_data() -> None:
    lines = {line.split()[0]: line.split()[2:] for line in tasks("list").output.splitlines()}
    assert lines["math_gsm8k"] == ["writes", "1,319", "0.0", "%", "512", "openai/gsm8k"]
    assert lines["general_mmlu_letters"][0] == lines["general_mmlu_shots"][0] == "letter"
    assert lines["general_mmlu_cloze"][0] == "options"
    assert lines["math_svamp_shots"][5:] == ["ChilleD/SVAMP", "and", "1", "more"]
    assert lines["perception_captions"][5:] == ["sugarcrepe/", "and", "2", "more"]
    assert lines["perception_charts"][5:] == ["chartqa/"]


def test_show_says_what_a_task_is_and_what_its_readme_says() -> None:
    shown = tasks("show", "math_arithmetic").output
    assert "max_tokens   40" in shown
    assert "procedural: made from a seed" in shown
    assert "`math_arithmetic`" in shown
    assert json.loads(tasks("show", "math_arithmetic", "--json").stdout)["family"] == "math"
    assert tasks("show", "maths").exit_code == 2


@pytest.mark.slow
def test_a_folder_of_tasks_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = tasks("list", "--include-path", tmp_path / "nowhere")
    assert done.exit_code == 2
    assert "nowhere: no such folder of tasks" in done.output


def test_preview_prints_the_prompt_that_a_model_gets(tmp_path: Path) -> None:
    loaded = load_tasks(["jigsaw_2x2"])["jigsaw_2x2"]
    facts = json.loads(
        tasks(
            "preview", "jigsaw_2x2", "--item", 3, "--model", "nano:base", "--out", tmp_path / "pictures", "--json"
        ).stdout
    )
    assert facts["item_id"] == loaded.item_ids[3]
    assert facts["answer"] == loaded.task.eval_docs[3]["answer"]
    assert facts["prompt"].startswith("<|im_start|>user\n<image>This picture was cut into 4 tiles")
    assert facts["prompt_tokens"] > 50
    (picture,) = facts["images"]
    assert decode_png(Path(picture).read_bytes()).shape == (64, 64, 3)


def test_preview_is_plain_where_the_suites_of_the_task_are_or_it_is_asked_for() -> None:
    assert prompt_style_of("general_hellaswag_cloze") == "plain"
    assert prompt_style_of("math_word") == prompt_style_of("of_no_suite") == "chat"
    plain, chat = (
        json.loads(tasks("preview", "math_word", "--model", "nano:base", *asked, "--json").stdout)
        for asked in (("--prompt", "plain"), ())
    )
    assert "<|im_start|>" not in plain["prompt"]
    assert chat["prompt"].startswith("<|im_start|>user\n")
    assert plain["prompt"] in chat["prompt"]


def test_preview_without_a_model_prints_the_bare_question() -> None:
    shown = tasks("preview", "math_word").stdout.splitlines()
    question = load_tasks(["math_word"])["math_word"].task.eval_docs[0]["question"]
    assert shown[-2:] == ["prompt", f"  {question}"]
    assert any(line.split() == ["max_tokens", "64"] for line in shown)


def test_preview_shows_the_options_that_are_compared_and_no_terminal_codes(tmp_path: Path) -> None:
    write_letters(tmp_path)
    shown = tasks("preview", "letters", "--item", 1, "--include-path", tmp_path).stdout
    assert "continuations  ' A', ' B'" in shown
    assert "answer         1" in shown
    assert "\x1b[31m" not in shown


def test_an_item_that_is_not_there_is_named() -> None:
    done = tasks("preview", "math_word", "--item", 300)
    assert done.exit_code == 2
    assert "--item 300: task math_word has items 0 to 299" in done.output


def test_an_item_is_found_by_the_start_of_its_id() -> None:
    first = json.loads(tasks("preview", "math_word", "--item", 3, "--json").stdout)
    found = json.loads(tasks("preview", "math_word", "--item", first["item_id"][:12], "--json").stdout)
    assert found == first
    for odd, says in (("0" * 12, "no item of task math_word"), ("abc", "neither a number nor"), ("-1", "items 0 to")):
        assert says in tasks("preview", "math_word", "--item", odd).output
