"""Images: vLLM, our transformers engine and plain transformers show a model the same tokens and the same pixels.

On toys of every way in which the models of these two libraries take an image; the tokens of a prompt are equal, and the
log-probabilities of the first token within 1e-5.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.conditions import Conditions, conditions_of
from harness.checkpoints.processor import Pixels
from harness.checkpoints.prompts import PromptRenderer
from harness.engines import starting
from harness.engines.placement import place
from harness.engines.transformers import TransformersEngine
from harness.evaluation.plan import make_plan
from harness.evaluation.run import run_plan
from harness.items import IMAGE_MARK
from harness.protocol import Completion, Decoding, Engine, GenerateRequest, Prompt, ScoreRequest
from harness.records.run import read_run
from harness.scoring import score_pair
from harness.suites.freezing import sample
from tests.support.engines import TRANSFORMERS, VLLM
from tests.support.evaluating import Silent
from tests.support.plain import PlainAnswer, Question, answer_plainly
from tests.support.vision_like import KINDS, pictures, write_vision

pytestmark = pytest.mark.engine

BUDGET = 12
CLOSE = 1e-5
SIZES = ((84, 84), (200, 60), (56, 140), (300, 220))
# Where a processor needs a package that we do not ask for; Idefics3 is the same code.
NEEDS = {"smolvlm": "num2words"}
NOT_IN_VLLM = {"mllama": "vLLM has no models with cross-attention since 0.11"}
# Otherwise read by vLLM 0.32: the same tokens, but one after the other, where transformers (and Gemma's training) lets
# those of an image see each other. Without their types transformers answers as vLLM does, within 1e-6.
READ_IN_ORDER = ("gemma3",)
# vLLM returns log-probabilities of a few chosen tokens.
LETTERS = tuple((token,) for token in range(100, 116))


def questions() -> list[Question]:
    """Images of several sizes before a question of several lengths, and two of them among its words."""
    one = [(f"What is it?{' more' * k}", tuple(pictures([size], k))) for k, size in enumerate(SIZES)]
    return one + [
        (f"One {IMAGE_MARK} and{' x' * k} two {IMAGE_MARK}?", tuple(pictures([size, SIZES[k - 1]], k)))
        for k, size in enumerate(SIZES)
    ]


class Toy:
    """A model of one kind, what it is asked, and what plain transformers makes of that."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.checkpoint = open_checkpoint(str(write_vision(kind, folder)))
        asked = questions()
        renderer = PromptRenderer(folder)
        self.prompts = [renderer.render(question, images) for question, images in asked]
        self.plain: list[PlainAnswer] = answer_plainly(folder, asked, BUDGET)


@pytest.fixture(scope="module", params=sorted(KINDS))
def toy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Toy:
    if (package := NEEDS.get(request.param)) is not None:
        pytest.importorskip(package)
    return Toy(request.param, tmp_path_factory.mktemp("toys") / request.param)


@pytest.fixture(scope="module")
def engine(toy: Toy) -> Iterator[TransformersEngine]:
    made = TransformersEngine(*place(replace(TRANSFORMERS, max_model_len=1024), [toy.checkpoint]))
    yield made
    made.close()


def answered(engine: Engine, prompts: list[Prompt], budget: int = BUDGET) -> list[Completion]:
    requests = [GenerateRequest(str(k), prompt, Decoding(budget)) for k, prompt in enumerate(prompts)]
    return [answer for _, answer in sorted(engine.generate(requests))]


def test_a_padded_batch_has_the_tokens_and_probabilities_of_plain_transformers(
    toy: Toy, engine: TransformersEngine
) -> None:
    """One batch of all rows with equally many images: their own pixels, grids and positions, left-padded."""
    for count in {len(prompt.images) for prompt in toy.prompts}:
        chosen = [k for k, prompt in enumerate(toy.prompts) if len(prompt.images) == count]
        inputs, lengths = engine._inputs.of([toy.prompts[k] for k in chosen])
        assert len(set(lengths)) > 1
        with engine._torch.inference_mode():
            last = engine.model(**inputs).logits[:, -1].float().log_softmax(dim=-1)
        for row, k in enumerate(chosen):
            ids = inputs["input_ids"][row][inputs["attention_mask"][row].bool()].tolist()
            assert ids == toy.plain[k].prompt, k
            assert float((last[row] - toy.plain[k].logprobs[0]).abs().max()) < CLOSE, k


def test_answers_are_those_of_plain_transformers(toy: Toy, engine: TransformersEngine) -> None:
    tokenizer = engine._tokenizer
    for k, answer in enumerate(answered(engine, toy.prompts)):
        kept = [token for token in toy.plain[k].tokens if token not in engine._eos]
        assert answer.n_prompt_tokens == len(toy.plain[k].prompt)
        assert answer.text == tokenizer.decode(kept, skip_special_tokens=True).rstrip("\ufffd"), k


def test_a_continuation_is_read_as_it_was_written(toy: Toy, engine: TransformersEngine) -> None:
    """What drift, dynamics and influence read: every token of an answer, in one pass with the prompt."""
    for k, (prompt, plain) in enumerate(zip(toy.prompts, toy.plain, strict=True)):
        read = engine.logits(prompt, tuple(plain.tokens))[:-1].log_softmax(dim=-1)
        assert float((read - plain.logprobs).abs().max()) < CLOSE, k
        slopes = engine.differentiable_logits(prompt, tuple(plain.tokens))
        assert float((slopes.detach()[:-1].log_softmax(dim=-1) - plain.logprobs).abs().max()) < CLOSE, k


