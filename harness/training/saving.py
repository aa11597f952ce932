"""Checkpoints during training: complete ones, which are kept, and the trainer's state, from which a killed one resumes.

In the folder of a training::

    step-000050/          a checkpoint as ``open_checkpoint`` takes it: weights, and its base's other files unchanged
    trainer/checkpoint-50 weights, optimiser, schedule, random states; `saved.json`, written last, marks it complete
    identity.json         digests of recipe, base and data: another training never continues this one
    training_record.json  written at the end, when `trainer/` is deleted

A step folder is written under a temporary name and then renamed, and the trainer's state counts only once it is marked,
so that a kill at any moment leaves nothing incomplete that looks complete.
"""

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.checkpoints import Checkpoint, nano_root, read_header, read_json
from harness.training.model import TrainingError
from harness.training.recipe import Recipe
from harness.training.record import RECORD_FILE, BaseModelRecord, TrainingRecord, write_record

STATE_FOLDER = "trainer"
IDENTITY_FILE = "identity.json"
_MARK = "saved.json"
_COPIED = (".json", ".jinja", ".txt", ".model")
_WEIGHTS_INDEX = ".safetensors.index.json"
_ADAPTER = "adapter_config.json"


def step_folder(out: Path, step: int) -> Path:
    """The folder of the checkpoint of ``step``."""
    return out / f"step-{step:06d}"


def base_record(checkpoint: Checkpoint) -> BaseModelRecord:
    """The training record's description of its base."""
    return BaseModelRecord(name=checkpoint.record.name, weights_digest=checkpoint.record.weights_digest)


