import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.records.suites import Suite, load_suite, tasks_root
from harness.suites.catalogue import CatalogueError, DataSet, find_task, find_tasks, image_tasks

SUMS = """
include: [../_shared.yaml]
task: sums
custom_dataset: !function sums.load
dataset_kwargs: {task: sums, seed: 1}
generation_kwargs: {until: "\\n", max_gen_toks: 7}
metadata: {version: 1, items: 5, chance: 0.25, licence: MIT}
"""
SUMS_CODE = """
from harness import plugin
from harness.plugin import Reader
from harness.sources import Source

SET = Source("nobody/sums", "0" * 40, "test", "sums")
TASKS = {"sums": Reader((SET, SET, Source("nobody/more", None, "test", "more")), lambda rows: [])}
load = plugin.reader(TASKS)
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of a user's own with one task on published data."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "_shared.yaml").write_text("output_type: generate_until\ntest_split: test\n")
    (tmp_path / "mine" / "sums.yaml").write_text(SUMS)
    (tmp_path / "mine" / "sums.py").write_text(SUMS_CODE)
    (tmp_path / "suite-1.yaml").write_text("name: suite\ntasks: {}\n")
    return tmp_path


def test_a_task_is_what_its_yaml_and_those_it_includes_say(own: Path) -> None:
    task = find_task("sums", own)
    assert (task.family, task.output_type, task.max_tokens, task.stop) == ("mine", "generate_until", 7, ("\n",))
    assert (task.items, task.chance, task.licence) == (5, 0.25, "MIT")
    assert task.fields["test_split"] == "test"


def test_each_data_set_of_a_task_is_named_once_with_its_revision(own: Path) -> None:
    sources = find_task("sums", own).sources()
    assert sources == (DataSet("nobody/sums", "0" * 40), DataSet("nobody/more", None))
    assert list(map(str, sources)) == [f"nobody/sums@{'0' * 40}", "nobody/more"]


def test_every_task_of_the_shipped_suites_is_found_beside_a_users_own(own: Path) -> None:
    tasks = find_tasks(own)
    assert {"sums", *load_suite("nano-1").tasks} <= set(tasks)
    assert [task.family for task in tasks.values()] == sorted(task.family for task in tasks.values())
    assert tasks["jigsaw_2x2"].sources() == ()


def test_every_data_set_of_a_shipped_task_is_pinned_to_a_commit() -> None:
    sources = {source for task in find_tasks().values() for source in task.sources()}
    assert len(sources) >= 20
    pinned = re.compile(r"[0-9a-f]{40}|sha256:[0-9a-f]{64}")
    assert [str(source) for source in sources if not pinned.fullmatch(source.revision or "")] == []


def test_a_file_that_is_on_no_hub_is_named_with_its_digest_and_no_repository(own: Path) -> None:
    code = SUMS_CODE.replace("import Source", "import LocalFile, Source")
    code = code.replace("Reader((SET, SET,", "Reader((LocalFile('sums/test.csv', '1' * 64, 'example.org'),")
    (own / "mine" / "sums.py").write_text(code)
    sources = find_task("sums", own).sources()
    assert list(map(str, sources)) == [f"sums/test.csv@sha256:{'1' * 64}", "nobody/more"]


def test_a_shipped_task_is_in_the_file_of_its_name() -> None:
    assert [task.path for task in find_tasks().values() if task.path.name != f"{task.name}.yaml"] == []


def test_tasks_of_lm_evals_own_shape_name_their_data_set(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("task: a\ndataset_path: some/set\noutput_type: multiple_choice\n")
    task = find_task("a", tmp_path)
    assert task.sources() == (DataSet("some/set", None),)
    assert (task.max_tokens, task.stop, task.items, task.chance, task.licence) == (None, (), None, None, None)


def test_a_task_that_is_not_there_is_named_with_those_like_it() -> None:
    with pytest.raises(CatalogueError, match=r"task math_arithmetics: .*did you mean math_arithmetic"):
        find_task("math_arithmetics")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task: [", "bad.yaml: not a readable task file"),
        ("task: bad\ninclude: bad.yaml", "includes itself"),
        ("task: bad\ninclude: gone.yaml", "gone.yaml: not a readable task file"),
        ("task: bad\nx: !!python/object/apply:os.system [ls]", "not a readable task file"),
    ],
)
def test_a_malformed_task_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(CatalogueError, match=message) as caught:
        find_tasks(tmp_path)
    assert "\n" not in str(caught.value)


def test_finding_tasks_imports_neither_lm_eval_nor_datasets() -> None:
    program = """
import sys
from harness.suites.catalogue import find_tasks
assert find_tasks()
heavy = {"torch", "vllm", "transformers", "lm_eval", "datasets"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def suite_of(*names: str, **stock: str) -> Suite:
    digest = "0" * 64
    tasks = {name: {"family": "f", "group": "g", "count": 1, "digest": digest} for name in names}
    tasks |= {name: {"family": "f", "group": "g", "count": 1, "digest": digest, "stock": path}
              for name, path in stock.items()}  # fmt: skip
    return Suite.model_validate({"name": "mine", "version": "1", "title": "t", "tasks": tasks})


def test_which_tasks_have_images_is_known_from_their_yaml(own: Path) -> None:
    shown = SUMS.replace("task: sums\n", "task: shown\ndoc_to_image: !function sums.images\n")
    (own / "mine" / "shown.yaml").write_text(shown)
    nano = load_suite("nano-1")
    assert image_tasks(nano, tasks_root() / "suites") == (
        "jigsaw_2x2", "vision_colour", "vision_shape", "vision_position", "vision_count"
    )  # fmt: skip
    assert image_tasks(suite_of("sums", "shown", "jigsaw_2x2", "nowhere"), own) == ("shown", "jigsaw_2x2")
    assert image_tasks(load_suite("core-text-1"), tasks_root() / "suites") == ()


def test_lm_evals_own_tasks_are_read_without_importing_it(own: Path) -> None:
    stock = suite_of(gsm8k="gsm8k", mmmu_val_art="mmmu", nothing="gsm8k")
    assert image_tasks(stock, own) == ("mmmu_val_art",)
