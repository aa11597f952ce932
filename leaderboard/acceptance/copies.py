"""Detection of copies among entries, by fingerprints of their outputs.

Each output gets two hashes: one of its letters and digits, independent of case, white space and punctuation; and the
minimum hash of its word 4-grams, which two outputs share with a probability equal to the Jaccard similarity of their
4-grams (MinHash; Broder, "On the resemblance and containment of documents", 1997). 4-grams repeated in many outputs of
an entry are left out, so that a preamble does not count. Over the long outputs of an entry, the second hash measures
how much text is shared.

What surrounds an answer can be changed in every output. So the answers are compared too: where an entry is wrong, and
otherwise than the base, is its own. Two runs of one recipe share up to 81 % of their own mistakes, and up to 92 % with
three others (measured over the 41 entries of the board), a copy or a mixture of others has hardly any of its own.

500 entries of 2,000 items are compared within half a minute.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.answers import canonical_answer
from harness.records import SAMPLES_FILE, Outcome, Run
from harness.scoring import share
from leaderboard.documents import MANIFEST_FILE, TUNED_FOLDER, Manifest, suite_name
from leaderboard.entries import Finding, finding, without_mark

_WORD = re.compile(r"[^\W_]+")
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_RUN = 4
# Words used at either end: bounds the work on an output of any length.
_END = 100
_LONG = 16
# A run of words shared by more than one in this many texts is ignored.
_COMMON = 50
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_NONE = np.uint64(2**64 - 1)
_FEW_LONG = 20
_NEAR_ALL = 0.98
_NEAR_TEXT = 0.8
_NEAR_MISTAKES = 0.9
_FEW_MISTAKES = 20
# Of its own wrong answers, the share from which on an entry is a mixture of so many others.
_MIXED = {2: 0.95, 3: 0.95, 5: 0.97}
_MOST_SOURCES = max(_MIXED)

Hashes = NDArray[np.uint64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Fingerprint:
    """The data of an entry that comparing needs. Arrays have one element per item, in the order of item ids.

    ``whole`` and ``runs`` are the two hashes; ``long`` marks outputs of 16 words or more with runs of their own,
    ``changed`` those that differ from the base's, ``mistakes`` those of them that are not correct. ``answers`` are
    hashes of what was extracted, ``own`` marks wrong ones that are not the base's.
    """

    entry: str
    group: str
    author: tuple[str, str, str, str]
    attempts: int
    manifest: Manifest
    whole: Hashes
    runs: Hashes
    long: Flags
    changed: Flags
    mistakes: Flags
    answers: Hashes
    own: Flags


def fingerprint(entry: str, manifest: Manifest, base: Run, tuned: Run) -> Fingerprint:
    """The fingerprint of an entry's tuned outputs; entries of one suite and one set of items share a ``group``."""
    rows = tuned.samples.sort_values("item_id")
    outputs = rows["output"].tolist()
    asked = base.samples.set_index("item_id").reindex(rows["item_id"])
    said = asked["output"].tolist()
    changed = np.array([mine != theirs for mine, theirs in zip(outputs, said, strict=True)], dtype=bool)
    whole, ends, counts = _words([without_mark(output) for output in outputs])
    stated, of_base = (np.array(_answers(each["extracted"]), dtype=object) for each in (rows, asked))
    own = (rows["outcome"] == Outcome.WRONG).to_numpy() & (stated != "") & (stated != of_base)
    runs = least_runs(ends)
    items = hashlib.sha256("".join(rows["item_id"]).encode()).hexdigest()
    handle, weights = manifest.contact.handle.casefold(), manifest.base.weights_digest
    return Fingerprint(
        entry=entry,
        group=f"{suite_name(tuned.record)} {items}",
        author=(handle, f"{manifest.suite.id}-{manifest.suite.version}", weights, manifest.target),
        attempts=manifest.selection.attempts_evaluated,
        manifest=manifest,
        whole=whole,
        runs=runs,
        long=(counts >= _LONG) & (runs != _NONE),
        changed=changed,
        mistakes=changed & (rows["outcome"] != Outcome.CORRECT).to_numpy(),
        answers=_hashes(list(stated)),
        own=own,
    )


def _answers(extracted: pd.Series) -> list[str]:
    """What was answered, in one notation; empty where nothing was."""
    return [canonical_answer(each) if isinstance(each, str) else "" for each in extracted.tolist()]


