"""Question pages: each item of a suite with what it asks, what the base said, and what every entry says now.

What entries answered is read once a suite and only where a page is not remembered. A page follows from the items of
its suite, the answers and names of the suite's entries, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from markupsafe import Markup, escape
from numpy.typing import NDArray

from harness.records import AskedItem
from harness.scoring import FORGOTTEN, KEPT, LEARNED, NEVER, Bools
from leaderboard.board import Row, Track
from leaderboard.documents import clean
from leaderboard.numbers import formats
from leaderboard.site.answers import OUTCOMES, AnswerTable, base_answers, bounded_text, said
from leaderboard.site.explorer import CELL, COLUMNS, mosaic
from leaderboard.site.item_index import PART, SHORT_ID, Picture, SuiteItems

# Different answers to one item that are shown; further ones are counted by their outcome.
MOST_ANSWERS = 20
# Entries that one item links to; a board with more would make its pages too heavy.
MOST_LINKED = 900
# Items listed on the page of a task, and of all tasks on the index; of larger ones the rest is reached by its pages.
MOST_LISTED = 1_500
MOST_INDEXED = 4_000
MOST_FORGOTTEN = 12
# By what the base and the tuned model solved: 2 * base + tuned.
_KINDS = (NEVER, LEARNED, FORGOTTEN, KEPT)


@dataclass(frozen=True)
class Fate:
    """What became of one item in one track: the entries in the track's order as squares, and counted in words."""

    track: Track
    squares: Markup
    tally: Markup


@dataclass(frozen=True)
class Heard:
    """The answers to one item of one base and of the entries tuned from it; ``groups`` are list items."""

    base: str
    outcome: str
    text: str
    groups: Markup
    fates: tuple[Fate, ...]


@dataclass(frozen=True)
class ItemView:
    """One item on its page: ``number`` from 1 within its task; ``asked`` is None where that may not be published."""

    item_id: str
    number: int
    asked: AskedItem | None
    pictures: tuple[Picture | None, ...]
    heard: tuple[Heard, ...]
    before: str
    after: str

    @property
    def short_id(self) -> str:
        return self.item_id[:SHORT_ID]


@dataclass(frozen=True)
class Listed:
    """One item in a list: what it asks on one line, and how many entries learned, kept, forgot and never knew it."""

    item_id: str
    task: str
    counts: dict[str, int]


