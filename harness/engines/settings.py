"""What the user chooses of an engine, and which engines there are."""

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from typing import Literal

from harness.errors import RetentionError

# The engines that load a checkpoint themselves, best first. Beside them: "openai" and "lm-eval:NAME".
NAMES = ("vllm", "transformers")

LM_EVAL = "lm-eval:"

Dtype = Literal["float32", "bfloat16", "float16"]

Adapters = Literal["auto", "merge", "lora"]

_PADDED = 32


class EngineError(RetentionError):
    """No engine can be used, or the chosen one cannot run this checkpoint."""


@dataclass(frozen=True)
class EngineSettings:
    """What the user chooses.

    ``max_model_len`` bounds prompt plus answer in tokens, by default by what suite and model need; ``batch`` are the
    requests at once, ``time_limit`` the seconds of one item. ``server`` and ``served`` (weights digest and served name,
    the base first) are for engine "openai"; ``workers``, ``address`` and ``tensor_parallel`` (GPUs a worker) are for
    executor "ray".
    """

    name: str
    dtype: Dtype
    max_model_len: int | None = None
    batch: int = 256
    threads: int = 1
    adapters: Adapters = "auto"
    time_limit: float | None = None
    tensor_parallel: int = 1
    server: str | None = None
    served: tuple[tuple[str, str], ...] = ()
    executor: Literal["local", "ray"] = "local"
    workers: int | None = None
    address: str | None = None

    @property
    def at_once(self) -> int:
        """Requests that are really in one batch: transformers pads them to the longest, so it takes fewer."""
        return min(self.batch, _PADDED) if self.name == "transformers" else self.batch


def available() -> list[str]:
    """Engines whose package is installed, best first."""
    return [name for name in NAMES if importlib.util.find_spec(name) and importlib.util.find_spec("torch")]


def choose(name: str | None) -> str:
    """The engine named, else vLLM, else transformers; ``EngineError`` when it is not installed or unknown."""
    if name is not None and (name == "openai" or name.startswith(LM_EVAL)):
        return name
    if name is not None and name not in NAMES:
        raise EngineError(f"engine {name}: unknown; there are {', '.join(NAMES)}, openai and {LM_EVAL}NAME")
    installed = available()
    if name is not None and name not in installed:
        raise EngineError(
            f"engine {name}: not installed; run `pip install 'retentionbench[{'vllm' if name == 'vllm' else 'train'}]'`"
            + (f", or use --engine {installed[0]}" if installed else "")
        )
    if not installed:
        raise EngineError(
            "no engine installed; run `pip install 'retentionbench[vllm]'` (GPU) or `pip install 'retentionbench[cpu]'`"
        )
    return name or installed[0]


# Seen in vLLM 0.32: a prompt that is computed in parts rewinds the generator of its request, which on a CPU raises
# "CPU Generator does not use offset" and ends the engine.
_NO_SEEDS = "vLLM's CPU build cannot give each request a seed of its own, which sampled answers need"


def choose_for_sampling(name: str | None, device: str) -> tuple[str, str]:
    """As :func:`choose`, an engine that draws every answer with its own seed, and a note where it is not the default.

    ``EngineError`` where the engine named cannot, or none that can is installed; ``device`` is as of a fingerprint.
    """
    chosen = choose(name)
    if chosen.startswith(LM_EVAL):
        raise EngineError(
            f"engine {chosen}: lm-eval's backends draw without a seed for each answer; use --engine transformers, or "
            "vllm on a GPU"
        )
    if chosen != "vllm" or device != "cpu":
        return chosen, ""
    if name is not None or "transformers" not in available():
        raise EngineError(f"engine vllm: {_NO_SEEDS}; use --engine transformers, or a GPU")
    return "transformers", f"engine transformers: {_NO_SEEDS}"
