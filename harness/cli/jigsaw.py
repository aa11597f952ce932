"""``retention tasks jigsaw``: a jigsaw task and its suite, cut from a folder of the user's pictures."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.pictures import Grid, JigsawSet, Recipe


@click.command(name="jigsaw")
@click.option("--images", type=click.Path(path_type=Path), required=True, help="Folder of pictures, and all below it.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the task and suite files.")
@click.option("--name", default="jigsaw_images", show_default=True, help="Name of the task; the suite is NAME-1.")
@click.option("--grid", default="3x3", show_default=True, help="Rows x columns.")
@click.option("--protocol", type=click.Choice(["direct", "think"]), default="direct", show_default=True)
@click.option("--layout", type=click.Choice(["whole", "tiles"]), default="whole", show_default=True)
@click.option("--per-picture", type=click.IntRange(1), default=1, show_default=True, help="Orders of each picture.")
@click.option("--count", type=click.IntRange(1), help="Stop after this many pictures. Default: all.")
@click.option("--seed", default=1, show_default=True)
@click.option("--patch", type=click.IntRange(1), default=28, show_default=True, help="Pixels of a visual token's side.")
@click.option("--json", "as_json", is_flag=True, help="Print what was taken and dropped as JSON.")
def command(
    images: Path,
    out: Path,
    name: str,
    grid: str,
    protocol: str,
    layout: str,
    per_picture: int,
    count: int | None,
    seed: int,
    patch: int,
    as_json: bool,
) -> None:
    """Cut a folder of pictures into jigsaws: write a task, and a suite that fixes its items.

    Pictures with a flat tile, with two tiles that look alike, too small or unreadable are dropped and counted. The
    pictures stay where they are; the task file names their folder.

    \b
    Examples:
      retention tasks jigsaw --images photos --out mine
      retention tasks jigsaw --images photos --out mine --grid 2x2 --per-picture 4 --name photos_2x2
      retention evaluate BASE TUNED --suite mine/jigsaw_images-1.yaml --target jigsaw
    """
    from dataclasses import asdict
    from math import factorial

    from harness.pictures import Folder, Recipe, make

    folder = images.expanduser().resolve()
    shape = _grid(grid)
    if per_picture >= factorial(shape.tiles):
        raise click.UsageError(
            f"--per-picture {per_picture}: {grid} has only {factorial(shape.tiles) - 1} shuffled orders"
        )
    recipe = Recipe(name, shape, protocol, layout, seed, per_picture, patch)  # type: ignore[arg-type]
    made = make(recipe, Folder(folder), str(folder), count)
    if not made.documents:
        raise click.UsageError(f"--images {images}: {made.summary()}; no item is left")
    task, suite = _write(out, recipe, folder, count, made)
    if as_json:
        import json

        written = {"task": str(task), "suite": str(suite), "items": len(made.documents), "pictures": made.pictures}
        click.echo(json.dumps({**written, "dropped": dict(sorted(made.dropped.items())), "recipe": asdict(recipe)}))
        return
    click.echo(f"{made.summary()}; {len(made.documents)} items\n{task}\n{suite}")


def _grid(text: str) -> "Grid":
    from harness.pictures import Grid

    rows, _, columns = text.partition("x")
    try:
        return Grid(int(rows), int(columns))
    except ValueError as error:
        raise click.UsageError(f"--grid {text}: rows x columns, at least two tiles, for example 3x3") from error


def _write(out: Path, recipe: "Recipe", images: Path, count: int | None, made: "JigsawSet") -> tuple[Path, Path]:
    """The task's YAML, which includes what all jigsaws share, and the frozen suite next to it."""
    import yaml
    from pydantic import ValidationError

    from harness.items import items_digest
    from harness.records import Suite, SuiteError, SuiteTask, tasks_root
    from harness.suites import find_task

    task_file, suite_file = out / f"{recipe.task}.yaml", out / f"{recipe.task}-1.yaml"
    for path in (task_file, suite_file):
        if path.exists():
            raise SuiteError(f"{path}: there already, and a suite is never changed; choose another --name or --out")
    like = "jigsaw_coco_3x3_think" if recipe.protocol == "think" else "jigsaw_coco_3x3"
    place = SuiteTask(
        family="jigsaw",
        group="puzzles",
        count=len(made.documents),
        digest=items_digest(document["item_id"] for document in made.documents),
        max_tokens=find_task(like).max_tokens,
    )
    title = f"Jigsaws of {recipe.grid.name} tiles, {made.summary()}"
    try:
        suite = Suite(name=recipe.task, version="1", title=title, tasks={recipe.task: place})
    except ValidationError as error:
        raise click.UsageError(f"--name {recipe.task}: small letters, digits, dots, - and _ only") from error
    arguments = {"task": recipe.task, "images": str(images), "rows": recipe.grid.rows, "columns": recipe.grid.columns}
    arguments |= {name: getattr(recipe, name) for name in ("protocol", "layout", "seed", "per_picture", "patch")}
    arguments |= {"count": count}
    shared = tasks_root() / "jigsaw" / ("_think.yaml" if recipe.protocol == "think" else "_jigsaw.yaml")
    task = {"include": str(shared), "task": recipe.task, "dataset_kwargs": arguments}
    out.mkdir(parents=True, exist_ok=True)
    task_file.write_text(yaml.safe_dump(task, sort_keys=False), encoding="utf-8")
    fields = suite.model_dump(mode="json", exclude_defaults=True)
    suite_file.write_text(yaml.safe_dump(fields, sort_keys=False), encoding="utf-8")
    return task_file, suite_file
