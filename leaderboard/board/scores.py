"""Scores: entries read, checked and scored, several at a time, and remembered by what they were made of.

A cached score is used only while every byte of the entry's folder, of the base run that it is scored with and of the
code is the same; then nothing of the entry is opened but to be hashed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache as remembered
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import ValidationError

from harness.errors import RetentionError
from harness.records import RunRecord, file_sha256
from harness.scoring import Bools, Scorecard, score_pair
from leaderboard.board.cache import Cache, code_digest
from leaderboard.board.contest import solved
from leaderboard.documents import Manifest
from leaderboard.entries import MAX_FILE_BYTES, BadEntry, BaseRuns, Entry, Replaced, load_entry
from leaderboard.numbers import cells_of
from leaderboard.processes import WorkerPool, available_cores

# Starting processes costs about as much as scoring so many entries in this one.
_WORTH_PROCESSES = 24
_MOST_FILES = 50


@dataclass(frozen=True)
class Score:
    """An entry with its scorecard. ``base`` is the folder of its base's run below the folder of bases; ``solved`` says
    which items the tuned model solved, in the order of :class:`~leaderboard.board.contest.Questions`; ``hashes`` are
    those of its cells, by metric. ``digest`` is a sha256 over the code, every file of the entry and of its base's run;
    empty where those are not plain files."""

    entry_id: str
    manifest: Manifest
    tuned: RunRecord
    card: Scorecard
    base: str
    solved: Bools
    hashes: dict[str, str]
    digest: str = ""


def score_entries(
    folders: Sequence[Path],
    bases: Path,
    cache: Cache,
    jobs: int | None = None,
    replaced: Mapping[str, Replaced] = MappingProxyType({}),
    sha256: Callable[[Path], str] = file_sha256,
) -> Iterator[Score | BadEntry]:
    """Score the entry in each folder, in the order given; one that does not hold is a :class:`BadEntry`.

    ``replaced`` are the base runs that ledgers replace, by entry. ``jobs`` processes are used (by default one a core)
    where there is enough to do for them. ``sha256`` of a file may remember.
    """
    keys = {folder: _key(folder, replaced.get(folder.name, ()), sha256) for folder in folders}
    runs = _Digests(bases, sha256)
    known = {folder: _cached(cache, key, runs) for folder, key in keys.items() if key is not None}
    missing = [folder for folder in folders if known.get(folder) is None]
    made = _make(missing, bases, jobs or available_cores(), replaced)
    for folder in folders:
        found = known.pop(folder, None)
        if found is None:
            content = next(made)
            if isinstance(content, BadEntry):
                yield content
                continue
            found = _parse(content)
            if (key := keys[folder]) is not None:
                base = runs[found.base]
                cache.put(key, _with_base(content, base))
                found = replace(found, digest=_joined(key, base))
        yield found


def _make(folders: list[Path], bases: Path, jobs: int, replaced: Mapping[str, Replaced]) -> Iterator[bytes | BadEntry]:
    """The documents of entries, in the order given."""
    if jobs == 1 or len(folders) < _WORTH_PROCESSES:
        runs = BaseRuns(bases)
        for folder in folders:
            yield _score(folder, runs, replaced.get(folder.name, ()))
        return
    # Enough is handed out ahead that no process waits while this one reads a result.
    with WorkerPool(min(jobs, len(folders)), ahead=4) as pool:
        for folder, content in pool.map(partial(_score_there, bases=bases, replaced=dict(replaced)), folders):
            yield content or BadEntry(folder.name, "cannot be scored (the process that tried it ended)")


@remembered
def _runs(bases: Path) -> BaseRuns:
    return BaseRuns(bases)


def _score_there(folder: Path, bases: Path, replaced: Mapping[str, Replaced]) -> bytes | BadEntry:
    return _score(folder, _runs(bases), replaced.get(folder.name, ()))


def _score(folder: Path, bases: BaseRuns, replaced: Replaced) -> bytes | BadEntry:
    entry = load_entry(folder, bases, replaced)
    if isinstance(entry, BadEntry):
        return entry
    try:
        return _document(entry, score_pair(entry.base, entry.tuned, entry.manifest.target))
    except RetentionError as error:
        return BadEntry(entry.entry_id, str(error))
    except Exception as error:  # scoring meets hostile samples here, and must not stop the others
        return BadEntry(entry.entry_id, f"cannot be scored ({type(error).__name__})")


def _document(entry: Entry, card: Scorecard) -> bytes:
    right = solved(entry.tuned.samples)[_item_order(entry.tuned.samples)]
    facts = {
        "entry_id": entry.entry_id,
        "base": entry.home,
        "items": len(right),
        "solved": base64.b64encode(np.packbits(right).tobytes()).decode(),
        "hashes": {metric: cell.hash for metric, cell in cells_of(entry.entry_id, card).items()},
    }
    manifest = entry.manifest.model_dump_json(by_alias=True, exclude_none=True)
    # A line each: models read their own JSON in half the time of reading a document and then checking it.
    return "\n".join(
        [json.dumps(facts), manifest, entry.tuned.record.model_dump_json(), card.model_dump_json()]
    ).encode()


def _item_order(samples: pd.DataFrame) -> NDArray[np.int64]:
    """Places of the rows by task and item id. Arrow sorts them in a fifth of the time of pandas."""
    columns = {name: pa.array(samples[name]) for name in ("task", "item_id")}
    order = pc.sort_indices(pa.table(columns), sort_keys=[(name, "ascending") for name in columns])
    return np.asarray(order, dtype=np.int64)


def _parse(content: bytes) -> Score:
    about, manifest, tuned, card = content.split(b"\n")
    facts = json.loads(about)
    packed = np.frombuffer(base64.b64decode(facts["solved"]), dtype=np.uint8)
    return Score(
        entry_id=facts["entry_id"],
        manifest=Manifest.model_validate_json(manifest),
        tuned=RunRecord.model_validate_json(tuned),
        card=Scorecard.model_validate_json(card),
        base=facts["base"],
        solved=np.unpackbits(packed, count=facts["items"]).astype(bool),
        # The same few hundred names in every entry: a board of a thousand has them once.
        hashes={sys.intern(metric): digest for metric, digest in facts["hashes"].items()},
    )


# A cached document is the digest of the base's run on its first line, then the document itself.


def _with_base(content: bytes, digest: str) -> bytes:
    return f"{digest}\n".encode() + content


def _cached(cache: Cache, key: str, runs: _Digests) -> Score | None:
    stored = cache.get(key)
    if stored is None:
        return None
    digest, _, content = stored.partition(b"\n")
    try:
        found = _parse(content)
    except (ValueError, KeyError, TypeError, ValidationError):
        return None
    base = runs[found.base]
    return replace(found, digest=_joined(key, base)) if base.encode() == digest else None


def _joined(key: str, base: str) -> str:
    return hashlib.sha256(f"{key} {base}".encode()).hexdigest()


def _key(folder: Path, replaced: Replaced, sha256: Callable[[Path], str]) -> str | None:
    """sha256 over the code, the folder's name, every file in it and the base runs that are replaced; None where it
    holds more than a few plain files."""
    digest = _files_digest(folder, sha256)
    facts = f"{code_digest()} {folder.name} {digest} {json.dumps(replaced)}"
    return None if digest is None else hashlib.sha256(facts.encode()).hexdigest()


class _Digests(dict[str, str]):
    """The digests of base runs, by their folders below ``bases``, as they are asked for."""

    def __init__(self, bases: Path, sha256: Callable[[Path], str]) -> None:
        self._bases, self._sha256 = bases, sha256

    def __missing__(self, home: str) -> str:
        self[home] = _files_digest(self._bases / home, self._sha256) or "none"
        return self[home]


def _files_digest(folder: Path, sha256: Callable[[Path], str]) -> str | None:
    digest = hashlib.sha256()
    for number, path in enumerate(sorted(folder.rglob("*"))):
        if number == _MOST_FILES or path.is_symlink() or not (path.is_file() or path.is_dir()):
            return None
        if path.is_file():
            if path.stat().st_size > MAX_FILE_BYTES:
                return None
            digest.update(f"{path.relative_to(folder).as_posix()} {sha256(path)}\n".encode())
        else:
            digest.update(f"{path.relative_to(folder).as_posix()}/\n".encode())
    return None if folder.is_symlink() else digest.hexdigest()
