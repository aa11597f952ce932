"""What the user chooses of an engine, and which engines there are."""

import importlib.metadata
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from harness.errors import RetentionError, install_command

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

    Of vLLM alone: ``gpu_memory_utilization`` is the share of a GPU's memory that it takes, in (0, 1],
    ``max_num_seqs`` the sequences in one of its steps (by default ``batch``), ``quantization`` the method by which it
    quantises the weights while it loads them, ``engine_args`` further arguments by name.
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
    gpu_memory_utilization: float | None = None
    max_num_seqs: int | None = None
    quantization: str | None = None
    engine_args: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def at_once(self) -> int:
        """Requests that are really in one batch: transformers pads them to the longest, so it takes fewer."""
        if self.name == "transformers":
            return min(self.batch, _PADDED)
        return self.max_num_seqs or self.batch if self.name == "vllm" else self.batch

    def with_batch(self, batch: int) -> "EngineSettings":
        """The same with another number of requests at once, at least one."""
        return replace(self, batch=max(1, batch), max_num_seqs=None)

    def halved(self) -> "EngineSettings":
        """The same with half the requests at once."""
        return self.with_batch((self.max_num_seqs or self.batch) // 2)

    def unused(self) -> tuple[str, ...]:
        """The options given that this engine has no use for, and that change no answer."""
        given = {"--gpu-memory-utilization": self.gpu_memory_utilization, "--max-num-seqs": self.max_num_seqs}
        return () if self.name == "vllm" else tuple(name for name, value in given.items() if value is not None)


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
        command = install_command("vllm" if name == "vllm" else "train")
        raise EngineError(
            f"engine {name}: not installed; run `{command}` in the checkout"
            + (f", or use --engine {installed[0]}" if installed else "")
        )
    if not installed:
        raise EngineError(
            f"no engine installed; run `{install_command('vllm')}` (GPU) or `{install_command('cpu')}` in the checkout"
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
