"""Runs: the record of one checkpoint on one suite, and the run folder with the record and its samples."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field, ValidationError

from harness.errors import first_problem
from harness.items import canonical_json
from harness.records.samples import SAMPLES_FILE, Digest, RunError, file_sha256, read_samples
from harness.records.strict import StrictModel

RECORD_FILE = "run.json"

# The suffix of the version of a suite whose items are not fixed yet.
DRAFT = "-draft"


class CheckpointRecord(StrictModel):
    """Identity of the evaluated model: ``weights_digest`` covers every file's path and sha256."""

    name: str
    kind: Literal["full", "adapter"]
    source: Literal["hub", "local"]
    revision: str | None = None
    weights_digest: Digest
    tokenizer_digest: Digest
    files: dict[str, Digest]
    architecture: str
    base: "CheckpointRecord | None" = None


class SuiteRecord(StrictModel):
    """Identity of the items: ``digest`` covers all item ids in suite order.

    ``transfer`` lists tasks that are untrained variants of their family; ``adjacent`` lists, for a task, the families
    whose training is known to affect it. Both are empty in records of suites without these fields.
    """

    name: str
    version: str
    digest: Digest
    protocol: str
    tasks: dict[str, int]
    transfer: tuple[str, ...] = ()
    adjacent: dict[str, tuple[str, ...]] = {}

    @property
    def is_draft(self) -> bool:
        """Whether the suite's items were not fixed yet, so that the run cannot be compared or repeated."""
        return self.version.endswith(DRAFT)

    @property
    def comparable(self) -> str:
        """``<name>-<number>``: shared by the versions whose scores are comparable, which differ in their letter."""
        return re.sub(r"(?<=[0-9])[a-z]\Z", "", f"{self.name}-{self.version}")


class EngineRecord(StrictModel):
    """The engine that produced the answers; a pair never mixes two environments."""

    name: str
    version: str
    dtype: str
    mode: str
    device: str
    adapter: Literal["none", "merged", "lora"] = "none"

    @property
    def environment(self) -> str:
        """What both runs of a pair must share: everything except how an adapter was applied."""
        return "/".join((self.name, self.version, self.dtype, self.mode, self.device))

    @property
    def fingerprint(self) -> str:
        """Everything about the engine that may affect an answer; part of the response store's key."""
        return f"{self.environment}/{self.adapter}"


class ConditionsRecord(StrictModel):
    """What both models of a pair are given alike beside their prompts; a pair never mixes two.

    ``max_model_len`` is the most tokens of prompt plus answer.
    """

    max_model_len: Annotated[int, Field(gt=0)]

    @property
    def digest(self) -> str:
        """sha256 (hex) over all fields; part of the response store's key."""
        return hashlib.sha256(canonical_json(self.model_dump())).hexdigest()


class ScreenRecord(StrictModel):
    """Where a screening stopped: after ``look`` of ``looks`` looks, because ``z`` had left [-boundary, boundary] or all
    items were evaluated. ``seed`` fixed the order of the items."""

    target: str
    seed: int
    look: Annotated[int, Field(ge=1)]
    looks: Annotated[int, Field(ge=1)]
    z: Annotated[float, Field(allow_inf_nan=False)]
    boundary: Annotated[float, Field(gt=0, allow_inf_nan=False)]

    @property
    def decided(self) -> bool:
        return abs(self.z) >= self.boundary


class FullLog(StrictModel):
    """The original samples file of the run, if the one next to this record has truncated outputs.

    ``samples_sha256`` and ``size`` (bytes) are of the full file, ``cut`` counts the truncated outputs. ``repo``,
    ``revision`` (a commit of a data set on the hub) and ``path`` locate the full file, if it was uploaded.
    """

    samples_sha256: Digest
    size: Annotated[int, Field(ge=0)]
    cut: Annotated[int, Field(ge=0)]
    repo: Annotated[str, Field(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9_.-]{1,96}\z")] | None = None
    revision: Annotated[str, Field(pattern=r"\A[0-9a-f]{40}\z")] | None = None
    path: Annotated[str, Field(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_./-]{0,199}\z")] | None = None


class RunRecord(StrictModel):
    """``run.json``: what a samples file is and how it was produced, without anything else from the environment.

    ``replicate`` is 0 for a run, and numbers the repetitions that measure its noise floor; ``seed`` determines the
    order of a repetition's requests. ``screened`` marks a run of only the first part of a suite. ``judge`` is the
    version of the rules by which the answers were judged, 1 in records without it. ``conditions`` is None in records of
    before they were written down. ``full_log`` is set if outputs were truncated or the full file was uploaded.
    """

    schema_version: Literal[1] = 1
    checkpoint: CheckpointRecord
    suite: SuiteRecord
    engine: EngineRecord
    conditions: ConditionsRecord | None = None
    decoding: dict[str, str | int | float | bool]
    seed: int
    replicate: Annotated[int, Field(ge=0)] = 0
    template_digest: Digest
    template_policy: Literal["shared", "native"]
    bos_count: Annotated[int, Field(ge=0)]
    packages: dict[str, str]
    n_items: Annotated[int, Field(ge=0)]
    n_errors: Annotated[int, Field(ge=0)]
    judge: Annotated[int, Field(ge=1)] = 1
    samples_sha256: Digest
    created: str
    wall_seconds: Annotated[float, Field(ge=0)]
    commit: str | None = None
    dirty: bool | None = None
    screened: ScreenRecord | None = None
    full_log: FullLog | None = None


@dataclass(frozen=True)
class Run:
    """One checkpoint on one suite: its record and its samples (one row per item, columns of :class:`Sample`)."""

    record: RunRecord
    samples: pd.DataFrame


@contextlib.contextmanager
def lock_run(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Lock a run folder while its files are written; ``waiting`` is called once if another process has the lock.

    Does not lock on file systems without folder locks, such as some network mounts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in (errno.EBADF, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
        yield
    finally:
        os.close(handle)


def write_record(folder: Path, record: RunRecord) -> None:
    (folder / RECORD_FILE).write_text(
        json.dumps(record.model_dump(), indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )


def read_record(folder: Path) -> RunRecord:
    path = folder / RECORD_FILE
    if not path.is_file():
        raise RunError(f"{path}: no such file; is {folder} a run folder written by `retention evaluate`?")
    try:
        return RunRecord.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RunError(f"{path}: {first_problem(error)}") from error


def read_run(folder: Path) -> Run:
    """Read a run folder, checking the samples against the sha256 in its record."""
    record = read_record(folder)
    path = folder / SAMPLES_FILE
    if not path.is_file():
        raise RunError(f"{path}: no such file; run `retention evaluate` again to finish the run")
    if file_sha256(path) != record.samples_sha256:
        raise RunError(
            f"{path}: sha256 differs from samples_sha256 in {RECORD_FILE}; the file was changed after the run"
        )
    frame = read_samples(path)
    if len(frame) != record.n_items:
        raise RunError(f"{path}: {len(frame)} rows, but {RECORD_FILE} says n_items = {record.n_items}")
    return Run(record, frame)
