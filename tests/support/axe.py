"""axe-core, the checker of accessibility: one version, installed with npm into a folder that git ignores.

``python -m tests.support.axe`` installs it; the browser tests do so too where it is missing.
"""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "4.14.1"
# Of the package as npm publishes it.
SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
FOLDER = Path(__file__).parents[2] / ".retention" / "axe"
PACKAGE = FOLDER / f"axe-core-{VERSION}.tgz"
COMMAND = f"npm pack axe-core@{VERSION} --pack-destination {FOLDER.relative_to(FOLDER.parents[1])}"


class AxeMissingError(Exception):
    """axe-core is not there and could not be installed; the message has the command to run."""


def axe_source() -> str:
    """The script of axe-core, from its package, which is checked each time."""
    if not PACKAGE.is_file():
        _install()
    data = PACKAGE.read_bytes()
    if base64.b64encode(hashlib.sha512(data).digest()).decode() != SHA512:
        raise AxeMissingError(f"{PACKAGE}: its sha512 is not that of axe-core {VERSION}; remove it and run: {COMMAND}")
    with tarfile.open(fileobj=io.BytesIO(data)) as package:
        script = package.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


def _install() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as draft:
        try:
            subprocess.run(
                ["npm", "pack", "--silent", f"axe-core@{VERSION}", "--pack-destination", draft],
                check=True, capture_output=True, text=True, timeout=120,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            raise AxeMissingError(f"axe-core {VERSION} cannot be installed ({error}); run: {COMMAND}") from error
        Path(draft, PACKAGE.name).replace(PACKAGE)


if __name__ == "__main__":
    try:
        axe_source()
    except AxeMissingError as error:
        sys.exit(str(error))