class OfBase:
    """The answers of one base and of the entries of its tracks, and a link to each of these.

    What became of an item is said of each entry by its own base run, where that is another one than ``base``.
    """

    def __init__(self, base: Path, tracks: Sequence[Track]) -> None:
        self.tracks = tracks
        self.rows: list[Row] = [row for track in tracks for row in track.rows]
        self.name = self.rows[0].manifest.base.name
        self.table = AnswerTable(base, [row.folders[1] for row in self.rows])
        self.links = [_link(row) for row in self.rows]
        self.whole = [
            (start, start + len(track.rows), _whole(track)) for start, track in _starts(tracks) if len(track.rows) > 2
        ]
        self.place = {item_id: at for at, item_id in enumerate(self.table.base.item_ids)}
        self.right: Bools = self.table.base.solved
        knew = np.stack([self._right_of(row.folders[0], base) for row in self.rows])
        self.kinds = (2 * knew + self.table.solved).astype(np.int8)
        self.texts = lru_cache(maxsize=1)(self._texts)

    def _right_of(self, own: Path, base: Path) -> Bools:
        return self.right if own == base else base_answers(own).solved

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many entries each item has of each kind in the order of ``_KINDS``: items x 4."""
        return np.stack([(self.kinds == kind).sum(axis=0) for kind in range(len(_KINDS))], axis=1)

    def _texts(self, task: str) -> tuple[slice, NDArray[np.int32], pa.Array]:
        place = self.table.base.places[task]
        return place, *self.table.texts(place)

    def heard(self, item_id: str, room: int) -> Heard:
        """What was said to an item, with links to at most ``room`` entries."""
        at = self.place[item_id]
        base = self.table.base
        place, codes, texts = self.texts(base.tasks[at])
        own = bounded_text(base.outputs[at])
        groups = Markup("".join(self._groups(at, codes[:, at - place.start], texts, own, room)))  # noqa: S704
        fates = [_fate(track, self.kinds[start : start + len(track.rows), at]) for start, track in _starts(self.tracks)]
        return Heard(self.name, base.outcomes[at], said(own), groups, tuple(fates))

    def _groups(self, at: int, codes: NDArray[np.int32], texts: pa.Array, own: str, room: int) -> Iterator[str]:
        outcomes = self.table.outcomes[:, at]
        keys = codes.astype(np.int64) * len(OUTCOMES) + outcomes
        found, which, sizes = np.unique(keys, return_inverse=True, return_counts=True)
        # Stable: alike sizes stay in the order in which they were first said.
        order = np.argsort(-sizes, kind="stable").tolist()
        # The entries of each answer, those of one after those of another.
        entries, ends = np.argsort(which, kind="stable").tolist(), np.cumsum(sizes).tolist()
        members = [entries[end - size : end] for end, size in zip(ends, sizes.tolist(), strict=True)]
        for group in order[:MOST_ANSWERS]:
            code, outcome = divmod(int(found[group]), len(OUTCOMES))
            text = texts[code].as_py()
            mark, shown = ", as the base" if text == own else "", escape(said(text) or "(nothing)")
            yield self._group(members[group], at, outcome, mark, room, f"<bdi>{shown}</bdi>")
            room -= len(members[group])
        others: dict[int, list[int]] = {}
        for entry in sorted(entry for group in order[MOST_ANSWERS:] for entry in members[group]):
            others.setdefault(int(outcomes[entry]), []).append(entry)
        for outcome, alike in sorted(others.items()):
            yield self._group(alike, at, outcome, "", room, _OTHERS)
            room -= len(alike)

    def _group(self, members: Sequence[int], at: int, outcome: int, mark: str, room: int, text: str) -> str:
        """``members`` are the entries, in ascending order, that say ``text``."""
        by, others = [], list(members)
        for start, end, link in self.whole:
            first = bisect_left(others, start)
            if bisect_left(others, end) - first == end - start:
                by.append(link)
                del others[first : first + end - start]
        if others:
            by.append(_listed(self.links[entry] for entry in others[: max(room, 0)]))
        more = f" and {formats.count(len(others) - room)} more" if 0 < room < len(others) else ""
        kind = _KINDS[self.kinds[members[0], at]]
        said = f"{formats.count(len(members))} × {OUTCOMES[outcome]}{mark}"
        return f"<li class={kind}><p><b>{said}</b> {text}<p class=by>{', '.join(by)}{more}\n"


# What stands a hundred thousand times on a board of forty entries goes without closing tags and quotes; a board of a
# thousand has a million of it, which is why these are plain strings: what others wrote is escaped where it comes in.
_OTHERS = "<i>other answers</i>"
_JOINT = re.compile(r"([A-Za-z0-9._-]{1,60}?)-(seed[0-9]{1,6}(?:-[A-Za-z0-9]{1,12})?|[A-Za-z0-9]{1,12})")


def _starts(tracks: Sequence[Track]) -> Iterator[tuple[int, Track]]:
    """The place of each track's first row among the rows of all."""
    start = 0
    for track in tracks:
        yield start, track
        start += len(track.rows)


def _whole(track: Track) -> str:
    """A link that stands for every entry of a track, where they all say the same."""
    target = escape(formats.by_others(track.key.target, 40))
    entries = f"all {formats.count(len(track.rows))} entries"
    return f"<a href=../../tracks/{escape(track.key.slug)}.html>{entries} of {target}</a>"


def name_parts(name: str) -> tuple[str, str]:
    """An entry's name as what its seeds share, and the rest: they differ in the last part, or in the one that has the
    number of the seed. The first is empty where the name is not made of parts."""
    found = _JOINT.fullmatch(name)
    return (found[1], found[2]) if found else ("", name)


def _link(row: Row) -> tuple[str, str]:
    """What an entry's name shares with those of other seeds, and a link that says the rest."""
    stem, rest = name_parts(row.name)
    said = rest if stem else escape(formats.by_others(rest, 40))
    return stem, f"<a href=../../entries/{escape(row.entry_id)}.html>{said}</a>"


def _listed(links: Iterable[tuple[str, str]]) -> str:
    """Links to entries, those with the same first part together."""
    found: dict[str, list[str]] = {}
    for stem, link in links:
        found.setdefault(stem, []).append(link)
    return ", ".join(" ".join([stem, *alike] if stem else alike) for stem, alike in found.items())


