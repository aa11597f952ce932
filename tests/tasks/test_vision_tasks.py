"""The vision tasks on stand-ins in the form of the hub's sets, loaded as a user's copy of a set is."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner, Result
from PIL import Image

from harness import lmeval
from harness.answers.boxes import FramedBox
from harness.answers.yes_no import judge_yes_no
from harness.checkpoints.checkpoint import nano_root
from harness.checkpoints.prompts import PromptRenderer
from harness.engines import placement, starting
from harness.items import image_digest
from harness.lmeval import LoadedTask
from harness.protocol import Completion, GenerateRequest
from harness.records.run import read_run
from harness.records.samples import Outcome, Sample
from harness.records.suites import Draft, load_suite, load_task_module, suite_path, tasks_root
from harness.suites.catalogue import find_task, find_tasks
from harness.suites.freezing import complete, freeze, verify
from leaderboard.acceptance.coverage import Surroundings
from leaderboard.acceptance.steps import validate
from leaderboard.cli import cli
from leaderboard.entries.shelf import Shelf
from tests.support.fakes import RECORD, FakeEngine, write_checkpoint
from tests.support.hub_sets import write_sets

pytestmark = pytest.mark.slow

FOLDER = tasks_root() / "vision"
TASKS = {name: task for name, task in find_tasks().items() if task.path.parent == FOLDER}
# Items of the stand-ins, and the pictures that they are about.
KNOWN = {
    "vision_ai2d": (6, 6),
    "vision_blink": (26, 15),
    "vision_blink_jigsaw": (2, 2),
    "vision_chartqa": (10, 2),
    "vision_cvbench_2d": (4, 4),
    "vision_cvbench_3d": (4, 4),
    "vision_docvqa": (6, 3),
    "vision_mme": (8, 4),
    "vision_mmmu": (90, 90),
    "vision_mmstar": (8, 8),
    "vision_ocrbench": (5, 5),
    "vision_pope_adversarial": (6, 2),
    "vision_pope_popular": (6, 2),
    "vision_pope_random": (6, 2),
    "vision_realworldqa": (12, 3),
    "vision_textvqa": (6, 3),
    **dict.fromkeys(
        (
            f"vision_{name}{frame}"
            for name in ("refcoco_testa", "refcocoplus_testa", "refcocog_val")
            for frame in ("", "_1000")
        ),
        (6, 3),
    ),
    **dict.fromkeys(
        (f"vision_{name}_testb{frame}" for name in ("refcoco", "refcocoplus") for frame in ("", "_1000")), (6, 4)
    ),
}


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sets(tmp_path_factory.mktemp("sets"))


@pytest.fixture
def sets(stand_ins: Path, hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with all stand-ins, and nothing from the hub."""
    monkeypatch.setenv("RETENTION_DATA", str(stand_ins))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return stand_ins


class Answering(FakeEngine):
    """An engine that is told the gold answer of each item, and says it as ``word`` has it."""

    def __init__(self, golds: Mapping[str, str], word: str = "{}") -> None:
        super().__init__()
        self.golds, self.word, self.requests = golds, word, list[GenerateRequest]()

    def generate(self, requests: Any) -> Iterator[tuple[int, Completion]]:
        self.requests += requests
        for index, completion in super().generate(requests):
            answer = self.word.format(self.golds[requests[index].item_id])
            yield index, replace(completion, text=answer)


def golds_of(loaded: LoadedTask) -> dict[str, str]:
    """One right answer of each item, as a model would state it."""
    return {doc["item_id"]: stated(doc["answer"]) for doc in loaded.task.eval_docs}


def stated(answer: str) -> str:
    if answer.startswith('["'):
        return str(json.loads(answer)[0])
    return answer.partition(" in ")[0] if answer.startswith("[") and answer[1].isdigit() else answer


def run(tmp_path: Path, name: str, word: str = "{}") -> tuple[list[Sample], list[GenerateRequest]]:
    """The samples of one task, answered right in the words of ``word``, and what was asked."""
    draft = Draft.model_validate(
        {"name": "v", "version": "1-draft", "title": "t", "tasks": {name: {"family": "vision", "group": "g"}}}
    )
    tmp_path.mkdir(exist_ok=True)
    suite, _ = complete(draft, tmp_path)
    tasks = lmeval.load_frozen(suite, tmp_path)
    engine = Answering(golds_of(tasks[name]), word)
    renderer = PromptRenderer(write_checkpoint(tmp_path / f"model-{len(word)}-{name}"))
    samples = [sample for chunk in lmeval.run_tasks(suite, tasks, engine, renderer, lambda _: None) for sample in chunk]
    return samples, engine.requests


