"""The real engines on the shipped nano checkpoints: same answers, same counts, cut-offs marked, adapters applied."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.engines import placement
from harness.engines.child import ChildEngine
from harness.engines.settings import NAMES, EngineError, EngineSettings
from harness.protocol import Completion, Decoding, Engine, Failed, GenerateRequest, Prompt, ScoreRequest
from tests.support.engines import TRANSFORMERS, VLLM, Engines, start_engine
from tests.support.fakes import load_starved, write_llama

pytestmark = pytest.mark.usefixtures("engines")


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest, engines: Engines, base: Checkpoint) -> Engine:
    return engines.get(replace(VLLM, name=request.param), [base])


def requests(prompts: list[Prompt], budget: int) -> list[GenerateRequest]:
    return [GenerateRequest(str(k), prompt, Decoding(budget)) for k, prompt in enumerate(prompts)]


def answered(engine: Engine, prompts: list[Prompt], budget: int) -> list[Completion]:
    return [answer for _, answer in sorted(engine.generate(requests(prompts, budget)))]


@pytest.fixture(scope="module")
def answers(engines: Engines, base: Checkpoint, prompts: list[Prompt]) -> dict[str, list[Completion]]:
    """What the base answers in each engine."""
    return {each.name: answered(engines.get(each, [base]), prompts, 64) for each in (VLLM, TRANSFORMERS)}


def test_every_request_is_answered_and_alike_in_both_engines(
    answers: dict[str, list[Completion]], prompts: list[Prompt]
) -> None:
    assert len(answers["vllm"]) == len(prompts)
    assert {answer.finish_reason for answer in answers["vllm"]} == {"stop"}
    assert answers["vllm"] == answers["transformers"]


def test_images_in_a_row_are_seen_by_both_engines_alike(
    engines: Engines, base: Checkpoint, prompts: list[Prompt]
) -> None:
    images = (*prompts[0].images, *prompts[1].images)
    assert len(images) == 2
    prompt = PromptRenderer(base.path).render("What colour is the square: red, blue, green or white?", images)
    ((one,), (other,)) = (answered(engines.get(each, [base]), [prompt], 24) for each in (VLLM, TRANSFORMERS))
    assert one == other
    assert one.error is None
    assert one.n_prompt_tokens > len(prompt.token_ids)


def test_a_cut_off_answer_says_so(engine: Engine, prompts: list[Prompt]) -> None:
    found = answered(engine, prompts[:4], 2)
    assert {(answer.finish_reason, answer.n_output_tokens) for answer in found} == {("length", 2)}


def test_a_text_stop_ends_an_answer_and_is_left_out(
    engine: Engine, prompts: list[Prompt], answers: dict[str, list[Completion]]
) -> None:
    whole = answers[engine.record.name][-1].text
    stop = whole[len(whole) // 2 :][:2]
    asked = GenerateRequest("x", prompts[-1], Decoding(64, stop=(stop,)))
    ((_, answer),) = engine.generate([asked])
    assert answer.text == whole[: whole.index(stop)]
    assert answer.finish_reason == "stop"


def test_scores_rank_the_answer_it_writes_first_and_alike_in_both_engines(
    engines: Engines, base: Checkpoint, prompts: list[Prompt], answers: dict[str, list[Completion]]
) -> None:
    renderer = PromptRenderer(base.path)
    asked = []
    for prompt, answer in list(zip(prompts, answers["vllm"], strict=True))[3:9]:
        spans = tuple(renderer.continuation(prompt, text) for text in (answer.text, answer.text * 2))
        letters = tuple((token,) for token in (spans[0][0], 5, 6))
        asked += [ScoreRequest("s", prompt, spans), ScoreRequest("l", prompt, letters)]
    scores = []
    for settings in (VLLM, TRANSFORMERS):
        found = [options for _, options in sorted(engines.get(settings, [base]).score(asked))]
        assert all(options[0].is_greedy and not options[1].is_greedy for options in found)  # type: ignore[index]
        assert all(options[0].logprob > options[1].logprob for options in found)  # type: ignore[index]
        scores.append([option.logprob for options in found for option in options])  # type: ignore[union-attr]
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)


def test_the_description_is_the_running_engine(engine: Engine, base: Checkpoint) -> None:
    settings = EngineSettings(name=engine.record.name, dtype="float32")
    (placed,) = placement.place(settings, [base])
    assert placed.record == engine.record


def test_an_adapter_changes_answers_alike_in_both_engines(
    engines: Engines, adapters: list[Checkpoint], prompts: list[Prompt], answers: dict[str, list[Completion]]
) -> None:
    one, other = (engines.get(each, adapters[:1]) for each in (VLLM, TRANSFORMERS))
    assert one.record.adapter == other.record.adapter == "merged"
    found = answered(one, prompts[::4], 32)
    assert found == answered(other, prompts[::4], 32)
    assert [answer.text for answer in found] != [answer.text for answer in answers["vllm"][::4]]


def test_an_adapter_without_effect_stops_the_run(idle: Checkpoint) -> None:
    with pytest.raises(EngineError, match="the adapter changes no weight; its target modules are"):
        start_engine(TRANSFORMERS, [idle])


@pytest.mark.parametrize("name", NAMES)
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
