"""YAML of manifests and for other programs: a plain writer, and a parser for the subset that a manifest needs.

PyYAML's ``safe_load`` expands a 324-byte alias bomb, reads ``0123456`` as 42798 and ``no`` as false, and silently keeps
the last of two equal keys. Here anchors, aliases, tags, directives, merge keys, duplicate keys and deep nesting are
refused, and every scalar stays text; the schema gives it a type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from harness.errors import RetentionError

MAX_BYTES = 64 * 1024
MAX_DEPTH = 8
MAX_KEY = 256
# Beside the line feed, alone or after a carriage return.
_ODD_LINE_BREAK = re.compile("[\x85\u2028\u2029]|\r(?!\\Z)")
Node: TypeAlias = "str | list[Node] | dict[str, Node] | None"
_SURROGATE = re.compile("[\ud800-\udfff]")


class PlainYamlError(RetentionError):
    """A document outside the accepted subset of YAML; the message names the file, the line and the construct."""


def read_plain_yaml(path: Path) -> Node:
    """Read ``path`` as one restricted YAML document of at most 64 KB."""
    if path.is_symlink() or not path.is_file():
        raise PlainYamlError(f"{path}: no such file (or a link, which is not followed)")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    try:
        return parse_plain_yaml(data)
    except PlainYamlError as error:
        raise PlainYamlError(f"{path}: {error}") from error


def parse_plain_yaml(data: bytes) -> Node:
    """Parse one document; an empty plain scalar is None, every other scalar is text."""
    if len(data) > MAX_BYTES:
        raise PlainYamlError(f"larger than {MAX_BYTES // 1024} KB")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PlainYamlError(f"not UTF-8 (byte {error.start})") from error
    _refuse_odd_lines(text)
    try:
        return _Builder(text).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise PlainYamlError(f"{line}{error.problem or error.context or 'not YAML'}") from error
    except yaml.YAMLError as error:
        raise PlainYamlError(f"not YAML: {str(error).splitlines()[0]}") from error
    except (ValueError, OverflowError) as error:
        raise PlainYamlError(f"a character that there is none of is written as an escape ({error})") from error


def _refuse_odd_lines(text: str) -> None:
    """Refuse what ends a line for YAML 1.1 alone: a comment would end there, and no editor shows it."""
    for number, line in enumerate(text.split("\n"), start=1):
        if found := _ODD_LINE_BREAK.search(line):
            char = f"U+{ord(found[0]):04X}"
            raise PlainYamlError(f"line {number}: the line break {char} is not accepted in a manifest")


class _Builder:
    """Builds the document from PyYAML's event stream, before types and aliases are resolved."""

    def __init__(self, text: str) -> None:
        self.events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=yaml.SafeLoader))

    def document(self) -> Node:
        next(self.events)
        start = next(self.events)
        if not isinstance(start, yaml.DocumentStartEvent):
            raise PlainYamlError("empty document")
        if start.version or start.tags:
            raise _refused(start, "a % directive")
        node = self.node(next(self.events), depth=1)
        next(self.events)
        if not isinstance(after := next(self.events), yaml.StreamEndEvent):
            raise _refused(after, "a second document")
        return node

    def node(self, event: yaml.Event, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            raise _refused(event, f"the alias *{str(event.anchor)[:40]}")
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            raise _refused(event, f"the anchor &{event.anchor[:40]}")
        if isinstance(event, yaml.ScalarEvent):
            if event.tag:
                raise _refused(event, f"the tag {event.tag[:60]!a}")
            if _SURROGATE.search(event.value):
                raise _refused(event, "an escape for half a character")
            return None if event.style is None and event.value == "" else str(event.value)
        if isinstance(event, yaml.CollectionStartEvent) and event.tag:
            raise _refused(event, f"the tag {event.tag[:60]!a}")
        if depth > MAX_DEPTH:
            raise _refused(event, f"nesting deeper than {MAX_DEPTH}")
        return self.sequence(depth) if isinstance(event, yaml.SequenceStartEvent) else self.mapping(depth)

    def sequence(self, depth: int) -> list[Node]:
        entries: list[Node] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            entries.append(self.node(event, depth + 1))
        return entries

    def mapping(self, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth + 1)
            if not isinstance(key, str):
                raise _refused(event, "a key that is not text")
            if key == "<<":
                raise _refused(event, "the merge key <<")
            if len(key) > MAX_KEY:
                raise _refused(event, f"a key longer than {MAX_KEY} characters")
            if key in entries:
                raise _refused(event, f"the key {key!a} twice")
            entries[key] = self.node(next(self.events), depth + 1)
        return entries


def _refused(event: yaml.Event, what: str) -> PlainYamlError:
    line = event.start_mark.line + 1 if event.start_mark else 1
    return PlainYamlError(f"line {line}: {what} is not accepted in a manifest")


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def yaml_text(document: Any) -> str:
    """``document`` (mappings, lists, texts, numbers) as YAML: text quoted where need be, no aliases, keys in order."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
