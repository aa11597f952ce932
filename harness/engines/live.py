"""A model that somebody else holds, such as one in training, as an engine that leaves it as it was found."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from harness.engines.placement import Placement
from harness.engines.settings import EngineError
from harness.engines.transformers import TransformersEngine

# Where accelerate keeps the forward pass that it wrapped in mixed precision.
_UNWRAPPED = "_original_forward"
_ATTENTION = "_attn_implementation_internal"


class LiveEngine(TransformersEngine):
    """Answers as ``model`` does with its weights and adapters as they are now; :meth:`close` gives it back."""

    def __init__(self, placement: Placement, model: Any) -> None:
        import torch

        self._borrowed = ExitStack()
        self._borrowed.enter_context(_borrowed(model))
        try:
            # Not the inference mode: a tensor that a module keeps from it could be part of no gradient afterwards.
            self._serve(placement, model, torch.no_grad)
        except (ValueError, OSError, KeyError, ImportError) as error:
            self._borrowed.close()
            name = placement.members[0].checkpoint.record.name
            raise EngineError(f"{name}: cannot be evaluated in training: {error}") from error

    def close(self) -> None:
        self._borrowed.close()
        super().close()


@contextmanager
def _borrowed(model: Any) -> Iterator[None]:
    """``model`` as its base would be loaded, but for its weights, and in evaluation mode; then as it was."""
    modes = {module: module.training for module in model.modules()}
    generation = model.generation_config
    model.eval()
    try:
        with _forward_alone(model), _attention_as_loaded(model):
            yield
    finally:
        model.generation_config = generation
        for module, mode in modes.items():
            module.training = mode


@contextmanager
def _forward_alone(model: Any) -> Iterator[None]:
    """Without the mixed precision that accelerate wraps a forward pass in: in the precision of the weights."""
    wrapped = model.__dict__.get("forward") if _UNWRAPPED in model.__dict__ else None
    if wrapped is not None:
        model.forward = model.__dict__[_UNWRAPPED]
    try:
        yield
    finally:
        if wrapped is not None:
            model.forward = wrapped


@contextmanager
def _attention_as_loaded(model: Any) -> Iterator[None]:
    """With the attention that transformers chooses where none is asked for, whatever kernels the training uses."""
    configs = [module.config for module in model.modules() if hasattr(getattr(module, "config", None), _ATTENTION)]
    before = [(each, getattr(each, _ATTENTION)) for each in configs]
    if getattr(model, "_supports_sdpa", False) and model.config._attn_implementation != "sdpa":
        model.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        for config, chosen in before:
            setattr(config, _ATTENTION, chosen)
