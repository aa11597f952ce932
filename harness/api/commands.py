"""Commands: what a person may run next, as lines that run as they are printed."""

import json
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.sources import DATA_VARIABLE

# Settings as they are where nobody chose them.
_DEFAULTS: Mapping[str, Any] = {
    "batch": 256,
    "threads": 1,
    "adapters": "auto",
    "processor": "base",
    "tensor_parallel": 1,
    "executor": "local",
}
# The settings that `retention check` has no options for.
_NOT_OF_CHECK = frozenset({"temperature", "repeats", "top_p", "sampling_seed"})


def command_line(
    command: str, arguments: Sequence[str], options: Mapping[str, Any], settings: Mapping[str, Any]
) -> str:
    """``retention COMMAND ARGUMENTS`` with ``options`` and those ``settings`` of an engine that were chosen.

    An option whose value is None is left out, as is a setting at its default or without an option of COMMAND; the data
    folder of this process is named.
    """
    chosen = {
        name: value
        for name, value in settings.items()
        if _DEFAULTS.get(name) != value and (command != "check" or name not in _NOT_OF_CHECK)
    }
    words = ["retention", *command.split(), *arguments]
    for name, value in {**options, "data_dir": os.environ.get(DATA_VARIABLE) or None, **chosen}.items():
        words += _option(name, value)
    return " ".join(map(shlex.quote, words))


def _option(name: str, value: Any) -> Iterable[str]:
    if value is None or value in ({}, (), []):
        return []
    if name in ("template_args", "engine_args"):
        word = f"--{name.removesuffix('s').replace('_', '-')}"
        return [part for key, each in value.items() for part in (word, f"{key}={json.dumps(each)}")]
    if name == "pixels":
        return ["--pixels", "-".join(map(str, value))]
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, list | tuple):
        return [word for each in value for word in (option, str(each))]
    return [option, os.fspath(value) if isinstance(value, os.PathLike) else str(value)]
