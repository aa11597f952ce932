"""An OpenAI-compatible server (`vllm serve`): base and fine-tunes by the names they are served under.

Prompts go out as token ids, so that the server renders nothing and both models of a pair see the same ids; that needs
vLLM's server (others take text alone). Images cannot be sent beside token ids: such a prompt goes out as a chat message
(:mod:`harness.engines.messages`), and the server must say that it has rendered it into the same ids. Which model a name
stands for is the operator's statement; a probe checks that no two names answer alike.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from harness.checkpoints import Checkpoint, Vocabulary, declared_ends, vocabulary_size
from harness.engines.adapters import modules
from harness.engines.failures import no_room, out_of_time
from harness.engines.messages import differs, first_token, messages, placeholders_of, written_in
from harness.engines.placement import Placement
from harness.engines.probe import check_effects
from harness.engines.server import _CONCURRENCY, _client, base_url
from harness.engines.settings import EngineError
from harness.protocol import Completion, ContinuationScore, Failed, GenerateRequest, Prompt, ScoreAnswer, ScoreRequest

_TRIES = 6
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_PATIENCE = 600.0


class ServerEngine:
    """Answers as every member, chosen by the weights digest in a request's ``adapter``.

    A busy or failing server (429, 5xx, no connection) is tried again with growing pauses; an item that it refuses
    fails alone.
    """

    def __init__(self, placement: Placement) -> None:
        settings = placement.settings
        self.record = placement.members[0].record
        self._url = base_url(settings.server)
        self._members = {each.weights_digest: each.checkpoint for each in placement.members}
        self._length = placement.conditions.record.max_model_len
        root = placement.members[0].checkpoint
        self._placeholders = placeholders_of((root.base or root).path)
        ends = placement.conditions.record.stop_token_ids
        self._stops = defaultdict(
            list, {each.weights_digest: _stops(each.checkpoint, ends) for each in placement.members}
        )
        self._time_limit = settings.time_limit
        self._concurrency = min(settings.batch, _CONCURRENCY)
        self._closing = threading.Event()
        self._client = _client(self._url, settings.time_limit or _PATIENCE)
        listed = self._get_models()
        given = dict(settings.served)
        self._served = {digest: _served_as(each, given, listed) for digest, each in self._members.items()}
        self._reference = settings.served[0][0] if settings.served else placement.members[0].weights_digest
        self._served.setdefault(self._reference, given.get(self._reference, ""))
        self._unproven = set(self._members) - {self._reference}

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        self._prove(requests)

        def send(request: GenerateRequest) -> Completion:
            decoding = request.decoding
            try:
                body = self._body(request, max_tokens=decoding.max_tokens, temperature=decoding.temperature)
                body |= {"stop": list(decoding.stop)} if decoding.stop else {}
                body |= {"seed": decoding.seed, "top_p": decoding.top_p} if decoding.temperature else {}
                body |= {"stop_token_ids": stops} if (stops := self._stops[request.adapter or self._reference]) else {}
                answer = self._complete(body, request.prompt)
                choice, usage = answer["choices"][0], answer["usage"]
                written = int(usage["completion_tokens"])
                if choice["finish_reason"] == "length" and written < decoding.max_tokens:
                    raise _ItemError(no_room(written, decoding.max_tokens, self._length))
                return Completion(
                    text=written_in(choice),
                    finish_reason="length" if choice["finish_reason"] == "length" else "stop",
                    n_prompt_tokens=int(usage["prompt_tokens"]),
                    n_output_tokens=written,
                )
            except _ItemError as error:
                return Completion("", "error", 0, 0, error=str(error))
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise EngineError(f"{self._url}: not an answer of the completions API ({error!r})") from error

        return self._all(requests, send)

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, ScoreAnswer]]:
        self._prove(requests)

        def send(request: ScoreRequest) -> ScoreAnswer:
            try:
                if all(len(each) == 1 for each in request.continuations):
                    return self._letters(request)
                pairs = zip(request.continuations, request.counts, strict=True)
                return tuple(self._span(request, each, counted) for each, counted in pairs)
            except _ItemError as error:
                return Failed(str(error))
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise EngineError(
                    f"{self._url}: gives no log-probabilities of chosen tokens ({error!r}); serve the model with vLLM"
                ) from error

        return self._all(requests, send)

    def close(self) -> None:
        self._closing.set()
        self._client.close()

    def _letters(self, request: ScoreRequest) -> tuple[ContinuationScore, ...]:
        letters = sorted({each[0] for each in request.continuations})
        wanted = {"logprob_token_ids": letters, "return_tokens_as_token_ids": True}
        wanted |= {"logprobs": True} if request.prompt.images else {"logprobs": 1}
        body = self._body(request, max_tokens=1, temperature=0.0) | wanted
        first, written = first_token(self._complete(body, request.prompt)["choices"][0]["logprobs"])
        names = [f"token_id:{token}" for (token,) in request.continuations]
        return tuple(ContinuationScore(float(first[name]), name == written) for name in names)

    def _span(self, request: ScoreRequest, continuation: tuple[int, ...], counted: int) -> ContinuationScore:
        if request.prompt.images:
            raise _ItemError(
                "options of several tokens beside an image cannot be scored by a server; use --engine vllm"
            )
        body = self._body(request, max_tokens=1, temperature=0.0) | {"prompt_logprobs": 0}
        body["prompt"] = body["prompt"] + list(continuation)
        rows = self._complete(body, request.prompt)["choices"][0]["prompt_logprobs"][-counted:]
        found = [row[str(token)] for row, token in zip(rows, continuation[-counted:], strict=True)]
        return ContinuationScore(
            sum(float(each["logprob"]) for each in found), all(each["rank"] == 1 for each in found)
        )

    def _body(self, request: GenerateRequest | ScoreRequest, **options: Any) -> dict[str, Any]:
        model = self._served[request.adapter or self._reference]
        if request.prompt.images:
            if not request.prompt.turn:
                raise _ItemError(
                    "has an image and no chat template, and a server's completions take none; use --engine vllm or "
                    "transformers"
                )
            return {"model": model, "messages": messages(request.prompt), "return_token_ids": True, **options}
        return {"model": model, "prompt": list(request.prompt.token_ids), **options}

    def _prove(self, requests: Sequence[GenerateRequest] | Sequence[ScoreRequest]) -> None:
        """Before the first answer of a fine-tune: it must answer unlike the base, and the base as if alone."""
        prompts = [each.prompt for each in requests if each.prompt.turn or not each.prompt.images]
        digests = sorted({each.adapter for each in requests if each.adapter} & self._unproven)
        if digests and prompts and self._served[self._reference]:
            self._unproven.difference_update(digests)
            tuned = {digest: self._members[digest] for digest in digests}
            named = {
                digest: (
                    f"{each.record.name} (served as {self._served[digest]})",
                    modules(each) if each.base else ["all"],
                )
                for digest, each in tuned.items()
            }
            check_effects(self, named, prompts)

    def _all(self, requests: Sequence[Any], send: Callable[[Any], Any]) -> Iterator[tuple[int, Any]]:
        """Answers of ``requests`` as they come, with a bounded number of them under way."""
        pool = ThreadPoolExecutor(self._concurrency)
        running: dict[Future[Any], int] = {}
        fed = 0
        try:
            while running or fed < len(requests):
                while fed < len(requests) and len(running) < 2 * self._concurrency:
                    running[pool.submit(send, requests[fed])] = fed
                    fed += 1
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()
        finally:
            if running:
                self._closing.set()  # Nobody waits for the rest: let the pauses between tries end at once.
            pool.shutdown(wait=False, cancel_futures=True)

    def _complete(self, body: dict[str, Any], prompt: Prompt) -> dict[str, Any]:
        """One answer of the server. ``_ItemError`` when it refuses this item, ``EngineError`` when it is of no use."""
        if not prompt.images:
            return self._post("/v1/completions", body)
        answer = self._post("/v1/chat/completions", body)
        if (why := differs(prompt, answer, self._placeholders)) is not None:
            raise EngineError(f"{self._url}: {why}")
        return answer

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        import httpx

        reason = ""
        for attempt in range(_TRIES):
            pause = min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt)
            try:
                response = self._client.post(path, json=body)
            except httpx.TimeoutException:
                if self._time_limit is not None:
                    raise _ItemError(out_of_time(self._time_limit)) from None
                reason = f"no answer within {_PATIENCE:g} s"
            except httpx.TransportError as error:
                reason = f"{type(error).__name__}: {error}"
            else:
                if response.status_code == 200:
                    answer = response.json()
                    if not isinstance(answer, dict):
                        raise EngineError(f"{self._url}: not an answer of the completions API")
                    return answer
                reason = f"{response.status_code}: {_message(response)}"
                if response.status_code in (401, 403, 404):
                    raise EngineError(f"{self._url}: {reason}")
                if response.status_code != 429 and response.status_code < 500:
                    raise _ItemError(reason)
                pause = max(pause, min(_LONGEST_WAIT, _retry_after(response)))
            if attempt + 1 < _TRIES and self._closing.wait(pause):
                break
        raise EngineError(f"{self._url}: gave up after {_TRIES} tries ({reason}); is the server still up?")

    def _get_models(self) -> list[dict[str, Any]]:
        import httpx

        try:
            response = self._client.get("/v1/models")
            response.raise_for_status()
            return [each for each in response.json()["data"] if isinstance(each, dict)]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise EngineError(f"--server {self._url}: no list of models at /v1/models ({error})") from error


class _ItemError(Exception):
    """One item that the server refuses."""


def _stops(checkpoint: Checkpoint, ends: tuple[int, ...]) -> list[int]:
    """Which tokens shall end an answer that the server does not know of by the files of what it serves."""
    served = (checkpoint.base or checkpoint).path
    known = Vocabulary.read(served)
    size = vocabulary_size(served)
    unknown = set(ends) - (declared_ends(served, known) if known else set())
    return sorted(each for each in unknown if size is None or each < size)


def _served_as(checkpoint: Checkpoint, given: dict[str, str], listed: list[dict[str, Any]]) -> str:
    """The name ``checkpoint`` is served under: the one given, or one that is its name or its folder."""
    names = [str(each.get("id")) for each in listed]
    wanted = given.get(checkpoint.record.weights_digest)
    if wanted is not None:
        candidates = [wanted] if wanted in names else []
    else:
        mine = {checkpoint.record.name, str(checkpoint.path), str(checkpoint.path.resolve())}
        candidates = [str(each.get("id")) for each in listed if mine & {str(each.get("id")), str(each.get("root"))}]
    if not candidates:
        raise EngineError(
            f"{wanted or checkpoint.record.name}: not served; the server has {', '.join(names)}: "
            "name each checkpoint's with --model, the base's first"
        )
    return candidates[0]


def _message(response: Any) -> str:
    try:
        content = response.json()
        error = content.get("error", content)
        text = str(error.get("message", error))
    except (ValueError, AttributeError):
        text = str(response.text)
    return " ".join(text.split())[:300]


def _retry_after(response: Any) -> float:
    try:
        return float(response.headers.get("retry-after", 0))
    except ValueError:
        return 0.0
