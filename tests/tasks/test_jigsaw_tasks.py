"""The jigsaw tasks as they are shipped, and a user's own: known items, and known answerers scored through lm-eval."""

import csv
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from harness.answers.permutations import inverse
from harness.checkpoints.checkpoint import nano_root
from harness.checkpoints.prompts import PromptRenderer
from harness.items import items_digest
from harness.lmeval import LoadedTask, load_frozen, load_tasks, run_tasks
from harness.pictures.puzzles import Grid, texture
from harness.protocol import Completion, GenerateRequest
from harness.records.samples import Outcome, Sample
from harness.records.suites import Suite, load_suite, load_task_module, tasks_root
from harness.suites.catalogue import find_task, find_tasks
from leaderboard.cli import cli
from tests.support.fakes import FakeEngine

pytestmark = pytest.mark.slow

FOLDER = tasks_root() / "jigsaw"
# Items, pictures, and the digest of the first twenty item ids: a change here is a new version of the suites.
KNOWN = {
    "jigsaw_coco_1x3": (435, 87, "8aa2ed5474d09a96"),
    "jigsaw_coco_2x2": (522, 87, "9852f21a5208c7f7"),
    "jigsaw_coco_2x2_think": (522, 87, "8dbd70356e1fa986"),
    "jigsaw_coco_3x1": (435, 87, "b5c96a50ab0649ba"),
    "jigsaw_coco_3x3": (522, 87, "707e68fdffc9a6cf"),
    "jigsaw_coco_3x3_think": (522, 87, "b0abc4d2057f20d7"),
    "jigsaw_coco_3x3_tiles": (522, 87, "9dd3bef9a665caf6"),
    "jigsaw_coco_3x3_tiles_think": (522, 87, "8793e458b231fa31"),
    "jigsaw_photos_1x3": (724, 362, "fa6176f2c56a696c"),
    "jigsaw_photos_2x2": (706, 353, "18b54ffa13b40378"),
    "jigsaw_photos_2x3": (648, 324, "0252d213acbb69c5"),
    "jigsaw_photos_3x1": (736, 368, "03d72c0e7ded9f56"),
    "jigsaw_photos_3x3": (550, 275, "eb1caba50646f8e5"),
    "jigsaw_photos_3x3_tiles": (550, 275, "2f76d22b3552c3b1"),
    "jigsaw_scenes_2x2": (500, 500, "8689b898dbe68978"),
    "jigsaw_scenes_3x3": (500, 500, "16dcd2deacdcb671"),
    "jigsaw_scenes_3x3_think": (500, 500, "68e9fce58cceebe7"),
}
CHEAP = ("jigsaw_coco_1x3", "jigsaw_photos_3x3", "jigsaw_coco_3x3", "jigsaw_coco_3x3_tiles_think")


def test_every_jigsaw_task_is_known() -> None:
    known = {*KNOWN, "jigsaw_2x2", "jigsaw_2x2_working"}
    assert {name for name, task in find_tasks().items() if task.family == "jigsaw"} == known


@pytest.mark.parametrize("task", sorted(KNOWN))
def test_the_task_file_says_what_the_task_is(task: str) -> None:
    file = find_task(task)
    grid = Grid(file.fields["dataset_kwargs"]["rows"], file.fields["dataset_kwargs"]["columns"])
    assert grid.name in task
    assert file.items == KNOWN[task][0]
    assert file.chance == pytest.approx(grid.guess_rate, rel=0.02)
    assert file.max_tokens == (2048 if task.endswith("_think") else 64)
    assert (file.fields["dataset_kwargs"].get("protocol") == "think") == task.endswith("_think")
    assert [str(source) for source in file.sources()] == (
        ["pcuenq/coco-2017-mirror@a4cd8b69bd45a35e9a0a9c8692f3a7f4f23321fe"] if "_scenes_" not in task else []
    )