def test_every_vision_task_is_known() -> None:
    assert set(TASKS) == set(KNOWN)


@pytest.mark.usefixtures("sets")
@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_right_answer_is_right_and_its_form_is_read_apart(name: str, tmp_path: Path) -> None:
    samples, requests = run(tmp_path, name)
    assert (len(samples), len({sample.cluster_id for sample in samples})) == KNOWN[name]
    assert {sample.outcome for sample in samples} == {Outcome.CORRECT}
    assert {sample.details["strict"] for sample in samples} == {1.0}
    for sample, request in zip(samples, requests, strict=True):
        assert sample.guess_rate in (0, 0.25, 1 / 3, 0.5)
        images = request.prompt.images
        assert images
        assert request.prompt.text.count("<image>") == len(images)
        resizes = "refcoco" in name and not name.endswith("_1000")
        assert resizes or sample.cluster_id == image_digest(images[0])[:16]


@pytest.mark.usefixtures("sets")
@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_same_answer_in_a_sentence_is_right_and_not_in_form(name: str, tmp_path: Path) -> None:
    samples, _ = run(tmp_path, name, "The answer is {}.")
    assert {sample.outcome for sample in samples} == {Outcome.CORRECT}
    assert {sample.details["strict_unparsed"] for sample in samples} == {1.0}
    assert None not in {sample.layer for sample in samples}


@pytest.mark.usefixtures("sets")
@pytest.mark.parametrize("name", sorted(KNOWN))
def test_no_answer_is_unparsed_whatever_is_asked(name: str, tmp_path: Path) -> None:
    for word in ("", "I am sorry, I cannot see the picture.{:.0}", "<think>{}"):
        samples, _ = run(tmp_path / str(len(word)), name, word if word else "{:.0}")
        assert {(sample.outcome, sample.off_list) for sample in samples} == {(Outcome.UNPARSED, False)}


@pytest.mark.usefixtures("sets")
def test_boxes_count_in_the_frame_that_the_question_states(tmp_path: Path) -> None:
    for name, off in (("vision_refcoco_testa", True), ("vision_refcoco_testa_1000", False)):
        samples, requests = run(tmp_path, name)
        for sample, request in zip(samples, requests, strict=True):
            (shown,) = (Image.open(io.BytesIO(image)) for image in request.prompt.images)
            words = request.prompt.text
            if off:
                assert f"which is {shown.width} pixels wide and {shown.height} pixels high" in words
                assert shown.width % 28 == shown.height % 28 == 0
            else:
                assert "from 0 to 1000" in words
            assert sample.score == pytest.approx(1, abs=0.02)
    # A right answer of the other frame is none of this one, or a wrong one.
    loaded = lmeval.load_tasks(["vision_refcoco_testa"])["vision_refcoco_testa"]
    judge = load_task_module(FOLDER / "refcoco.py").judge
    for doc in loaded.task.eval_docs:
        gold = FramedBox.parse(doc["answer"])
        sides = (
            gold.box.x1 / gold.width,
            gold.box.y1 / gold.height,
            gold.box.x2 / gold.width,
            gold.box.y2 / gold.height,
        )
        assert judge(doc, [str([round(1000 * side) for side in sides])])["acc"] == 0
        assert judge(doc, [str([round(side, 3) for side in sides])])["off_list"] == 1


