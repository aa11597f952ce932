"""The shipped nano checkpoints on both engines, fp32 greedy: which items are answered differently."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import children


def measure(say: Callable[[str], None]) -> dict[str, Any]:
    """Every nano checkpoint on the whole nano suite, on vLLM and on transformers; ids of the items that differ."""
    from harness.checkpoints.checkpoint import nano_root

    names = sorted(path.name for path in nano_root().glob("*/"))
    first, *others = [f"nano:{name}" for name in sorted(names, key=lambda name: name != "base")]
    folders: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for engine in ("vllm", "transformers"):
            say(f"engines: {', '.join([first, *others])} on {engine}")
            settings = {"name": engine, "dtype": "float32"}
            spec = {"base": first, "tuned": others, "suite": "nano-1", "settings": settings, "out": folder}
            folders[engine] = children.run("ours", spec).report["folders"]
        pairs = zip([first, *others], folders["vllm"], folders["transformers"], strict=True)
        return {name: _differing(Path(vllm), Path(other)) for name, vllm, other in pairs}


def _differing(first: Path, second: Path) -> dict[str, Any]:
    from click.testing import CliRunner

    from harness.cli.diff import command
    from harness.records.run import read_run

    told = CliRunner().invoke(command, [str(first), str(second), "--json"])
    rows = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
    tables = [read_run(folder).samples.set_index("item_id") for folder in (first, second)]
    digests = [table["prompt_digest"].sort_index() for table in tables]
    outcomes = {row["item_id"]: [str(table.at[row["item_id"], "outcome"]) for table in tables] for row in rows}
    return {
        "items": len(tables[0]),
        "prompts_differ": int((digests[0] != digests[1]).sum()),
        "outputs_differ": len(rows),
        "outcomes_differ": sum(one != other for one, other in outcomes.values()),
        "differing": [
            {"item_id": row["item_id"], "task": row["task"], "outcomes": outcomes[row["item_id"]]} for row in rows
        ],
    }
