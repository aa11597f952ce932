"""Tasks of lm-eval's own in a suite, named by their folder; rows of the same shape stand in for those of the hub."""

from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets import Dataset, DatasetDict
from PIL import Image

from harness import lmeval
from harness.checkpoints.prompts import PromptRenderer
from harness.items import items_digest
from harness.lmeval import running
from harness.pictures.pixels import decode_png
from harness.protocol import GenerateRequest
from harness.records.samples import Outcome
from harness.records.suites import Draft, DraftTask, Suite, SuiteTask, read_suite, suite_names
from harness.suites.freezing import complete
from tests.support.fakes import FakeEngine, write_checkpoint

MMMU = {"mmmu_val_accounting": lmeval.StockTask("mmmu")}
GSM8K = {"gsm8k": lmeval.StockTask("gsm8k", max_tokens=64)}


@pytest.fixture
def asked_of_hub(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is asked of the hub, which answers with a few rows of each set's shape."""
    asked = []

    def load_dataset(path: str, name: str | None = None, **options: Any) -> DatasetDict:
        asked.append({"path": path, "name": name, **options})
        return DatasetDict({"MMMU/MMMU": _mmmu, "HuggingFaceM4/ChartQA": _chartqa}.get(path, _gsm8k)())

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return asked


def _mmmu() -> dict[str, Dataset]:
    rows = [
        {
            "question": f"What is shown in <image 1> of case {k}?",
            "options": "['a cat', 'a dog', 'a bird', 'a fish']",
            "question_type": "multiple-choice",
            "answer": "ABCD"[k % 4],
            "image_1": Image.new("RGBA", (8, 6), (40 * k, 0, 0, 255)),
        }
        for k in range(5)
    ]
    return {"validation": Dataset.from_list(rows)}


def _chartqa() -> dict[str, Dataset]:
    image = Image.new("RGB", (8, 6))
    return {"test": Dataset.from_list([{"query": f"How many {k}?", "label": ["40"], "image": image} for k in range(3)])}


def _gsm8k() -> dict[str, Dataset]:
    return {
        split: Dataset.from_list([{"question": f"{split} {k} plus 1?", "answer": f"#### {k + 1}"} for k in range(40)])
        for split in ("train", "test")
    }


def test_a_vision_task_runs_with_each_image_where_its_text_marks_it(
    tmp_path: Path, asked_of_hub: list[dict[str, Any]]
) -> None:
    loaded = lmeval.load_tasks(list(MMMU), None, MMMU)
    ids = loaded["mmmu_val_accounting"].item_ids
    assert len(set(ids)) == 5
    assert asked_of_hub == [{"path": "MMMU/MMMU", "name": "Accounting"}]
    place = SuiteTask(
        family="vision", group="g", count=5, digest=items_digest(ids), guess_rate=0.25, stock="mmmu", max_tokens=512
    )
    suite = Suite(name="s", version="1", title="t", tasks={"mmmu_val_accounting": place})
    asked: list[GenerateRequest] = []

    class Remembering(FakeEngine):
        def generate(self, requests):  # type: ignore[no-untyped-def]
            asked.extend(requests)
            return super().generate(requests)

    renderer = PromptRenderer(write_checkpoint(tmp_path / "m"))
    (samples,) = lmeval.run_tasks(suite, loaded, Remembering("(B)"), renderer, lambda _: None)
    assert [sample.outcome is Outcome.CORRECT for sample in samples] == [False, True, False, False, False]
    assert "user What is shown in <image> of case 0?" in asked[0].prompt.text
    assert decode_png(asked[2].prompt.images[0]).tolist() == [[[80, 0, 0]] * 8] * 6
    assert asked[0].decoding.stop == ("<|endoftext|>",)


def test_item_ids_are_the_same_again_and_cover_how_a_document_is_asked(asked_of_hub: list[dict[str, Any]]) -> None:
    first, again = (lmeval.load_tasks(list(MMMU), None, MMMU)["mmmu_val_accounting"] for _ in range(2))
    assert first.item_ids == again.item_ids
    first.task.config.generation_kwargs["max_gen_toks"] = 511
    doc = first.task.eval_docs[0]
    changed = lmeval.external_item_id("mmmu_val_accounting", doc, lmeval.build_requests(first.task, doc))
    assert changed != first.item_ids[0]


def test_few_shot_examples_depend_on_the_document_alone(asked_of_hub: list[dict[str, Any]]) -> None:
    first, again = (lmeval.load_tasks(list(GSM8K), None, GSM8K)["gsm8k"] for _ in range(2))
    assert first.task.config.num_fewshot == 5
    assert first.item_ids == again.item_ids
    documents = list(first.task.eval_docs)
    contexts = [lmeval.build_requests(first.task, doc)[0].args[0] for doc in documents]
    backwards = [lmeval.build_requests(again.task, doc)[0].args[0] for doc in documents[::-1]]
    assert contexts == backwards[::-1]
    assert len({context.rpartition("Question:")[0] for context in contexts}) > 30


@pytest.mark.parametrize(
    ("metric", "outcomes"),
    [
        ("exact_match,flexible-extract", [Outcome.WRONG, Outcome.WRONG, Outcome.CORRECT]),
        ("exact_match,strict-match", [Outcome.UNPARSED] * 3),
        ("exact_match", [Outcome.UNPARSED] * 3),
    ],
)
def test_few_shot_prompts_do_not_depend_on_slabs_and_the_named_filter_counts(
    tmp_path: Path,
    asked_of_hub: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    metric: str,
    outcomes: list[Outcome],
) -> None:
    ids = lmeval.load_tasks(list(GSM8K), None, GSM8K)["gsm8k"].item_ids
    place = SuiteTask(
        family="m",
        group="g",
        count=40,
        digest=items_digest(ids),
        guess_rate=0,
        metric=metric,
        stock="gsm8k",
        max_tokens=64,
        stop=("Question:", "</s>", "<|im_end|>"),
    )
    suite = Suite(name="s", version="1", title="t", tasks={"gsm8k": place})
    renderer = PromptRenderer(write_checkpoint(tmp_path / "m", words=[str(k) for k in range(40)]))
    runs = []
    for slab in (2048, 7):
        monkeypatch.setattr(running, "SLAB", slab)
        chunks = lmeval.run_tasks(suite, lmeval.load_frozen(suite), FakeEngine("It is 3."), renderer, lambda _: None)
        runs.append([sample for chunk in chunks for sample in chunk])
    assert runs[0] == runs[1]
    assert len({sample.prompt_digest for sample in runs[0]}) > 30
    assert [sample.outcome for sample in runs[0][:3]] == outcomes


def test_a_pinned_revision_reaches_the_hub(asked_of_hub: list[dict[str, Any]]) -> None:
    pinned = {"mmmu_val_accounting": lmeval.StockTask("mmmu", "a" * 40)}
    lmeval.load_tasks(list(pinned), None, pinned)
    assert asked_of_hub == [{"path": "MMMU/MMMU", "name": "Accounting", "revision": "a" * 40}]


def test_a_metric_or_filter_that_a_task_has_not_is_named(tmp_path: Path, asked_of_hub: list[dict[str, Any]]) -> None:
    loaded = lmeval.load_tasks(list(GSM8K), None, GSM8K)
    renderer = PromptRenderer(write_checkpoint(tmp_path / "m"))
    digest = items_digest(loaded["gsm8k"].item_ids)
    for metric, message in {
        "acc": "task gsm8k: it has no metric acc; it has exact_match",
        "exact_match,vague": "metric exact_match,vague: no such filter; choose one of",
    }.items():
        place = SuiteTask(family="m", group="g", count=40, digest=digest, guess_rate=0, metric=metric)
        suite = Suite(name="s", version="1", title="t", tasks={"gsm8k": place})
        with pytest.raises(lmeval.TaskError, match=message):
            list(lmeval.run_tasks(suite, loaded, FakeEngine(), renderer, lambda _: None))


def test_the_folder_and_the_revision_come_from_the_suite() -> None:
    place = SuiteTask(family="v", group="g", count=1, digest="0" * 64, stock="mmmu", sources=("MMMU/MMMU@" + "b" * 40,))
    ours = SuiteTask(family="v", group="g", count=1, digest="0" * 64)
    suite = Suite(name="s", version="1", title="t", tasks={"mmmu_val_accounting": place, "ours": ours})
    assert lmeval.stock_tasks(suite) == {"mmmu_val_accounting": lmeval.StockTask("mmmu", "b" * 40)}


def test_a_folder_or_a_task_that_lm_eval_has_not_is_named() -> None:
    with pytest.raises(lmeval.TaskError, match="has no folder tasks/nothing_of_the_kind"):
        lmeval.load_tasks(["x"], None, {"x": lmeval.StockTask("nothing_of_the_kind")})
    with pytest.raises(lmeval.TaskError, match=r"task x: no YAML of that name in .*mmmu"):
        lmeval.load_tasks(["x"], None, {"x": lmeval.StockTask("mmmu")})


def test_a_stock_task_is_completed_and_run(tmp_path: Path, asked_of_hub: list[dict[str, Any]]) -> None:
    renderer = PromptRenderer(write_checkpoint(tmp_path / "m"))
    chart = DraftTask(
        family="vision", group="charts", stock="chartqa", metric="relaxed_accuracy", guess_rate=0,
        sources=("HuggingFaceM4/ChartQA",),
    )  # fmt: skip
    suite, _ = complete(Draft(name="s", version="1-draft", title="t", tasks={"chartqa": chart}), tmp_path)
    tasks = lmeval.load_frozen(suite, tmp_path)
    (samples,) = lmeval.run_tasks(suite, tasks, FakeEngine("Final Answer: 41"), renderer, lambda _: None)
    # Within 5 % of 40 is right in a chart.
    assert [sample.outcome for sample in samples] == [Outcome.CORRECT] * 3
    assert {each["path"] for each in asked_of_hub} == {"HuggingFaceM4/ChartQA"}


def test_no_shipped_draft_asks_a_task_whose_judge_draws_its_verdict() -> None:
    drafts = [read_suite(name) for name in suite_names(drafts=True)]
    assert drafts
    assert [name for draft in drafts for name, place in draft.tasks.items() if place.stock == "mmmu"] == []


def test_a_judge_that_draws_its_verdict_is_refused_by_name(tmp_path: Path, asked_of_hub: list[dict[str, Any]]) -> None:
    message = "task mmmu_val_accounting: its process_results gives one answer two verdicts .*change by chance"
    loaded = lmeval.load_tasks(list(MMMU), None, MMMU)
    with pytest.raises(lmeval.TaskError, match=message):
        lmeval.check_judges(loaded)
    place = DraftTask(family="v", group="g", stock="mmmu", guess_rate=0.25, sources=("MMMU/MMMU",))
    draft = Draft(name="s", version="1-draft", title="t", tasks={"mmmu_val_accounting": place})
    with pytest.raises(lmeval.TaskError, match=message):
        complete(draft, tmp_path)


@pytest.mark.parametrize("folder", ["../../etc", "/etc", "mmmu/..", ""])
def test_a_folder_outside_lm_evals_tasks_is_refused(folder: str) -> None:
    with pytest.raises(ValueError, match="stock"):
        DraftTask(family="v", group="g", stock=folder)


def test_a_data_set_that_cannot_be_loaded_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(
        lmeval.TaskError, match=r"mmmu_val_accounting: lm-eval's data set.*ConnectionError.*connect"
    ) as error:
        lmeval.load_tasks(list(MMMU), None, MMMU)
    assert "\n" not in str(error.value)
