"""The real engines on the shipped nano checkpoints: same answers, same counts, cut-offs marked, adapters applied."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.engines import placement, settings, starting
from harness.engines.child import ChildEngine
from harness.engines.settings import EngineError, EngineSettings
from harness.lmeval import load_tasks
from harness.protocol import Completion, Decoding, Engine, Failed, GenerateRequest, Prompt, ScoreRequest
from harness.records.suites import load_suite
from tests.support.engines import start_engine
from tests.support.fakes import load_starved, write_adapter, write_llama

pytestmark = pytest.mark.engine
PER_TASK = 6


@pytest.fixture(scope="module")
def base() -> Checkpoint:
    return open_checkpoint("nano:base")


@pytest.fixture(scope="module")
def prompts(base: Checkpoint) -> list[Prompt]:
    renderer = PromptRenderer(base.path)
    tasks = load_tasks(list(load_suite("nano-1").tasks))
    docs = [loaded.task.eval_docs[k] for loaded in tasks.values() for k in range(PER_TASK)]
    return [renderer.render(doc["question"], tuple(doc["images"])) for doc in docs]


@pytest.fixture(scope="module", params=["vllm", "transformers"])
def engine(request: pytest.FixtureRequest, base: Checkpoint) -> Iterator[Engine]:
    running = starting.start(
        *placement.place(EngineSettings(name=request.param, dtype="float32", max_model_len=256), [base])
    )
    yield running
    running.close()


ANSWERS: dict[str, list[Completion]] = {}
SCORES: dict[str, list[float]] = {}
IN_A_ROW: list[Completion] = []


def requests(prompts: list[Prompt], budget: int) -> list[GenerateRequest]:
    return [GenerateRequest(str(k), prompt, Decoding(budget)) for k, prompt in enumerate(prompts)]


def test_every_request_is_answered_once(engine: Engine, prompts: list[Prompt]) -> None:
    answers = dict(engine.generate(requests(prompts, 64)))
    assert sorted(answers) == list(range(len(prompts)))
    assert {answer.finish_reason for answer in answers.values()} == {"stop"}
    ANSWERS[engine.record.name] = [answers[k] for k in sorted(answers)]


def test_images_in_a_row_are_seen_by_both_engines_alike(
    engine: Engine, base: Checkpoint, prompts: list[Prompt]
) -> None:
    images = (*prompts[0].images, *prompts[1].images)
    assert len(images) == 2
    prompt = PromptRenderer(base.path).render("What colour is the square: red, blue, green or white?", images)
    ((_, answer),) = engine.generate([GenerateRequest("x", prompt, Decoding(24))])
    assert answer.error is None
    assert answer.n_prompt_tokens > len(prompt.token_ids)
    IN_A_ROW.append(answer)
    assert len(set(IN_A_ROW)) == 1


def test_a_cut_off_answer_says_so(engine: Engine, prompts: list[Prompt]) -> None:
    answers = [answer for _, answer in engine.generate(requests(prompts[:4], 2))]
    assert {(answer.finish_reason, answer.n_output_tokens) for answer in answers} == {("length", 2)}


def test_a_text_stop_ends_an_answer_and_is_left_out(engine: Engine, prompts: list[Prompt]) -> None:
    whole = ANSWERS[engine.record.name][-1].text
    stop = whole[len(whole) // 2 :][:2]
    asked = GenerateRequest("x", prompts[-1], Decoding(64, stop=(stop,)))
    ((_, answer),) = engine.generate([asked])
    assert answer.text == whole[: whole.index(stop)]
    assert answer.finish_reason == "stop"


def test_scores_rank_the_answer_it_writes_first(engine: Engine, base: Checkpoint, prompts: list[Prompt]) -> None:
    renderer = PromptRenderer(base.path)
    asked = []
    for k, prompt in enumerate(prompts[6:12]):
        written = ANSWERS[engine.record.name][6 + k].text
        spans = tuple(renderer.continuation(prompt, text) for text in (written, written + written))
        letters = tuple((token,) for token in (spans[0][0], 5, 6))
        asked += [ScoreRequest("s", prompt, spans), ScoreRequest("l", prompt, letters)]
    scores = dict(engine.score(asked))
    assert all(scores[k][0].is_greedy and not scores[k][1].is_greedy for k in scores)
    assert all(scores[k][0].logprob > scores[k][1].logprob for k in scores)
    SCORES[engine.record.name] = [option.logprob for k in sorted(scores) for option in scores[k]]


def test_both_engines_gave_the_same_answers_and_counts() -> None:
    assert ANSWERS["vllm"] == ANSWERS["transformers"]
    assert SCORES["vllm"] == pytest.approx(SCORES["transformers"], abs=1e-3)


def test_the_description_is_the_running_engine(engine: Engine, base: Checkpoint) -> None:
    settings = EngineSettings(name=engine.record.name, dtype="float32")  # type: ignore[arg-type]
    (placed,) = placement.place(settings, [base])
    assert placed.record == engine.record


@pytest.fixture(scope="module")
def adapters(base: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two adapters on the nano base: one with random weights, one that changes nothing."""
    folder = tmp_path_factory.mktemp("adapters")
    return {
        name: write_adapter(folder / name, base.path, ["q_proj", "v_proj"], reference="nano:base", scale=scale)
        for name, scale in {"random": 0.5, "idle": 0.0}.items()
    }


