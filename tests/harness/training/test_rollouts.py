"""Rollouts: what is kept of a policy's samples, the gold answer in a simulated one, resuming, and the written set."""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints.checkpoint import Checkpoint, nano_root, open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.engines import starting
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation.store import CHUNK
from harness.protocol import Completion, GenerateRequest
from harness.records.suites import read_suite
from harness.training.dataset import Example, read_about, read_examples
from harness.training.generators import load_examples
from harness.training.recipe import Recipe, RecipeError, Rollouts, load_recipe, seedless_name
from harness.training.record import RECORD_FILE, BaseModelRecord, DataRecord, record_of, write_record
from harness.training.rewards import reward
from harness.training.rollouts import STORE, keep, learnt_text, made_by, sample_seed, with_gold, write_rollouts
from tests.support.fakes import FakeEngine

WORKED = Example(
    item_id="0" * 64,
    task="math_word",
    question="Mia has 22 books and gives 16 of them to Anna. How many books does Mia have left?",
    answer="6",
    target="The answer is 6.",
    kind="bare",
)
RIGHT, WRONG = "22-16: 12-6=6, 1-1=0. The answer is 6.", "22-16: 12-6=5, 1-1=0. The answer is 5."


def stopped(text: str) -> Completion:
    return Completion(text, "stop", 10, 5)


@pytest.mark.parametrize(
    ("kind", "answer", "due"),
    [
        ("rollout", stopped(RIGHT), RIGHT),
        ("self", stopped(RIGHT), RIGHT),
        ("rollout", stopped(WRONG), None),
        ("rollout", Completion(RIGHT, "length", 10, 5), None),
        ("simulated", stopped(RIGHT), RIGHT),
        ("simulated", stopped(WRONG), "22-16: 12-6=5, 1-1=0. The answer is 6."),
        ("simulated", stopped("I do not know"), None),
        ("simulated", Completion(WRONG, "length", 10, 5), None),
    ],
)
def test_what_is_learnt_from_a_sample(kind: str, answer: Completion, due: str | None) -> None:
    assert learnt_text(WORKED, answer, kind) == due  # type: ignore[arg-type]


def test_the_gold_answer_stands_where_the_last_one_was_stated() -> None:
    assert with_gold(WORKED, "5 and 5. The answer is 5. Or so.") == "5 and 5. The answer is 6. Or so."
    assert with_gold(WORKED, "") is None


def test_different_texts_are_kept_up_to_the_limits() -> None:
    short = "The answer is 6."
    answers = [stopped(text) for text in (RIGHT, WRONG, RIGHT, short)]
    asked: list[int] = []

    def samples() -> Iterator[tuple[Example, list[Completion]]]:
        for number in range(3):
            asked.append(number)
            yield WORKED.model_copy(update={"item_id": str(number) * 64}), answers

    def texts(**limits: int) -> list[tuple[str, bool]]:
        return [(example.target, own) for example, own in keep(samples(), Rollouts(policy="x", **limits))]  # type: ignore[arg-type]

    assert texts() == [(RIGHT, False)] * 3
    assert texts(keep_per_item=5) == [(RIGHT, False), (short, True)] * 3
    asked.clear()
    assert texts(keep_per_item=2, keep=3) == [(RIGHT, False), (short, True), (RIGHT, False)]
    assert asked == [0, 1], "nothing is asked for once enough is kept"


class Scripted(FakeEngine):
    """Answers what its script says, in turn, and stops working after so many answers."""

    def __init__(self, script: Sequence[str], fail_after: int | None = None) -> None:
        super().__init__(fail_after=fail_after)
        self.script = script
        self.asked: list[GenerateRequest] = []

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        for place, request in enumerate(requests):
            if self.fail_after is not None and len(self.asked) >= self.fail_after:
                raise KeyboardInterrupt
            self.asked.append(request)
            text = self.script[request.decoding.seed % len(self.script)]
            yield place, Completion("", "error", 0, 0, error=text) if text.startswith("!") else stopped(text)


@pytest.fixture
def recipe() -> Recipe:
    return load_recipe(
        "nano-jigsaw",
        "rollouts",
        {"data.count": 200, "rollouts.kind": "self", "rollouts.per_item": 3, "rollouts.engine": "transformers"},
    )


def use(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> None:
    monkeypatch.setattr(starting, "start", lambda _: engine)


def quietly(phase: str, done: int, total: int) -> None:
    assert 0 <= done <= total


ORDERS = ("<answer>1,2,3,4</answer>", "<answer>2,1,4,3</answer>", "<answer>4,3,2,1</answer>", "<answer>1,2</answer>")


def test_a_set_is_written_whole_and_states_its_origin(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Scripted(ORDERS))
    about = write_rollouts(recipe, tmp_path, quietly)
    examples = list(read_examples(tmp_path))
    assert about == read_about(tmp_path)
    assert about.sampled == 600
    assert about.correct is not None
    assert 0 < len(examples) <= about.correct < 200
    assert about.kinds == {"self": len(examples)}
    assert about.policy == "nano-base"
    assert about.note == f"{len(examples)} of {len(examples)} targets are the bare answer"
    assert all(reward(example, example.target).exact for example in examples)
    assert len({example.item_id for example in examples}) == len(examples)
    assert not list(tmp_path.glob(f"{STORE}*"))


def test_a_set_names_what_made_it_but_for_the_seeds(recipe: Recipe, tmp_path: Path) -> None:
    base = open_checkpoint("nano:base")
    again = recipe.model_copy(update={"seed": 1})
    assert made_by(recipe, base, base) == made_by(again, base, base) == seedless_name(recipe.published())
    other = load_recipe("nano-jigsaw", "rollouts", {"rollouts.kind": "self", "rollouts.per_item": 4})
    assert made_by(other, base, base) != made_by(recipe, base, base)

    def trained(seed: int, step: str = "step-000160", **settings: Any) -> Checkpoint:
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}" / step
        shutil.copytree(open_checkpoint("nano:sft").path, folder)
        rft = load_recipe("nano-jigsaw", "rft", settings, seed=seed)
        data = DataRecord(source="nano-jigsaw", digest="1" * 64, examples=3)
        measured: dict[str, Any] = dict.fromkeys(("step", "tokens", "target_tokens", "threads"), 1)
        measured |= {"parameters": 9, "trained_parameters": 9, "curve": (), "wall_seconds": 1.0, "device": "cpu"}
        write_record(folder, record_of(rft, BaseModelRecord(name="b", weights_digest="4" * 64), data, **measured))
        return open_checkpoint(str(folder))

    first = made_by(recipe, trained(0), base)
    assert first == made_by(again, trained(1), base) != made_by(recipe, base, base)
    assert first != made_by(recipe, trained(0, "step-000020"), base)
    assert first != made_by(recipe, trained(0, **{"optimisation.lr": 9e-4}), base)
    # Of a policy from elsewhere nothing says which others differ from it in a seed alone.
    strange = trained(2)
    (strange.path / RECORD_FILE).unlink()
    assert made_by(recipe, strange, base) is None


