"""Plain tables: samples from any other tool, read strictly and without a record of how they were produced.

A table is a parquet, a JSON or JSON lines, a CSV or a TSV file with the columns ``item_id``, ``task``, ``family`` and
``outcome``; ``score``, ``group``, ``cluster_id``, ``guess_rate``, ``output``, ``extracted``, ``finish_reason``,
``n_output_tokens`` and ``prompt_digest`` are optional. An outcome is correct, wrong or unparsed; true and false, 1 and
0 are taken for the first two, with a note, and so are other common names of columns (``columns``). ``repeat`` numbers
several sampled answers to one item: 0, 1, 2 and on. The file is untrusted: it is read in chunks, against caps. Rows
that are in memory already, a data frame or a list of dicts, go through the same checks.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.items import items_digest
from harness.records.columns import REQUIRED, columns_of, completed, notes_on
from harness.records.delimited import dialect_of, with_decimal_commas
from harness.records.parquet import expanded_bytes, expansion_cap, open_parquet
from harness.records.run import SuiteRecord
from harness.records.samples import Outcome, RunError, brief, file_sha256

_TEXTS = (
    "item_id",
    "task",
    "family",
    "outcome",
    "group",
    "cluster_id",
    "output",
    "extracted",
    "finish_reason",
    "error",
)
_NUMBERS = ("score", "guess_rate", "n_output_tokens", "repeat")
COLUMNS = (*_TEXTS, *_NUMBERS, "prompt_digest")
MAX_FILE = 4 * 1024**3
MAX_ROWS = 5_000_000
MAX_LINE = 32 * 1024**2
# A list in a JSON document is parsed as a whole.
MAX_LIST = 1024**3
# Decoded text in memory: a small file can expand to any amount of it.
MAX_TEXT = 4 * 1024**3
_MAX_NAME = 200
# Of a CSV file: more columns than any table, and the longest line that names so many.
_MAX_COLUMNS = 10_000
_MAX_HEADER = 1024**2
_BATCH = 50_000
_EXAMPLES = 3
_UNUSED = 20
_SEPARATORS = {".csv": ",", ".tsv": "\t"}
# JSON integers have any number of digits; beyond this a float cannot represent them.
_LARGEST = 2**53

Form = Literal[
    "table",
    "lm-eval log",
    "Inspect log",
    "lighteval log",
    "lmms-eval log",
    "VLMEvalKit log",
    "OpenCompass log",
    "HELM log",
    "Every Eval Ever log",
]


@dataclass(frozen=True)
class TableRecord:
    """What is known of a table: its name, its sha256, and ``notes`` on what is missing and what was assumed instead.

    It has the attributes of a :class:`~harness.records.run.RunRecord`, as far as a table can. ``tasks`` counts items,
    ``repeats`` the answers to each.
    """

    name: str
    form: Form
    samples_sha256: str
    tasks: dict[str, int]
    items: str
    notes: tuple[str, ...] = ()
    repeats: int = 1

    engine: None = None
    template_policy: None = None

    @cached_property
    def suite(self) -> SuiteRecord:
        """The items as a suite without a name: ``digest`` covers the sorted item ids."""
        return SuiteRecord(name=self.form, version="none", digest=self.items, protocol="unknown", tasks=self.tasks)

    @property
    def decoding(self) -> dict[str, str | int | float | bool]:
        return {"repeats": self.repeats} if self.repeats > 1 else {}


@dataclass(frozen=True)
class Table:
    """A plain table: rows like those of a :class:`~harness.records.run.Run`, of unchecked provenance."""

    record: TableRecord
    samples: pd.DataFrame


def read_table(path: Path) -> Table:
    """Read a parquet, CSV, TSV, JSON or JSON lines table; ``RunError`` says what is wrong, in which rows."""
    check_size(path)
    with path.open("rb") as file:
        columnar = file.read(4) == b"PAR1"
    if path.suffix.lower() in _SEPARATORS:
        read = _read_csv(path)
    else:
        read = _read_parquet(path) if columnar else _gather(_json_rows(path))
    return _own_table(read, path, file_sha256(path))


def table_from_rows(rows: pd.DataFrame | Iterable[Mapping[str, Any]], name: str) -> Table:
    """The table of rows in memory, checked like a file; ``name`` is theirs in messages and in the scorecard.

    ``rows`` is a data frame with one row an item, or one mapping an item. ``RunError`` as of :func:`read_table`. The
    record's ``samples_sha256`` covers the rows as they were read, written as JSON lines.
    """
    path = Path(name)
    if isinstance(rows, pd.DataFrame):
        read = _known_columns(rows, path)
    else:
        read = _gather(map(_plain_values, _mappings(rows, path)))
    if len(read.frame) > MAX_ROWS:
        raise RunError(f"{name}: {len(read.frame):,} rows is more than the {MAX_ROWS:,} a table may have")
    table = _own_table(read, path, "")
    return replace(table, record=replace(table.record, samples_sha256=_rows_sha256(table.samples)))


@dataclass(frozen=True)
class _Read:
    """The columns of a file that a table has, what they are called there, and the names of the others."""

    frame: pd.DataFrame
    columns: Mapping[str, str]
    unused: list[str]


def _own_table(read: _Read, path: Path, sha256: str) -> Table:
    frame, followed = completed(read.frame)
    if (len(frame) or read.unused) and (missing := [name for name in REQUIRED if name not in frame]):
        held = ", ".join(ascii(name)[1:-1][:40] for name in [*read.frame.columns, *read.unused][:_UNUSED])
        needed = ", ".join(REQUIRED)
        raise RunError(f"{path}: column {missing[0]!r} is missing; a table needs {needed}, and this one has {held}")
    unused = [f"column {name[:40]} was not used" for name in read.unused]
    return make_table(frame, path, "table", sha256, (*followed, *notes_on(read.columns), *unused))


def _known_columns(frame: pd.DataFrame, path: Path) -> _Read:
    columns = columns_of([name for name in frame.columns if isinstance(name, str)], COLUMNS)
    known = frame[[name for name in frame.columns if name in columns]].rename(columns=columns).reset_index(drop=True)
    if not known.columns.is_unique:
        raise RunError(f"{path}: column {known.columns[known.columns.duplicated()][0]!r} is there twice")
    # As objects, whatever type of text or category pandas gave them: a file's columns are such too.
    texts = [name for name in known.columns if name not in _NUMBERS and not _is_number(known[name])]
    unused = _unused(columns, [str(name) for name in frame.columns])
    return _Read(known.astype(dict.fromkeys(texts, object)), columns, unused)


def _is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))


def _mappings(rows: Iterable[Any], path: Path) -> Iterator[Mapping[str, Any]]:
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            raise RunError(f"{path}: row {number} is of type {type(row).__name__}, not a dict of columns and values")
        yield row


def _plain_values(row: Mapping[str, Any]) -> dict[str, Any]:
    """``row`` with Python's own numbers in place of numpy's."""
    return {str(name): value.item() if isinstance(value, np.generic) else value for name, value in row.items()}


def _rows_sha256(samples: pd.DataFrame) -> str:
    text = samples[sorted(samples)].to_json(orient="records", lines=True, double_precision=15)
    return hashlib.sha256(text.encode()).hexdigest()


def _unused(columns: Mapping[str, str], names: Iterable[str]) -> list[str]:
    return [name for name in names if name not in columns][:_UNUSED]


def make_table(frame: pd.DataFrame, path: Path, form: Form, sha256: str, notes: Sequence[str]) -> Table:
    """Check the rows, fill in missing optional columns, and note what was assumed."""
    if missing := [name for name in REQUIRED if name not in frame]:
        raise RunError(f"{path}: column {missing[0]!r} is missing; a table needs {', '.join(REQUIRED)}")
    if not len(frame):
        raise RunError(f"{path}: no rows")
    frame, read_as = _read_as_text(frame)
    frame = _checked(frame, path)
    assumed = [why for name, why in _ASSUMED.items() if name not in frame]
    samples = _filled(frame)
    items = samples[samples["repeat"] == 0] if "repeat" in samples else samples
    counts = {str(task): int(n) for task, n in items["task"].value_counts().sort_index().items()}
    digest = items_digest(sorted(items["item_id"]))
    repeats = int(samples["repeat"].max()) + 1 if "repeat" in samples else 1
    record = TableRecord(path.stem, form, sha256, counts, digest, (*assumed, *read_as, *notes), repeats)
    return Table(record, samples)


_ASSUMED = {
    "guess_rate": "no guess_rate: chance is assumed to be 0, so guessing is not corrected for",
    "finish_reason": "no finish_reason: truncated answers cannot be told from others",
    "prompt_digest": "no prompt_digest: it was not checked that both models got the same prompts",
    "output": "no output: answers cannot be shown, nor constant ones detected",
    "cluster_id": "no cluster_id: items are assumed to be independent",
}


def check_size(path: Path) -> None:
    """Raise ``RunError`` unless ``path`` is a file of at most ``MAX_FILE`` bytes."""
    if not path.is_file():
        raise RunError(f"{path}: no such file")
    if (size := path.stat().st_size) > MAX_FILE:
        raise RunError(f"{path}: {size:,} bytes is more than the {MAX_FILE:,} that a table may have")


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON lines file, one per line; ``RunError`` names a line that is not one, or is too long."""
    with path.open("rb") as file:
        for number in range(1, MAX_ROWS + 2):
            line = file.readline(MAX_LINE + 1)
            if not line:
                return
            if not line.strip():
                continue
            if len(line) > MAX_LINE:
                raise RunError(f"{path}: line {number} is longer than {MAX_LINE:,} bytes")
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise RunError(
                    f"{path}: line {number} is broken JSON ({str(error)[:80]}); is the file complete?"
                ) from error
            if not isinstance(row, dict):
                raise RunError(f"{path}: line {number} is not a JSON object")
            yield row
    raise RunError(f"{path}: more than {MAX_ROWS:,} lines, the most that a table may have")


