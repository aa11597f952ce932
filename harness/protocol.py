"""The engine protocol: what an engine is asked and what it answers. Types only, so that every floor may name them.

Prompts are rendered and tokenised once, above the engine; ``token_ids`` holds one placeholder token an image, which
the engine expands in the way its processor does.
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
    """Greedy when ``temperature`` is 0; ``max_tokens`` is the budget of one answer, ``stop`` are text stops."""

    max_tokens: int
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Prompt:
    """One rendered prompt: its text (with image placeholders), the token ids of that text, and encoded images."""

    text: str
    token_ids: tuple[int, ...]
    images: tuple[bytes, ...] = ()

    @property
    def digest(self) -> str:
        """sha256 hex over token ids and image digests: equal for two models exactly when both saw the same prompt."""
        digest = hashlib.sha256(",".join(map(str, self.token_ids)).encode())
        for image in self.images:
            digest.update(b"\n" + image_digest(image).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class GenerateRequest:
    """Ask for one answer to ``prompt``; ``item_id`` is carried for the store and never reaches the model.

    ``adapter`` is the weights digest of the adapter to answer as; None asks the engine's own weights.
    """

    item_id: str
    prompt: Prompt
    decoding: Decoding
    adapter: str | None = None


@dataclass(frozen=True)
class ScoreRequest:
    """Ask for the log-probability of each continuation (token ids) after the same ``prompt``."""

    item_id: str
    prompt: Prompt
    continuations: tuple[tuple[int, ...], ...]
    adapter: str | None = None


@dataclass(frozen=True)
class Completion:
    """An answer, or ``error`` with a reason; ``n_prompt_tokens`` counts expanded image tokens too."""

    text: str
    finish_reason: FinishReason
    n_prompt_tokens: int
    n_output_tokens: int
    error: str | None = None


@dataclass(frozen=True)
class ContinuationScore:
    """Sum of log-probabilities (nats) of one continuation, and whether greedy decoding would have written it."""

    logprob: float
    is_greedy: bool


@dataclass(frozen=True)
class Failed:
    """A :class:`ScoreRequest` that could not be answered, and why."""

    error: str


ScoreAnswer = tuple[ContinuationScore, ...] | Failed


class Engine(Protocol):
    """Runs one checkpoint. ``generate`` and ``score`` yield ``(index into requests, answer)`` as answers finish."""

    @property
    def record(self) -> EngineRecord: ...

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]: ...

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, ScoreAnswer]]: ...

    def close(self) -> None: ...
