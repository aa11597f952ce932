"""``retention noise``: how far a base moves against a second run of itself."""

from pathlib import Path
from typing import Any

import click

from harness.cli.options import data_dir, engine_options, sampling


@click.command(name="noise")
@click.argument("base")
@click.option("--suite", required=True, help="A shipped suite (nano-1) or a YAML file.")
@data_dir
@click.option("--engine", help="vllm, transformers or lm-eval:NAME.  [default: vllm if installed]")
@click.option("--dtype", type=click.Choice(["float32", "bfloat16", "float16"]), help="Default: float32 on a CPU.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where runs go.")
@click.option(
    "--max-model-len",
    type=click.IntRange(1),
    help="Longest prompt plus answer, in tokens.  [default: what suite and model need]",
)
@click.option("--batch", default=256, show_default=True, help="Requests in the engine at once; the second run: 3/4.")
@click.option("--threads", default=1, show_default=True, help="CPU threads of the engine.")
@engine_options
@click.option("--seed", default=1, show_default=True, help="Seed of the item order of the second run.")
@sampling
@click.option("--json", "as_json", is_flag=True, help="Print noise.json instead of a table.")
def command(
    base: str,
    suite: str,
    out: Path,
    seed: int,
    as_json: bool,
    **settings: Any,
) -> None:
    """Run BASE twice, in another order and batch size, and store what moved: F and BT of the base against itself.

    The second run is kept next to the first and shares no stored answer with it; noise.json goes into the first one's
    folder, where `retention evaluate` finds it.

    \b
    Examples:
      retention noise nano:base --suite nano-1
      retention noise ./base --suite nano-1 --engine vllm --dtype bfloat16 --seed 2
      retention noise ./base --suite nano-1 --repeats 8 --temperature 0.7  # other draws of the same model
    """
    from harness.cli.progress import RichWatcher

    with RichWatcher() as watcher:
        watcher.stage("starting")
        from harness.api import engine_note, measure_base_noise
        from harness.cli.columns import echo_columns
        from harness.evaluation import NOISE_FILE
        from harness.scoring import point_interval, share

        if note := engine_note(**settings):
            click.echo(note, err=True)
        folder, floor = measure_base_noise(base, suite=suite, out=out, seed=seed, watcher=watcher, **settings)
    if as_json:
        click.echo(floor.model_dump_json(indent=2))
        return
    rows = [
        [name, str(task.n), str(task.outputs_differ), share(task.forgotten_rate), share(task.backward_transfer),
         point_interval(task.delta_ci)]
        for name, task in floor.tasks.items()
    ]  # fmt: skip
    echo_columns(("task", "items", "texts differ", "F", "BT", "BT - F, 95 %"), rows, ("task",))
    if floor.agrees:
        click.echo("The two runs gave the same text for every item: on this engine the noise floor is zero.")
    click.echo(f"Noise floor: {folder / NOISE_FILE}; second run: {folder.parent / floor.second}")