@pytest.mark.slow
def test_scenes_are_the_known_items() -> None:
    (loaded,) = load_tasks(["jigsaw_scenes_3x3"]).values()
    check_known("jigsaw_scenes_3x3", loaded)


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("task", CHEAP)
def test_photographs_are_the_known_items(task: str) -> None:
    (loaded,) = load_tasks([task]).values()
    check_known(task, loaded)


def check_known(task: str, loaded: LoadedTask) -> None:
    items, pictures, digest = KNOWN[task]
    docs = loaded.task.eval_docs
    assert len(set(loaded.item_ids)) == len(loaded.item_ids) == items
    assert len(set(docs["cluster_id"])) == pictures
    assert items_digest(loaded.item_ids[:20])[:16] == digest
    assert len(set(docs["cluster_id"][:87])) == 87, "the first items are of different pictures"


def test_the_list_names_the_decidable_photographs_whose_licence_permits_puzzles(published: Path) -> None:
    with (published / "photos" / "photos.csv").open(encoding="utf-8", newline="") as file:
        photographs = list(csv.DictReader(file))
    with (FOLDER / "coco_val2017.csv").open(encoding="utf-8", newline="") as file:
        listed = [(row["name"], row["licence"], row["sha256"]) for row in csv.DictReader(file)]
    assert listed == sorted(
        (Path(row["file"]).stem.removeprefix("coco_"), row["licence"], row["sha256"])
        for row in photographs
        if "/val2017/" in row["attribution"] and row["flat_tiles_3x3"] == "0" and float(row["min_tile_pair_diff"]) > 15
    )
    assert {licence for _, licence, _ in listed} == {"CC BY 2.0", "CC BY-SA 2.0"}


