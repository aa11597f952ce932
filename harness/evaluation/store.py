"""The response store: every answer an engine ever gave, keyed by everything that decides it.

A key covers item, prompt token ids and image bytes, decoding, weights (an adapter's base too), conditions, engine
fingerprint and replicate
(harness/README.md, invariant 3), so an answer can never be taken for another model's, another prompt's or another
engine's. One SQLite file in WAL mode; answers are committed in chunks while the engine works, so a crash loses at most
one chunk (invariant 4). Each row has a digest, since SQLite does not notice a byte that a disk changed within a text.
"""

import hashlib
import json
import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.checkpoints import Conditions
from harness.engines import Member
from harness.errors import RetentionError
from harness.items import canonical_json
from harness.protocol import (
    Completion,
    ContinuationScore,
    Decoding,
    Engine,
    Failed,
    GenerateRequest,
    ScoreAnswer,
    ScoreRequest,
)
from harness.records import EngineRecord

STORE_FILE = "store.sqlite"
CHUNK = 256
# 2 has the digests.
_VERSION = 2
_LOOKUP = 500


class StoreError(RetentionError):
    """A store that cannot be opened or written; what it already holds is left as it is."""


class ResponseStore:
    """A file of answers by key. Use as a context manager; two processes may share one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            if self._version() != _VERSION:
                self._migrate()
            self._db.execute("SELECT key, source, answer, digest FROM answers LIMIT 0")
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"{path}: cannot be used as a response store ({error}); move it away or repair it"
            ) from error

    def __enter__(self) -> "ResponseStore":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def _version(self) -> int:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise StoreError(f"{self.path}: store version {version} is newer than this program; upgrade retentionbench")
        return int(version)

    def _migrate(self) -> None:
        """Make the table of a new store, or give the rows of an older one their digests; all or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            version = self._version()  # Another process may have been first.
            if version == 0:
                self._db.execute(
                    "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, source TEXT, answer TEXT, digest BLOB) "
                    "WITHOUT ROWID"
                )
            elif version == 1:
                self._db.create_function("row_digest", 3, _row_digest, deterministic=True)
                self._db.execute("ALTER TABLE answers ADD COLUMN digest BLOB")
                self._db.execute("UPDATE answers SET digest = row_digest(key, source, answer)")
            self._db.execute(f"PRAGMA user_version={_VERSION}")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Any]:
        """The stored answers among ``keys``; ``StoreError`` if some were damaged, which are then removed."""
        found: dict[bytes, Any] = {}
        damaged: list[bytes] = []
        for start in range(0, len(keys), _LOOKUP):
            part = keys[start : start + _LOOKUP]
            marks = ",".join("?" * len(part))
            try:
                # Only question marks are put into the statement.
                columns = "key, CAST(source AS BLOB), CAST(answer AS BLOB), digest"
                query = f"SELECT {columns} FROM answers WHERE key IN ({marks})"  # noqa: S608
                with closing(self._db.execute(query, part)) as rows:
                    for key, source, answer, digest in rows:
                        if _row_digest(key, source, answer) == digest:
                            found[key] = json.loads(answer)
                        else:
                            damaged.append(key)
            except (sqlite3.Error, ValueError) as error:
                raise StoreError(f"{self.path}: cannot be read ({error}); move it away or repair it") from error
        if damaged:
            self._remove(damaged)
        return found

    def _remove(self, damaged: Sequence[bytes]) -> None:
        try:
            with self._db:
                self._db.executemany("DELETE FROM answers WHERE key = ?", [(key,) for key in damaged])
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path}: {len(damaged)} stored answers were changed on disk and cannot be removed ({error}); "
                "move it away or repair it"
            ) from error
        raise StoreError(
            f"{self.path}: {len(damaged)} stored answers were changed on disk, so that their digests differ; they are "
            "removed: run the same command again, which asks for them alone (and check the disk)"
        )

    def put(self, answers: Iterable[tuple[bytes, str, Any]]) -> None:
        """Commit a chunk of ``(key, source, answer)``, all or none, and wait until they are on disk."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?)",
                [_row(key, source, answer) for key, source, answer in answers],
            )
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise StoreError(
                f"{self.path}: an answer could not be stored ({error}); everything before this chunk is kept: "
                "fix the cause (free some space if the disk is full), and the same command goes on from there"
            ) from error

    def sources(self) -> dict[str, int]:
        """How many answers each source (:func:`source_of`) has given."""
        query = "SELECT source, count(*) FROM answers GROUP BY source ORDER BY source"
        try:
            with closing(self._db.execute(query)) as rows:
                return dict(rows)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: cannot be read ({error}); move it away or repair it") from error

    def drop(self, sources: Iterable[str]) -> None:
        """Delete all answers of these sources, all or none, and give their space back to the disk."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("DELETE FROM answers WHERE source = ?", [(source,) for source in sources])
            self._db.execute("COMMIT")
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise StoreError(
                f"{self.path}: cannot be cleaned up now ({error}); no answer in use is lost, try again when no "
                "evaluation is running"
            ) from error


