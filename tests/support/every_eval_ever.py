"""The schema of Every Eval Ever records, out of the package that publishes it: one version, in a folder git ignores.

The package wants a newer Python than the project's oldest and a dozen libraries, so that it is not installed: its wheel
is fetched and read. ``python -m tests.support.every_eval_ever`` fetches it, and so does the test that needs it.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

VERSION = "0.3.0"
SHA256 = "564b8bc624c1f822f749a769dc69dc058a736e83d920cbeb147c3a30d3152317"
FOLDER = Path(__file__).parents[2] / ".retention" / "every-eval-ever"
WHEEL = FOLDER / f"every_eval_ever-{VERSION}-py3-none-any.whl"
_FETCH = ("download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", f"every-eval-ever=={VERSION}")
COMMAND = f"pip {' '.join(_FETCH)} --dest {FOLDER.relative_to(FOLDER.parents[1])}"


class SchemaMissingError(Exception):
    """The package is not there and could not be fetched; the message has the command to run."""


def published_schema(name: str = "eval") -> dict[str, Any]:
    """The schema of a whole record, or of another kind ("instance_level_eval"), from the package, which is checked
    each time."""
    if not WHEEL.is_file():
        _fetch()
    data = WHEEL.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise SchemaMissingError(f"{WHEEL}: its sha256 is not that of release {VERSION}; remove it and run: {COMMAND}")
    with zipfile.ZipFile(WHEEL) as wheel:
        return dict(json.loads(wheel.read(f"every_eval_ever/schemas/{name}.schema.json")))


def _fetch() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as draft:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
        try:
            subprocess.run(
                [*pip, *_FETCH, "--dest", draft], check=True, capture_output=True, text=True, timeout=120
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            raise SchemaMissingError(
                f"Every Eval Ever {VERSION} cannot be fetched ({error}); run: {COMMAND}"
            ) from error
        Path(draft, WHEEL.name).replace(WHEEL)


if __name__ == "__main__":
    try:
        published_schema()
    except SchemaMissingError as error:
        sys.exit(str(error))
