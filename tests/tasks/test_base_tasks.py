"""Tasks of core-base-1 on rows as their copies hold them: options as texts, in the sentence, and after examples."""

import bz2
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from harness.checkpoints.prompts import PromptRenderer
from harness.items import items_digest
from harness.lmeval import LoadedTask, Recomputer, build_requests, load_tasks, run_tasks
from harness.protocol import ContinuationScore, Failed, ScoreRequest
from harness.records.samples import Sample
from harness.records.samples_file import read_samples, write_samples
from harness.records.suites import Suite, SuiteTask, load_suite
from tests.support.fakes import FakeEngine, write_checkpoint

SENTENCES = [
    {"context_options": [f"So Sarah saw {k}; Sarah", f"So Sarah saw {k}; Maria"], "continuation": "won.", "gold": k % 2}
    for k in range(4)
]
ENDINGS = ["sits down on the warm roof.", "is using a wrap.", "jumps.", "holds up a sign of some kind."]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with the first rows of WinoGrande, HellaSwag, GSM8K and SVAMP in the form of their copies."""
    folder = tmp_path / "data"
    for name in ("winogrande", "hellaswag", "gsm8k", "svamp"):
        (folder / name).mkdir(parents=True)
    (folder / "winogrande" / "winogrande.jsonl").write_text("".join(json.dumps(row) + "\n" for row in SENTENCES))
    lines = [line for k in range(4) for line in (f"Roof: A man {k} is on a roof. he", "3", *ENDINGS)]
    (folder / "hellaswag" / "hellaswag_val_full.txt.bz2").write_bytes(bz2.compress("\n".join(lines).encode()))
    for split, count in (("train", 7), ("test", 3)):
        rows = [{"question": f"{split} {k}?", "answer": f"So {k}.\n#### {k}"} for k in range(count)]
        (folder / "gsm8k" / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    row = {"ID": "1", "Body": "Two packs.", "Question": "How many?", "Equation": "2", "Answer": 2.0, "Type": "Addition"}
    (folder / "svamp" / "SVAMP.json").write_text(json.dumps([row]))
    monkeypatch.setenv("RETENTION_DATA", str(folder))
    return folder


class Scorer(FakeEngine):
    """Takes the option given by its place, and keeps the requests."""

    def __init__(self, *logprobs: float) -> None:
        super().__init__("")
        self.logprobs = logprobs
        self.requests: list[ScoreRequest] = []

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, tuple[ContinuationScore, ...] | Failed]]:
        for index, request in enumerate(requests):
            self.requests.append(request)
            yield index, tuple(ContinuationScore(logprob, False) for logprob in self.logprobs)


def run(tmp_path: Path, name: str, engine: Scorer, metric: str = "acc") -> tuple[Suite, list[Sample], LoadedTask]:
    loaded = load_tasks([name])[name]
    place = SuiteTask(
        family="general", group="g", count=len(loaded.item_ids), digest=items_digest(loaded.item_ids), metric=metric
    )
    suite = Suite(name="s", version="1", title="t", prompt="plain", tasks={name: place})
    renderer = PromptRenderer(write_checkpoint(tmp_path / "model", words=["Sarah", "Maria", "won"]), "plain")
    (samples,) = run_tasks(suite, {name: loaded}, engine, renderer, lambda _: None)
    return suite, samples, loaded


@pytest.mark.usefixtures("data")
def test_winogrande_scores_what_follows_the_option(tmp_path: Path) -> None:
    engine = Scorer(-2.0, -1.0)
    _, samples, loaded = run(tmp_path, "general_winogrande_cloze", engine)
    request = engine.requests[0]
    assert request.prompt.text.startswith("So Sarah saw")
    assert len(set(request.counted)) == 1
    first, second = (each[-count:] for each, count in zip(request.continuations, request.counts, strict=True))
    assert first == second, "the same words count after both options"
    assert request.continuations[0] != request.continuations[1]
    answers = {doc["item_id"]: doc["answer"] for doc in loaded.task.eval_docs}
    for sample in samples:
        assert sample.output.endswith("Maria")
        assert (sample.outcome == "correct") == (answers[sample.item_id] == "Maria")
        assert sample.logprobs == (-2.0, -1.0)


@pytest.mark.parametrize(("metric", "chosen"), [("acc", 2), ("acc_norm", 3), ("acc_bytes", 3)])
@pytest.mark.usefixtures("data")
def test_the_suite_names_the_score_that_counts(tmp_path: Path, metric: str, chosen: int) -> None:
    engine = Scorer(-30.0, -25.0, -8.0, -10.0)
    suite, samples, _ = run(tmp_path, "general_hellaswag_cloze", engine, metric)
    assert engine.requests[0].prompt.text.endswith("on a roof. He")
    assert {sample.output for sample in samples} == {ENDINGS[chosen]}
    assert {sample.outcome for sample in samples} == {"correct" if chosen == 3 else "wrong"}
    assert {sample.extracted for sample in samples} == {ENDINGS[chosen]}
    assert samples[0].score == float(chosen == 3)
    assert {"acc_norm", "acc_bytes", "right", "right_norm", "right_bytes"} <= samples[0].details.keys()
    write_samples(tmp_path / "samples.parquet", [samples])
    frame = read_samples(tmp_path / "samples.parquet")
    found = Recomputer(suite).recompute(frame)
    assert (found.rows, found.differences, found.unavailable) == (4, (), {})
    frame.at[0, "logprobs"] = (-1.0, -25.0, -80.0, -10.0)
    assert {each.column for each in Recomputer(suite).recompute(frame).differences} == {"output"}
    assert "does not follow" in str(Recomputer(suite).recompute(frame.assign(logprobs=None)).unavailable.values())


@pytest.mark.parametrize("name", ["math_gsm8k_shots", "math_svamp_shots"])
@pytest.mark.usefixtures("data")
def test_solved_examples_come_from_training_and_stop_at_the_next_question(name: str) -> None:
    task = load_tasks([name])[name].task
    for doc in task.eval_docs:
        (request,) = build_requests(task, doc)
        *examples, asked = request.args[0].split("\n\n")
        assert len(examples) == 5
        assert all(each.startswith("Question: train ") and "The answer is " in each for each in examples)
        assert asked.endswith("\nAnswer:")
        assert "train" not in asked
        assert request.args[1]["until"] == ["Question:"]
    assert len(load_tasks([name], shots={name: 2})[name].task.eval_docs[0]["question"].split("\n\n")) == 3


def test_a_number_of_examples_is_part_of_a_suite_only_where_it_is_stated() -> None:
    suite = load_suite("core-base-1")
    stated = {name: place.shots for name, place in suite.tasks.items() if place.shots is not None}
    assert set(stated) == {name for name in suite.tasks if name.endswith("_shots")}
    assert ":shots-5" in suite.tasks["math_gsm8k_shots"].marks
    assert "shots" not in "".join(place.marks for name, place in suite.tasks.items() if name not in stated)
    other = suite.tasks["math_gsm8k_shots"].model_copy(update={"shots": 4})
    assert suite.model_copy(update={"tasks": {**suite.tasks, "math_gsm8k_shots": other}}).digest != suite.digest
    assert suite.prompt == "plain"
