"""Migrations: documents of an older major version are lifted to the one that is read now, step by step.

A document's major version is in the document. A field that is added with a default is no new major version: documents
written before it was there read as before, and mean what the default says (``run.json`` grew ``replicate``,
``judge``, ``screened``, ``engine.adapter`` and the suite's ``transfer`` and ``adjacent`` in that way). A new major
version is a field that changed its meaning, its name or its type; it comes with a step here, and with a schema of its
own in ``leaderboard/ledger/schemas/`` beside the old one.

| document | major version now | older ones |
|---|---|---|
| manifest | 1 | none |
| run | 1 | none |
| event | 1 | none |
| samples | 3 | 1: no ``layer``, no ``details``; 2: no ``off_list``; ``read_samples`` adds them, empty or false |
| scorecard | 1 | none |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.errors import RetentionError

Step = Callable[[dict[str, Any]], dict[str, Any]]


class MigrationError(RetentionError):
    """A document of a version that this program does not read."""


@dataclass(frozen=True)
class Kind:
    """A kind of document: where its major version is written, which is current, and the steps up to it.

    ``steps[n]`` makes a document of version n + 1 from one of version n. A text version is
    ``retentionbench-<name>-<major>``, a number is the major version itself.
    """

    name: str
    current: int
    key: str
    steps: Mapping[int, Step] = field(default_factory=dict)


MANIFEST = Kind("manifest", 1, "schema")
RUN = Kind("run", 1, "schema_version")
EVENT = Kind("event", 1, "schema")
_MAJOR = re.compile(r"\Aretentionbench-([a-z]{1,20})-([0-9]{1,4})\Z", re.ASCII)


def lift(kind: Kind, document: Any, where: str) -> Any:
    """``document`` at the current major version of ``kind``; the very object where there is nothing to lift.

    What is no mapping, or states no version that can be read, is given back as it is: its schema says what is wrong.
    Raises ``MigrationError`` naming ``where`` for a version that is newer than this program or that it no longer reads.
    """
    version = _version(kind, document)
    if version is None or version == kind.current:
        return document
    if version > kind.current:
        raise MigrationError(
            f"{where}: {kind.key}: {kind.name} version {version} is newer than this program, which reads "
            f"{kind.current}; upgrade retentionbench"
        )
    for step in range(version, kind.current):
        if step not in kind.steps:
            raise MigrationError(
                f"{where}: {kind.key}: {kind.name} version {version} is no longer read; write version {kind.current}"
            )
        document = kind.steps[step](dict(document))
    return document


def _version(kind: Kind, document: Any) -> int | None:
    stated = document.get(kind.key) if isinstance(document, dict) else None
    if isinstance(stated, int) and not isinstance(stated, bool):
        return stated if kind.key == "schema_version" else None
    match = _MAJOR.match(stated) if isinstance(stated, str) else None
    return int(match[2]) if match and match[1] == kind.name else None
