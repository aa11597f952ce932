"""Sampling: how the answers of a run are drawn where it is not greedy, and the seed of each."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.errors import RetentionError

# Below this temperature vLLM raises it, so that engines would draw from different distributions.
LEAST_TEMPERATURE = 0.01
# A seed must be exact as a 64-bit integer, and as a number of JSON in any language.
_SEED_BYTES = 6


@dataclass(frozen=True)
class Sampling:
    """``repeats`` answers to an item, each drawn at ``temperature`` (``LEAST_TEMPERATURE`` or more) from the smallest
    set of likeliest tokens that holds ``top_p`` of the probability, in (0, 1]. ``seed`` decides every draw of a run.

    Values outside their range raise ``RetentionError``.
    """

    temperature: float
    repeats: int = 1
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not LEAST_TEMPERATURE <= self.temperature < math.inf:
            raise RetentionError(
                f"temperature {self.temperature:g}: not a number of {LEAST_TEMPERATURE} or more; leave it out for "
                "greedy answers"
            )
        if self.repeats < 1:
            raise RetentionError(f"repeats {self.repeats}: an item has 1 answer or more")
        if not 0 < self.top_p <= 1:
            raise RetentionError(f"top-p {self.top_p:g}: not a share above 0 and up to 1")

    @classmethod
    def of(cls, decoding: Mapping[str, str | int | float | bool]) -> "Sampling | None":
        """The sampling that a run's record states; None where its answers are greedy."""
        temperature = float(decoding.get("temperature", 0.0))
        if not temperature:
            return None
        repeats, seed = (int(decoding.get(name, default)) for name, default in (("repeats", 1), ("seed", 0)))
        return cls(temperature, repeats, float(decoding.get("top_p", 1.0)), seed)

    @property
    def decoding(self) -> dict[str, str | int | float | bool]:
        """What the record of a run states."""
        return {"temperature": self.temperature, "top_p": self.top_p, "repeats": self.repeats, "seed": self.seed}

    @property
    def label(self) -> str:
        """A part of a folder's name: two samplings never share one."""
        top_p = "" if self.top_p == 1 else f"-p{self.top_p}"
        return f"sampled-t{self.temperature}{top_p}-k{self.repeats}-seed{self.seed}"

    def seed_of(self, item_id: str, repeat: int, replicate: int = 0) -> int:
        """The seed of one answer, in [0, 2**48): the same for every model, whatever it is batched with.

        ``repeat`` counts an item's answers from 0; a ``replicate`` above 0 draws all of them anew.
        """
        name = f"{self.seed}:{replicate}:{item_id}:{repeat}"
        return int.from_bytes(hashlib.sha256(name.encode()).digest()[:_SEED_BYTES])


def choose_sampling(
    temperature: float | None = None, repeats: int | None = None, top_p: float | None = None, seed: int | None = None
) -> Sampling | None:
    """The sampling that a user asks for; None for greedy answers, which need no option.

    ``RetentionError`` where options do not fit together: greedy answers to one item are all the same.
    """
    if temperature:
        chosen = (float(temperature), 1 if repeats is None else repeats, 1.0 if top_p is None else float(top_p))
        try:
            return Sampling(*chosen, seed or 0)
        except RetentionError as error:
            raise RetentionError(f"--{error}") from None
    if repeats is not None and repeats < 1:
        raise RetentionError(f"--repeats {repeats}: an item has 1 answer or more")
    if repeats is not None and repeats > 1:
        raise RetentionError(
            f"--repeats {repeats}: without a temperature all {repeats} answers to an item are the same; add "
            "--temperature 0.7, say, or leave --repeats out"
        )
    for name, value in (("--top-p", top_p), ("--sampling-seed", seed)):
        if value is not None:
            raise RetentionError(f"{name} {value:g}: greedy answers are not drawn; add --temperature 0.7, say")
    return None