def _fate(track: Track, kinds: NDArray[np.int8]) -> Fate:
    names = [_KINDS[kind] for kind in kinds.tolist()]
    width, height = CELL * min(len(names), COLUMNS), CELL * -(-len(names) // COLUMNS)
    paths = "".join(f'<path class="m-{kind}" d="{path}"/>' for kind, path in mosaic(names).items() if path)
    counts = [(kind, names.count(kind)) for kind in (LEARNED, KEPT, FORGOTTEN, NEVER)]
    told = ", ".join(f"{formats.count(count)} {kind}" for kind, count in counts if count)
    squares = (
        f'<svg class=squares width={2 * width} height={2 * height} viewBox="0 0 {width} {height}" aria-hidden=true>'
        f"{paths}</svg>"
    )
    return Fate(track, Markup(squares), Markup(told))  # noqa: S704 - numbers and words of ours


def lined(text: str) -> Markup:
    """A question's text with its own line breaks, and nothing else of it that is not text."""
    lines = [clean(line, _LONGEST_LINE) for line in text.splitlines()[:_MOST_LINES]]
    return Markup("<br>").join(lines)


_MOST_LINES, _LONGEST_LINE = 400, 4000


class SuiteQuestions:
    """The pages of one suite's questions, made from its items and the answers of its tracks."""

    def __init__(self, items: SuiteItems, tracks: Sequence[Track]) -> None:
        self.items, self.tracks = items, tuple(tracks)

    @cached_property
    def facts(self) -> str:
        """sha256 of all that the pages of this suite follow from, besides question files."""
        tracks = [
            [track.base.samples_sha256, vars(track.key)]
            + [[row.entry_id, row.name, row.base.samples_sha256, row.tuned.samples_sha256] for row in track.rows]
            for track in self.tracks
        ]
        return hashlib.sha256(json.dumps([self.items.name, tracks]).encode()).hexdigest()

    @cached_property
    def bases(self) -> tuple[OfBase, ...]:
        """The answers, read where a page is made."""
        found: dict[Path, list[Track]] = {}
        for track in self.tracks:
            found.setdefault(track.base_folder, []).append(track)
        return tuple(OfBase(base, tracks) for base, tracks in found.items())

    def forget(self) -> None:
        """Let go of the answers; they are read again where another page needs them."""
        self.__dict__.pop("bases", None)
        self.__dict__.pop("tasks", None)

    @property
    def entries(self) -> int:
        return sum(len(track.rows) for track in self.tracks)

    def views(self, task: str, part: int) -> tuple[ItemView, ...]:
        """The items of one page of a task; ``part`` counts from 1."""
        first = (part - 1) * PART
        return tuple(self._view(task, at) for at in range(first, min(first + PART, len(self.items.tasks[task]))))

    def _view(self, task: str, at: int) -> ItemView:
        ids = self.items.tasks[task]
        asked = self.items.asked.get(ids[at])
        return ItemView(
            ids[at],
            at + 1,
            asked,
            tuple(self.items.pictures.get(digest) for digest in asked.pictures) if asked else (),
            tuple(base.heard(ids[at], MOST_LINKED // len(self.bases)) for base in self.bases if ids[at] in base.place),
            self._address(task, at - 1) if at else "",
            self._address(task, at + 1) if at + 1 < len(ids) else "",
        )

    def _address(self, task: str, at: int) -> str:
        """The address of an item from the page of another item of its suite."""
        page = self.items.page(task, at // PART + 1).rpartition("/")[2]
        return f"{page}#{self.items.tasks[task][at][:SHORT_ID]}"

    def listed(self, task: str) -> list[Listed]:
        """The items of a task, in the order of their ids."""
        return [Listed(item_id, task, self._counts(item_id)) for item_id in self.items.tasks[task]]

    def _counts(self, item_id: str) -> dict[str, int]:
        found = np.zeros(len(_KINDS), dtype=np.int64)
        for base in self.bases:
            if item_id in base.place:
                found += base.counts[base.place[item_id]]
        return dict(zip(_KINDS, found.tolist(), strict=True))

    @cached_property
    def tasks(self) -> dict[str, list[Listed]]:
        return {task: self.listed(task) for task in self.items.tasks}


def most_forgotten(items: Sequence[Listed], most: int = MOST_FORGOTTEN) -> list[Listed]:
    """The items that most entries forgot, the first by id among equals; none that no entry forgot."""
    found = [item for item in items if item.counts[FORGOTTEN]]
    return sorted(found, key=lambda item: (-item.counts[FORGOTTEN], item.task, item.item_id))[:most]


def total(items: Sequence[Listed]) -> dict[str, int]:
    """Transitions of several items together."""
    return {kind: sum(item.counts[kind] for item in items) for kind in (LEARNED, KEPT, FORGOTTEN, NEVER)}
