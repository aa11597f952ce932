"""Example sets: training examples in memory or in a folder, identified by a digest.

A folder has ``examples.parquet`` (one :class:`Example` per row) and ``about.json`` (one :class:`About`). This module is
the only reader and writer of both; it treats what it reads as untrusted.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, overload

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, ValidationError

from harness.errors import RetentionError, first_problem
from harness.items import Item, canonical_json, items_digest
from harness.records import Digest, StrictModel, brief, file_sha256

EXAMPLES_FILE = "examples.parquet"
ABOUT_FILE = "about.json"
Kind = Literal["bare", "worked", "other", "rollout", "simulated", "self"]


class ExamplesError(RetentionError):
    """A folder that is not a valid example set; the message names the file and the field."""


class Example(StrictModel):
    """One question and the text to learn as its answer.

    ``item_id`` identifies the question, ``answer`` is the gold answer for rewards, ``target`` the full text of the
    assistant's turn, ``kind`` the origin of that text. ``rows`` and ``columns`` are a jigsaw's grid, or 0.
    """

    item_id: Digest
    task: str
    question: str
    answer: str
    target: str
    kind: Kind
    options: tuple[str, ...] = ()
    images: tuple[bytes, ...] = ()
    rows: int = 0
    columns: int = 0

    @property
    def example_id(self) -> str:
        """sha256 hex over question (by its item id), target and kind."""
        return example_id(self.item_id, self.target, self.kind)


def example_id(item_id: str, target: str, kind: str) -> str:
    """The id of an example, without generating its images."""
    return hashlib.sha256(canonical_json([item_id, target, kind])).hexdigest()


def example_of(item: Item, target: str, kind: Kind, *, rows: int = 0, columns: int = 0) -> Example:
    """``item`` with ``target`` as the text to learn."""
    return Example(
        item_id=item.item_id,
        task=item.task,
        question=item.question,
        answer=item.answer,
        target=target,
        kind=kind,
        options=item.options,
        images=item.images,
        rows=rows,
        columns=columns,
    )


class ExampleSet(Sequence[Example]):
    """Examples in order, each generated or read on access, so that thousands of images are never in memory at once.

    ``ids`` and ``targets`` are available without generating any.
    """

    def __init__(self, ids: Sequence[str], targets: Sequence[str], make: Callable[[int], Example]) -> None:
        self.ids = tuple(ids)
        self.targets = tuple(targets)
        self._make = make

    @classmethod
    def of(cls, examples: Iterable[Example]) -> "ExampleSet":
        """A set that is kept in memory."""
        kept = tuple(examples)
        return cls([each.example_id for each in kept], [each.target for each in kept], kept.__getitem__)

    def select(self, places: Sequence[int]) -> "ExampleSet":
        """The examples at these indices, in this order."""
        return ExampleSet(
            [self.ids[place] for place in places],
            [self.targets[place] for place in places],
            lambda index: self._make(places[index]),
        )

    @property
    def digest(self) -> str:
        """sha256 hex over the example ids in their order."""
        return items_digest(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Example: ...

    @overload
    def __getitem__(self, index: slice) -> "ExampleSet": ...

    def __getitem__(self, index: int | slice) -> "Example | ExampleSet":
        if isinstance(index, slice):
            return self.select(range(len(self))[index])
        return self._make(range(len(self))[index])

    def __iter__(self) -> Iterator[Example]:
        return (self._make(index) for index in range(len(self)))


class About(StrictModel):
    """``about.json``: what an example set is and how it was made.

    ``policy_weights_digest`` is of the checkpoint that generated the targets, ``sampled`` and ``correct`` count its
    samples; all three are None if no model generated them. ``recipe`` names what it was made by, without its seed and
    that of the policy; None where that is not known.
    """

    schema_version: Literal[1] = 1
    source: str
    recipe_digest: Digest
    recipe: str | None = None
    kinds: dict[str, int]
    tasks: dict[str, int]
    examples: Annotated[int, Field(ge=0)]
    digest: Digest
    examples_sha256: Digest
    seed: int
    policy_weights_digest: Digest | None = None
    policy: str | None = None
    sampled: Annotated[int, Field(ge=0)] | None = None
    correct: Annotated[int, Field(ge=0)] | None = None
    note: str = ""


_SCHEMA = pa.schema(
    [
        ("item_id", pa.string()),
        ("task", pa.string()),
        ("question", pa.string()),
        ("answer", pa.string()),
        ("target", pa.string()),
        ("kind", pa.string()),
        ("options", pa.list_(pa.string())),
        ("images", pa.list_(pa.binary())),
        ("rows", pa.int32()),
        ("columns", pa.int32()),
    ]
)
_ROWS_AT_ONCE = 256


def write_examples(
    folder: Path,
    examples: Sequence[Example],
    *,
    source: str,
    recipe_digest: str,
    recipe: str | None = None,
    seed: int,
    policy_weights_digest: str | None = None,
    policy: str | None = None,
    sampled: int | None = None,
    correct: int | None = None,
    note: str = "",
) -> About:
    """Write the set into ``folder`` and return the content of ``about.json``, which is written last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ABOUT_FILE).unlink(missing_ok=True)
    path = folder / EXAMPLES_FILE
    partial = path.with_suffix(".partial")
    ids: list[str] = []
    kinds: Counter[str] = Counter()
    tasks: Counter[str] = Counter()
    with pq.ParquetWriter(partial, _SCHEMA, compression="zstd") as writer:
        for start in range(0, len(examples), _ROWS_AT_ONCE):
            part = list(examples[start : start + _ROWS_AT_ONCE])
            ids += [example.example_id for example in part]
            kinds.update(example.kind for example in part)
            tasks.update(example.task for example in part)
            writer.write_table(pa.Table.from_pylist([example.model_dump() for example in part], schema=_SCHEMA))
    partial.replace(path)
    about = About(
        source=source,
        recipe_digest=recipe_digest,
        recipe=recipe,
        kinds=dict(sorted(kinds.items())),
        tasks=dict(sorted(tasks.items())),
        examples=len(ids),
        digest=items_digest(ids),
        examples_sha256=file_sha256(path),
        seed=seed,
        policy_weights_digest=policy_weights_digest,
        policy=policy,
        sampled=sampled,
        correct=correct,
        note=note,
    )
    text = json.dumps(about.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"
    (folder / ABOUT_FILE).write_text(text, encoding="utf-8")
    return about


def read_about(folder: Path) -> About:
    """Read ``about.json`` of an example set; ``ExamplesError`` if it is missing or invalid."""
    path = folder / ABOUT_FILE
    try:
        return About.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ExamplesError(f"{path}: missing; give a folder that `retention train rollouts` finished") from error
    except ValidationError as error:
        raise ExamplesError(f"{path}: {first_problem(error)}") from error


def read_examples(folder: Path) -> ExampleSet:
    """The examples of ``folder``; ``ExamplesError`` unless they match its ``about.json``."""
    about = read_about(folder)
    path = folder / EXAMPLES_FILE
    try:
        if file_sha256(path) != about.examples_sha256:
            raise ExamplesError(f"{path}: sha256 differs from {ABOUT_FILE}; write the set again")
        table = pq.read_table(path, schema=_SCHEMA, memory_map=True)
        examples = [_example(path, row, fields) for row, fields in enumerate(table.to_pylist())]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ExamplesError(f"{path}: not a readable set of examples ({brief(error)})") from error
    found = ExampleSet.of(examples)
    if found.digest != about.digest:
        raise ExamplesError(f"{path}: its examples differ from {ABOUT_FILE}; write the set again")
    return found


def _example(path: Path, row: int, fields: dict[str, object]) -> Example:
    try:
        return Example.model_validate(fields)
    except ValidationError as error:
        raise ExamplesError(f"{path}: row {row}: {first_problem(error)}") from error
