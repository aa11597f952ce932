"""Host: the trainer that a callback belongs to, and its log.

transformers hands a callback everything but its trainer, and only a trainer can log: it adds to the history of its
state and calls every other callback, those of ``report_to`` among them. So the trainer is found among the callers.
"""

import inspect
from typing import Any

from harness.errors import RetentionError


def trainer_of(callback: Any) -> Any:
    """The trainer that is calling ``callback``; ``RetentionError`` where none is."""
    from transformers import Trainer

    frame = inspect.currentframe()
    while frame is not None:
        caller = frame.f_locals.get("self")
        if isinstance(caller, Trainer) and callback in caller.callback_handler.callbacks:
            return caller
        frame = frame.f_back
    raise RetentionError("RetentionCallback: no trainer of transformers or TRL calls it; give it as callbacks=[...]")


def log(trainer: Any, control: Any, numbers: dict[str, float]) -> None:
    """Log ``numbers`` as the trainer's own, and leave what it has yet to do as it was.

    TRL puts the averages of training into each row that is logged in training, and empties them: those are left to the
    training's own rows. And what was logged here is not what the trainer was about to log.
    """
    due, mode = control.should_log, trainer.model.training
    trainer.model.training = False
    try:
        trainer.log(numbers)
    finally:
        trainer.model.training = mode
        control.should_log = due


def refuse_processes(trainer: Any, engine: str) -> None:
    """Raise ``RetentionError`` where the model is spread over processes, or is in pieces in this one."""
    if trainer.args.world_size > 1:
        raise RetentionError(
            f"RetentionCallback: {trainer.args.world_size} processes train this model, and it evaluates in one; leave "
            "it out, and evaluate the saved checkpoints by `retention evaluate BASE checkpoint-*`"
        )
    if engine == "transformers" and (trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled):
        raise RetentionError(
            "RetentionCallback: FSDP or DeepSpeed holds the model in pieces, which cannot answer; engine='vllm' "
            "evaluates the checkpoints that are saved"
        )
