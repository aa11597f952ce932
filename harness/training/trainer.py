"""What all trainings through TRL share: the trainer's arguments, and what is read from it afterwards."""

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.checkpoints import Checkpoint
from harness.training.model import Student, TrainingError, load_student
from harness.training.recipe import Recipe
from harness.training.record import DataRecord, Progress, TrainingRecord, record_of
from harness.training.saving import STATE_FOLDER, base_record, finish, last_state, saver, wall_before

# Given the trainer's state: what a record says that only the method knows.
RecordFields = Callable[[Any], dict[str, Any]]

# What of a trainer's log is no fact of the training but of the machine, or is said elsewhere in the record.
_LEFT_OUT = frozenset(
    {
        *("step", "epoch", "step_time", "num_tokens", "num_input_tokens_seen", "learning_rate"),
        *("train_runtime", "train_tokens_per_second"),
    }
)
_FLOOR = 0.02


def carry_out(
    recipe: Recipe,
    base: Checkpoint,
    out: Path,
    progress: Progress,
    start: Callable[[Student], tuple[Any, DataRecord, RecordFields]],
) -> TrainingRecord:
    """Train ``base`` with the trainer that ``start`` makes for it, and return the record of the whole.

    Checkpoints are kept in ``out``; a training that was killed there goes on from its last state. ``start`` also gives
    what is learnt from, and what a record of this method says beside that.
    """
    started = time.perf_counter()
    state_before = last_state(out)
    earlier = wall_before(state_before)

    def record(state: Any) -> TrainingRecord:
        return record_of(
            recipe,
            base_record(base),
            data,
            step=state.global_step,
            tokens=state.num_input_tokens_seen,
            curve=curve(state.log_history),
            wall_seconds=round(earlier + time.perf_counter() - started, 1),
            **record_fields(state),
            **_surroundings(recipe, trainer),
        )

    def show(step: int, steps: int) -> None:
        progress(f"training {recipe.method}", step, steps)

    with threads(recipe.optimisation.threads):
        trainer, data, record_fields = start(load_student(base, recipe, state_before))
        _attach(trainer, saver(recipe, base, out, record, show))
        trainer.train(resume_from_checkpoint=str(state_before) if state_before else None)
    whole = record(trainer.state)
    if trainer.is_world_process_zero():
        finish(out, whole)
    return whole


def _attach(trainer: Any, callback: Any) -> None:
    """Let ``callback`` watch the trainer, which then prints nothing itself."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(callback)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Threads of torch on a CPU while training; how many there are decides in which order sums are taken.

    A nano model takes one: a second one mostly waits at that size.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def common_arguments(recipe: Recipe, out: Path, rows: int) -> dict[str, Any]:
    """Arguments of transformers' trainers that follow from the recipe; ``rows`` are seen in one step by all processes.

    Raises ``TrainingError`` when the rows do not divide into processes and micro-batches.
    """
    # TRL reports models and devices to the hub unless they are set not to.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import torch

    asked = recipe.optimisation
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    micro = asked.micro_batch or rows // processes
    if micro < 1 or rows % (micro * processes):
        raise TrainingError(
            f"optimisation.micro_batch {micro}: {rows} rows a step do not divide into {processes} processes with "
            f"batches of {micro}"
        )
    on_cpu = not torch.cuda.is_available()
    name, options = _schedule(recipe)
    return {
        "output_dir": str(out / STATE_FOLDER),
        "seed": recipe.seed,
        "max_steps": asked.steps,
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": rows // (micro * processes),
        "learning_rate": asked.lr,
        "lr_scheduler_type": name,
        "lr_scheduler_kwargs": options,
        "warmup_steps": asked.warmup,
        "optim": "adamw_torch",
        "weight_decay": asked.weight_decay,
        "adam_beta1": asked.betas[0],
        "adam_beta2": asked.betas[1],
        "max_grad_norm": asked.max_grad_norm,
        "bf16": asked.dtype == "bfloat16",
        "gradient_checkpointing": asked.gradient_checkpointing,
        "dataloader_num_workers": asked.workers,
        "dataloader_pin_memory": not on_cpu,
        "train_sampling_strategy": "sequential",
        "remove_unused_columns": False,
        "include_num_input_tokens_seen": "non_padding",
        "logging_steps": 1,
        "logging_first_step": True,
        "disable_tqdm": True,
        "report_to": "none",
        "save_strategy": "no",  # our callback says when
        "save_total_limit": 2,  # the newest may not be whole yet
        "use_cpu": on_cpu,
    }


def _schedule(recipe: Recipe) -> tuple[str, dict[str, Any]]:
    asked = recipe.optimisation
    if asked.schedule == "constant":
        return "constant_with_warmup", {}
    if asked.schedule == "trapezoid":
        last = round(asked.steps * asked.decay_share)
        return "warmup_stable_decay", {"num_decay_steps": last, "decay_type": "linear", "min_lr_ratio": _FLOOR}
    return asked.schedule, {}


def curve(history: Sequence[Mapping[str, Any]]) -> tuple[dict[str, float], ...]:
    """A row for each step of a trainer's log: its finite numbers, with "lr" for the learning rate."""
    rows: list[dict[str, float]] = []
    for entry in history:
        if "loss" not in entry:
            continue
        numbers = {name: float(value) for name, value in entry.items() if name not in _LEFT_OUT and _is_number(value)}
        if _is_number(entry.get("learning_rate")):
            numbers["lr"] = float(entry["learning_rate"])
        rows.append({"step": float(entry["step"]), **numbers})
    return tuple(rows)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _surroundings(recipe: Recipe, trainer: Any) -> dict[str, Any]:
    """What a record says of the model's size and of where it was trained, without naming a machine."""
    import torch

    device = trainer.accelerator.device
    return {
        "parameters": sum(each.numel() for each in trainer.model.parameters()),
        "trained_parameters": sum(each.numel() for each in trainer.model.parameters() if each.requires_grad),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": recipe.optimisation.threads,
        "processes": trainer.accelerator.num_processes,
    }