@pytest.mark.usefixtures("sets")
def test_the_box_of_a_shown_picture_is_what_is_drawn_there() -> None:
    (loaded,) = lmeval.load_tasks(["vision_refcocog_val"]).values()
    for doc in loaded.task.eval_docs:
        (shown,) = loaded.task.doc_to_image(doc)
        box = FramedBox.parse(doc["answer"]).box
        middle = (int(box.x1 + box.x2) // 2, int(box.y1 + box.y2) // 2)
        colour, ground = shown.getpixel(middle), shown.getpixel((shown.width - 3, shown.height // 2))
        assert sum(abs(one - other) for one, other in zip(colour, ground, strict=True)) > 100


@pytest.mark.usefixtures("sets")
def test_yes_and_no_questions_report_f1_the_share_of_yes_and_whole_pictures(tmp_path: Path) -> None:
    import lm_eval
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(tasks_root()), include_defaults=False)
    loaded = manager.load([str(FOLDER / "vision_mme.yaml")])["tasks"]["vision_mme"]

    class Says(lm_eval.api.model.LM):  # type: ignore[misc]
        MULTIMODAL = True

        def generate_until(self, requests: Any, **_: Any) -> list[str]:
            # Yes to all but one question with a no.
            return ["Yes" if k else "No" for k, _ in enumerate(sorted(requests, key=lambda each: each.doc["answer"]))]

        def loglikelihood(self, requests: Any, **_: Any) -> Any: ...
        def loglikelihood_rolling(self, requests: Any, **_: Any) -> Any: ...

    results = lm_eval.evaluate(lm=Says(), task_dict={"tasks": {"vision_mme": loaded}}, bootstrap_iters=0)
    found = results["results"]["vision_mme"]
    assert found["gold_yes,none"] == 0.5
    assert found["yes,none"] == 7 / 8
    assert 0 < found["f1,none"] < 1
    assert 0 <= found["picture,none"] <= 0.25


@pytest.mark.usefixtures("sets")
def test_pictures_stand_where_a_text_of_mmmu_names_them(tmp_path: Path) -> None:
    (loaded,) = lmeval.load_tasks(["vision_mmmu"]).values()
    docs = [doc for doc in loaded.task.eval_docs if "goes with" in doc["question"]]
    assert len(docs) == 30
    assert docs[0]["question"].startswith("Which of these goes with <image> in ")
    assert "A. <image>\nB. <image>" in docs[0]["question"]
    # The text names the second first, then the options the first and the third.
    assert [each["column"] for each in docs[0]["pictures"]] == ["image_2", "image_1", "image_3"] or (
        docs[0]["n_images"] == 3
    )
    assert docs[0]["options"] == ["<image 1>", "<image 3>"]
    judge = load_task_module(FOLDER / "mixed.py").judge
    assert judge(docs[0], ["no letter at all"])["unparsed"] == 1


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("Which?\nOptions: A: red one, B: blue, C: a b, D: last.", ("red one", "blue", "a b", "last.")),
        ("Hint: give the letter, e.g., A, B, C.\nQuestion: x?\nChoices:\n(A) 3\n(B) 4", ("3", "4")),
        ("x?\n\nA. Left\nB. Right\nPlease answer.", ("Left", "Right")),
        ("Is vitamin A: good? A. yes B. no", ("yes", "no")),
        ("A thing of beauty?", ()),
        ("A. alone", ()),
        ("Which of U.S.A. and B. is it?", ()),
    ],
)
def test_options_are_found_in_a_text(text: str, options: tuple[str, ...]) -> None:
    assert load_task_module(FOLDER / "choices.py").listed_options(text) == options


@pytest.mark.usefixtures("sets")
def test_each_is_listed_shown_and_previewed(tmp_path: Path) -> None:
    runner = CliRunner()
    listed = json.loads(runner.invoke(cli, ["tasks", "list", "--family", "vision", "--json"]).stdout)
    assert {each["task"] for each in listed} == set(KNOWN)
    for name in ("vision_refcoco_testa", "vision_blink", "vision_realworldqa"):
        shown = runner.invoke(cli, ["tasks", "show", name]).output
        assert "readme" in shown
        assert "@" in shown
        for item in range(3):
            made = runner.invoke(cli, ["tasks", "preview", name, "--item", str(item), "--out", str(tmp_path), "--json"])
            facts = json.loads(made.stdout)
            assert facts["images"]
            for path in map(Path, facts["images"]):
                with Image.open(path) as opened:
                    assert opened.format is not None
                    assert {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}[opened.format] == path.suffix


def test_the_readme_has_every_task_and_the_files_say_what_they_are() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name, task in TASKS.items():
        assert f"`{name.removesuffix('_1000')}`" in text
        assert task.licence
        assert task.items
        assert all(len(source.revision or "") == 40 for source in task.sources())
    assert find_task("vision_mmmu").max_tokens == 64


@pytest.mark.usefixtures("published")
def test_published_questions_of_pope_are_judged_by_their_labels(published: Path) -> None:
    for part in ("random", "popular", "adversarial"):
        lines = (published / "pope" / f"coco_pope_{part}.json").read_text("utf-8").splitlines()
        assert len(lines) == 3000
        for row in map(json.loads, lines):
            thing = row["text"].removeprefix("Is there a").partition(" in the im")[0]
            there = f"There is a{thing}." if row["label"] == "yes" else f"There is no{thing.removeprefix('n')}."
            for said in (row["label"].capitalize() + ".", f"**{row['label']}**", there):
                read = judge_yes_no(said, row["label"], row["text"])
                assert read.content.outcome is Outcome.CORRECT, (row["text"], said)
    with (published / "pope" / "ours.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 36


# --- the hub part of core-vl-2, from the draft to a validated submission ---


@pytest.fixture
def draft(tmp_path: Path, sets: Path) -> Path:
    """The vision tasks of core-vl-2-draft with all items of the stand-ins, and the nano jigsaw as the target."""
    whole = yaml.safe_load(suite_path("core-vl-2-draft").read_text(encoding="utf-8"))
    tasks = {
        name: {field: value for field, value in place.items() if field != "count"}
        for name, place in whole["tasks"].items()
        if place["family"] == "vision"
    }
    assert len(tasks) == 10
    own = tmp_path / "own"
    own.mkdir()
    path = own / "hub-2-draft.yaml"
    target = {"jigsaw_2x2": {"family": "jigsaw", "group": "puzzles", "count": 8}}
    path.write_text(yaml.safe_dump(whole | {"name": "hub", "tasks": target | tasks}, sort_keys=False))
    return path


def retention(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(each) for each in arguments], catch_exceptions=False)


