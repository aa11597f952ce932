"""``retention nano``: how the shipped nano checkpoints were trained, as commands."""

import json
from pathlib import Path

import click


@click.group(name="nano")
def group() -> None:
    """Train the nano checkpoints that are shipped with the project."""


@group.command(name="train-base")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the new checkpoint.")
@click.option("--seed", default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def train_base_command(out: Path, seed: int, as_json: bool) -> None:
    """Train the nano base from scratch on the prior tasks.

    \b
    Examples:
      retention nano train-base --out my-base
    """
    from harness.cli.progress import Bars

    with Bars() as bars:
        bars.stage("loading the libraries and making the training data")
        from harness.training import train_base

        train_base(out, seed, bars.show)
    click.echo(json.dumps({"folder": str(out)}) if as_json else out)


@group.command(name="train-reasoning-base")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the new checkpoint.")
@click.option("--seed", default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def train_reasoning_base_command(out: Path, seed: int, as_json: bool) -> None:
    """Train the nano-2 base, which writes its working, from scratch.

    Takes an hour or two on one core. Killed at any moment, the same command goes on from the last few minutes.

    \b
    Examples:
      retention nano train-reasoning-base --out my-base
    """
    from harness.cli.progress import Bars

    with Bars() as bars:
        bars.stage("loading the libraries and making the training data")
        from harness.training import train_reasoning_base

        train_reasoning_base(out, seed, bars.show)
    click.echo(json.dumps({"folder": str(out)}) if as_json else out)


@group.command(name="train-sft")
@click.option("--base", default="nano:base", show_default=True, help="The checkpoint to tune.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the new checkpoint.")
@click.option("--recipe", type=click.Choice(["sft", "lora-replay"]), default="sft", show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def train_sft_command(base: str, out: Path, recipe: str, seed: int, as_json: bool) -> None:
    """Tune a nano base on the bare answers of the jigsaw.

    `sft` trains all weights; `lora-replay` an adapter, with prior tasks in half of each batch.

    \b
    Examples:
      retention nano train-sft --out my-sft
      retention nano train-sft --base my-base --out my-sft --seed 1
      retention nano train-sft --recipe lora-replay --out my-adapter
    """
    from harness.cli.progress import Bars

    with Bars() as bars:
        bars.stage(f"loading {base} and making the training data")
        from harness.checkpoints import open_checkpoint
        from harness.training import RECIPES, train_sft

        train_sft(open_checkpoint(base).staged, out, seed, bars.show, RECIPES[recipe])
    click.echo(json.dumps({"folder": str(out)}) if as_json else out)
