"""The file of samples: ``samples.parquet`` (one :class:`Sample` per row, zstd), and its only reader and writer.

It never executes or trusts what it reads.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from harness.errors import first_problem
from harness.records.parquet import expanded_bytes, expansion_cap, open_parquet
from harness.records.samples import (
    JUDGE_VERSION,
    SAMPLES_FILE,
    Outcome,
    RunError,
    Sample,
    brief,
    file_sha256,
)

SCHEMA_VERSION = 4
# Of a file that has the columns of sampled answers too; greedy runs are written as they were before.
SAMPLED_VERSION = 5

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
        ("off_list", pa.bool_()),
        ("logprobs", pa.list_(pa.float64())),
    ],
    metadata={"retentionbench_samples": str(SCHEMA_VERSION)},
)

_SAMPLED_SCHEMA = pa.schema([*ARROW_SCHEMA, ("repeat", pa.int32()), ("seed", pa.int64())]).with_metadata(
    {"retentionbench_samples": str(SAMPLED_VERSION)}
)


# Columns that may be empty; those of later versions may be missing.
_OPTIONAL = ("extracted", "error", "layer", "details", "off_list", "logprobs", "seed")
SINCE_2 = ("layer", "details")
SINCE_3 = ("off_list",)
SINCE_4 = ("logprobs",)
SINCE_5 = ("repeat", "seed")
_SINCE = {2: SINCE_2, 3: SINCE_3, 4: SINCE_4}
# Of a whole run in memory: millions of long answers.
MAX_EXPANDED = 4 * 1024**3


def write_samples(
    path: Path, chunks: Iterable[list[Sample]], judge: int = JUDGE_VERSION, *, sampled: bool = False
) -> str:
    """Stream chunks of samples into one parquet file and return its sha256 (hex); ``judge`` is the version that
    judged them. Where they were ``sampled``, the file says which answer to its item each is, and its seed.

    Rows are written as they arrive, so memory does not grow with the run; the file appears only once complete.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    columns = _SAMPLED_SCHEMA if sampled else ARROW_SCHEMA
    schema = columns.with_metadata({**columns.metadata, b"retentionbench_judge": str(judge).encode()})
    with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for chunk in chunks:
            writer.write_table(pa.Table.from_pylist([sample.model_dump() for sample in chunk], schema=schema))
    partial.replace(path)
    return file_sha256(path)


def read_samples(path: Path) -> pd.DataFrame:
    """Read a samples file into a frame with the columns of :class:`Sample`; any other shape is a ``RunError``."""
    try:
        table = _bounded(path)
        # Text that is not UTF-8 would fail at its first use, far from here.
        table.validate(full=True)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise RunError(f"{path}: not a readable samples file ({brief(error)})") from error
    for since, name in ((since, name) for since, names in _SINCE.items() for name in names):
        if name not in table.column_names and _version(table) < since:
            table = table.append_column(name, pa.nulls(len(table), ARROW_SCHEMA.field(name).type))
    schema = _SAMPLED_SCHEMA if _version(table) >= SAMPLED_VERSION else ARROW_SCHEMA
    if missing := set(schema.names) - set(table.column_names):
        raise RunError(f"{path}: column {sorted(missing)[0]!r} is missing")
    if extra := set(table.column_names) - set(schema.names):
        raise RunError(f"{path}: unknown column {sorted(extra)[0][:60]!a}")
    try:
        typed = table.select(schema.names).cast(schema)
        _check_missing(typed, path)
        # Seeds as objects: where one is absent they would become floats.
        frame = typed.to_pandas(maps_as_pydicts="strict", integer_object_nulls=True)
    except (pa.ArrowException, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path}: a column has the wrong type ({brief(error)})") from error
    frame["off_list"] = frame["off_list"].eq(True)
    frame["logprobs"] = [None if row is None else tuple(row.tolist()) for row in frame["logprobs"]]
    return _checked(frame, path)