def test_one_command_freezes_the_hub_part_and_verify_names_the_first_item_that_differs(
    draft: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = retention("suite", "freeze", draft, "--note", "The study's benchmarks.")
    assert frozen.exit_code == 0, frozen.output
    suite = load_suite(str(draft.with_name("hub-2.yaml")))
    assert {name: place.count for name, place in suite.tasks.items() if name in KNOWN} == {
        name: KNOWN[name][0] for name in suite.tasks if name in KNOWN
    }
    assert suite.tasks["vision_docvqa"].sources == ("lmms-lab/DocVQA@539088ef8a8ada01ac8e2e6d4e372586748a265e",)
    assert [finding.problem for finding in verify(str(draft.with_name("hub-2.yaml")))] == [""] * 11
    # Another gold in one row of the set: the suite no longer holds, and the item is named.
    monkeypatch.setenv("RETENTION_DATA", str(with_another_gold(tmp_path / "changed")))
    (problem,) = [finding.problem for finding in verify(str(draft.with_name("hub-2.yaml"))) if finding.problem]
    assert re.fullmatch(r"item \d is [0-9a-f]{8} \(What is the number of page .*\), frozen [0-9a-f]{8}", problem)
    told = CliRunner().invoke(cli, ["suite", "verify", str(draft.with_name("hub-2.yaml"))])
    assert "vision_docvqa: item" in told.output


def with_another_gold(root: Path) -> Path:
    write_sets(root)
    (file,) = (root / "docvqa").rglob("*.parquet")
    table = pq.read_table(file)
    rows = table.to_pylist()
    rows[2]["answers"] = ["eleven"]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    return root


def test_from_freezing_to_a_validated_submission(draft: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = freeze(str(draft), "The study's benchmarks.")
    suite = load_suite(str(path))
    golds: dict[str, str] = {}
    for name, loaded in lmeval.load_frozen(suite, path.parent).items():
        golds |= (
            golds_of(loaded) if name != "jigsaw_2x2" else dict.fromkeys(loaded.item_ids, "<answer>2,1,3,4</answer>")
        )
    engines: list[Answering] = []

    def start(*_: Any) -> Answering:
        # The base answers in sentences, the tuned model with the answer alone.
        engines.append(Answering(golds, "{}" if engines else "The answer is {}."))
        return engines[-1]

    monkeypatch.setattr(starting, "start", start)
    monkeypatch.setattr(placement, "describe", lambda *_: RECORD)
    base, tuned = nano_root() / "base", nano_root() / "sft"
    done = retention("evaluate", base, tuned, "--suite", path, "--target", "jigsaw", "--out", tmp_path / "runs",
                     "--engine", "transformers", "--dtype", "float32", "--max-model-len", 4096)  # fmt: skip
    assert done.exit_code == 0, done.output
    runs = sorted({found.parent for found in (tmp_path / "runs").rglob("run.json")})
    assert len(runs) == len(engines) == 2
    for run_folder in runs:
        samples = read_run(run_folder).samples
        vision = samples[samples["family"] == "vision"]
        assert (vision["outcome"] == Outcome.CORRECT).all()
        assert len(vision) == sum(KNOWN[name][0] for name in suite.tasks if name in KNOWN)
    where = [f"--{name}={tmp_path / name}" for name in ("submissions", "bases", "events", "releases")]
    (tuned_run,) = [found for found in runs if "sft" in found.as_posix()]
    prepare = ["submit", "prepare", tuned_run, "--target", "jigsaw", "--method", "sft", "--license", "CC0-1.0"]
    prepared = retention(*prepare, "--contact", "ada", "--consent", "--yes", "--suite", path, *where)
    assert prepared.exit_code == 0, prepared.output
    told = retention("submit", "validate", tmp_path / "submissions", "--suite", path, "--jobs", 1, *where)
    assert told.exit_code == 0, told.output
    (entry,) = (tmp_path / "submissions").iterdir()
    around = Surroundings(Shelf(*(tmp_path / name for name in ("submissions", "bases", "events", "releases"))), [path])
    assert validate(entry, around).verdict == "accepted"
