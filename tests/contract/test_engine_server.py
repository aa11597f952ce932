"""vLLM's own OpenAI-compatible server on loopback, holding the nano base and an adapter."""

import socket
import time
from collections.abc import Iterator
from multiprocessing import get_context

import httpx
import pytest

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.engines.settings import EngineSettings
from harness.lmeval import load_tasks
from harness.protocol import Decoding, GenerateRequest, ScoreRequest
from tests.support.engines import TRANSFORMERS, Engines, start_engine
from tests.support.fakes import write_adapter
from tests.support.serving import serve


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[Checkpoint]:
    base = open_checkpoint("nano:base")
    modules = ["language_model.model.layers.1.self_attn.q_proj"]
    folder = tmp_path_factory.mktemp("adapter") / "tuned"
    return [base, open_checkpoint(str(write_adapter(folder, base.path, modules, reference="nano:base")))]


@pytest.fixture(scope="module")
def address(engines: Engines, pair: list[Checkpoint], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base, tuned = (each.path for each in pair)
    options = f"--served-model-name base --host 127.0.0.1 --port {port} --dtype float32 --max-model-len 256"
    options += f" --enforce-eager --enable-lora --max-loras 2 --max-lora-rank 8 --lora-modules tuned={tuned}"
    log = tmp_path_factory.mktemp("server") / "log"
    process = get_context("forkserver").Process(target=serve, args=([str(base), *options.split()], log))
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


def test_base_and_adapter_by_name_answer_as_in_our_own_engine(
    engines: Engines, address: str, pair: list[Checkpoint]
) -> None:
    base, tuned = pair
    digests = [each.record.weights_digest for each in pair]
    renderer = PromptRenderer(base.path)
    docs = load_tasks(["math_arithmetic"])["math_arithmetic"].task.eval_docs
    prompts = [renderer.render(docs[k]["question"]) for k in range(6)]
    served = tuple(zip(digests, ("base", "tuned"), strict=True))
    settings = EngineSettings(name="openai", dtype="float32", server=address, served=served)
    server = start_engine(settings, pair)
    asked = [
        GenerateRequest(str(k), prompt, Decoding(24), each) for k, prompt in enumerate(prompts) for each in digests
    ]
    answers = [answer for _, answer in sorted(server.generate(asked))]
    spans = ScoreRequest("s", prompts[0], ((5, 6), (6, 7)), digests[0])
    letters = ScoreRequest("l", prompts[0], ((5,), (6,)), digests[0])
    # One after the other: vLLM 0.32's adapter kernels for a CPU end the server where log-probabilities of a prompt are
    # wanted and another request is in the same step.
    scores = [answer for each in (spans, letters) for _, answer in server.score([each])]
    server.close()
    for place, checkpoint in enumerate((base, tuned)):
        own = engines.get(TRANSFORMERS, [checkpoint])
        assert [answer for _, answer in sorted(own.generate(asked[place::2]))] == answers[place::2]
        if checkpoint is base:
            for ours, theirs in zip(sorted(own.score([spans, letters])), scores, strict=True):
                pairs = zip(ours[1], theirs, strict=True)  # type: ignore[arg-type]
                assert all(one.logprob == pytest.approx(other.logprob, abs=1e-3) for one, other in pairs)
