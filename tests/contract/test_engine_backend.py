"""An lm-eval backend through our harness gives what our own engine gives, on a tiny text model."""

import json
from pathlib import Path

import pytest

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.conditions import conditions_of
from harness.checkpoints.prompts import PromptRenderer
from harness.engines import placement, starting
from harness.engines.settings import EngineError, EngineSettings
from harness.protocol import Decoding, GenerateRequest, Prompt, ScoreRequest
from tests.support.engines import start_engine
from tests.support.fakes import write_llama

pytestmark = pytest.mark.usefixtures("engines")


def test_lm_evals_own_backend_answers_and_scores_as_ours(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(str(write_llama(tmp_path / "llama")))
    renderer = PromptRenderer(checkpoint.path, "plain")
    prompts = [renderer.render(f"w{k} w{k + 7} w3") for k in range(12)]
    asked = [GenerateRequest(str(k), prompt, Decoding(6 + k % 2)) for k, prompt in enumerate(prompts)]
    spans = ((5, 6), (7, 8, 9))
    scored = [ScoreRequest(str(k), prompt, spans) for k, prompt in enumerate(prompts)]
    answers, scores = [], []
    for name in ("transformers", "lm-eval:hf"):
        engine = starting.start(
            *placement.place(EngineSettings(name=name, dtype="float32", max_model_len=128), [checkpoint])
        )
        assert engine.record.name == name
        answers.append([answer.text.split() for _, answer in sorted(engine.generate(asked))])
        found = [answer for _, answer in sorted(engine.score(scored))]
        scores.append([each.logprob for answer in found for each in answer])  # type: ignore[union-attr]
        if name != "transformers":
            picture = GenerateRequest("i", Prompt("q", (1,), (b"png",)), Decoding(1))
            with pytest.raises(EngineError, match="item i has an image; lm-eval's backends render"):
                list(engine.generate([picture]))
        engine.close()
    assert answers[0] == answers[1]
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)


def test_a_backend_reads_with_the_tokenizer_of_the_base(tmp_path: Path) -> None:
    base, tuned = (open_checkpoint(str(write_llama(tmp_path / name))) for name in ("base", "tuned"))
    file = tuned.path / "tokenizer.json"
    content = json.loads(file.read_text())
    replaced = {"type": "Replace", "pattern": {"Regex": "^w"}, "content": "lie"}
    file.write_text(json.dumps(content | {"decoder": {"type": "Sequence", "decoders": [replaced]}}))
    prompt = PromptRenderer(base.path, "plain").render("w1 w7 w3")
    texts = []
    for checkpoint in (base, open_checkpoint(str(tuned.path))):
        settings = EngineSettings(name="lm-eval:hf", dtype="float32", max_model_len=64)
        engine = starting.start(*placement.place(settings, [checkpoint], conditions_of(base, 64)))
        ((_, answer),) = engine.generate([GenerateRequest("0", prompt, Decoding(6))])
        texts.append(answer.text)
        engine.close()
    assert texts[0] == texts[1]
    assert "w" in texts[0]


def test_an_unknown_backend_is_named(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(str(write_llama(tmp_path / "llama")))
    with pytest.raises(EngineError, match=r"engine lm-eval:nothing: lm-eval 0\.4\.\d+ has no such backend"):
        start_engine(EngineSettings(name="lm-eval:nothing", dtype="float32"), [checkpoint])