def claim(out: Path, identity: dict[str, str]) -> None:
    """Claim ``out`` for this training; ``TrainingError`` if another one has saved something there."""
    path = out / IDENTITY_FILE
    if path.is_file():
        before = read_json(path)
        changed = [name for name in identity if before.get(name) != identity[name]]
        if not changed:
            return
        if any(each != path for each in out.iterdir()):
            raise TrainingError(
                f"{out}: has another training (its {' and '.join(changed)} differ); choose another --out, or delete "
                "the folder"
            )
    elif out.is_dir() and any(out.iterdir()):
        raise TrainingError(f"{out}: not empty, and not a training folder; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(identity, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(path)


def is_first_process() -> bool:
    """Whether this process, of those that accelerate started, is the one that writes files."""
    return os.environ.get("RANK", "0") == "0"


def last_state(out: Path) -> Path | None:
    """The newest complete state of the trainer, or None; incomplete ones are deleted."""
    complete: list[tuple[int, Path]] = []
    for folder in (out / STATE_FOLDER).glob("checkpoint-*"):
        if (folder / _MARK).is_file():
            complete.append((int(folder.name.removeprefix("checkpoint-")), folder))
        elif is_first_process():
            shutil.rmtree(folder, ignore_errors=True)
    return max(complete)[1] if complete else None


def wall_before(state: Path | None) -> float:
    """Seconds that earlier processes spent up to ``state``."""
    return float(read_json(state / _MARK)["wall_seconds"]) if state else 0.0


def has_ended(state: Path) -> bool:
    """Whether ``state`` is that of a training with nothing left to train, which a rule may have ended early."""
    return bool(read_json(state / _MARK).get("ended", False))


def mark_state(state: Path, wall_seconds: float, *, ended: bool = False) -> None:
    """Mark the trainer's ``state`` as complete."""
    partial = state / f"{_MARK}.partial"
    partial.write_text(json.dumps({"wall_seconds": wall_seconds, "ended": ended}) + "\n", encoding="utf-8")
    partial.replace(state / _MARK)


def keep_step(state: Path, base: Checkpoint, out: Path, record: TrainingRecord, step: int) -> Path:
    """Write the checkpoint of ``step`` from the weights in the trainer's ``state``."""
    folder = step_folder(out, step)
    made = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    if (state / _ADAPTER).is_file():
        _keep_adapter(state, base, made)
    else:
        _keep_weights(state, base, made)
    write_record(made, record)
    shutil.rmtree(folder, ignore_errors=True)
    made.replace(folder)
    return folder


def finish(out: Path, record: TrainingRecord) -> None:
    """Write the record of the finished training, and delete the trainer's state."""
    write_record(out, record)
    shutil.rmtree(out / STATE_FOLDER, ignore_errors=True)


def _keep_weights(state: Path, base: Checkpoint, made: Path) -> None:
    """Weights with the names and dtypes of the base's, and all other files of the base unchanged.

    Loading and saving tokenizer and processor would change their files, and a pair with different tokenizers is
    refused.
    """
    dtypes = {tensor.name: tensor.dtype for path in base.weights for tensor in read_header(path)}
    index: dict[str, str] = {}
    for path in sorted(state.glob("*.safetensors")):
        index |= dict.fromkeys(_copy_weights(path, made / path.name, dtypes), path.name)
    if len(set(index.values())) > 1:
        total = sum(path.stat().st_size for path in made.glob("*.safetensors"))
        text = json.dumps({"metadata": {"total_size": total}, "weight_map": index}, indent=2, sort_keys=True)
        (made / f"model{_WEIGHTS_INDEX}").write_text(text + "\n", encoding="utf-8")
    for name in base.record.files:
        if name.endswith(_COPIED) and not name.endswith(_WEIGHTS_INDEX):
            shutil.copyfile(base.path / name, made / name)


def _copy_weights(source: Path, copy: Path, dtypes: dict[str, str]) -> list[str]:
    import torch
    from safetensors.torch import load_file, save_file

    by_name = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
    tensors: dict[str, Any] = {}
    for name, tensor in load_file(source).items():
        named = name if name in dtypes else _clip_name(name)
        if named not in dtypes:
            raise TrainingError(
                f"{source}: {name} is not a tensor of the base; the checkpoint could not be loaded again"
            )
        wanted = by_name.get(dtypes[named])
        tensors[named] = tensor if wanted is None else tensor.to(wanted)
    save_file(tensors, copy, metadata={"format": "pt"})
    copy.chmod(0o644)
    return sorted(tensors)


def _clip_name(name: str) -> str:
    """The name of CLIP weights under ``vision_model``, as in published LLaVA checkpoints and expected by vLLM."""
    head, _, tail = name.partition("vision_tower.")
    return f"{head}vision_tower.vision_model.{tail}"


def _keep_adapter(state: Path, base: Checkpoint, made: Path) -> None:
    """Adapter weights and configuration, with a base reference that works elsewhere."""
    shutil.copyfile(state / "adapter_model.safetensors", made / "adapter_model.safetensors")
    config = read_json(state / _ADAPTER)
    config["base_model_name_or_path"] = _reference(base)
    config["revision"] = base.record.revision
    # PEFT keeps the modules as a set, whose order differs from process to process.
    if isinstance(config.get("target_modules"), list):
        config["target_modules"] = sorted(config["target_modules"])
    (made / _ADAPTER).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _reference(base: Checkpoint) -> str:
    """The reference by which ``open_checkpoint`` finds the base."""
    if base.path.resolve().parent == nano_root().resolve():
        return f"nano:{base.path.name}"
    return base.record.name if base.record.source == "hub" else str(base.path.resolve())


def is_finished(out: Path) -> bool:
    """Whether the training in ``out`` has finished."""
    return (out / RECORD_FILE).is_file()


def saver(
    recipe: Recipe,
    base: Checkpoint,
    out: Path,
    record: Callable[[Any], TrainingRecord],
    show: Callable[[int, int], None],
) -> Any:
    """A callback for trainers of transformers or TRL that saves checkpoints and the trainer's state.

    ``record`` makes the training record from the trainer's state; ``show`` is called with the steps done and the total.
    """
    from transformers import TrainerCallback

    every = recipe.checkpoints.resume_every

    class StepSaver(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
            due = every is not None and state.global_step % every == 0
            control.should_save = due or state.global_step in recipe.saved_steps
            show(state.global_step, state.max_steps)
            return control

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
            loss = logs.get("loss")
            if isinstance(loss, float) and not math.isfinite(loss):
                raise TrainingError(
                    f"{out}: the loss is {loss} after step {state.global_step}; lower optimisation.lr or raise "
                    "optimisation.warmup, and use another --out"
                )

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if not state.is_world_process_zero:
                return
            folder = out / STATE_FOLDER / f"checkpoint-{state.global_step}"
            so_far = record(state)
            # Of a training that ends before its last step, the checkpoints that it will not come to.
            ends = control.should_training_stop
            for step in recipe.saved_steps:
                if step == state.global_step or (ends and step > state.global_step):
                    is_last = step == recipe.saved_steps[-1]
                    keep_step(folder, base, out, so_far if is_last else so_far.of_a_step(), step)
            mark_state(folder, so_far.wall_seconds, ended=ends)

    return StepSaver()
