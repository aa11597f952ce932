"""``retention card``: what a model's page on the Hugging Face hub says of a pair, from one's own run."""

import json
from pathlib import Path

import click


@click.command(name="card")
@click.argument("tuned")
@click.option("--base", help="The base's run folder: score the pair anew. Else the scorecard in TUNED's run is taken.")
@click.option("--target", help="The task family that was tuned for, where TUNED was scored for several or is anew.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True,
    help="Folder of runs, in which the name of a checkpoint is looked for.",
)  # fmt: skip
@click.option("--write", "readme", type=click.Path(path_type=Path), metavar="README.md",
              help="Put it into this card, and .eval_results/ beside it; what else is in them stays.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object.")
def command(tuned: str, base: str | None, target: str | None, out: Path, readme: Path | None, as_json: bool) -> None:
    """Print the model-index and .eval_results blocks for the model card of TUNED.

    TUNED is the run folder of an evaluated fine-tune, or its name in records (as `retention runs list` prints it).
    The numbers are marked as self-reported; a page on the board needs `retention submit prepare`.

    \b
    Examples:
      retention card nano-sft
      retention card runs/nano-1/nano-sft-3a5bdde5e82d/vllm-float32 --target jigsaw
      retention card runs/TUNED --base runs/BASE --target math --write tuned/README.md
      retention card nano-sft --json
    """
    from harness.api import own_card

    block = own_card(tuned, base=base, target=target, out=out)
    written = [] if readme is None else block.write(readme)
    if as_json:
        click.echo(json.dumps(block.to_dict(), indent=2, ensure_ascii=False))
    elif readme is None:
        click.echo(block.to_text(), nl=False)
    for path in written:
        click.echo(f"Written: {path}", err=as_json)
