"""The client of an OpenAI-compatible server, against a small scripted one; vLLM's own server is in contract/."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.engines import openai as server_engine
from harness.engines import placement
from harness.engines.settings import EngineError, EngineSettings
from harness.protocol import Completion, Decoding, Engine, Failed, GenerateRequest, Prompt, ScoreRequest
from tests.support.engines import start_engine
from tests.support.fakes import write_checkpoint

Reply = tuple[int, Any]


class Server:
    """Answers `/v1/completions` by ``reply(body, count)``; keeps the bodies it saw and how many it had at once."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.reply: Callable[[dict[str, Any], int], Reply] = lambda body, _: (200, answer(body))
        self.models = ["base", "tuned"]
        self.headers: dict[str, str] = {}
        outer = self
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content: Any = {"version": "0.32.0"}
                if self.path == "/v1/models":
                    content = {"data": [{"id": name, "root": name} for name in outer.models]}
                self.send(200, content)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    outer.seen.append(body)
                    count = len(outer.seen)
                self.send(*outer.reply(body, count))

            def send(self, status: int, content: Any) -> None:
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None: ...

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """A client that gave up is what some tests are about."""
                assert isinstance(sys.exception(), ConnectionError)

        self._http = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """What vLLM answers, in short: the model's name and first token as text; log-probabilities differ by model."""
    shift = {"tuned": 1.0, "half": 0.5}.get(body["model"], 0.0)
    choice: dict[str, Any] = {"text": f"{body['model']} {body['prompt'][0]}", "finish_reason": "stop"}
    if body.get("logprob_token_ids"):
        first = {f"token_id:{token}": -float(token) - shift for token in body["logprob_token_ids"]}
        choice["logprobs"] = {"top_logprobs": [first], "tokens": [max(first, key=lambda name: first[name])]}
    if "prompt_logprobs" in body:
        choice["prompt_logprobs"] = [
            {str(token): {"logprob": -float(token) - shift, "rank": token}} for token in body["prompt"]
        ]
    usage = {"prompt_tokens": len(body["prompt"]), "completion_tokens": 3}
    return {"choices": [choice], "usage": usage}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(server_engine, "_FIRST_WAIT", 0.01)
    running = Server()
    yield running
    running.close()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[Checkpoint]:
    folder = tmp_path_factory.mktemp("pair")
    return [open_checkpoint(str(write_checkpoint(folder / name, seed=k))) for k, name in enumerate(["base", "tuned"])]


def start(server: Server, pair: list[Checkpoint], **changes: Any) -> Engine:
    names = changes.pop("names", ("base", "tuned"))
    served = tuple(zip((each.record.weights_digest for each in pair), names, strict=True))
    settings = EngineSettings(name="openai", dtype="float32", server=f"{server.url}/v1/", served=served, **changes)
    return start_engine(settings, pair)


def requests(pair: list[Checkpoint], count: int) -> list[GenerateRequest]:
    digests = [each.record.weights_digest for each in pair]
    return [
        GenerateRequest(str(k), Prompt("q", (k + 1, 9)), Decoding(7, stop=("\n",)), each)
        for k in range(count)
        for each in digests
    ]


def test_each_model_is_asked_by_name_with_token_ids(server: Server, pair: list[Checkpoint]) -> None:
    engine = start(server, pair)
    asked = requests(pair, 40)
    answers = dict(engine.generate(asked))
    assert answers[3] == Completion("tuned 2", "stop", 2, 3)
    assert [answers[k].text.split()[0] for k in range(len(asked))] == ["base", "tuned"] * 40
    body = next(each for each in server.seen if each["max_tokens"] == 7)
    assert body == {
        "model": body["model"],
        "prompt": body["prompt"],
        "max_tokens": 7,
        "temperature": 0.0,
        "stop": ["\n"],
    }
    assert (engine.record.version, engine.record.device) == ("0.32.0", "server")
    engine.close()


def test_letters_and_spans_are_scored(server: Server, pair: list[Checkpoint]) -> None:
    engine = start(server, pair)
    prompt = Prompt("q", (4, 9))
    scores = dict(engine.score([ScoreRequest("l", prompt, ((2,), (3,))), ScoreRequest("s", prompt, ((1, 1), (1, 2)))]))
    assert [(each.logprob, each.is_greedy) for each in scores[0]] == [(-2.0, True), (-3.0, False)]  # type: ignore[union-attr]
    assert [(each.logprob, each.is_greedy) for each in scores[1]] == [(-2.0, True), (-3.0, False)]  # type: ignore[union-attr]
    engine.close()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server: Server, pair: list[Checkpoint], status: int) -> None:
    server.headers = {"Retry-After": "0"}
    server.reply = lambda body, count: (status, {"error": {"message": "busy"}}) if count % 3 else (200, answer(body))
    engine = start(server, pair[:1], names=("base",))
    assert {completion.error for _, completion in engine.generate(requests(pair[:1], 3))} == {None}
    engine.close()


