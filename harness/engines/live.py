"""A model that somebody else holds, such as one in training, as an engine that leaves it as it was found."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from harness.engines.placement import Placement
from harness.engines.settings import EngineError
from harness.engines.transformers import TransformersEngine

# Where accelerate keeps the forward pass that it wrapped in mixed precision.
_UNWRAPPED = "_original_forward"


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
    """``model`` in evaluation mode, computing in the precision of its weights as its base does; then as it was."""
    modes = {module: module.training for module in model.modules()}
    generation = model.generation_config
    wrapped = model.__dict__.get("forward") if _UNWRAPPED in model.__dict__ else None
    model.eval()
    if wrapped is not None:
        model.forward = model.__dict__[_UNWRAPPED]
    try:
        yield
    finally:
        if wrapped is not None:
            model.forward = wrapped
        model.generation_config = generation
        for module, mode in modes.items():
            module.training = mode
