"""Our LM through real lm-eval, with a fake engine beneath."""

import copy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness import lmeval
from harness.checkpoints.prompts import PromptRenderer
from harness.errors import RetentionError
from harness.items import items_digest
from harness.lmeval import loading, running
from harness.protocol import Completion
from harness.records.samples import Outcome, Sample
from harness.records.suites import Suite, SuiteTask, load_suite
from tests.support.fakes import FakeEngine, write_checkpoint

TASKS = ("math_arithmetic", "vision_colour", "jigsaw_2x2")

LETTERS = """
task: letters
custom_dataset: !function letters.load
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: ["A", "B", "C"]
doc_to_target: "{{gold}}"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""
LETTERS_CODE = """
from datasets import Dataset

def load(**_):
    return {"test": Dataset.from_list([{"question": f"a b {k}", "gold": k % 3} for k in range(6)])}
"""


@pytest.fixture(scope="module")
def tasks() -> dict[str, lmeval.LoadedTask]:
    return lmeval.load_tasks(TASKS)


def run(tmp_path: Path, tasks: dict[str, lmeval.LoadedTask], engine: FakeEngine) -> list[Sample]:
    renderer = PromptRenderer(write_checkpoint(tmp_path / "m"))
    suite = load_suite("nano-1")
    return [s for chunk in lmeval.run_tasks(suite, tasks, engine, renderer, lambda _: None) for s in chunk]


def test_every_item_becomes_one_sample_in_suite_order(
    tmp_path: Path, tasks: dict[str, lmeval.LoadedTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SLAB", 130)
    samples = run(tmp_path, tasks, FakeEngine("The answer is red."))
    expected = [(name, item_id) for name in TASKS for item_id in tasks[name].item_ids]
    assert [(sample.task, sample.item_id) for sample in samples] == expected
    colour = [sample for sample in samples if sample.task == "vision_colour"]
    # Red is right, wrong, or none of the options that were given.
    states = {(sample.outcome, sample.off_list) for sample in colour}
    assert states == {(Outcome.CORRECT, False), (Outcome.WRONG, False), (Outcome.WRONG, True)}
    assert {sample.guess_rate for sample in colour} == {0.25}
    assert all(sample.outcome is Outcome.UNPARSED for sample in samples if sample.task == "jigsaw_2x2")


def test_slabs_do_not_change_a_sample(
    tmp_path: Path, tasks: dict[str, lmeval.LoadedTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tmp_path / "1", tasks, FakeEngine())
    monkeypatch.setattr(running, "SLAB", 97)
    assert run(tmp_path / "2", tasks, FakeEngine()) == whole


@given(
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from((1, 8))), max_size=5),
    st.sampled_from((5, 8, 97, 130, 2048)),
)
def test_slabs_hold_every_item_once_in_order_and_never_too_many(sizes: list[tuple[int, int]], slab: int) -> None:
    named = {str(number): size for number, size in enumerate(sizes)}
    seen: dict[str, list[int]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "SLAB", slab)
        for part in running._slabs(named):
            # An item that alone takes more than a slab is a slab of its own.
            assert 0 < sum(len(rows) * named[name][1] for name, rows in part.items()) <= max(slab, 8)
            for name, rows in part.items():
                seen.setdefault(name, []).extend(rows)
    assert seen == {name: list(range(count)) for name, (count, _) in named.items() if count}


def test_each_answer_goes_to_its_own_item(tmp_path: Path, tasks: dict[str, lmeval.LoadedTask]) -> None:
    class Echo(FakeEngine):
        def generate(self, requests):  # type: ignore[no-untyped-def]
            for index in reversed(range(len(requests))):
                yield index, Completion(requests[index].item_id, "stop", 1, 1)

    assert all(sample.output == sample.item_id for sample in run(tmp_path, tasks, Echo()))


@pytest.mark.parametrize(
    "completion", [Completion("The answer is red.", "length", 1, 24), Completion("", "error", 0, 0, error="too long")]
)
def test_cut_off_and_failed_answers_are_unparsed(
    tmp_path: Path, tasks: dict[str, lmeval.LoadedTask], completion: Completion
) -> None:
    class Fixed(FakeEngine):
        def generate(self, requests):  # type: ignore[no-untyped-def]
            yield from ((index, completion) for index in range(len(requests)))

    samples = run(tmp_path, {"vision_colour": tasks["vision_colour"]}, Fixed())
    assert {(s.outcome, s.score, s.finish_reason, s.error) for s in samples} == {
        (Outcome.UNPARSED, 0.0, completion.finish_reason, completion.error)
    }


def test_letters_are_asked_once_a_document_and_stock_documents_get_ids(tmp_path: Path) -> None:
    (tmp_path / "letters.yaml").write_text(LETTERS)
    (tmp_path / "letters.py").write_text(LETTERS_CODE)
    loaded = lmeval.load_tasks(["letters"], tmp_path)
    ids = loaded["letters"].item_ids
    assert len(set(ids)) == 6
    place = SuiteTask(family="f", group="g", count=6, digest=items_digest(ids), guess_rate=1 / 3)
    suite = Suite(name="s", version="1", title="t", prompt="plain", tasks={"letters": place})
    engine = FakeEngine()
    renderer = PromptRenderer(write_checkpoint(tmp_path / "m", words=("a", "b", "A", "B", "C")), "plain")
    (samples,) = lmeval.run_tasks(suite, loaded, engine, renderer, lambda _: None)
    assert engine.asked == ids
    assert [s.outcome for s in samples] == [Outcome.CORRECT, Outcome.WRONG, Outcome.WRONG] * 2
    assert {s.extracted for s in samples} == {"A"}


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(lmeval.TaskError, match="task nothing: no YAML of that name"):
        lmeval.load_tasks(["nothing"])


def test_a_task_file_that_fails_is_one_line_and_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "letters.yaml").write_text(LETTERS)
    (tmp_path / "letters.py").write_text("def load(**_):\n    raise LookupError('no\\nrows')\n")
    failed, fine = dict(lmeval.load_each(["letters", "math_word"], tmp_path)).values()
    assert isinstance(failed, lmeval.TaskError)
    assert str(failed).startswith("task letters: it cannot be loaded (LookupError: no")
    assert isinstance(failed.__cause__, LookupError)
    assert isinstance(fine, lmeval.LoadedTask)


def test_what_a_judge_lacks_shows_in_a_rehearsal(tasks: dict[str, lmeval.LoadedTask]) -> None:
    asked = []

    def judge(doc: dict[str, str], results: list[str]) -> dict[str, float]:
        asked.append((doc["item_id"], results))
        raise RetentionError("a package is missing")

    lmeval.check_judges(tasks)
    failing = lmeval.select_items(tasks["math_arithmetic"], range(5))
    failing.task.process_results = judge
    with pytest.raises(RetentionError, match="a package is missing"):
        lmeval.check_judges({"math_arithmetic": failing})
    assert asked == [(failing.item_ids[0], [""])]
    failing.task.process_results = lambda doc, results: results[1]
    lmeval.check_judges({"math_arithmetic": failing})


def test_a_task_without_a_budget_is_refused() -> None:
    with pytest.raises(lmeval.TaskError, match="max_gen_toks is missing"):
        loading.decoding({"until": ["\n"]})
    with pytest.raises(lmeval.TaskError, match="sampling"):
        loading.decoding({"do_sample": True, "max_gen_toks": 3})


def test_an_item_with_large_images_takes_more_of_a_slab() -> None:
    shapes = lmeval.load_tasks(["vision_colour", "math_arithmetic"])
    image = len(shapes["vision_colour"].task.eval_docs[0]["images"][0])
    assert running._weight(shapes["math_arithmetic"]) == 1
    assert running._weight(shapes["vision_colour"]) == 1 + image // running._PIECE
    large = copy.copy(shapes["vision_colour"].task)
    large.doc_to_image = lambda _: [Image.new("RGB", (504, 504))]
    assert running._weight(lmeval.LoadedTask(large, ["x"])) == 6


def test_a_thought_that_the_template_begins_is_no_answer(tmp_path: Path, tasks: dict[str, lmeval.LoadedTask]) -> None:
    """What the model writes begins within the thought; the stored output says so, so that it is judged so again."""
    folder = write_checkpoint(tmp_path / "m")
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text().replace("<|im_start|>assistant ", "<|im_start|>assistant\n<think>\n"))
    suite, part = load_suite("nano-1"), {"vision_colour": tasks["vision_colour"]}
    for said, parsed in (("The answer is red.", False), ("It may be blue.</think>The answer is red.", True)):
        chunks = lmeval.run_tasks(suite, part, FakeEngine(said), PromptRenderer(folder), lambda _: None)
        samples = [sample for chunk in chunks for sample in chunk]
        assert {sample.output for sample in samples} == {f"<think>\n{said}"}
        assert {sample.outcome is not Outcome.UNPARSED for sample in samples} == {parsed}
