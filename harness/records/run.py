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
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, JsonValue, SerializerFunctionWrapHandler, ValidationError, model_serializer, model_validator

from harness.errors import RetentionError, first_problem
from harness.items import canonical_json
from harness.records.samples import SAMPLES_FILE, Digest, RunError, file_sha256
from harness.records.sampling import Sampling
from harness.records.strict import StrictModel, read_json

if TYPE_CHECKING:
    import pandas as pd

RECORD_FILE = "run.json"

# The suffix of the version of a suite whose items are not fixed yet.
DRAFT = "-draft"
# What the name of a part of a suite has after that of the suite, and before the number of its tasks if it lacks some.
PART = "-part"

ArgumentName = Annotated[str, Field(pattern=r"\A[a-z][a-z0-9_]{0,63}\z")]
_Count = Annotated[int, Field(ge=0, le=10**9)]
# What any language and file format holds as a whole number.
_Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_Value = Annotated[str, Field(max_length=10_000)] | _Whole | float | bool


class CheckpointRecord(StrictModel):
    """Identity of the evaluated model: ``weights_digest`` covers every file's path and sha256.

    ``claimed_base`` is what an adapter's own configuration names as its base, where that is not the one it was
    evaluated on by name. ``stripped`` is what a wrapper had put into the names of its tensors, and ``left_out`` are
    tensors that are no part of a language model. All are empty in records of before they were written down.
    """

    name: str
    kind: Literal["full", "adapter"]
    source: Literal["hub", "local"]
    revision: str | None = None
    weights_digest: Digest
    tokenizer_digest: Digest
    files: dict[str, Digest]
    architecture: str
    base: "CheckpointRecord | None" = None
    claimed_base: str | None = None
    stripped: str | None = None
    left_out: tuple[str, ...] = ()


class SuiteRecord(StrictModel):
    """Identity of the items: ``digest`` covers all item ids in suite order.

    ``transfer`` lists tasks that are untrained variants of their family; ``adjacent`` lists, for a task, the families
    whose training is known to affect it. Both are empty in records of suites without these fields.
    """

    name: str
    version: str
    digest: Digest
    protocol: str
    tasks: dict[str, _Count]
    transfer: tuple[str, ...] = ()
    adjacent: dict[str, tuple[str, ...]] = {}

    @property
    def is_draft(self) -> bool:
        """Whether the suite's items were not fixed yet, so that the run cannot be compared or repeated."""
        return self.version.endswith(DRAFT)

    @property
    def is_part(self) -> bool:
        """Whether it is the first items of each task of a suite, as `retention check` takes, and no suite itself."""
        return re.search(rf"{PART}(-[0-9]+-tasks)?\Z", self.name) is not None

    @property
    def comparable(self) -> str:
        """``<name>-<number>``: shared by the versions whose scores are comparable, which differ in their letter."""
        return re.sub(r"(?<=[0-9])[a-z]\Z", "", f"{self.name}-{self.version}")