def test_a_server_that_stays_down_is_given_up_with_its_reason(server: Server, pair: list[Checkpoint]) -> None:
    server.reply = lambda *_: (503, {"error": {"message": "loading\nweights"}})
    engine = start(server, pair[:1], names=("base",))
    with pytest.raises(EngineError, match=r"gave up after 6 tries \(503: loading weights\)"):
        list(engine.generate(requests(pair[:1], 1)))
    assert len(server.seen) == 6
    engine.close()


def test_a_refused_item_fails_alone(server: Server, pair: list[Checkpoint]) -> None:
    refusal = 400, {"error": {"message": "too long"}}
    server.reply = lambda body, _: refusal if body["prompt"][0] == 2 else (200, answer(body))
    engine = start(server, pair[:1], names=("base",))
    answers = dict(engine.generate(requests(pair[:1], 3)))
    assert [answers[k].error for k in range(3)] == [None, "400: too long", None]
    picture = Prompt("q", (3,), (b"png",))
    ((_, failed),) = engine.generate([GenerateRequest("i", picture, Decoding(1))])
    assert str(failed.error).startswith("has an image and no chat template, and a server's completions take none")
    ((_, unscored),) = engine.score([ScoreRequest("i", picture, ((1,),))])
    assert isinstance(unscored, Failed)
    engine.close()


def test_an_item_over_its_time_limit_fails_alone(server: Server, pair: list[Checkpoint]) -> None:
    released = threading.Event()

    def reply(body: dict[str, Any], count: int) -> Reply:
        if body["prompt"][0] == 1:
            released.wait(5)
        return 200, answer(body)

    server.reply = reply
    engine = start(server, pair[:1], names=("base",), time_limit=0.5)
    answers = dict(engine.generate(requests(pair[:1], 3)))
    released.set()
    assert [answers[k].error for k in range(3)] == ["no answer within 0.5 s (--time-limit)", None, None]
    engine.close()


def test_two_names_for_one_model_are_found_out(server: Server, pair: list[Checkpoint]) -> None:
    server.reply = lambda body, _: (200, answer(body | {"model": "base"}))
    engine = start(server, pair)
    with pytest.raises(EngineError, match=r"tuned \(served as tuned\): .*changes no log-probability"):
        list(engine.generate(requests(pair, 3)))
    engine.close()


def test_a_base_that_answers_as_its_adapter_in_a_shared_batch_is_found_out(
    server: Server, pair: list[Checkpoint]
) -> None:
    alone = threading.Event()

    def reply(body: dict[str, Any], count: int) -> Reply:
        if body["model"] == "tuned":
            alone.set()
            return 200, answer(body)
        # As long as nothing of the adapter is under way the base answers as itself.
        return 200, answer(body | ({"model": "base"} if not alone.wait(0.05) else {"model": "half"}))

    server.reply = reply
    engine = start(server, pair)
    with pytest.raises(
        EngineError, match=r"the base's log-probabilities move by 0\.5 .*with tuned \(served as tuned\)"
    ):
        list(engine.generate(requests(pair, 3)))
    engine.close()


def test_what_is_not_served_or_no_server_is_named(server: Server, pair: list[Checkpoint]) -> None:
    with pytest.raises(EngineError, match="other: not served; the server has base, tuned: name each"):
        start(server, pair, names=("base", "other"))
    settings = EngineSettings(name="openai", dtype="float32", server="http://127.0.0.1:9")
    with pytest.raises(EngineError, match=r"--server http://127\.0\.0\.1:9: cannot be reached"):
        start_engine(settings, pair)
    with pytest.raises(EngineError, match="give the server's address"):
        placement.describe(EngineSettings(name="openai", dtype="float32"), pair[0])


@pytest.mark.parametrize("content", [b"no json", {"choices": []}, [1], {"choices": [{"text": "x"}]}])
def test_nonsense_is_an_error_and_not_an_answer(server: Server, pair: list[Checkpoint], content: Any) -> None:
    server.reply = lambda *_: (200, content)
    engine = start(server, pair[:1], names=("base",))
    with pytest.raises(EngineError, match="not an answer of the completions API"):
        list(engine.generate(requests(pair[:1], 1)))
    engine.close()
