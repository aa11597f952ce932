"""Shared by all trainings with TRL: the trainer's arguments, the training loop, and the record."""

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
from harness.training.saving import STATE_FOLDER, base_record, finish, has_ended, last_state, saver, wall_before
from harness.training.speed import warn_of_bfloat16

# From the trainer's state: the fields of a record that are specific to the method.
MethodFields = Callable[[Any], dict[str, Any]]

# Fields of a trainer's log that depend on the machine, or are elsewhere in the record.
_LEFT_OUT = frozenset(
    {
        *("step", "epoch", "step_time", "num_tokens", "num_input_tokens_seen", "learning_rate"),
        *("train_runtime", "train_tokens_per_second"),
    }
)
_FLOOR = 0.02


def run_trainer(
    recipe: Recipe,
    base: Checkpoint,
    out: Path,
    progress: Progress,
    start: Callable[[Student], tuple[Any, DataRecord, MethodFields]],
) -> TrainingRecord:
    """Train ``base`` with the trainer that ``start`` makes, and return the record of the training.

    Checkpoints are saved in ``out``; a training that was killed there resumes from its last state. ``start`` also
    returns the record of the training data, and the method's own fields of the record.
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
            **method_fields(state),
            **_surroundings(recipe, trainer),
        )

    def show(step: int, steps: int) -> None:
        progress(f"training {recipe.method}", step, steps)

    with threads(recipe.optimisation.threads):
        progress("loading the model", 0, 1)
        student = load_student(base, recipe, state_before)
        progress("loading the model", 1, 1)
        trainer, data, method_fields = start(student)
        _attach(trainer, saver(recipe, base, out, record, show))
        warn_of_bfloat16(recipe, trainer)
        if state_before is not None and has_ended(state_before):
            trainer.state = _state_in(state_before)
        else:
            trainer.train(resume_from_checkpoint=str(state_before) if state_before else None)
    final = record(trainer.state)
    if trainer.is_world_process_zero():
        finish(out, final)
    return final


def _state_in(folder: Path) -> Any:
    from transformers import TrainerState
    from transformers.trainer import TRAINER_STATE_NAME

    return TrainerState.load_from_json(str(folder / TRAINER_STATE_NAME))


def _attach(trainer: Any, callback: Any) -> None:
    """Add ``callback`` to the trainer, in place of its own printing."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(callback)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Set torch's CPU threads while training; their number affects the order of summation, and so the result.

    A nano model uses one: at that size a second one mostly waits.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def common_arguments(recipe: Recipe, out: Path, rows: int) -> dict[str, Any]:
    """Arguments of transformers' trainers that follow from the recipe; ``rows`` per step over all processes.

    Raises ``TrainingError`` if the rows do not divide into processes and micro-batches.
    """
    # TRL reports models and devices to the hub unless this is set.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import torch

    wanted = recipe.optimisation
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    micro = wanted.micro_batch or rows // processes
    if micro < 1 or rows % (micro * processes):
        raise TrainingError(
            f"optimisation.micro_batch {micro}: {rows} rows per step do not divide into {processes} processes with "
            f"batches of {micro}"
        )
    on_cpu = not torch.cuda.is_available()
    name, options = _schedule(recipe)
    return {
        "output_dir": str(out / STATE_FOLDER),
        "seed": recipe.seed,
        "max_steps": wanted.steps,
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": rows // (micro * processes),
        "learning_rate": wanted.lr,
        "lr_scheduler_type": name,
        "lr_scheduler_kwargs": options,
        "warmup_steps": wanted.warmup,
        "optim": "adamw_torch",
        "weight_decay": wanted.weight_decay,
        "adam_beta1": wanted.betas[0],
        "adam_beta2": wanted.betas[1],
        "max_grad_norm": wanted.max_grad_norm,
        "bf16": wanted.dtype == "bfloat16",
        "gradient_checkpointing": wanted.gradient_checkpointing,
        "dataloader_num_workers": wanted.workers,
        "dataloader_pin_memory": not on_cpu,
        "train_sampling_strategy": "sequential",
        "remove_unused_columns": False,
        "include_num_input_tokens_seen": "non_padding",
        "logging_steps": 1,
        "logging_first_step": True,
        "disable_tqdm": True,
        "report_to": "none",
        "save_strategy": "no",  # our callback says when
        "save_total_limit": 2,  # the newest may not be complete yet
        "use_cpu": on_cpu,
    }


def _schedule(recipe: Recipe) -> tuple[str, dict[str, Any]]:
    wanted = recipe.optimisation
    if wanted.schedule == "constant":
        return "constant_with_warmup", {}
    if wanted.schedule == "trapezoid":
        last = round(wanted.steps * wanted.decay_share)
        return "warmup_stable_decay", {"num_decay_steps": last, "decay_type": "linear", "min_lr_ratio": _FLOOR}
    return wanted.schedule, {}


def curve(history: Sequence[Mapping[str, Any]]) -> tuple[dict[str, float], ...]:
    """A row per step of a trainer's log: its finite numbers, with "lr" for the learning rate."""
    rows: list[dict[str, float]] = []
    for entry in history:
        if "loss" not in entry:
            continue
        row = {name: float(value) for name, value in entry.items() if name not in _LEFT_OUT and _is_number(value)}
        if _is_number(entry.get("learning_rate")):
            row["lr"] = float(entry["learning_rate"])
        rows.append({"step": float(entry["step"]), **row})
    return tuple(rows)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _surroundings(recipe: Recipe, trainer: Any) -> dict[str, Any]:
    """The record's fields on the model's size and the hardware, without identifying the machine."""
    import torch

    device = trainer.accelerator.device
    return {
        "parameters": sum(each.numel() for each in trainer.model.parameters()),
        "trained_parameters": sum(each.numel() for each in trainer.model.parameters() if each.requires_grad),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": recipe.optimisation.threads,
        "processes": trainer.accelerator.num_processes,
    }
