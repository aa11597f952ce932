"""Identity of entries: ids that follow from the content, the files of an entry, and their sha256 list."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from harness.errors import RetentionError
from harness.items import canonical_json
from harness.records import RECORD_FILE, SAMPLES_FILE, Run, RunRecord, file_sha256
from leaderboard.documents.manifest import MANIFEST_FILE, Manifest

TUNED_FOLDER = "tuned"
TEMPLATE_FILE = "chat_template.jinja"
SUMS_FILE = "SHA256SUMS"
DYNAMICS_FILE = "dynamics.json"

ENTRY_FILES = frozenset({MANIFEST_FILE, SUMS_FILE, f"{TUNED_FOLDER}/{RECORD_FILE}", f"{TUNED_FOLDER}/{SAMPLES_FILE}"})
# Only a run with its own chat template includes the template, which is checked before use.
OPTIONAL_FILES = frozenset({f"{TUNED_FOLDER}/{TEMPLATE_FILE}", DYNAMICS_FILE})
BASE_FILES = frozenset({SUMS_FILE, RECORD_FILE, SAMPLES_FILE})

ENTRY_ID = re.compile(r"\A[a-z2-7]{12}\Z", re.ASCII)
# A base run among the base runs: its suite, and 12 digits of its weights; a further run also has 16 of its own id.
BASE_HOME = r"[a-z0-9][a-z0-9_.-]{0,100}/[0-9a-f]{12}(-[0-9a-f]{16})?"
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


def base_folder(bases: Path, suite: str, weights_digest: str, run_id: str | None = None) -> Path:
    """Where a run of a base on a suite is kept: the first one, and the further one of ``run_id``."""
    return bases / suite / (weights_digest[:12] + ("" if run_id is None else f"-{run_id[:16]}"))


def base_home(manifest: Manifest) -> str:
    """Where the base run that a manifest names lies among the base runs."""
    suite = f"{manifest.suite.id}-{manifest.suite.version}"
    return base_folder(Path(), suite, manifest.base.weights_digest, manifest.base_run).as_posix()


def is_further(home: str) -> bool:
    """Whether ``home`` is the place of a further run of a base, and not of the one that came first."""
    return "-" in home.rpartition("/")[2]


def base_run_id(run: Run) -> str:
    """sha256 over what a base run answered, and under which conditions: what tells it from others of its weights.

    Two runs may say the same and yet not be comparable with the same fine-tunes, so that the samples alone are not
    enough. What judging again changes is left out: a run keeps its place.
    """
    facts = run.record.model_dump(mode="json", exclude_defaults=True, exclude={"judge", "samples_sha256"})
    return hashlib.sha256(canonical_json({"run": facts, "said": answers_digest(run)})).hexdigest()


def answers_digest(run: Run) -> str:
    """sha256 over the outputs of a run with their items, however they were judged."""
    digest = hashlib.sha256()
    for answer in zip(run.samples["item_id"].tolist(), run.samples["output"].tolist(), strict=True):
        digest.update(json.dumps(answer).encode())
    return digest.hexdigest()


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
