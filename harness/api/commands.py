"""Commands: what a person may run next, as lines that run as they are printed."""

import json
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.sources import DATA_VARIABLE


def command_line(
    command: str, arguments: Sequence[str], options: Mapping[str, Any], settings: Mapping[str, Any]
) -> str:
    """``retention COMMAND ARGUMENTS`` with ``options`` and those ``settings`` of an engine that were chosen.

    An option whose value is None is left out; the data folder of this process is named.
    """
    words = ["retention", *command.split(), *arguments]
    for name, value in {**options, "data_dir": os.environ.get(DATA_VARIABLE) or None, **settings}.items():
        words += _option(name, value)
    return " ".join(map(shlex.quote, words))


def _option(name: str, value: Any) -> Iterable[str]:
    if value is None or value == {} or value == ():
        return []
    if name == "template_args":
        return [word for key, each in value.items() for word in ("--template-arg", f"{key}={json.dumps(each)}")]
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, list | tuple):
        return [word for each in value for word in (option, str(each))]
    return [option, os.fspath(value) if isinstance(value, os.PathLike) else str(value)]
