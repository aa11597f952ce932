"""Samples and runs: the row schema, the record beside it, and their files.

A run folder holds ``run.json`` (one :class:`RunRecord`) and ``samples.parquet`` (one :class:`Sample` a row, zstd).
This module is the only reader and writer of both; it never executes or trusts what it reads.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import string
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import RetentionError, first_problem

SAMPLES_FILE = "samples.parquet"
RECORD_FILE = "run.json"
SCHEMA_VERSION = 2
# What the version of a suite ends in whose items are not fixed yet.
DRAFT = "-draft"

Digest = Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")]


class RunError(RetentionError):
    """A run folder or sample table that cannot be read; the message names the file and the field."""


class Outcome(StrEnum):
    """What became of one answer (metrics.md): unparsed is not wrong, and cut off counts as unparsed."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNPARSED = "unparsed"


class _Strict(BaseModel):
    # JSON that Python writes may hold NaN and Infinity, which no other reader takes for numbers.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Sample(_Strict):
    """One row of a run: one item, one answer (design.md, "Sample row").

    ``layer`` names the part of the extraction that found the answer ("tag", "boxed", ...). ``details`` are further
    numbers of a task's own (a jigsaw's neighbour accuracy, the verdict of a more lenient reading), by name. Both came
    with version 2 of the schema; a file of version 1 reads as None and empty.
    """

    item_id: Digest
    task: str
    family: str
    group: str
    cluster_id: str
    guess_rate: Annotated[float, Field(ge=0, lt=1)]
    output: str
    extracted: str | None
    outcome: Outcome
    score: Annotated[float, Field(ge=0, le=1)]
    finish_reason: str
    n_prompt_tokens: Annotated[int, Field(ge=0)]
    n_output_tokens: Annotated[int, Field(ge=0)]
    prompt_digest: Digest
    error: str | None
    layer: str | None = None
    details: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = {}


class CheckpointRecord(_Strict):
    """Identity of the model that answered: ``weights_digest`` covers every file's path and sha256."""

    name: str
    kind: Literal["full", "adapter"]
    source: Literal["hub", "local"]
    revision: str | None = None
    weights_digest: Digest
    tokenizer_digest: Digest
    files: dict[str, Digest]
    architecture: str
    base: "CheckpointRecord | None" = None


class SuiteRecord(_Strict):
    """Identity of the questions: ``digest`` covers all item ids in suite order.

    ``transfer`` names tasks that are variants of their family on which nobody trains; ``adjacent`` names, for a task,
    the families whose training is known to move it. Both are empty in records written before suites could say so.
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
        """Whether the suite was still in the making, so that nobody else can be asked the same questions."""
        return self.version.endswith(DRAFT)

    @property
    def comparable(self) -> str:
        """``<name>-<number>``: what versions share whose scores may be compared; their letters differ."""
        return f"{self.name}-{self.version}".rstrip(string.ascii_lowercase)


class EngineRecord(_Strict):
    """What produced the answers; a pair never mixes two environments."""

    name: str
    version: str
    dtype: str
    mode: str
    device: str
    adapter: Literal["none", "merged", "lora"] = "none"

    @property
    def environment(self) -> str:
        """What the two runs of a pair must share: everything but how an adapter was applied."""
        return "/".join((self.name, self.version, self.dtype, self.mode, self.device))

    @property
    def fingerprint(self) -> str:
        """What decides an answer, for the response store."""
        return f"{self.environment}/{self.adapter}"


class ScreenRecord(_Strict):
    """Where a screening stopped: after ``look`` of ``looks`` looks, because ``z`` had left [-boundary, boundary] or all
    items were asked. ``seed`` fixed the order in which items were taken."""

    target: str
    seed: int
    look: Annotated[int, Field(ge=1)]
    looks: Annotated[int, Field(ge=1)]
    z: Annotated[float, Field(allow_inf_nan=False)]
    boundary: Annotated[float, Field(gt=0, allow_inf_nan=False)]

    @property
    def decided(self) -> bool:
        return abs(self.z) >= self.boundary


class FullLog(_Strict):
    """The samples file as the run wrote it, where the one beside this record holds some outputs cut short.

    ``samples_sha256`` and ``size`` (bytes) are of the whole file, ``cut`` counts the outputs that were cut. ``repo``,
    ``revision`` (a commit of a data set on the hub) and ``path`` say where the whole file lies, if it was uploaded.
    """

    samples_sha256: Digest
    size: Annotated[int, Field(ge=0)]
    cut: Annotated[int, Field(ge=0)]
    repo: Annotated[str, Field(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9_.-]{1,96}\z")] | None = None
    revision: Annotated[str, Field(pattern=r"\A[0-9a-f]{40}\z")] | None = None
    path: Annotated[str, Field(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_./-]{0,199}\z")] | None = None


class RunRecord(_Strict):
    """``run.json``: everything needed to say what a samples file is, and nothing from the environment beside it.

    ``replicate`` is 0 for a run, and counts the repetitions of it that measure the noise floor; ``seed`` is the seed of
    the order in which a repetition's requests reached the engine. ``screened`` marks a run that holds only the first
    part of a suite. ``full_log`` is there when outputs were cut short or the whole file was uploaded.
    """

    schema_version: Literal[1] = 1
    checkpoint: CheckpointRecord
    suite: SuiteRecord
    engine: EngineRecord
    decoding: dict[str, str | int | float | bool]
    seed: int
    replicate: Annotated[int, Field(ge=0)] = 0
    template_digest: Digest
    template_policy: Literal["shared", "native"]
    bos_count: Annotated[int, Field(ge=0)]
    packages: dict[str, str]
    n_items: Annotated[int, Field(ge=0)]
    n_errors: Annotated[int, Field(ge=0)]
    samples_sha256: Digest
    created: str
    wall_seconds: Annotated[float, Field(ge=0)]
    commit: str | None = None
    dirty: bool | None = None
    screened: ScreenRecord | None = None
    full_log: FullLog | None = None


@dataclass(frozen=True)
class Run:
    """One checkpoint on one suite: its record and its samples (one row an item, columns of :class:`Sample`)."""

    record: RunRecord
    samples: pd.DataFrame


ARROW_SCHEMA = pa.schema(
    [
        ("item_id", pa.string()),
        ("task", pa.string()),
        ("family", pa.string()),
        ("group", pa.string()),
        ("cluster_id", pa.string()),
        ("guess_rate", pa.float64()),
        ("output", pa.string()),
        ("extracted", pa.string()),
        ("outcome", pa.string()),
        ("score", pa.float64()),
        ("finish_reason", pa.string()),
        ("n_prompt_tokens", pa.int32()),
        ("n_output_tokens", pa.int32()),
        ("prompt_digest", pa.string()),
        ("error", pa.string()),
        ("layer", pa.string()),
        ("details", pa.map_(pa.string(), pa.float64())),
    ],
    metadata={"retentionbench_samples": str(SCHEMA_VERSION)},
)


# Columns that a row may leave empty; those of version 2 may be missing altogether.
_OPTIONAL = ("extracted", "error", "layer", "details")
SINCE_2 = ("layer", "details")


@contextlib.contextmanager
def held(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a run folder while its files are written; ``waiting`` is called once where another process holds it.

    Nothing is held where the file system has no locks for folders, as some network mounts.
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


def write_samples(path: Path, chunks: Iterable[list[Sample]]) -> str:
    """Stream chunks of samples into one parquet file and return its sha256 (hex).

    Rows are written as they come, so memory does not grow with the run; the file appears only when it is complete.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with pq.ParquetWriter(partial, ARROW_SCHEMA, compression="zstd") as writer:
        for chunk in chunks:
            writer.write_table(pa.Table.from_pylist([sample.model_dump() for sample in chunk], schema=ARROW_SCHEMA))
    partial.replace(path)
    return file_sha256(path)


