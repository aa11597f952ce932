"""``retention train``: fine-tune a base by one of the project's recipes."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import data_dir

if TYPE_CHECKING:
    from harness.training import TrainingRecord


@click.command(name="train")
@click.argument("method")
@click.option("--config", required=True, help="A shipped setting (nano-jigsaw) or a YAML file.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the training.  [default: trainings/CONFIG-...]")
@click.option("--seed", type=int, help="Order of the data, new weights, sampling.  [default: the config's]")
@click.option("--base", help="Another checkpoint than the config's: a folder, a hub id, nano:NAME.")
@click.option("--data", help="Folder of examples that `retention train rollouts` wrote.")
@click.option("--images", help="Folder of your own pictures, for the jigsaws that are cut from such.")
@click.option("--policy", help="For rollouts: the checkpoint that is sampled.")
@click.option("--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Override a field of the recipe.")
@data_dir
@click.option("--json", "as_json", is_flag=True, help="Print the training record as JSON.")
def command(
    method: str,
    config: str,
    out: Path | None,
    seed: int | None,
    base: str | None,
    data: str | None,
    images: str | None,
    policy: str | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Fine-tune a base by METHOD, and keep checkpoints along the way.

    \b
    METHOD is one of
      sft                    on bare answers
      replay-sft             the same, with prior tasks in a part of each batch
      rft                    GRPO with a reward for right positions, the exact answer and its form
      rollouts               no training: sample a policy, keep what is right, write examples
      rollout-sft            on correct samples of a model that rft trained
      simulated-rollout-sft  on samples of an early rft model, joined with the right answer
      self-sft               on correct samples of the base itself

    OUT/step-NNNNNN are the checkpoints, complete and with a training record each. The same command goes on where a
    killed one was. On several GPUs: accelerate launch --config_file FILE -m harness.cli train METHOD ...

    \b
    Examples:
      retention train sft --config nano-jigsaw --out sft
      retention train sft --config nano-jigsaw --set optimisation.lr=1e-4 --seed 1 --out sft-1
      retention train rft --config nano-jigsaw --out rft
      retention train rollouts --config nano-jigsaw --policy rft/step-000400 --out samples
      retention train rollout-sft --config nano-jigsaw --data samples --out rollout-sft
      retention trajectory --help
    """
    from rich.console import Console

    from harness.cli.progress import Bars

    named = {"base": base, "data.examples": data, "data.folder": images, "rollouts.policy": policy}
    places = [f"{field}={_as_yaml(value)}" for field, value in named.items() if value is not None]
    # Of several processes of one training, which accelerate or torchrun started, one speaks.
    speaks = os.environ.get("RANK", "0") == "0"
    with Bars(None if speaks else Console(quiet=True)) as bars:
        bars.stage(f"reading recipe {config}")
        from harness.training import load_recipe

        recipe = load_recipe(config, method, [*settings, *places], seed=seed)
        folder = out or Path("trainings") / f"{recipe.name}-{recipe.method}-{recipe.seed}"
        bars.stage("loading the model and the training data")
        if recipe.method == "rollouts":
            from harness.training import write_rollouts

            about = write_rollouts(recipe, folder, bars.show)
            summary = f"{about.examples} examples of {about.sampled} samples, {about.correct} of them right"
            document = about.model_dump_json()
        else:
            from harness.training import run_training

            record = run_training(recipe, folder, bars.show)
            summary, document = _summary(record), record.model_dump_json()
    if speaks:
        click.echo(document if as_json else f"{summary}\n{folder}")


def _as_yaml(text: str) -> str:
    """``text`` so that YAML reads it as a text, whatever it looks like."""
    return "'" + text.replace("'", "''") + "'"


def _summary(record: "TrainingRecord") -> str:
    """One line for a person: how far, how long, and what moved."""
    watched = "reward" if "reward" in record.curve[-1] else "loss"
    first, last = record.curve[0].get(watched), record.curve[-1].get(watched)
    moved = f"{watched} {first:.3g} to {last:.3g}, " if first is not None and last is not None else ""
    return f"{record.method}: {record.step} steps, {moved}{record.wall_seconds:.0f} s"