def _row(key: bytes, source: str, answer: Any) -> tuple[bytes, str, str, bytes]:
    text = json.dumps(answer, ensure_ascii=False)
    return key, source, text, _row_digest(key, source, text)


def _row_digest(key: bytes, *texts: str | bytes) -> bytes:
    """16 bytes of a row's key, source and answer, which any change to one of them changes."""
    parts = (text.encode() if isinstance(text, str) else text or b"" for text in texts)
    return hashlib.sha256(b"\0".join((key, *parts))).digest()[:16]


def source_of(weights_digest: str, fingerprint: str, replicate: int = 0) -> str:
    """Who gave an answer: a checkpoint's weights on an engine, in one of its replicates."""
    return f"{weights_digest} {fingerprint}" + (f" replicate {replicate}" if replicate else "")


@dataclass(frozen=True)
class Variant:
    """A model that an engine can answer as: ``adapter`` as in the requests of :mod:`harness.protocol`.

    A ``replicate`` (1, 2, ...) repeats a run to measure its noise, and shares no answer with another replicate.
    ``conditions`` is the digest of the run's conditions, which are part of every key, and ``base`` that of the weights
    that an adapter is applied to.
    """

    weights_digest: str
    record: EngineRecord
    adapter: str | None = None
    replicate: int = 0
    conditions: str = ""
    base: str | None = None

    @classmethod
    def of(cls, member: Member, conditions: Conditions, replicate: int = 0) -> "Variant":
        base = member.checkpoint.record.base
        return cls(
            member.weights_digest,
            member.record,
            member.request_adapter,
            replicate,
            conditions.record.digest,
            None if base is None else base.weights_digest,
        )

    @property
    def source(self) -> str:
        return source_of(self.weights_digest, self.record.fingerprint, self.replicate)


