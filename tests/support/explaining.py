"""A small document of ``retention dynamics``, as JSON values; whole, and every part of it consistent."""

import copy
import json
from pathlib import Path
from typing import Any

_PART = {
    "n": 4,
    "magnitude": 12.5,
    "magnitude_ci": [10.0, 15.0],
    "magnitude_quantiles": [9.0, 10.0, 12.0, 14.0, 16.0],
    "direction": -0.25,
    "direction_ci": [-0.5, 0.125],
    "slope": -3.5,
    "slope_ci": [-6.0, -1.0],
    "lowers": 0.75,
}
_KL = {
    "n": 3,
    "n_tokens": 30,
    "forward_kl": 0.5,
    "forward_kl_ci": [0.25, 0.75],
    "reverse_kl": 0.4,
    "reverse_kl_ci": [0.2, 0.6],
}
_DOCUMENT = {
    "schema_version": 1,
    "base": {"name": "base", "weights_digest": "a" * 64},
    "training": [{"source": "nano-jigsaw", "digest": "d" * 64, "examples": 100, "policy_weights_digest": None}],
    "probes": {"suite": "nano-1", "digest": "e" * 64, "target": "jigsaw"},
    "settings": {
        "device": "cpu",
        "seed": 0,
        "limit": 64,
        "examples": 2,
        "probes": 2,
        "prompts": 3,
        "answer_tokens": 64,
        "relative_step": 1e-5,
        "own_change": 0.3,
        "drift_dtype": "float32",
    },
    "perplexity": {
        "bare": {
            "n": 10,
            "n_questions": 10,
            "n_tokens": 120,
            "perplexity": 402.5,
            "perplexity_ci": [350.0, 460.0],
            "quantiles": [200.0, 300.0, 400.0, 500.0, 900.0],
            "histogram": [0] * 9 + [4, 6] + [0] * 13,
        }
    },
    "influence": {
        "bare": {
            "reasons": {},
            "n_examples": 2,
            "n_probes": 4,
            "n_certain": 0,
            "n_certain_probes": 1,
            "all": _PART | {"n": 8},
            "tasks": {"math_word": _PART, "vision_count": _PART | {"direction": 0.25}},
            "first_order_error": 0.015,
        }
    },
    "target_prompts": "suite",
    "drift": [
        {
            "reasons": {},
            "model": {"name": "tuned", "weights_digest": "b" * 64},
            "target": _KL | {"forward_kl": 2.5, "forward_kl_ci": [2.0, 3.0]},
            "prior": _KL,
            "tasks": {"math_word": _KL},
        }
    ],
    "reasons": {},
}


def written_for(base: str, tuned: str, folder: Path, **changed: Any) -> Path:
    """The document as a file, of the checkpoints with these weights digests."""
    made = document(**changed)
    made["base"]["weights_digest"] = base
    if made["drift"]:
        made["drift"][0]["model"]["weights_digest"] = tuned
    path = folder / "dynamics.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    return path


def document(**changed: Any) -> dict[str, Any]:
    """A fresh copy, with some fields replaced."""
    return copy.deepcopy(_DOCUMENT) | changed