def _words(texts: Sequence[str]) -> tuple[Hashes, list[Sequence[str]], NDArray[np.int64]]:
    """Of each text a hash of its words, those at its ends, and how many there are; one text is in words at a time."""
    hashes, ends, counts = list[Hashes](), list[Sequence[str]](), list[int]()
    for text in texts:
        words = words_of(text)
        hashes.append(_hashes(["".join(words)]))
        ends.append(_ends(words))
        counts.append(len(words))
    return np.concatenate(hashes or [_hashes([])]), ends, np.array(counts, dtype=np.int64)


def words_of(text: str) -> list[str]:
    """The words of a text, case- and width-folded; anything but letters and digits is a separator."""
    folded = text if text.isascii() else _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
    return _WORD.findall(folded.casefold())


def compare(prints: Sequence[Fingerprint], order: dict[str, int]) -> Iterator[tuple[str, Finding]]:
    """``(entry, finding)`` for every entry that copies an earlier one, or whose author has more entries than attempts.

    ``order`` ranks entries by what nobody who sends one can choose: acceptance, then merge. Entries not in it come
    last, and those of one rank are copies of each other: which was first is for people to find out.
    """

    def rank(each: Fingerprint) -> int:
        return order.get(each.entry, len(order))

    members: dict[str, list[Fingerprint]] = {}
    for each in prints:
        members.setdefault(each.group, []).append(each)
    groups = {name: _Group(each) for name, each in members.items()}
    authors: dict[tuple[str, str, str, str], list[Fingerprint]] = {}
    for each in sorted(prints, key=lambda each: (rank(each), each.entry)):
        group = groups[each.group]
        earlier = [place for place, other in enumerate(group.prints) if rank(other) < rank(each)]
        beside = [place for place, other in enumerate(group.prints) if rank(other) == rank(each) and other is not each]
        shares = group.shares(each)
        found = (
            _copy(each, [(*shares[place], group.prints[place]) for place in earlier])
            or _copy(each, [(*shares[place], group.prints[place]) for place in beside], known_first=False)
            or _same_answers(each, group, [*earlier, *beside])
        )
        if found is not None:
            yield each.entry, found
        same_author = authors.setdefault(each.author, [])
        same_author.append(each)
        if len(same_author) > each.attempts:
            why = f"{each.attempts}, but this is entry {len(same_author)} of its author on this suite, base and target"
            others = [other.entry for other in same_author[:-1]]
            yield (
                each.entry,
                finding("attempts", MANIFEST_FILE, why, "selection.attempts_evaluated", entries=others[:10]),
            )


class _Group:
    """Entries of one suite and one set of items: entries x items of each part of their fingerprints."""

    def __init__(self, prints: Sequence[Fingerprint]) -> None:
        self.prints = tuple(prints)
        self._whole, self._runs, self._long, self._changed, self._mistakes, self.answers, self.own = (
            np.stack([getattr(each, part) for each in prints])
            for part in ("whole", "runs", "long", "changed", "mistakes", "answers", "own")
        )

    def shares(self, mine: Fingerprint) -> list[tuple[float, float, float]]:
        """Shares in [0, 1] with each entry: of equal outputs, of common text among long ones that neither has from the
        base, and of equal outputs among common mistakes."""
        equal, text = self._whole == mine.whole, self._runs == mine.runs
        columns = (
            equal.mean(axis=1) if equal.shape[1] else np.zeros(len(equal)),
            _among(text, self._long & mine.long & self._changed & mine.changed, _FEW_LONG),
            _among(equal, self._mistakes & mine.mistakes, _FEW_MISTAKES),
        )
        return list(zip(*(column.tolist() for column in columns), strict=True))


def _among(hits: Flags, counted: Flags, least: int) -> NDArray[np.float64]:
    """The share of ``hits`` among what is ``counted`` of each row; 0 where that is fewer than ``least``."""
    count = counted.sum(axis=1)
    shares: NDArray[np.float64] = np.where(count < least, 0.0, (hits & counted).sum(axis=1) / np.maximum(count, 1))
    return shares


