"""Images to vLLM's own OpenAI-compatible server on loopback: a toy of Qwen2.5-VL answers as in our own engine."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import httpx
import pytest

from harness.checkpoints import Checkpoint, PromptRenderer, open_checkpoint
from harness.engines.settings import EngineError, EngineSettings
from harness.items import IMAGE_MARK
from harness.protocol import Decoding, Failed, GenerateRequest, ScoreRequest
from tests.support.engines import TRANSFORMERS, Engines, start_engine
from tests.support.serving import serve
from tests.support.vision_like import pictures, write_vision

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return open_checkpoint(str(write_vision("qwen2_5_vl", tmp_path_factory.mktemp("served") / "base")))


@pytest.fixture(scope="module")
def address(engines: Engines, base: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"--served-model-name base --host 127.0.0.1 --port {port} --dtype float32 --max-model-len 512"
    options += " --enforce-eager --trust-request-chat-template"
    log = tmp_path_factory.mktemp("server") / "log"
    process = get_context("forkserver").Process(target=serve, args=([str(base.path), *options.split()], log))
    process.start()
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(360):
            assert process.is_alive(), log.read_text()[-2000:]
            try:
                if httpx.get(f"{url}/health").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.join(60)


def test_images_are_answered_as_in_our_own_engine(engines: Engines, base: Checkpoint, address: str) -> None:
    digest = base.record.weights_digest
    renderer = PromptRenderer(base.path)
    prompts = [
        renderer.render("What is it?", tuple(pictures([size], k))) for k, size in enumerate([(84, 84), (56, 140)])
    ]
    prompts.append(renderer.render(f"One {IMAGE_MARK} two {IMAGE_MARK}?", tuple(pictures([(84, 84), (56, 56)], 3))))
    prompts.append(renderer.render("What?"))
    settings = EngineSettings("openai", "float32", server=address, served=((digest, "base"),), max_model_len=512)
    server = start_engine(settings, [base])
    requests = [GenerateRequest(str(k), prompt, Decoding(8), digest) for k, prompt in enumerate(prompts)]
    letters = ScoreRequest("l", prompts[0], tuple((token,) for token in range(100, 108)), digest)
    spans = ScoreRequest("s", prompts[0], ((100, 101), (102, 103)), digest)
    answers = [answer for _, answer in sorted(server.generate(requests))]
    ((_, scores),), ((_, refused),) = server.score([letters]), server.score([spans])
    server.close()
    own = engines.get(replace(TRANSFORMERS, max_model_len=512), [base])
    assert answers == [answer for _, answer in sorted(own.generate(requests))]
    ((_, expected),) = own.score([letters])
    assert isinstance(refused, Failed)
    assert not isinstance(scores, Failed)
    assert not isinstance(expected, Failed)
    assert [each.logprob for each in scores] == pytest.approx([each.logprob for each in expected], abs=1e-3)


def test_a_server_with_another_chat_template_is_refused(base: Checkpoint, address: str, tmp_path: Path) -> None:
    digest = base.record.weights_digest
    rendered = PromptRenderer(base.path).render("What is it?", tuple(pictures([(84, 84)], 0)))
    other = replace(rendered, token_ids=(*rendered.token_ids, rendered.token_ids[0]))
    server = start_engine(EngineSettings("openai", "float32", server=address, served=((digest, "base"),)), [base])
    with pytest.raises(EngineError, match="into other tokens than the base's chat template"):
        list(server.generate([GenerateRequest("0", other, Decoding(4), digest)]))
    server.close()