def test_an_adapter_changes_answers_alike_in_both_engines(adapters: dict[str, Path], prompts: list[Prompt]) -> None:
    adapter = open_checkpoint(str(adapters["random"]))
    answers = {}
    for name in settings.NAMES:
        running = starting.start(
            *placement.place(EngineSettings(name=name, dtype="float32", max_model_len=256), [adapter])
        )
        assert running.record.adapter == "merged"
        answers[name] = [answer for _, answer in sorted(running.generate(requests(prompts[::4], 32)))]
        running.close()
    assert answers["vllm"] == answers["transformers"]
    assert [answer.text for answer in answers["vllm"]] != [answer.text for answer in ANSWERS["vllm"][::4]]


def test_an_adapter_without_effect_stops_the_run(adapters: dict[str, Path]) -> None:
    with pytest.raises(EngineError, match="the adapter changes no weight; its target modules are"):
        starting.start(
            *placement.place(
                EngineSettings(name="transformers", dtype="float32"), [open_checkpoint(str(adapters["idle"]))]
            )
        )


@pytest.mark.parametrize("name", settings.NAMES)
def test_an_item_that_takes_too_long_or_is_too_long_fails_alone(name: str, tmp_path: Path) -> None:
    """Random weights that never end their answer by themselves, and a budget that takes longer than the limit."""
    checkpoint = open_checkpoint(str(write_llama(tmp_path / "llama")))
    limited = EngineSettings(name=name, dtype="float32", max_model_len=4200, time_limit=0.5)
    running = start_engine(limited, [checkpoint])
    prompt = PromptRenderer(checkpoint.path, "plain").render("w1 w2")
    budgets = (4000, 2, 4000, 3)
    asked = [GenerateRequest(str(k), prompt, Decoding(budget)) for k, budget in enumerate(budgets)]
    answers = [answer for _, answer in sorted(running.generate(asked))]
    long = replace(prompt, token_ids=prompt.token_ids * 3000)
    mixed = [GenerateRequest("long", long, Decoding(2)), *asked[1::2], GenerateRequest("longer", long, Decoding(2))]
    beside = [answer for _, answer in sorted(running.generate(mixed))]
    ((_, unscored),) = running.score([ScoreRequest("long", long, ((1,),))])
    running.close()
    assert [bool(answer.error) for answer in beside] == [True, False, False, True]
    assert "6000" in str(beside[0].error)
    assert isinstance(unscored, Failed)
    reason = "no answer within 0.5 s (--time-limit)"
    assert [answer.error for answer in answers] == [reason, None, reason, None]
    assert [answer.n_output_tokens for answer in answers] == [0, 2, 0, 3]


def test_out_of_memory_halves_the_batch_and_goes_on(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(str(write_llama(tmp_path / "llama")))
    renderer = PromptRenderer(checkpoint.path, "plain")
    words = ["w1 w2"] * 9 + [" ".join(["w3"] * 30)]
    asked = [GenerateRequest(str(k), renderer.render(text), Decoding(3)) for k, text in enumerate(words)]
    settings = EngineSettings(name="transformers", dtype="float32", max_model_len=128)
    starved = ChildEngine(*placement.place(settings, [checkpoint]), load_starved)
    answers = [answer for _, answer in sorted(starved.generate(asked))]
    starved.close()
    assert [answer.error for answer in answers] == [None] * 9 + ["out of memory for this item alone"]
    assert {answer.n_output_tokens for answer in answers[:9]} == {3}
