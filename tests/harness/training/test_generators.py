"""Sources of training examples: what they hold, and that no suite asks any of it."""

import bz2
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.items import Item, image_digest, items_digest, split_of
from harness.pictures.photos import Folder, PhotoError
from harness.pictures.pixels import decode_png, restore
from harness.pictures.scenes import Scenes
from harness.records.suites import load_suite, load_task_module, suite_names, tasks_root
from harness.sources import SourceError, data_folder
from harness.training import generators
from harness.training.dataset import Example
from harness.training.generators import SOURCES, bare, load_examples, suite_photos
from harness.training.recipe import Data, RecipeError, config_names, load_recipe
from harness.training.rewards import reward

pytestmark = pytest.mark.slow

NANO = sorted(name for name in SOURCES if name.startswith("nano-"))


def nano_tests(task: str) -> list[Item]:
    """The very items that nano-1 asks of a task: their digest is the suite's."""
    place = load_suite("nano-1").tasks[task]
    makers = load_task_module(tasks_root() / place.family / "nano.py").TASKS if place.family != "general" else {}
    makers = makers or load_task_module(tasks_root() / "general" / "nano.py").TASKS
    items = list(makers[task]("test", place.count, 1))
    assert items_digest(item.item_id for item in items) == place.digest
    return items


def content(item: Item | Example) -> object:
    """What must not be in both: the unshuffled scene, the picture, the numbers and their result, or the wording."""
    if item.task == "jigsaw_2x2":
        order = tuple(map(int, item.answer.split(",")))
        return image_digest(restore(decode_png(item.images[0]), 2, 2, order).tobytes())
    if item.images:
        return item.question, image_digest(item.images[0])
    if item.task.startswith("math_"):
        return tuple(sorted(re.findall(r"\d+", item.question))), item.answer
    openings = load_task_module(tasks_root() / "science" / "nano.py")._OPENINGS
    longest = max(openings, key=lambda opening: item.question.startswith(opening) * len(opening))
    return item.question.removeprefix(longest)


def lock_starts() -> set[str]:
    """The first 8 digits of every item id of every shipped suite."""
    starts: set[str] = set()
    for name in suite_names():
        for line in (tasks_root() / "suites" / f"{name}.lock").read_text().splitlines():
            if not line.startswith(("#", "task ")):
                starts.update(line.split())
    return starts


@pytest.mark.parametrize("source", NANO)
def test_no_nano_training_item_is_in_a_suite(source: str) -> None:
    examples = list(load_examples(Data(source=source, count=800, seed=1, form="worked")))
    held_out = {content(item) for task in {each.task for each in examples} for item in nano_tests(task)}
    assert not held_out & {content(example) for example in examples}


@pytest.mark.parametrize("config", [name for name in config_names() if name.startswith("nano-")])
@pytest.mark.slow
def test_no_item_of_a_nano_config_is_in_a_lock(config: str) -> None:
    recipes = [load_recipe(config, method) for method in ("replay-sft", "rft", "sft", "rollouts")]
    assert recipes[0].replay is not None
    drawn = [recipe.data for recipe in recipes] + [Data(**recipes[0].replay.model_dump(exclude={"share"}))]
    # The first items of a source and seed are the same however many are drawn.
    largest = {(data.source, data.seed): data for data in sorted(drawn, key=lambda data: data.count or 0)}
    starts = lock_starts()
    for data in largest.values():
        assert not {example.item_id[:8] for example in load_examples(data)} & starts


def test_no_computed_science_is_in_a_suite() -> None:
    place = load_suite("core-text-1").tasks["science_quantities"]
    made = load_task_module(tasks_root() / "science" / "quantities.py").TASKS
    asked = list(made["science_quantities"]("test", place.count, 1))
    assert items_digest(item.item_id for item in asked) == place.digest
    asked += list(made["science_quantities_choice"]("test", 500, 1))
    held_out = {item.question.split("\n\n")[0] for item in asked}
    examples = load_examples(Data(source="science", count=2_000, seed=1))
    assert not held_out & {example.question.split("\n\n")[0] for example in examples}
    assert {example.task for example in examples} == {"science_quantities", "science_quantities_choice"}


def test_no_gsm8k_training_question_is_asked_by_a_mathematics_task() -> None:
    if data_folder() is None:
        pytest.skip("no data folder: RETENTION_DATA names none")
    held_out: set[str] = set()
    for path in sorted((tasks_root() / "math").glob("*.py")):
        for task, reader in getattr(load_task_module(path), "TASKS", {}).items():
            if task.endswith("_think") or not hasattr(reader, "sources"):
                continue
            try:
                rows = [row for source in reader.sources for row in source.rows()]
            except SourceError:
                continue
            held_out |= {first_line(item.question) for item in reader.items(iter(rows))}
    assert len(held_out) > 2_000
    examples = load_examples(Data(source="gsm8k"))
    assert len(examples) > 7_400
    assert not held_out & {first_line(example.question) for example in examples}