def read_samples(path: Path) -> pd.DataFrame:
    """Read a samples file into a frame with the columns of :class:`Sample`; any other shape is a ``RunError``."""
    try:
        table = pq.read_table(path)
        # Text that is no UTF-8 would break whoever looks at it first, far from here.
        table.validate(full=True)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise RunError(f"{path}: not a readable samples file ({brief(error)})") from error
    for name in SINCE_2:
        if name not in table.column_names and _version(table) < 2:
            table = table.append_column(name, pa.nulls(len(table), ARROW_SCHEMA.field(name).type))
    if missing := set(ARROW_SCHEMA.names) - set(table.column_names):
        raise RunError(f"{path}: column {sorted(missing)[0]!r} is missing")
    if extra := set(table.column_names) - set(ARROW_SCHEMA.names):
        raise RunError(f"{path}: unknown column {sorted(extra)[0][:60]!a}")
    try:
        frame = table.select(ARROW_SCHEMA.names).cast(ARROW_SCHEMA).to_pandas(maps_as_pydicts="strict")
    except (pa.ArrowException, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path}: a column has the wrong type ({brief(error)})") from error
    return _checked(frame, path)


def brief(error: Exception) -> str:
    """What a library says of a hostile file, on one line and short; it may quote the file."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(error)[:1_000]).split())[:160]


def iter_samples(path: Path) -> Iterator[Sample]:
    """Validate every row of a samples file against :class:`Sample`, one at a time."""
    for row, fields in enumerate(read_samples(path).to_dict("records")):
        values = {str(k): v for k, v in fields.items() if k not in _OPTIONAL or isinstance(v, str | dict)}
        values = {"extracted": None, "error": None, **values}
        try:
            yield Sample.model_validate(values)
        except ValidationError as error:
            raise RunError(f"{path}: row {row}: {first_problem(error)}") from error


def _version(table: pa.Table) -> int:
    written = (table.schema.metadata or {}).get(b"retentionbench_samples", b"1")
    return int(written) if written.isdigit() and len(written) <= 4 else 1


def _checked(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    required = [name for name in ARROW_SCHEMA.names if name not in _OPTIONAL]
    for column in required:
        if frame[column].isna().any():
            raise RunError(f"{path}: column {column!r} has {int(frame[column].isna().sum())} missing values")
    if unknown := set(frame["outcome"]) - set(Outcome):
        raise RunError(f"{path}: unknown outcome {sorted(unknown)[0][:60]!a}; expected correct, wrong or unparsed")
    if (duplicates := int(frame["item_id"].duplicated().sum())) > 0:
        raise RunError(f"{path}: {duplicates} items appear more than once")
    for column, upper in (("guess_rate", frame["guess_rate"] < 1), ("score", frame["score"] <= 1)):
        if not bool((upper & (frame[column] >= 0)).all()):
            raise RunError(f"{path}: column {column!r} has values outside its range")
    return frame


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


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
