"""The plan of a small study, written to a file."""

from pathlib import Path
from typing import Any

import yaml

SMALL: dict[str, Any] = {
    "name": "small",
    "title": "A small study",
    "base": "nano:base",
    "suite": "nano-1",
    "part": 10,
    "seeds": [0, 1],
    "targets": {
        "jigsaw": {
            "config": "nano-jigsaw",
            "trainings": {
                "sft": {"method": "sft", "title": "SFT"},
                "rft": {"method": "rft", "title": "RFT"},
                "rollout-sft": {"method": "rollout-sft", "title": "R", "policy": {"training": "rft"}},
            },
            "claims": [{"keeps": "rft", "than": ["sft"], "source": "a paper"}],
        }
    },
    "quick": {"seeds": [0], "targets": {"jigsaw": {"trainings": {"sft": {"set": {"optimisation.steps": 6}}}}}},
}


def written(folder: Path, **changes: Any) -> str:
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump({**SMALL, **changes}), encoding="utf-8")
    return str(path)