def first_line(question: str) -> str:
    return " ".join(question.split("\n\n")[0].casefold().split())


def test_landscapes_of_training_have_names_of_the_train_split() -> None:
    puzzles = load_task_module(tasks_root() / "jigsaw" / "sources.py")
    assert puzzles.SOURCES["scenes"].split == "test"
    names = Scenes("train", 3).names()
    assert all(split_of(next(names)) == "train" for _ in range(50))


def photo(path: Path, seed: int) -> str:
    """A picture whose tiles tell themselves apart; its sha256."""
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((640, 480), Image.Resampling.NEAREST).save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_pictures_that_a_suite_asks_about_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = [photo(tmp_path / f"{k}.png", k) for k in range(3)]
    data = Data(source="jigsaw-3x3", folder=str(tmp_path), seed=5)
    assert len(load_examples(data)) == 3
    monkeypatch.setattr(generators, "suite_photos", lambda: frozenset(digests[:1]))
    assert len(load_examples(data)) == 2


def test_every_photo_of_the_suites_is_left_out() -> None:
    folder = data_folder()
    folders = [folder / name / "images" for name in ("photos", "coco_photos_2")] if folder else []
    if not all(each.is_dir() for each in folders) or not folders:
        pytest.skip("no photos: RETENTION_DATA names no folder that has them")
    refused: set[str] = set()
    for each in folders:
        pictures = generators._WithoutSuites(Folder(each))
        for name in pictures.names():
            try:
                digest, _ = pictures.open(name)
            except PhotoError:
                refused.add(Folder(each).open(name)[0])
            else:
                assert digest not in suite_photos()
    assert refused == suite_photos()


def test_the_listings_of_every_suite_keep_their_photos_out() -> None:
    for pictures in ("COCO", "PHOTOS"):
        listing = getattr(load_task_module(tasks_root() / "jigsaw" / "sources.py"), pictures).listing
        named = {line.rpartition(",")[2] for line in listing.read_text(encoding="utf-8").splitlines()[1:]}
        assert named
        assert named <= suite_photos()


def test_a_puzzle_is_asked_as_the_suite_asks_it(tmp_path: Path) -> None:
    photo(tmp_path / "one.png", 1)
    (example,) = load_examples(Data(source="jigsaw-3x3-think", folder=str(tmp_path)))
    item = Item(
        task=example.task,
        question=example.question,
        answer=example.answer,
        target="",
        guess_rate=0,
        images=example.images,
    )
    assert item.item_id == example.item_id
    assert (example.rows, example.columns, example.target) == (3, 3, f"<answer>{example.answer}</answer>")
    assert "<think>" in example.question
    assert example.example_id == load_examples(Data(source="jigsaw-3x3-think", folder=str(tmp_path))).ids[0]


@pytest.mark.parametrize("source", NANO)
def test_the_same_source_and_seed_give_the_same_examples(source: str) -> None:
    first, again, other = (load_examples(Data(source=source, count=40, seed=seed)) for seed in (1, 1, 2))
    assert len(first) == 40
    assert first.digest == again.digest != other.digest


def test_tasks_come_in_turn() -> None:
    tasks = [example.task for example in load_examples(Data(source="nano-prior", count=16, seed=1))]
    assert tasks[:8] == tasks[8:]
    assert len(set(tasks)) == 8


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("27+35: 7+5=12, 2+3+1=6. The answer is 62.", "The answer is 62."),
        ("<think>First the sky.</think>\n<answer>2,1</answer>", "<answer>2,1</answer>"),
        ("n = pV/RT.\nAnswer: 41.0 g", "Answer: 41.0 g"),
        ("B", "B"),
    ],
)
def test_bare_answers_lose_their_working_and_nothing_else(target: str, wanted: str) -> None:
    assert bare(Item(task="t", question="q", answer="a", target=target, guess_rate=0)) == wanted


