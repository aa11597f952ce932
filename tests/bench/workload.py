"""What is asked: a suite of GSM8K and ARC items that both sides read from the same task files, and where data lies."""

import os
from dataclasses import dataclass
from pathlib import Path

import yaml

TASKS = Path(__file__).parent / "tasks"
MAX_MODEL_LEN = 1024


@dataclass(frozen=True)
class Workload:
    """A suite file, the folder of its task files (lm-eval's ``include_path``), and how many items it holds."""

    suite: Path
    tasks: tuple[str, ...]
    items: int

    @property
    def folder(self) -> Path:
        return self.suite.parent


def use_data() -> str:
    """Say where the items come from, and make the child processes read them there."""
    data = Path(os.environ.get("RETENTION_DATA", "data")).resolve()
    os.environ["RETENTION_DATA"] = str(data)
    missing = [name for name in ("gsm8k", "arc") if not (data / name).is_dir()]
    return "procedural stand-ins (no GSM8K and ARC data found)" if missing else "GSM8K test, ARC-Challenge test"


def photo() -> Path | None:
    """A photograph to cut into a jigsaw, if there is one."""
    found = sorted(Path(os.environ["RETENTION_DATA"]).glob("photos/images/*.jpg"))
    return found[0] if found else None


def write(folder: Path, prompt: str = "plain", **counts: int) -> Workload:
    """Write a suite of the first ``counts[source]`` items of each source; neither side sees any other task file."""
    from harness.items import items_digest
    from harness.lmeval import load_tasks

    sources = {f"bench_{source}": source for source, count in counts.items() if count}
    for name, source in sources.items():
        write_task(folder, name, source, counts[source])
    places = {
        name: {"family": sources[name], "group": "bench", "count": len(loaded.item_ids)}
        | {"digest": items_digest(loaded.item_ids)}
        for name, loaded in load_tasks(list(sources), folder).items()
    }
    suite = {"name": "bench", "version": "1", "title": "Benchmark items", "prompt": prompt, "tasks": places}
    path = folder / "bench-1.yaml"
    path.write_text(yaml.safe_dump(suite, sort_keys=False))
    return Workload(path, tuple(sources), sum(counts.values()))


def write_task(folder: Path, name: str, source: str, count: int) -> Path:
    """Write the task file ``name`` with its number of items into ``folder``; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    task = {"task": name, "include": str(TASKS / f"{name}.yaml"), "dataset_kwargs": {"source": source, "count": count}}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(task))
    return folder