def test_the_second_list_names_all_photographs_whose_licence_permits_puzzles(published: Path) -> None:
    with (FOLDER / "coco_val2017_2.csv").open(encoding="utf-8", newline="") as file:
        listed = {row["name"]: (row["licence"], row["sha256"]) for row in csv.DictReader(file)}
    lines = (published / "coco_boxes" / "coco_boxes.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert set(listed) == {Path(row["file_name"]).stem for row in rows if row["coco_split"] == "val2017"}
    for folder in ("photos", "coco_photos_2"):
        with (published / folder / "photos.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                name = Path(row["file"]).stem.removeprefix("coco_")
                if "/val2017/" in row["attribution"]:
                    assert listed[name] == (row["licence"], row["sha256"])
    assert {licence.partition(" (")[0] for licence, _ in listed.values()} == {
        *("CC BY 2.0", "CC BY-SA 2.0", "no known copyright restrictions"),
    }
    with (FOLDER / "coco_val2017.csv").open(encoding="utf-8", newline="") as file:
        assert {row["name"] for row in csv.DictReader(file)} <= set(listed), "version 1's are among them"


def test_decidability_agrees_with_what_is_known_of_the_photographs(published: Path) -> None:
    from harness.pictures.photos import Folder

    with (published / "photos" / "photos.csv").open(encoding="utf-8", newline="") as file:
        photographs = list(csv.DictReader(file))
    taken = 0
    for row in photographs:
        found = texture(Folder(published / "photos").open(row["file"])[1], Grid(3, 3))
        # The facts of pictures that were resized are those from before they were encoded again.
        near = 0.06 if row["altered"] == "no" else 0.25
        assert found.deviation == pytest.approx(float(row["min_tile_std"]), abs=near)
        assert found.difference == pytest.approx(float(row["min_tile_pair_diff"]), abs=near)
        decidable = row["flat_tiles_3x3"] == "0" and float(row["min_tile_pair_diff"]) > 15
        assert (found.fault is None) == decidable, row["file"]
        taken += decidable
    assert (taken, len(photographs)) == (194, 247)


def write_pictures(folder: Path, count: int) -> Path:
    """Coarse noise, and one flat picture among it."""
    folder.mkdir()
    rng = np.random.default_rng(5)
    for number in range(count):
        cells = rng.integers(0, 256, (17, 25, 3), dtype=np.uint8)
        Image.fromarray(np.repeat(np.repeat(cells, 10, axis=0), 11, axis=1)).save(folder / f"{number:03}.png")
    Image.new("RGB", (300, 200), "white").save(folder / "flat.png")
    return folder


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[Suite, dict[str, LoadedTask]]:
    """A jigsaw set of a user's own pictures: 60 of them with 4 orders each."""
    folder = tmp_path_factory.mktemp("own")
    options = ["--images", write_pictures(folder / "pictures", 60), "--out", folder / "mine", "--per-picture", 4]
    made = CliRunner().invoke(cli, ["tasks", "jigsaw", *map(str, options)])
    assert made.exit_code == 0, made.output
    assert "60 of 61 pictures taken, 1 dropped (1 flat tile); 240 items" in made.output
    suite = load_suite(str(folder / "mine" / "jigsaw_images-1.yaml"))
    return suite, load_frozen(suite, folder / "mine")


@pytest.fixture(scope="module")
def photographs(published_sets: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Suite, dict[str, LoadedTask]]:
    """The same from all photographs at hand."""
    folder = tmp_path_factory.mktemp("photographs")
    options = ["--images", published_sets / "photos" / "images", "--out", folder, "--name", "photos", "--json"]
    made = CliRunner().invoke(cli, ["tasks", "jigsaw", *map(str, options)])
    told = json.loads(made.output)
    assert (told["items"], told["pictures"]) == (194, 194)
    assert told["dropped"] == {"flat tile": 28, "near-equal tiles": 25}
    suite = load_suite(told["suite"])
    return suite, load_frozen(suite, folder)


class Answering(FakeEngine):
    """Answers each item as ``answers`` says."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        super().__init__()
        self.answers = answers

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            assert len(request.prompt.images) == 1
            assert request.prompt.images[0].startswith(b"\x89PNG")
            yield index, Completion(self.answers[request.item_id], "stop", 1, 1)


Gold = tuple[int, ...]


def answered(made: tuple[Suite, dict[str, LoadedTask]], say: Callable[[Gold], str]) -> list[Sample]:
    """The samples of a model that answers ``say(gold)``, through lm-eval and everything around it."""
    suite, tasks = made
    golds = {
        item_id: tuple(map(int, answer.split(",")))
        for loaded in tasks.values()
        for item_id, answer in zip(loaded.item_ids, loaded.task.eval_docs["answer"], strict=True)
    }
    engine = Answering({item_id: say(gold) for item_id, gold in golds.items()})
    renderer = PromptRenderer(nano_root() / "base", "chat")
    samples = [sample for part in run_tasks(suite, tasks, engine, renderer, lambda _: None) for sample in part]
    assert {sample.item_id for sample in samples} == set(golds)
    return samples


def listed(order: Sequence[int]) -> str:
    return ",".join(map(str, order))


def share(samples: list[Sample], name: str) -> float:
    return sum(sample.details[name] for sample in samples) / len(samples)


@pytest.fixture(params=["own", "photographs"])
def made(request: pytest.FixtureRequest) -> tuple[Suite, dict[str, LoadedTask]]:
    found: tuple[Suite, dict[str, LoadedTask]] = request.getfixturevalue(request.param)
    return found


def test_a_perfect_answerer_scores_one(made: tuple[Suite, dict[str, LoadedTask]]) -> None:
    samples = answered(made, lambda gold: f"<answer>{listed(gold)}</answer>")
    assert {sample.outcome for sample in samples} == {Outcome.CORRECT}
    assert {sample.score for sample in samples} == {1.0}
    assert {sample.layer for sample in samples} == {"tag"}
    assert {name: share(samples, name) for name in samples[0].details} == {
        "inverse": 0.0,
        "lenient": 1.0,
        "lenient_score": 1.0,
        "lenient_valid": 1.0,
        "neighbour": 1.0,
        "valid": 1.0,
    }


def test_a_random_answerer_scores_chance(made: tuple[Suite, dict[str, LoadedTask]]) -> None:
    rng = random.Random(2)
    samples = answered(made, lambda gold: f"<answer>{listed(rng.sample(gold, 9))}</answer>")
    assert {sample.outcome for sample in samples} == {Outcome.WRONG}
    hits = sum(sample.score for sample in samples) / len(samples)
    # Hits of a uniform permutation have mean 1 and variance 1.
    assert abs(hits - 1 / 9) < 3.5 * (1 / 9) / len(samples) ** 0.5
    assert share(samples, "valid") == 1.0
    assert {sample.guess_rate for sample in samples} == {1 / 362_880}


def test_an_answerer_of_the_inverse_is_flagged(made: tuple[Suite, dict[str, LoadedTask]]) -> None:
    samples = answered(made, lambda gold: f"<answer>{listed(inverse(gold))}</answer>")
    # The few orders that are their own inverse are simply right.
    assert all((sample.details["inverse"] == 1.0) != (sample.outcome is Outcome.CORRECT) for sample in samples)
    assert share(samples, "inverse") > 0.95


def test_prose_without_tags_is_read_and_is_not_strict(made: tuple[Suite, dict[str, LoadedTask]]) -> None:
    samples = answered(made, lambda gold: f"The restored order should be {listed(gold)}.")
    assert {sample.outcome for sample in samples} == {Outcome.CORRECT}
    assert {sample.score for sample in samples} == {1.0}
    assert {sample.layer for sample in samples} == {"text"}
    assert (share(samples, "lenient"), share(samples, "lenient_score"), share(samples, "valid")) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--images", "nowhere"], "nowhere: no such folder of pictures"),
        (["--images", "pictures", "--grid", "3"], "--grid 3: rows x columns"),
        (["--images", "pictures", "--grid", "1x1"], "--grid 1x1: rows x columns"),
        (["--images", "pictures", "--name", "My Set"], "--name My Set: small letters"),
        (["--images", "pictures", "--patch", "200"], "0 of 3 pictures taken, 3 dropped (3 too small); no item is left"),
        (
            ["--images", "pictures", "--grid", "1x3", "--per-picture", "6"],
            "--per-picture 6: 1x3 has only 5 shuffled orders",
        ),
    ],
)
def test_bad_input_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path / "pictures", 2)
    done = CliRunner().invoke(cli, ["tasks", "jigsaw", *options, "--out", "mine"])
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.output.split())
    assert not (tmp_path / "mine").exists()


def test_a_set_is_never_replaced(tmp_path: Path) -> None:
    write_pictures(tmp_path / "pictures", 2)
    options = ["tasks", "jigsaw", "--images", str(tmp_path / "pictures"), "--out", str(tmp_path / "mine")]
    assert CliRunner().invoke(cli, options).exit_code == 0
    again = CliRunner().invoke(cli, [*options, "--grid", "2x2"])
    assert again.exit_code == 2
    assert "there already" in again.output


def test_think_and_tiles_reach_the_task_file(tmp_path: Path) -> None:
    write_pictures(tmp_path / "pictures", 2)
    options = ["--protocol", "think", "--layout", "tiles", "--grid", "2x2", "--seed", "7", "--count", "1"]
    places = ["--images", str(tmp_path / "pictures"), "--out", str(tmp_path / "mine")]
    assert CliRunner().invoke(cli, ["tasks", "jigsaw", *places, *options]).exit_code == 0
    suite = load_suite(str(tmp_path / "mine" / "jigsaw_images-1.yaml"))
    assert suite.tasks["jigsaw_images"].max_tokens == 2048
    (loaded,) = load_frozen(suite, tmp_path / "mine").values()
    (doc,) = loaded.task.eval_docs
    assert len(loaded.task.doc_to_image(doc)) == 4
    assert "<think>" in loaded.task.doc_to_text(doc)


def test_landscapes_of_the_generator_are_the_second_domain() -> None:
    sources = load_task_module(FOLDER / "sources.py").SOURCES
    assert sorted(sources) == ["coco", "photos", "scenes"]
    name = next(iter(sources["scenes"].names()))
    assert sources["scenes"].open(name)[1].shape == (336, 504, 3)
