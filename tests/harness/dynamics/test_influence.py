"""Reading and stepping with the real nano base: what is read is what is trained, and a step does what it should."""

from collections.abc import Iterator

import pytest

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.dynamics import influence as measured
from harness.dynamics.influence import Steps
from harness.dynamics.reading import Reader, Text
from harness.scoring.dynamics import influence
from harness.training.dataset import Example
from harness.training.generators import load_examples
from harness.training.model import ExampleEncoder, Student
from harness.training.recipe import Data

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    made = Reader(open_checkpoint("nano:base"))
    yield made
    made.close()


def examples(source: str, count: int, form: str = "bare") -> list[Example]:
    return list(load_examples(Data(source=source, form=form, count=count, seed=5)))


def texts(reader: Reader, of: list[Example], label: str = "bare") -> list[Text]:
    renderer = PromptRenderer(open_checkpoint("nano:base").path)
    return [
        Text(
            each.example_id,
            each.task,
            label,
            renderer.render(each.question, each.images),
            reader.engine.target_ids(each.target),
        )
        for each in of
    ]


def test_a_reading_is_the_loss_that_a_training_would_start_with(reader: Reader) -> None:
    import transformers

    checkpoint = open_checkpoint("nano:base")
    processor = transformers.AutoProcessor.from_pretrained(checkpoint.path)
    student = Student(checkpoint, reader.engine.model, processor, processor.tokenizer, PromptRenderer(checkpoint.path))
    coder = ExampleEncoder(student)
    for example in [*examples("nano-jigsaw", 2), *examples("nano-math", 2, "worked")]:
        (text,) = texts(reader, [example])
        assert list(text.tokens) == coder.target(example.target)
        batch = coder.batch([example])
        reading = reader.read(text)
        loss = float(reader.engine.model(**batch).loss.detach())
        assert reading.nll / reading.n_tokens == pytest.approx(loss, rel=1e-4, abs=1e-6)
        assert (reading.kind, reading.cluster) == ("bare", text.prompt.digest)


def test_steps_do_what_the_formulas_say_and_leave_no_trace(reader: Reader) -> None:
    before = [each.detach().clone() for each in reader.parameters]
    probes = texts(reader, examples("nano-prior", 8, "worked"))
    steps = Steps(reader, probes)
    taken = texts(reader, [*examples("nano-math", 2), *examples("nano-jigsaw", 1)])
    done = []
    pairs, certain = steps.pairs(taken, lambda: done.append(1))
    assert (len(pairs), certain, len(done)) == (3 * (8 - steps.certain), 0, 3)
    assert all((one == other).all() for one, other in zip(before, reader.parameters, strict=True))
    assert all(each.grad is None for each in reader.parameters)
    score = influence.score("bare", pairs)
    # Real steps, at another size than the gradients know of: to first order they agree.
    assert score.first_order_error < 0.05
    assert all(pair.magnitude > 0 and -1 <= pair.direction <= 1 for pair in pairs)
    assert len({pair.direction for pair in pairs}) == len(pairs)


def test_a_step_on_a_probe_itself_raises_it(reader: Reader) -> None:
    (text,) = texts(reader, examples("nano-math", 1))
    ((pair,), _) = Steps(reader, [text]).pairs([text], lambda: None)
    assert pair.direction == pytest.approx(1)
    assert pair.actual > 0
    assert pair.slope > 0
    assert pair.actual == pytest.approx(pair.expected, rel=0.05)


def test_gradients_held_one_by_one_give_the_same_pairs(reader: Reader) -> None:
    probes = texts(reader, examples("nano-prior", 3, "worked"))
    taken = texts(reader, examples("nano-jigsaw", 2))
    together = Steps(reader, probes)
    apart = Steps(reader, probes)
    assert together.at_once > 2
    apart.at_once = 1
    assert apart.pairs(taken, lambda: None) == together.pairs(taken, lambda: None)


def test_what_the_base_is_certain_of_is_counted_and_left_out(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    probes = texts(reader, examples("nano-prior", 2, "worked"))
    taken = texts(reader, examples("nano-jigsaw", 2))
    steps = Steps(reader, probes)
    monkeypatch.setattr(measured, "CERTAIN", 1e9)
    assert steps.pairs(taken, lambda: None) == ([], 2)
    assert Steps(reader, probes).certain == 2


def test_a_step_is_no_larger_than_its_own_example_allows(reader: Reader) -> None:
    (text,) = texts(reader, examples("nano-math", 1))
    for own in (0.01, 0.001):
        ((pair,), _) = Steps(reader, [text], own_change=own).pairs([text], lambda: None)
        assert pair.expected == pytest.approx(own)
        assert pair.actual == pytest.approx(own, rel=0.05)