def _json_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON lines file, or of a JSON document that is a list of them."""
    if path.suffix.lower() != ".json" or not _is_list(path):
        yield from json_lines(path)
        return
    try:
        rows = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path}: broken JSON ({str(error)[:80]}); is the file complete?") from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise RunError(f"{path}: entry {number} of the list is not a JSON object")
        yield row


def _is_list(path: Path) -> bool:
    with path.open("rb") as file:
        return path.stat().st_size <= MAX_LIST and file.read(1_024).lstrip().startswith(b"[")


def _gather(rows: Iterable[Mapping[str, Any]]) -> _Read:
    """The columns of a table that ``rows`` have."""
    columns: dict[str, list[Any]] = {}
    names: dict[str, str] | None = None
    ignored: dict[str, None] = {}
    count = 0
    for row in rows:
        if names is None:
            names = {name: name for name in COLUMNS} | columns_of(list(row), COLUMNS)
        for name, value in row.items():
            if name not in names:
                if len(ignored) < _UNUSED:
                    ignored[name] = None
                continue
            values = columns.setdefault(names[name], [])
            values += [None] * (count - len(values))
            values.append(value)
        count += 1
    for values in columns.values():
        values += [None] * (count - len(values))
    return _Read(pd.DataFrame(columns, dtype=object), _given(names or {}, columns), list(ignored))


def _given(names: Mapping[str, str], columns: Collection[str]) -> dict[str, str]:
    return {name: column for name, column in names.items() if column in columns}


def _read_csv(path: Path) -> _Read:
    """Every cell as text but the numbers; an empty one is absent."""
    try:
        dialect = dialect_of(path, _SEPARATORS[path.suffix.lower()])
        form = {"sep": dialect.separator, "encoding": dialect.encoding, "skiprows": dialect.skipped}
        _check_width(path, dialect.separator, dialect.skipped)
        names = [str(name) for name in pd.read_csv(path, nrows=0, **form).columns]
        _check_once(path, names)
        columns = columns_of(names, COLUMNS)
        frame = pd.read_csv(
            path,
            usecols=list(columns),
            dtype={name: object for name, column in columns.items() if column not in _NUMBERS},
            keep_default_na=False,
            na_values=[""],
            nrows=MAX_ROWS + 1,
            **form,
        )
    except UnicodeError as error:
        raise RunError(f"{path}: not UTF-8 ({brief(error)}); save it as UTF-8 (in Excel: CSV UTF-8)") from error
    except (ValueError, OSError, pd.errors.ParserError) as error:
        raise RunError(f"{path}: not a readable CSV file ({brief(error)})") from error
    if columns:
        # Spreadsheets write the empty rows below a table too.
        frame = frame.dropna(how="all").reset_index(drop=True)
    if dialect.separator == ";":
        numbers = [name for name, column in columns.items() if column in _NUMBERS]
        frame = frame.assign(**{name: with_decimal_commas(frame[name]) for name in numbers})
    if len(frame) > MAX_ROWS:
        raise RunError(f"{path}: more than {MAX_ROWS:,} rows, the most that a table may have")
    return _Read(frame.rename(columns=columns), columns, _unused(columns, names))


def _check_width(path: Path, separator: str, skipped: int) -> None:
    """``RunError`` where a header has more columns than any table: each takes pandas a tenth of a millisecond."""
    with path.open("rb") as file:
        header = [file.readline(_MAX_HEADER) for _ in range(skipped + 1)][-1]
    if len(header) >= _MAX_HEADER or header.count(separator.encode()) >= _MAX_COLUMNS:
        raise RunError(
            f"{path}: its first line names more than {_MAX_COLUMNS:,} columns; write a table with a row for each item "
            f"({', '.join(REQUIRED)})"
        )


def _check_once(path: Path, names: Collection[str]) -> None:
    """``RunError`` where a header names a column of a table twice, the second of which pandas calls ``NAME.1``."""
    for name in COLUMNS:
        if name in names and f"{name}.1" in names:
            raise RunError(f"{path}: column {name!r} is there twice; rename or remove one of them")


def _read_parquet(path: Path) -> _Read:
    try:
        names = pq.read_schema(path).names
        columns = columns_of(names, COLUMNS)
        wanted = [name for name in names if name in columns]
        for field in pq.read_schema(path):
            if field.name in columns and pa.types.is_nested(field.type):
                raise RunError(f"{path}: column {field.name!r} is missing or not text: it holds {_kind(field.type)}")
        most = expansion_cap(path, MAX_TEXT)
        file = open_parquet(path, most, wanted)
        if file.metadata.num_rows > MAX_ROWS:
            raise RunError(f"{path}: {file.metadata.num_rows:,} rows is more than the {MAX_ROWS:,} a table may have")
        frames, text = [], 0
        for batch in file.iter_batches(_BATCH, columns=wanted):
            text += sum(map(expanded_bytes, batch.columns))
            if text > most:
                raise RunError(f"{path}: more than {most:,} bytes of text, the most that this table may have")
            part = pa.table({name: _plain(batch[name]) for name in wanted})
            part.validate(full=True)  # Text that is not UTF-8 would fail at its first use.
            frames.append(part.to_pandas())
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise RunError(f"{path}: not a readable parquet file ({brief(error)})") from error
    empty = pd.DataFrame({name: [] for name in wanted}, dtype=object)
    frame = pd.concat(frames, ignore_index=True) if frames else empty
    return _Read(frame.rename(columns=columns), columns, _unused(columns, names))


def _kind(kind: pa.DataType) -> str:
    return "lists" if pa.types.is_list(kind) or pa.types.is_large_list(kind) else "several values in one"


def _plain(column: Any) -> Any:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


_TRUTHS = {"true": Outcome.CORRECT, "1": Outcome.CORRECT, "false": Outcome.WRONG, "0": Outcome.WRONG}


def _read_as_text(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Whole numbers as names, and truth values as outcomes, with a note on the latter."""
    frame = frame.copy(deep=False)
    for name in ("item_id", "cluster_id"):
        if name in frame and _is_whole(frame[name]):
            frame[name] = frame[name].map(lambda value: None if pd.isna(value) else str(int(value)))
    said = frame["outcome"].map(lambda value: str(value).lower() if _is_truth(value) else None)
    if not len(said) or said.isna().any():
        return frame, []
    frame["outcome"] = said.map(lambda word: str(_TRUTHS[word.removesuffix(".0")]))
    return frame, ["outcome was read as correct (true, 1) or wrong (false, 0): it does not say which are unparsed"]