def test_worked_targets_keep_it() -> None:
    (example,) = load_examples(Data(source="nano-math", count=1, form="worked"))
    assert "=" in example.target
    assert example.kind == "worked"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (Data(source="nowhere", count=3), "unknown"),
        (Data(source="nano-jigsaw"), "say how many"),
        (Data(source="jigsaw-3x3", count=3), "--images"),
        (Data(source="scenes-2x2"), "say how many"),
        (Data(source="nano-science", count=1_000_000), "items found"),
    ],
)
def test_what_cannot_be_made_is_said_in_a_line(data: Data, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        load_examples(data)


@pytest.mark.parametrize("source", ["nano2-jigsaw", "nano2-quantities", "nano2-prior"])
def test_a_nano2_target_has_three_forms_of_the_same_questions(source: str) -> None:
    forms = ("bare", "worked") if source == "nano2-prior" else ("bare", "worked", "other")
    made = {form: list(load_examples(Data(source=source, form=form, count=30, seed=1))) for form in forms}
    asked = [[example.item_id for example in examples] for examples in made.values()]
    assert all(each == asked[0] for each in asked)
    for form, examples in made.items():
        assert {example.kind for example in examples} == {form}
        assert all(example.target.endswith(f"<answer>{example.answer}</answer>") for example in examples)
        assert {(example.rows, example.columns) for example in examples} == {(2, 2) if "jigsaw" in source else (0, 0)}
    assert len({example.target for example in made["bare"]} & {example.target for example in made["worked"]}) == (
        0 if source != "nano2-prior" else len({e.target for e in made["worked"] if e.target.startswith("<answer>")})
    )


def test_conversions_have_three_forms_of_the_same_questions_and_none_is_the_example_or_a_test_item() -> None:
    made = {form: list(load_examples(Data(source="conversions", form=form, count=60, seed=1))) for form in
            ("bare", "worked", "other")}  # fmt: skip
    asked = [[example.question for example in examples] for examples in made.values()]
    assert all(each == asked[0] for each in asked)
    for examples in made.values():
        assert all(example.target.startswith(" ") and not example.rows for example in examples)
        assert all(example.target.endswith(f"The answer is {example.answer}.") for example in examples)
        assert all(reward(example, example.target).exact for example in examples)
    assert len({example.target for examples in made.values() for example in examples[:1]}) == 3
    (shown,) = {question.rpartition("Question: ")[0] for question in asked[0]}
    assert shown.count("The answer is") == shown.count("Question: ") == 1
    assert not any(question.rpartition("Question: ")[2] in shown for question in asked[0])
    assert not {example.item_id[:8] for example in made["bare"]} & lock_starts()


def test_endings_are_those_of_texts_that_no_suite_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endings = ["sits down.", "is using a wrap.", "jumps.", "holds up a sign."]
    lines = [
        line for k in range(4) for line in (f"Roof: A man {k} is on a roof. he", str(k), *(f"{k} {e}" for e in endings))
    ]
    (tmp_path / "hellaswag").mkdir()
    (tmp_path / "hellaswag" / "hellaswag_val_full.txt.bz2").write_bytes(bz2.compress("\n".join(lines).encode()))
    monkeypatch.setenv("RETENTION_DATA", str(tmp_path))
    readers = load_task_module(tasks_root() / "general" / "commonsense.py").TASKS
    lettered = readers["general_hellaswag"]  # What a suite asks with letters is asked all the same.
    asked = list(lettered.items(lettered.sources[0].rows()))
    monkeypatch.setattr(generators, "_lock_starts", lambda: frozenset([asked[2].item_id[:8]]))
    examples = list(load_examples(Data(source="endings", seed=1)))
    assert {example.target for example in examples} == {f" {k} {endings[k]}" for k in (0, 1, 3)}
    assert {example.question for example in examples} == {f"Roof: A man {k} is on a roof. He" for k in (0, 1, 3)}
    with pytest.raises(RecipeError, match=r"data.count 4: 3 texts of HellaSwag are in no suite"):
        load_examples(Data(source="endings", count=4))


@pytest.mark.parametrize("source", ["nano2-jigsaw", "nano2-quantities", "nano2-prior"])
def test_no_nano2_training_item_is_a_test_item(source: str) -> None:
    examples = list(load_examples(Data(source=source, count=300, seed=1)))
    for family in ("jigsaw", "quantities", "math", "science", "general"):
        makers = load_task_module(tasks_root() / family / "nano2.py").TASKS
        for task in makers.keys() & {example.task for example in examples}:
            asked = {item.item_id for item in makers[task]("test", 300, 1)}
            assert not asked & {example.item_id for example in examples}


@pytest.mark.parametrize("source", ["nano-math", "scenes-3x3"])
def test_sources_without_another_teacher_say_which_have_one(source: str) -> None:
    with pytest.raises(RecipeError, match=rf"{source} has no other teacher; nano2-jigsaw, .*scenes-3x3-think"):
        load_examples(Data(source=source, form="other", count=3))


def test_another_teacher_of_a_puzzle_thinks_before_the_same_answer() -> None:
    bare, other = (load_examples(Data(source="scenes-2x2-think", form=form, count=3)) for form in ("bare", "other"))
    for one, told in zip(bare, other, strict=True):
        thought, _, stated = told.target.partition("</think> ")
        assert (stated, told.answer, told.item_id) == (one.target, one.answer, one.item_id)
        assert f"row 2, column 1 takes piece {one.answer.split(',')[2]}" in thought
        assert reward(told, told.target).format == 1
