"""Speed: what a training in bfloat16 costs on a processor that has no instructions for it, before it crawls unseen."""

import logging
import time
from typing import Any

from harness.engines import bfloat16_cost, multiplies_bfloat16
from harness.training.recipe import Recipe


def warn_of_bfloat16(recipe: Recipe, trainer: Any) -> None:
    """Warn of a training in bfloat16 on a processor that emulates it, and again with what its first step took."""
    if (
        recipe.optimisation.dtype != "bfloat16"
        or trainer.args.device.type != "cpu"
        or multiplies_bfloat16() is not False
    ):
        return
    logger = logging.getLogger(__name__)
    logger.warning(
        "optimisation.dtype bfloat16: this processor has no instructions for it, and a matrix product takes %.0f times "
        "as long as in float32 (measured); --set optimisation.dtype=float32 is faster here",
        bfloat16_cost(),
    )
    trainer.add_callback(_first_step(recipe.optimisation.steps, logger))


def _first_step(steps: int, logger: logging.Logger) -> Any:
    from transformers import TrainerCallback

    class FirstStep(TrainerCallback):  # type: ignore[misc]
        """Says what the first step took."""

        def __init__(self) -> None:
            self._began: float | None = None
            self._said = False

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self._began = self._began or time.perf_counter()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if self._began is not None and not self._said:
                took, self._said = time.perf_counter() - self._began, True
                logger.warning(
                    "the first step took %.1f s in bfloat16; %d will take %.1f h", took, steps, took * steps / 3600
                )

    return FirstStep()