def _copy(
    mine: Fingerprint, shares: Sequence[tuple[float, float, float, Fingerprint]], *, known_first: bool = True
) -> Finding | None:
    """A finding for the most similar other entry (``shares`` are those with each), if similar enough. An entry without
    effect is not a copy.

    Where it is not known that the others came first, all outputs alike are a near copy too.
    """
    if not shares or not mine.changed.any():
        return None
    outputs, text, mistakes, other = max(shares, key=lambda each: each[:3])
    file = f"{TUNED_FOLDER}/{SAMPLES_FILE}"
    if outputs == 1.0 and known_first:
        why = f"every output equals that of entry {other.entry}"
        return finding("copied-outputs", file, why, "output", entry=other.entry)
    outputs, text, mistakes, other = max(shares, key=lambda each: max(_excess(*each[:3])))
    if max(_excess(outputs, text, mistakes)) < 0:
        return None
    why = (
        f"{share(outputs)} of the outputs, {share(text)} of the text of long ones and {share(mistakes)} of the common "
        f"mistakes equal those of entry {other.entry}"
    )
    return finding("near-copy", file, why, "output", entry=other.entry, outputs=outputs, text=text, mistakes=mistakes)


def _same_answers(mine: Fingerprint, group: _Group, places: Sequence[int]) -> Finding | None:
    """A finding for an entry whose own mistakes are those of one entry at ``places``, or of a few together."""
    if not places:
        return None
    file = f"{TUNED_FOLDER}/{SAMPLES_FILE}"
    earlier = [group.prints[place] for place in places]
    equal, theirs = (group.answers == mine.answers)[places], group.own[places]
    of_mine, count = equal[:, mine.own], int(mine.own.sum())
    shared, sizes = of_mine.sum(axis=1).tolist(), theirs.sum(axis=1).tolist()
    for other, ours, their, size in zip(earlier, shared, (equal & theirs).sum(axis=1).tolist(), sizes, strict=True):
        # The other's too: mistakes that were put in to hide a copy are nobody's.
        for hits, of, whose in ((ours, count, "its"), (their, size, "that entry's")):
            if of >= _FEW_MISTAKES and (common := hits / of) >= _NEAR_MISTAKES:
                why = f"{share(common)} of {whose} {of} own wrong answers are those of entry {other.entry}"
                return finding("same-answers", file, why, "extracted", entries=[other.entry], shared=common)
    if count < _FEW_MISTAKES:
        return None
    left, sources = np.ones(count, dtype=bool), list[str]()
    for most in range(1, _MOST_SOURCES + 1):
        explained = (of_mine & left).sum(axis=1)
        best = int(explained.argmax())
        if not explained[best]:
            return None
        left &= ~of_mine[best]
        sources.append(earlier[best].entry)
        common = 1 - float(left.mean())
        if most in _MIXED and common >= _MIXED[most]:
            why = f"{share(common)} of its {count} own wrong answers are those of {most} entries: {', '.join(sources)}"
            return finding("same-answers", file, why, "extracted", entries=sources, shared=common)
    return None


def _excess(outputs: float, text: float, mistakes: float) -> tuple[float, float, float]:
    """How far each share exceeds its threshold."""
    return outputs - _NEAR_ALL, text - _NEAR_TEXT, mistakes - _NEAR_MISTAKES


def _hashes(texts: Sequence[str]) -> Hashes:
    digests = b"".join(hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest() for text in texts)
    return np.frombuffer(digests, dtype=np.uint64)


def least_runs(texts: Sequence[Sequence[str]]) -> Hashes:
    """The minimum hash of each text's runs of four words, without common runs; ``_NONE`` if none is left."""
    if not texts:
        return np.array([], dtype=np.uint64)
    # Short texts are padded, so that every text has a run.
    ends = [[*words, *[""] * (_RUN - len(words))] for words in map(_ends, texts)]
    known: dict[str, int] = {}
    for words in ends:
        for word in words:
            if word not in known:
                known[word] = int.from_bytes(
                    hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest()
                )
    codes = np.array([known[word] for words in ends for word in words], dtype=np.uint64)
    text_of = np.repeat(np.arange(len(ends)), [len(words) for words in ends])
    last = len(codes) - _RUN + 1
    hashes = np.zeros(last, dtype=np.uint64)
    for place in range(_RUN):  # A polynomial over 2^64 is enough for a sketch, and fast.
        hashes = hashes * _FACTOR + codes[place : place + last]
    hashes = (hashes ^ (hashes >> np.uint64(29))) * _FACTOR
    within = text_of[:last] == text_of[_RUN - 1 :]
    hashes, text_of = hashes[within], text_of[:last][within]
    _, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    hashes[counts[inverse] > max(2, len(texts) // _COMMON)] = _NONE
    least: Hashes = np.minimum.reduceat(hashes, np.searchsorted(text_of, np.arange(len(ends))))
    return least


def _ends(words: Sequence[str]) -> Sequence[str]:
    return words if len(words) <= 2 * _END else [*words[:_END], *words[-_END:]]