def test_vllm_agrees_with_both(toy: Toy) -> None:
    if toy.kind in NOT_IN_VLLM:
        pytest.skip(NOT_IN_VLLM[toy.kind])
    with _running(replace(VLLM, max_model_len=1024), toy.checkpoint) as vllm:
        answers = answered(vllm, toy.prompts)
        scores = dict(vllm.score([ScoreRequest(str(k), each, LETTERS) for k, each in enumerate(toy.prompts)]))
    assert [each.n_prompt_tokens for each in answers] == [len(each.prompt) for each in toy.plain]
    if toy.kind in READ_IN_ORDER:
        return
    with _running(replace(TRANSFORMERS, max_model_len=1024), toy.checkpoint) as ours:
        assert answers == answered(ours, toy.prompts)
    for k, plain in enumerate(toy.plain):
        found = [each.logprob for each in scores[k]]  # type: ignore[union-attr]
        assert found == pytest.approx([float(plain.logprobs[0][token]) for (token,) in LETTERS], abs=CLOSE), k


class _running:
    """An engine in its own process for the ``with`` block, under ``conditions`` if they are given."""

    def __init__(self, settings: Any, checkpoint: Checkpoint, conditions: Conditions | None = None) -> None:
        (placement,) = place(settings, [checkpoint], conditions)
        self._engine = starting.start(placement)

    def __enter__(self) -> Engine:
        return self._engine

    def __exit__(self, *_: object) -> None:
        self._engine.close()


def with_images(folder: Path, base: Checkpoint, **settings: Any) -> Checkpoint:
    """A copy of ``base`` whose own image processor has other ``settings``."""
    shutil.copytree(base.path, folder)
    path = folder / "processor_config.json"
    content = json.loads(path.read_text())
    content["image_processor"] |= settings
    path.write_text(json.dumps(content))
    return open_checkpoint(str(folder))


def test_a_fine_tune_sees_through_the_bases_processor_and_both_within_the_suites_budget(tmp_path: Path) -> None:
    """The same weights with other mean, deviation and sizes beside them answer as the base does, or as is asked for."""
    base = open_checkpoint(str(write_vision("qwen2_5_vl", tmp_path / "base")))
    size = {"shortest_edge": 784, "longest_edge": 28 * 28 * 9}
    tuned = with_images(tmp_path / "tuned", base, image_mean=[0.1] * 3, image_std=[0.9] * 3, size=size)
    renderer = PromptRenderer(base.path)
    prompts = [renderer.render("What is it?", tuple(pictures([size], k))) for k, size in enumerate(SIZES)]
    shared, small = conditions_of(base, 1024), conditions_of(base, 1024, pixels=Pixels(None, 28 * 28 * 12))
    asked = {
        "base": (base, shared),
        "tuned": (tuned, shared),
        "own": (tuned, shared.with_processor_of(tuned)),
        "base, small": (base, small),
        "tuned, small": (tuned, small),
    }
    ours, vllm = (
        {name: _answers(replace(settings, max_model_len=1024), *asked[name], prompts) for name in names}
        for settings, names in ((TRANSFORMERS, asked), (VLLM, ("tuned", "own", "tuned, small")))
    )
    assert ours["tuned"] == ours["base"]
    assert ours["tuned, small"] == ours["base, small"]
    assert vllm == {name: ours[name] for name in vllm}
    tokens = {name: [each.n_prompt_tokens for each in answers] for name, answers in ours.items()}
    text = tokens["base"][0] - 9
    assert tokens["base"] == [text + each for each in (9, 14, 10, 35)]
    assert max(tokens["own"]) <= text + 9
    assert max(tokens["base, small"]) <= text + 12
    assert ours["own"] != ours["base"]


def _answers(settings: Any, checkpoint: Checkpoint, conditions: Conditions, prompts: list[Prompt]) -> list[Completion]:
    with _running(settings, checkpoint, conditions) as running:
        return answered(running, prompts)


def test_another_mean_and_deviation_beside_a_fine_tune_move_no_number(tmp_path: Path) -> None:
    """The shipped fine-tune, and its copy with another image processor: one scorecard, and a note; unless asked for."""
    suite = tmp_path / "few-1.yaml"
    sample("nano-1", 8, suite)
    sft = open_checkpoint("nano:sft")
    other = with_images(tmp_path / "other", sft, image_mean=[0.1] * 3, image_std=[1.9] * 3)
    settings = replace(TRANSFORMERS, max_model_len=512)
    cards = {}
    for own, names in (("base", ("nano:sft", str(other.path))), ("tuned", (str(other.path),))):
        plan = make_plan("nano:base", names, str(suite), "jigsaw", settings, tmp_path / "runs", processor=own)  # type: ignore[arg-type]
        base, *tuned = (read_run(folder) for folder in run_plan(plan, Silent()))
        cards |= {(own, name): score_pair(base, run, "jigsaw") for name, run in zip(names, tuned, strict=True)}
    plain, noted, marked = cards.values()
    assert noted.tasks == plain.tasks
    assert (
        "the tuned checkpoint ships another image processor than its base (image_mean [0.1, 0.1, 0.1] instead"
        in noted.summary()
    )
    assert plain.provenance.notes == marked.provenance.notes == ()
    assert marked.tasks != plain.tasks
    assert "processor_differs" in {alarm.kind for alarm in marked.alarms}