def _is_whole(column: pd.Series) -> bool:
    if pd.api.types.is_integer_dtype(column):
        return True
    known = column.dropna()
    if pd.api.types.is_float_dtype(column):
        return bool(len(known)) and bool((known % 1 == 0).all())
    return bool(len(known)) and bool(known.map(type).eq(int).all())


def _is_truth(value: object) -> bool:
    return isinstance(value, bool | np.bool_ | int | float | np.number | str) and (
        str(value).lower().removesuffix(".0") in _TRUTHS
    )


def _checked(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    frame = frame.copy(deep=False)
    for name in frame.columns:
        if name in _NUMBERS:
            numbers = _numbers(frame[name])
            high = {"score": 1.0, "guess_rate": np.nextafter(1.0, 0.0)}.get(name, float(np.iinfo(np.int64).max))
            _refuse(path, frame, ~numbers.between(0, high), name, _RANGES[name])
            frame[name] = numbers
        else:
            if name in ("output", "extracted", "error"):
                frame[name] = frame[name].map(_encodable)
            texts = frame[name].map(_is_text).astype(bool)
            absent = frame[name].isna()
            required = name in (*REQUIRED, "prompt_digest")
            why = _OUTCOMES if name == "outcome" else "is missing or not text"
            _refuse(path, frame, ~texts & (required | ~absent), name, why)
            frame[name] = frame[name].where(texts, None)
    for name in ("item_id", "task", "family"):
        lengths = frame[name].str.len()
        _refuse(path, frame, ~lengths.between(1, _MAX_NAME), name, f"is empty or longer than {_MAX_NAME} characters")
    known = frame["outcome"].isin([str(outcome) for outcome in Outcome])
    _refuse(path, frame, ~known, "outcome", _OUTCOMES)
    if "score" in frame:
        nothing = (frame["outcome"] == Outcome.CORRECT) & (frame["score"] == 0)
        _refuse(path, frame, nothing, "score", "is 0 although the outcome is correct")
    if "error" in frame:
        _refuse(path, frame, frame["error"].notna(), "error", "is set: the item failed, so it has no answer,")
    _check_repeats(frame, path)
    return frame


def _check_repeats(frame: pd.DataFrame, path: Path) -> None:
    """An item is there once, or in as many answers as every item of its task, numbered in ``repeat``."""
    again = frame["item_id"].duplicated()
    if "repeat" not in frame:
        _refuse(path, frame, again, "item_id", f"{_AGAIN}; name the task in it")
        return
    _refuse(path, frame, frame["repeat"] % 1 != 0, "repeat", _RANGES["repeat"])
    _refuse(path, frame, frame.duplicated(["item_id", "repeat"]), "item_id", f"{_AGAIN} of the same repeat")
    count, last = (frame.groupby("item_id")["repeat"].transform(name) for name in ("size", "max"))
    _refuse(path, frame, last != count - 1, "repeat", "does not count the answers to its item 0, 1, 2, ...")
    _refuse(path, frame, again & (_first(frame, "task") != frame["task"]), "item_id", "is in another task too")
    most = count.groupby(frame["task"]).transform("max")
    _refuse(path, frame, count != most, "item_id", "has fewer answers than other items of its task")


def _first(frame: pd.DataFrame, column: str) -> pd.Series:
    return frame.groupby("item_id")[column].transform("first")


_AGAIN = "repeats an earlier one"


_OUTCOMES = "is not correct, wrong or unparsed"
_RANGES = {
    "score": "is not a number in [0, 1]",
    "guess_rate": "is not a number in [0, 1)",
    "n_output_tokens": "is not a number >= 0",
    "repeat": "is not a whole number of 0 or more",
}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and (value.isascii() or value == _encodable(value))


def _encodable(value: object) -> object:
    """A text without unpaired surrogates, which JSON can contain and UTF-8 cannot."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def _numbers(column: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column):
        return column.astype(float)
    plain = column.map(lambda value: isinstance(value, int | float) and abs(value) <= _LARGEST).astype(bool)
    # As objects: a column of timestamps cannot be converted to numbers.
    return column.astype(object).where(plain, np.nan).astype(float)


def _refuse(path: Path, frame: pd.DataFrame, bad: pd.Series, column: str, why: str) -> None:
    if not bad.any():
        return
    rows = frame.index[bad.to_numpy(dtype=bool)]
    examples = ", ".join(f"row {row + 1}: {_shown(frame.at[row, column])}" for row in rows[:_EXAMPLES])
    more = ", ..." if len(rows) > _EXAMPLES else ""
    raise RunError(f"{path}: {column} {why} in {len(rows)} of {len(frame)} rows ({examples}{more})")


def _shown(value: Any) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    # ascii() also hides what could steer a terminal.
    return ascii(value if isinstance(value, str | int | float | bool) or value is None else type(value).__name__)[:40]


def _filled(frame: pd.DataFrame) -> pd.DataFrame:
    correct = frame["outcome"] == Outcome.CORRECT
    defaults: dict[str, Any] = {
        "score": correct.astype(float),
        "guess_rate": 0.0,
        "n_output_tokens": np.nan,
        "prompt_digest": "",
    }
    for name, value in defaults.items():
        if name not in frame:
            frame[name] = value
    for name in ("group", "cluster_id", "output", "finish_reason"):
        frame[name] = frame[name].fillna("") if name in frame else ""
    if "extracted" not in frame:
        # Without an extracted answer, a short output counts as the answer.
        frame["extracted"] = frame["output"].where(frame["output"].str.len().between(1, _MAX_NAME), None)
    frame["error"] = None
    if "repeat" in frame:
        # Numbers that are all 0 say nothing.
        frame = frame.astype({"repeat": int}) if frame["repeat"].any() else frame.drop(columns="repeat")
    return frame