class EngineRecord(StrictModel):
    """The engine that produced the answers; a pair never mixes two environments.

    ``quantization`` is the method by which the engine quantised the weights while it loaded them; ``arguments`` are
    those that the user passed through to it. Both are empty in records of before they could be chosen.
    """

    name: str
    version: str
    dtype: str
    mode: str
    device: str
    adapter: Literal["none", "merged", "lora"] = "none"
    quantization: Annotated[str, Field(pattern=r"\A[a-z0-9][a-z0-9_-]{0,63}\z")] | None = None
    arguments: Annotated[dict[ArgumentName, JsonValue], Field(max_length=32)] = {}

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @model_serializer(mode="wrap")
    def _without_what_is_not_chosen(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As it was written before there was a choice, where nothing was chosen: documents keep their bytes."""
        written: dict[str, Any] = write(self)
        return {name: value for name, value in written.items() if value or name not in ("quantization", "arguments")}

    @property
    def environment(self) -> str:
        """What both runs of a pair must share: everything except how an adapter was applied."""
        chosen = [] if self.quantization is None else [f"quantization={self.quantization}"]
        chosen += [f"{name}={_value(self.arguments[name])}" for name in sorted(self.arguments)]
        return "/".join((self.name, self.version, self.dtype, self.mode, self.device, *chosen))

    @property
    def fingerprint(self) -> str:
        """Everything about the engine that may affect an answer; part of the response store's key."""
        return f"{self.environment}/{self.adapter}"


class ConditionsRecord(StrictModel):
    """What both models of a pair are given alike beside their prompts; a pair never mixes two.

    ``max_model_len`` is the most tokens of prompt plus answer; an answer ends at any of ``stop_token_ids``.
    ``processor`` is the digest of the image processor that images went through, None where no item has one;
    ``min_pixels`` and ``max_pixels`` are its pixel budget, if it has one. ``processor_origin`` says whose it is: the
    base's, the tuned checkpoint's own in a run that asked for it, or that of a server, of which nothing is known.
    ``pixels_origin`` says whether the budget is what suite and base set, or one that the user chose within it.
    """

    max_model_len: Annotated[int, Field(gt=0, le=10**9)]
    stop_token_ids: Annotated[tuple[_Count, ...], Field(max_length=10_000)] = ()
    processor: Digest | None = None
    processor_origin: Literal["base", "tuned", "server"] = "base"
    min_pixels: Annotated[int, Field(gt=0, le=10**12)] | None = None
    max_pixels: Annotated[int, Field(gt=0, le=10**12)] | None = None
    pixels_origin: Literal["suite", "user"] = "suite"

    @property
    def digest(self) -> str:
        """sha256 (hex) over what affects an answer; part of the response store's key.

        What is as it was before a field was added is left out, so that a new field takes no answer from the store.
        """
        return hashlib.sha256(
            canonical_json(self.model_dump(exclude_defaults=True, exclude={"processor_origin", "pixels_origin"}))
        ).hexdigest()


class PromptsRecord(StrictModel):
    """How the prompts were made, beside ``template_digest`` and ``template_policy``.

    ``custom`` marks prompts that are not what suite and base set by default. ``template_origin`` is whose chat template
    it was, ``template_arguments`` what it was told; ``tokenizer_digest`` is of the tokenizer that served, which may
    differ from the checkpoint's own. ``lacks_bos`` says that the template begins with no BOS although the tokenizer
    puts one before every text.
    """

    custom: bool = False
    template_origin: Literal["base", "tuned", "file"] = "base"
    template_arguments: Annotated[dict[str, _Value | None], Field(max_length=100)] = {}
    tokenizer_digest: Digest
    lacks_bos: bool = False


class ScreenRecord(StrictModel):
    """Where a screening stopped: after ``look`` of ``looks`` looks, because ``z`` had left [-boundary, boundary] or all
    items were evaluated. ``seed`` fixed the order of the items."""

    target: str
    seed: _Whole
    look: Annotated[int, Field(ge=1, le=10**6)]
    looks: Annotated[int, Field(ge=1, le=10**6)]
    z: Annotated[float, Field(ge=-(10**6), le=10**6)]
    boundary: Annotated[float, Field(gt=0, le=10**6)]

    @property
    def decided(self) -> bool:
        return abs(self.z) >= self.boundary


class FullLog(StrictModel):
    """The original samples file of the run, if the one next to this record has truncated outputs.

    ``samples_sha256`` and ``size`` (bytes) are of the full file, ``cut`` counts the truncated outputs. ``repo``,
    ``revision`` (a commit of a data set on the hub) and ``path`` locate the full file, if it was uploaded.
    """

    samples_sha256: Digest
    size: Annotated[int, Field(ge=0, lt=2**63)]
    cut: _Count
    repo: Annotated[str, Field(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9_.-]{1,96}\z")] | None = None
    revision: Annotated[str, Field(pattern=r"\A[0-9a-f]{40}\z")] | None = None
    path: Annotated[str, Field(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_./-]{0,199}\z")] | None = None


class RunRecord(StrictModel):
    """``run.json``: what a samples file is and how it was produced, without anything else from the environment.

    ``replicate`` is 0 for a run, and numbers the repetitions that measure its noise floor; ``seed`` determines the
    order of a repetition's requests. ``screened`` marks a run of only the first part of a suite. ``judge`` is the
    version of the rules by which the answers were judged, 1 in records without it. ``conditions`` and ``prompts`` are
    None in records of before they were written down. ``decoding`` has the temperature of the answers, 0 where they are
    greedy, and where they are sampled what :class:`Sampling` has; ``n_items`` counts items, ``n_errors`` failed
    answers. ``notes`` say in a sentence each what of the checkpoint was not used, because the base's served both.
    ``generated`` is how many answers engines gave within ``wall_seconds``, those of other checkpoints that shared the
    engine included; None in records of before it was written down. ``full_log`` is set if outputs were truncated or the
    full file was uploaded.
    """

    schema_version: Literal[1] = 1
    checkpoint: CheckpointRecord
    suite: SuiteRecord
    engine: EngineRecord
    conditions: ConditionsRecord | None = None
    notes: tuple[Annotated[str, Field(max_length=500)], ...] = ()
    decoding: Annotated[dict[str, _Value], Field(max_length=100)]
    seed: _Whole
    replicate: _Count = 0
    template_digest: Digest
    template_policy: Literal["shared", "native"]
    bos_count: _Count
    prompts: PromptsRecord | None = None
    packages: Annotated[dict[str, Annotated[str, Field(max_length=200)]], Field(max_length=2_000)]
    n_items: _Count
    n_errors: _Count
    judge: Annotated[int, Field(ge=1, le=10**9)] = 1
    samples_sha256: Digest
    created: Annotated[str, Field(max_length=100)]
    wall_seconds: Annotated[float, Field(ge=0, le=10**10)]
    generated: _Count | None = None
    commit: str | None = None
    dirty: bool | None = None
    screened: ScreenRecord | None = None
    full_log: FullLog | None = None

    @property
    def tokenizer_digest(self) -> str:
        """Of the tokenizer that served: the base's, which both models of a pair are read and written by."""
        return self.prompts.tokenizer_digest if self.prompts else self.checkpoint.tokenizer_digest

    @property
    def has_custom_prompts(self) -> bool:
        """Whether the prompts are not what suite and base set by default: such runs are for the custom track."""
        return self.template_policy == "native" or (self.prompts is not None and self.prompts.custom)

    @property
    def has_own_template(self) -> bool:
        """Whether the chat template was another than the base's."""
        return self.template_policy == "native" or (self.prompts is not None and self.prompts.template_origin != "base")

    @model_validator(mode="after")
    def _sampling_is_sound(self) -> "RunRecord":
        try:
            Sampling.of(self.decoding)
        except (RetentionError, ValueError, ArithmeticError) as error:
            raise ValueError(f"decoding: {error}") from error
        return self

    @property
    def sampling(self) -> Sampling | None:
        """How the answers were drawn; None where they are greedy."""
        return Sampling.of(self.decoding)

    @property
    def own_processor(self) -> bool:
        """Whether images went through the tuned checkpoint's own image processor, which was asked for."""
        return self.conditions is not None and self.conditions.processor_origin == "tuned"

    @property
    def own_pixels(self) -> bool:
        """Whether images had a pixel budget that the user chose: such runs are for the custom track."""
        return self.conditions is not None and self.conditions.pixels_origin == "user"


def _value(value: JsonValue) -> str:
    """An argument's value as no other one is written: a text in quotes, but for a plain word."""
    if isinstance(value, str) and value not in ("true", "false", "null") and re.fullmatch(r"[A-Za-z][\w.+-]*", value):
        return value
    return canonical_json(value).decode()


@dataclass(frozen=True)
class Run:
    """One checkpoint on one suite: its record and its samples (one row per item, columns of :class:`Sample`).

    A sampled run has one row per answer, and the columns ``repeat`` and ``seed``.
    """

    record: RunRecord
    samples: "pd.DataFrame"


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
        return read_json(RunRecord, path.read_bytes())
    except ValidationError as error:
        raise RunError(f"{path}: {first_problem(error)}") from error
    except ValueError as error:
        raise RunError(f"{path}: not JSON that can be relied on ({error})") from error


def read_run(folder: Path) -> Run:
    """Read a run folder, checking the samples against the sha256 in its record."""
    from harness.records.samples_file import read_samples

    record = read_record(folder)
    path = folder / SAMPLES_FILE
    if not path.is_file():
        raise RunError(f"{path}: no such file; run `retention evaluate` again to finish the run")
    if file_sha256(path) != record.samples_sha256:
        raise RunError(
            f"{path}: sha256 differs from samples_sha256 in {RECORD_FILE}; the file was changed after the run"
        )
    frame = read_samples(path)
    if (count := frame["item_id"].nunique()) != record.n_items:
        raise RunError(f"{path}: {count} items, but {RECORD_FILE} says n_items = {record.n_items}")
    if (record.sampling is not None) != ("repeat" in frame.columns):
        said = "sampled" if record.sampling else "greedy"
        raise RunError(f"{path}: by {RECORD_FILE} the answers are {said}, by its columns they are not")
    return Run(record, frame)