class StoredEngine:
    """An engine that answers from the store first and starts the real engine only when something is missing.

    It answers as ``lead``. ``siblings`` are other models that the same engine can answer as: each request to the
    lead goes to them too, in the same stream, and their answers go into the store, where their own runs find them, so
    that an engine with a base and its adapters is kept full by all of them. ``reused`` and ``generated`` count the
    lead's answers, ``generated_for`` those of each sibling by its weights digest, ``tokens_for`` the tokens of their
    prompts and outputs. ``answered`` is called with the item id and the tokens of each new answer. Answers that carry
    an error are returned but never stored, so the next run tries them again. The requests of a replicate reach the
    engine shuffled by ``seed``.
    """

    def __init__(
        self,
        store: ResponseStore,
        lead: Variant,
        start: Callable[[], Engine],
        siblings: Sequence[Variant] = (),
        *,
        seed: int = 0,
        answered: Callable[[str, int, int], None] = lambda item_id, prompt, output: None,
    ) -> None:
        self._store = store
        self._answered = answered
        self._order = random.Random(seed)  # noqa: S311 - an order, not a secret
        self._variants = (lead, *siblings)
        self._start = start
        self._engine: Engine | None = None
        self.record = lead.record
        self.reused = 0
        self.generated_for = dict.fromkeys((variant.weights_digest for variant in self._variants), 0)
        self.tokens_for = dict.fromkeys(self.generated_for, (0, 0))

    @property
    def generated(self) -> int:
        return self.generated_for[self._variants[0].weights_digest]

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        """Yield ``(index, completion)``: stored answers first, then new ones as the engine finishes them."""
        for index, answer in self._answers(requests, lambda engine, missing: engine.generate(missing)):
            yield index, answer if isinstance(answer, Completion) else Completion(**answer)

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, ScoreAnswer]]:
        """Like :meth:`generate`, for log-probabilities of continuations."""
        for index, answer in self._answers(requests, lambda engine, missing: engine.score(missing)):
            if isinstance(answer, Failed):
                yield index, answer
            else:
                scores = (each if isinstance(each, ContinuationScore) else ContinuationScore(**each) for each in answer)
                yield index, tuple(scores)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _answers(
        self,
        requests: Sequence[Any],
        call: Callable[[Engine, list[Any]], Iterator[tuple[int, Any]]],
    ) -> Iterator[tuple[int, Any]]:
        lead = self._variants[0]
        contents = list(map(_content, requests))
        keys = {variant: _keys(variant, requests, contents) for variant in self._variants}
        stored = self._store.get(keys[lead])
        known = set(stored).union(*(self._store.get(keys[variant]) for variant in self._variants[1:]))
        missing = [(i, v) for i in range(len(requests)) for v in self._variants if keys[v][i] not in known]
        for index, key in enumerate(keys[lead]):
            if key in stored:
                self.reused += 1
                yield index, stored[key]
        if all(variant is not lead for _, variant in missing):
            # What only siblings miss is left to their own runs, which fail alone where it cannot be answered.
            return
        if lead.replicate:
            self._order.shuffle(missing)
        if self._engine is None:
            self._engine = self._start()
        chunk: list[tuple[bytes, str, Any]] = []
        try:
            wanted = [replace(requests[index], adapter=variant.adapter) for index, variant in missing]
            for position, answer in call(self._engine, wanted):
                index, variant = missing[position]
                self._count(variant, wanted[position], answer)
                if not getattr(answer, "error", None):
                    chunk.append((keys[variant][index], variant.source, _plain(answer)))
                if len(chunk) >= CHUNK:
                    self._store.put(chunk)
                    chunk = []
                if variant is lead:
                    yield index, answer
        finally:
            # Also when the engine fails or the run is interrupted: what was answered is paid for.
            if chunk:
                self._store.put(chunk)

    def _count(self, variant: Variant, request: GenerateRequest | ScoreRequest, answer: Any) -> None:
        prompt, output = _tokens(request, answer)
        before = self.tokens_for[variant.weights_digest]
        self.generated_for[variant.weights_digest] += 1
        self.tokens_for[variant.weights_digest] = (before[0] + prompt, before[1] + output)
        self._answered(request.item_id, prompt, output)


def _tokens(request: GenerateRequest | ScoreRequest, answer: Any) -> tuple[int, int]:
    """Tokens of prompt and output; of options whose likelihood was read, all are prompt."""
    if isinstance(request, ScoreRequest):
        return len(request.prompt.token_ids) + sum(map(len, request.continuations)), 0
    return answer.n_prompt_tokens, answer.n_output_tokens


def request_keys(variant: Variant, requests: Sequence[GenerateRequest | ScoreRequest]) -> list[bytes]:
    """The keys under which the answers of ``variant`` to ``requests`` are stored."""
    return _keys(variant, requests, list(map(_content, requests)))


def _keys(
    variant: Variant, requests: Sequence[GenerateRequest | ScoreRequest], contents: Sequence[dict[str, Any]]
) -> list[bytes]:
    return [_key(variant, request, each) for request, each in zip(requests, contents, strict=True)]


def _content(request: GenerateRequest | ScoreRequest) -> dict[str, Any]:
    if isinstance(request, GenerateRequest):
        return {"decoding": _stated(request.decoding), "prompt": request.prompt.digest}
    scored = {"continuations": request.continuations, "prompt": request.prompt.digest}
    # Only where it is set, so that answers stored before are found.
    return scored | ({"counted": request.counted} if request.counted else {})


def _key(variant: Variant, request: GenerateRequest | ScoreRequest, content: dict[str, Any]) -> bytes:
    parts = {
        **content,
        "item": request.item_id,
        "weights": variant.weights_digest,
        "engine": variant.record.fingerprint,
        "replicate": variant.replicate,
        "conditions": variant.conditions,
        **({"base": variant.base} if variant.base else {}),
    }
    return hashlib.sha256(canonical_json(parts)).digest()


def _stated(decoding: Decoding) -> dict[str, Any]:
    """The decoding without what is as it was before a field was added, so that answers stored before are found."""
    stated = asdict(decoding)
    return stated if decoding.top_p < 1 else {name: value for name, value in stated.items() if name != "top_p"}


def _plain(answer: Any) -> Any:
    return [asdict(each) for each in answer] if isinstance(answer, tuple) else asdict(answer)
