"""``retention dynamics``: why training data of one kind moves a base more than of another."""

from pathlib import Path

import click

from harness.cli.options import data_dir

_PATH = click.Path(path_type=Path)
_COUNT = click.IntRange(1)


def _print_schema(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted:
        from harness.scoring import dynamics_schema

        click.echo(dynamics_schema(), nl=False)
        ctx.exit()


@click.command(name="dynamics")
@click.argument("base")
@click.option(
    "--train",
    "training",
    multiple=True,
    required=True,
    metavar="[LABEL=]DATA",
    help="Training data: a folder of examples, or a named source (nano-math, nano-math/worked). Repeatable.",
)
@click.option(
    "--probe", help="A suite (nano-1, or a YAML file) whose tasks other than the target are the prior probes."
)
@click.option(
    "--checkpoint", "checkpoints", multiple=True, help="Also measure the drift of this fine-tune. Repeatable."
)
@click.option("--target", help="The task family that is trained.  [default: that of the training data]")
@data_dir
@click.option("--limit", type=_COUNT, default=64, show_default=True, help="Examples of a kind to read.")
@click.option("--examples", type=_COUNT, default=8, show_default=True, help="Examples of a kind to take a step on.")
@click.option("--probes", type=_COUNT, default=4, show_default=True, help="Probes of a prior task, for the steps.")
@click.option("--prompts", type=_COUNT, default=16, show_default=True, help="Prompts of a task, for the drift.")
@click.option("--answer-tokens", type=_COUNT, default=64, show_default=True, help="Most tokens of an answer to read.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the draw of examples.")
@click.option("--threads", type=_COUNT, default=1, show_default=True, help="CPU threads.")
@click.option("--json", "json_file", type=_PATH, help="Also write everything to this file.")
@click.option("--html", "html_file", type=_PATH, help="Also write the page of plots to this file.")
@click.option("--schema", is_flag=True, is_eager=True, expose_value=False, callback=_print_schema,
              help="Print the JSON Schema of the file and exit.")  # fmt: skip
def command(
    base: str,
    training: tuple[str, ...],
    probe: str | None,
    checkpoints: tuple[str, ...],
    target: str | None,
    limit: int,
    examples: int,
    probes: int,
    prompts: int,
    answer_tokens: int,
    seed: int,
    threads: int,
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Say why training data moves BASE as it does: diagnostics, never ranked.

    Of each kind of training example: the base's perplexity on the targets; and with --probe, from real steps of
    gradient descent on single examples, how strongly (a lower bound on the norm of the tangent kernel) and in which
    direction (the cosine of gradients) they move what the base says to prior tasks. Of each --checkpoint: the exact KL
    divergence per token from the base, on target prompts (the suite's, else the training questions) and on prior ones.

    Everything is read with transformers in float32 (the drift on a GPU in bfloat16), one text at a time; the steps need
    memory for the weights four times over.

    \b
    Examples:
      retention dynamics nano:base --train nano-math --train nano-math/worked --probe nano-1 --html why.html
      retention dynamics nano:base --train nano-jigsaw --train data/self --probe nano-1 --checkpoint nano:sft
      retention dynamics BASE --train bare=gsm8k --train data/rollouts --probe core-text-1 --json dynamics.json
    """
    from rich.console import Console

    from harness.cli.compare import write_text
    from harness.cli.progress import Bars

    with Bars() as bars:
        bars.stage(f"reading {base}, the training data and the probes")
        from harness.dynamics import Size, measure_dynamics, plan_dynamics
        from harness.report import render_dynamics, render_dynamics_page

        size = Size(limit, examples, probes, prompts, answer_tokens, seed)
        plan = plan_dynamics(
            base, training, probe=probe, checkpoints=checkpoints, target=target, size=size, threads=threads
        )
        bars.stage("loading the model")
        found = measure_dynamics(plan, bars.show)
    if json_file is not None:
        write_text(json_file, found.to_json())
    if html_file is not None:
        write_text(html_file, render_dynamics_page(found))
    render_dynamics(found, Console())