def test_a_finished_set_is_left_as_it_is_and_another_is_not_put_over_it(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Scripted(ORDERS))
    about = write_rollouts(recipe, tmp_path, quietly)
    use(monkeypatch, Scripted(ORDERS, fail_after=0))
    assert write_rollouts(recipe, tmp_path, quietly) == about
    with pytest.raises(RetentionError, match="another recipe or policy"):
        write_rollouts(recipe.model_copy(update={"seed": 1}), tmp_path, quietly)


def test_a_killed_sampling_goes_on_where_it_stopped(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Scripted(ORDERS))
    whole = write_rollouts(recipe, tmp_path / "whole", quietly)
    killed, second = Scripted(ORDERS, fail_after=CHUNK + 10), Scripted(ORDERS)
    use(monkeypatch, killed)
    with pytest.raises(KeyboardInterrupt):
        write_rollouts(recipe, tmp_path / "cut", quietly)
    use(monkeypatch, second)
    assert write_rollouts(recipe, tmp_path / "cut", quietly) == whole
    assert len(killed.asked) + len(second.asked) == 600


def test_failed_samples_stop_the_set_and_are_tried_again(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Scripted([*ORDERS, "! out of memory"]))
    with pytest.raises(CheckFailedError, match=r"samples failed \(first: ! out of memory\)"):
        write_rollouts(recipe, tmp_path, quietly)
    use(monkeypatch, Scripted(ORDERS))
    assert write_rollouts(recipe, tmp_path, quietly).sampled == 600


def test_nothing_right_is_said_and_no_set_is_written(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Scripted(["no"]))
    with pytest.raises(RetentionError, match="none of 600 samples of nano-base is correct"):
        write_rollouts(recipe, tmp_path, quietly)
    assert not (tmp_path / "about.json").exists()


def test_in_a_suite_of_plain_prompts_a_policy_is_asked_without_a_template(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums = recipe.data.model_copy(update={"source": "nano-math", "count": 4})
    for suite in ("nano-1", "core-base-1"):
        engine = Scripted(["12"])
        use(monkeypatch, engine)
        chosen = recipe.model_copy(update={"suite": suite, "data": sums})
        with contextlib.suppress(RetentionError):  # Where 12 is no answer to any of them.
            write_rollouts(chosen, tmp_path / suite, quietly)
        style = read_suite(suite).prompt
        renderer = PromptRenderer(nano_root() / "base", style)
        asked = {request.prompt.digest for request in engine.asked}
        assert asked == {renderer.render(example.question).digest for example in load_examples(sums)}
    assert style == "plain"
    assert {request.decoding.stop for request in engine.asked} == {()}
    asked = recipe.data.model_copy(update={"source": "conversions", "count": 40})
    engine = Scripted([f" The answer is {load_examples(asked)[0].answer}."])
    use(monkeypatch, engine)
    write_rollouts(recipe.model_copy(update={"suite": "base-conversions-1", "data": asked}), tmp_path / "c", quietly)
    assert {request.decoding.stop for request in engine.asked} == {("Question:",)}


def test_every_sample_has_a_seed_of_its_own(recipe: Recipe) -> None:
    items = [example.item_id for example in load_examples(recipe.data)[:20]]
    seeds = {
        sample_seed(each, item, turn)
        for each in (recipe, recipe.model_copy(update={"seed": 1}))
        for item in items
        for turn in range(3)
    }
    assert len(seeds) == 2 * 20 * 3


def test_a_kind_and_its_policy_must_fit(recipe: Recipe, tmp_path: Path) -> None:
    assert recipe.rollouts is not None
    for kind, policy, told in (("rollout", None, "needs the checkpoint"), ("self", "nano:sft", "takes no policy")):
        section = recipe.rollouts.model_copy(update={"kind": kind, "policy": policy})
        with pytest.raises(RecipeError, match=told):
            write_rollouts(recipe.model_copy(update={"rollouts": section}), tmp_path, quietly)


@pytest.mark.usefixtures("engines")
def test_the_nano_base_is_sampled_for_real(recipe: Recipe, tmp_path: Path) -> None:
    small = recipe.model_copy(update={"data": recipe.data.model_copy(update={"count": 12})})
    about = write_rollouts(small, tmp_path / "a", quietly)
    assert about.sampled == 36
    assert about.correct is not None
    assert 0 < about.correct < 36
    assert write_rollouts(small, tmp_path / "b", quietly) == about
