"""Identity of entries: ids that follow from the content, the files of an entry, and their sha256 list."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from harness.errors import RetentionError
from harness.items import canonical_json
from harness.records import RECORD_FILE, SAMPLES_FILE, RunRecord, file_sha256
from leaderboard.documents.manifest import MANIFEST_FILE

TUNED_FOLDER = "tuned"
TEMPLATE_FILE = "chat_template.jinja"
SUMS_FILE = "SHA256SUMS"
DYNAMICS_FILE = "dynamics.json"

ENTRY_FILES = frozenset({MANIFEST_FILE, SUMS_FILE, f"{TUNED_FOLDER}/{RECORD_FILE}", f"{TUNED_FOLDER}/{SAMPLES_FILE}"})
# Only a run with its own chat template includes the template, which is checked before use.
OPTIONAL_FILES = frozenset({f"{TUNED_FOLDER}/{TEMPLATE_FILE}", DYNAMICS_FILE})
BASE_FILES = frozenset({SUMS_FILE, RECORD_FILE, SAMPLES_FILE})

ENTRY_ID = re.compile(r"\A[a-z2-7]{12}\Z", re.ASCII)
_SUMS_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9_./-]{1,80})", re.ASCII)


def entry_id(suite: str, base_digest: str, tuned_digest: str, protocol: str) -> str:
    """The id of an entry: 12 base32 characters of the sha256 over what makes it unique.

    ``suite`` is ``<id>-<version>``. Two submissions of one pair under one protocol are the same entry.
    """
    content = {"suite": suite, "base": base_digest, "tuned": tuned_digest, "protocol": protocol}
    return base64.b32encode(hashlib.sha256(canonical_json(content)).digest()).decode().lower()[:12]


def entry_id_of(base: RunRecord, tuned: RunRecord) -> str:
    """The entry id of a pair of runs."""
    return entry_id(
        suite_name(base), base.checkpoint.weights_digest, tuned.checkpoint.weights_digest, base.suite.protocol
    )


def suite_name(record: RunRecord) -> str:
    """``<id>-<version>`` of a run's suite."""
    return f"{record.suite.name}-{record.suite.version}"


def base_folder(bases: Path, suite: str, weights_digest: str) -> Path:
    """Where the one run of a base on a suite is kept."""
    return bases / suite / weights_digest[:12]


def seal(folder: Path) -> None:
    """Write ``SHA256SUMS`` over every other file of ``folder`` (``sha256sum -c`` reads it), replacing an older one."""
    (folder / SUMS_FILE).unlink(missing_ok=True)
    (folder / SUMS_FILE).write_bytes(sums_bytes({name: file_sha256(folder / name) for name in file_names(folder)}))


def file_names(folder: Path) -> set[str]:
    """The files below ``folder``, by their paths from there."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def sums_bytes(sums: Mapping[str, str]) -> bytes:
    """``SHA256SUMS`` of files of these sha256, in the order of their names."""
    return "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode("ascii")


def read_sums(path: Path) -> dict[str, str]:
    """sha256 by file name, from a ``SHA256SUMS``; ``RetentionError`` names an invalid line."""
    data = path.read_bytes()
    sums: dict[str, str] = {}
    for number, line in enumerate(data.decode("ascii", errors="replace").split("\n")[:-1], start=1):
        found = _SUMS_LINE.fullmatch(line)
        if found is None or found[2] in sums:
            raise RetentionError(f"{path}: line {number}: not `<sha256>  <file>`, each file once")
        sums[found[2]] = found[1]
    if not data.endswith(b"\n"):
        raise RetentionError(f"{path}: does not end with a newline")
    return sums