def iter_samples(path: Path) -> Iterator[Sample]:
    """Validate every row of a samples file against :class:`Sample`, one at a time."""
    for row, fields in enumerate(read_samples(path).to_dict("records")):
        values = {
            str(k): v for k, v in fields.items() if k not in _OPTIONAL or isinstance(v, str | dict | bool | tuple | int)
        }
        values = {"extracted": None, "error": None, **values}
        try:
            yield Sample.model_validate(values)
        except ValidationError as error:
            raise RunError(f"{path}: row {row}: {first_problem(error)}") from error


def _bounded(path: Path) -> pa.Table:
    """The file's table, its texts in dictionaries; ``RunError`` where a column has another type, or the texts would
    expand beyond what they may."""
    most = expansion_cap(path, MAX_EXPANDED)
    encoded = open_parquet(path, most)
    for field in pq.read_schema(path):
        at = _SAMPLED_SCHEMA.get_field_index(field.name)
        if at >= 0 and field.type != _SAMPLED_SCHEMA.field(at).type:
            kind = brief(ValueError(field.type))[:60]
            raise RunError(
                f"{path}: a column has the wrong type ({field.name} is {kind}, not {_SAMPLED_SCHEMA.field(at).type})"
            )
    groups, total = [], 0
    for group in range(encoded.num_row_groups):
        groups.append(encoded.read_row_group(group, use_threads=False))
        for column in groups[-1].columns:
            total += sum(map(expanded_bytes, column.chunks))
            if total > most:
                raise RunError(f"{path}: expands to more than {most:,} bytes, the most that {SAMPLES_FILE} may")
    return pa.concat_tables([encoded.schema_arrow.empty_table(), *groups])


def _version(table: pa.Table) -> int:
    written = (table.schema.metadata or {}).get(b"retentionbench_samples", b"1")
    return int(written) if written.isdigit() and len(written) <= 4 else 1


def _check_missing(table: pa.Table, path: Path) -> None:
    for name in table.column_names:
        column = table[name]
        # A number that is none is missing too.
        missing = pc.sum(pc.is_null(column, nan_is_null=pa.types.is_floating(column.type))).as_py() or 0
        if missing and name not in _OPTIONAL:
            raise RunError(f"{path}: column {name!r} has {missing} missing values")


def _checked(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    if unknown := set(frame["outcome"].unique()) - set(Outcome):
        raise RunError(f"{path}: unknown outcome {sorted(unknown)[0][:60]!a}; expected correct, wrong or unparsed")
    if (frame.loc[frame["off_list"], "outcome"] != Outcome.WRONG).any():
        raise RunError(f"{path}: column 'off_list' marks an answer that is not wrong")
    _check_repeats(frame, path)
    for column, upper in (("guess_rate", frame["guess_rate"] < 1), ("score", frame["score"] <= 1)):
        if not bool((upper & (frame[column] >= 0)).all()):
            raise RunError(f"{path}: column {column!r} has values outside its range")
    return frame


def _check_repeats(frame: pd.DataFrame, path: Path) -> None:
    """Every item once; in a sampled run each of its answers once, counted from 0 without a gap."""
    if "repeat" not in frame.columns:
        if (duplicates := int(frame["item_id"].duplicated().sum())) > 0:
            raise RunError(f"{path}: {duplicates} items appear more than once")
        return
    if (duplicates := int(frame.duplicated(["item_id", "repeat"]).sum())) > 0:
        raise RunError(f"{path}: {duplicates} answers have the item and the repeat of another")
    if (gaps := items_with_gaps(frame)) > 0:
        raise RunError(f"{path}: the answers to {gaps} items are not numbered 0, 1, 2, ... in column 'repeat'")


def items_with_gaps(frame: pd.DataFrame) -> int:
    """How many items have answers whose ``repeat``, each there once, does not count from 0 without a gap."""
    found = frame.groupby("item_id", sort=False)["repeat"].agg(["min", "max", "size"])
    return int(((found["min"] != 0) | (found["max"] != found["size"] - 1)).sum())
