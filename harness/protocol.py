"""The engine protocol: requests, answers and the engine itself, as types that every layer may import.

Prompts are rendered and tokenised once, before they reach an engine; ``token_ids`` holds one placeholder token per
image, which the engine expands as its processor does.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from harness.items import image_digest
from harness.records import EngineRecord

FinishReason = Literal["stop", "length", "error"]


@dataclass(frozen=True)
class Decoding:
    """Greedy when ``temperature`` is 0; ``max_tokens`` is the token budget of an answer, ``stop`` its stop strings.

    Above 0 an answer is drawn with ``seed`` from the likeliest tokens that hold ``top_p`` of the probability.
    """

    max_tokens: int
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    seed: int = 0
    top_p: float = 1.0


@dataclass(frozen=True)
class Prompt:
    """One rendered prompt: its text (with image placeholders), the token ids of that text, and encoded images.

    ``turn`` has what the user says before, between and after the images, for a server that renders the prompt itself;
    empty without images, and where no chat template makes a turn of it.
    """

    text: str
    token_ids: tuple[int, ...]
    images: tuple[bytes, ...] = ()
    turn: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """sha256 hex over token ids and image digests: equal for two models exactly when both saw the same prompt."""
        digest = hashlib.sha256(",".join(map(str, self.token_ids)).encode())
        for image in self.images:
            digest.update(b"\n" + image_digest(image).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class GenerateRequest:
    """A request for one completion of ``prompt``; ``item_id`` is for the response store and never reaches the model.

    ``adapter`` is the weights digest of the adapter to apply; None uses the engine's own weights.
    """

    item_id: str
    prompt: Prompt
    decoding: Decoding
    adapter: str | None = None


@dataclass(frozen=True)
class ScoreRequest:
    """A request for the log-probability of each continuation (token ids) of ``prompt``.

    ``counted`` is how many of the last tokens of each continuation count, where not all do: an option that stands in
    the middle of a sentence is judged by the words after it.
    """

    item_id: str
    prompt: Prompt
    continuations: tuple[tuple[int, ...], ...]
    adapter: str | None = None
    counted: tuple[int, ...] = ()

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of last tokens of each continuation that count."""
        return self.counted or tuple(map(len, self.continuations))


@dataclass(frozen=True)
class Completion:
    """A generated answer, or ``error`` with the reason; ``n_prompt_tokens`` includes expanded image tokens."""

    text: str
    finish_reason: FinishReason
    n_prompt_tokens: int
    n_output_tokens: int
    error: str | None = None


@dataclass(frozen=True)
class ContinuationScore:
    """Sum of log-probabilities (nats) of one continuation, and whether greedy decoding would generate it."""

    logprob: float
    is_greedy: bool


@dataclass(frozen=True)
class Failed:
    """A :class:`ScoreRequest` that failed, and why."""

    error: str


ScoreAnswer = tuple[ContinuationScore, ...] | Failed


class Engine(Protocol):
    """Runs one checkpoint. ``generate`` and ``score`` yield ``(index into requests, answer)`` as requests finish."""

    @property
    def record(self) -> EngineRecord: ...

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]: ...

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, ScoreAnswer]]: ...

    def close(self) -> None: ...
