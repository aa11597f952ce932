"""``python -m tests.bench.callback``: SmolLM2-135M-Instruct trained on GSM8K with the callback, by SFT and by GRPO.

Shows the callback on a real model and real questions (a part of core-text-1), full weights and LoRA, and what it costs:
the share of the training's time. Needs the data folder that RETENTION_DATA names. Nothing is written into results/.
"""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import yaml

from tests.bench import smollm2, workload

TASKS = ("math_svamp", "science_arc_easy", "science_openbookqa", "general_boolq")


@click.command()
@click.option("--steps", default=20, show_default=True, help="Steps of each training.")
@click.option("--every", default=10, show_default=True, help="Steps from one evaluation to the next.")
@click.option("--items", default=24, show_default=True, help="Items of each task.")
@click.option("--only", type=click.Choice(["sft", "lora", "grpo"]), multiple=True, help="By default all three.")
def main(steps: int, every: int, items: int, only: tuple[str, ...]) -> None:
    """Train three times, and print what the callback says."""
    workload.use_data()
    import retentionbench as rb

    makers: dict[str, Callable[..., Any]] = {"sft": _sft, "lora": _lora, "grpo": _grpo}
    model = str(smollm2.base())
    with tempfile.TemporaryDirectory() as scratch:
        for name in only or makers:
            out = Path(scratch, name)
            watching = rb.RetentionCallback(
                model, _suite(Path(scratch)), every=every, items=items, target="math", out=Path(scratch, "runs"),
                stop_if="retention < 50", keep_best="gain unless retention < 80", say=click.echo,
            )  # fmt: skip
            trainer = makers[name](model, out, steps, watching)
            trainer.train()
            last = watching.scorecards[max(watching.scorecards)]
            click.echo(f"{name}:\n{last.summary()}\n")


def _suite(folder: Path) -> Path:
    from harness.records import tasks_root

    whole = yaml.safe_load((tasks_root() / "suites" / "core-text-1.yaml").read_text(encoding="utf-8"))
    path = folder / "small-1.yaml"
    tasks = {name: whole["tasks"][name] for name in TASKS}
    path.write_text(yaml.safe_dump({**whole, "name": "small", "tasks": tasks}, sort_keys=False), encoding="utf-8")
    return path


def _questions() -> list[dict[str, Any]]:
    lines = Path(os.environ["RETENTION_DATA"], "gsm8k", "train.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines[:512]]


def _sft(model: str, out: Path, steps: int, callback: Any, **more: Any) -> Any:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    rows = [
        {
            "prompt": [{"role": "user", "content": each["question"]}],
            "completion": [{"role": "assistant", "content": each["answer"].rpartition("#### ")[2]}],
        }
        for each in _questions()
    ]
    arguments = SFTConfig(output_dir=str(out), learning_rate=2e-5, **_common(steps))
    return SFTTrainer(model, arguments, train_dataset=Dataset.from_list(rows), callbacks=[callback], **more)


def _lora(model: str, out: Path, steps: int, callback: Any) -> Any:
    from peft import LoraConfig

    return _sft(model, out, steps, callback, peft_config=LoraConfig(r=16, lora_alpha=32, task_type="CAUSAL_LM"))


def _grpo(model: str, out: Path, steps: int, callback: Any) -> Any:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    rows = [
        {"prompt": [{"role": "user", "content": each["question"]}], "right": each["answer"].rpartition("#### ")[2]}
        for each in _questions()
    ]

    def reward(completions: list[Any], right: list[str], **_: Any) -> list[float]:
        return [
            float(said[0]["content"].rstrip(" .").endswith(due)) for said, due in zip(completions, right, strict=True)
        ]

    arguments = GRPOConfig(
        output_dir=str(out), learning_rate=1e-5, num_generations=4, max_completion_length=32, **_common(steps)
    )
    return GRPOTrainer(model, reward, arguments, train_dataset=Dataset.from_list(rows), callbacks=[callback])


def _common(steps: int) -> dict[str, Any]:
    return {"max_steps": steps, "per_device_train_batch_size": 4, "logging_steps": 5, "save_steps": 1000,
            "save_total_limit": 1, "report_to": "none", "bf16": False, "seed": 1}  # fmt: skip


if __name__ == "__main__":
    main()
