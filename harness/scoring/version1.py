"""Version 1: scorecards that an earlier scorer wrote, read into the fields of this one.

Their numbers stay what that scorer made of them: p-values are McNemar's over items, retention the mean of single tasks
clipped to [0, 1]. What it did not say is null, with that as its reason.
"""

from typing import Any

_UNSAID = "scorer version 1 did not say"
_TASK = {"mcnemar_p": "p_value", "mcnemar_p_holm": "p_holm", "minimum_detectable_difference": "smallest_loss"}
_ADDED = {
    "task": ("design_effect", "base_above_chance"),
    "group": ("units", "ratio", "ratio_ci"),
    "noise": ("given_known_noise",),
    "card": ("retention_ratio", "retention_ratio_ci", "rests_on"),
}


def upgrade(document: dict[str, Any]) -> dict[str, Any]:
    """A scorecard of version 1 in the fields of version 2; one that has them already is returned as it is."""
    if "rests_on" in document:
        return document
    noise = document["noise"]
    return _filled("card", document) | {
        "tasks": {name: _filled("task", _renamed(task)) for name, task in document["tasks"].items()},
        "groups": {name: _filled("group", group) for name, group in document["groups"].items()},
        "noise": noise and noise | {"tasks": {name: _filled("noise", task) for name, task in noise["tasks"].items()}},
    }


def _renamed(task: dict[str, Any]) -> dict[str, Any]:
    return {_TASK.get(name, name): value for name, value in task.items()}


def _filled(part: str, fields: dict[str, Any]) -> dict[str, Any]:
    missing = _ADDED[part]
    why = dict.fromkeys(missing, _UNSAID)
    return fields | dict.fromkeys(missing) | {"reasons": fields.get("reasons", {}) | why}
