"""Detection of twins: names that can be mistaken for those of earlier entries, and commits with two contents.

An account, a fine-tune, a base or an algorithm whose name looks like an earlier one's (by its skeleton) draws readers,
or is put on a row with it; one commit of the hub has one set of files, whoever names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from leaderboard.documents import MANIFEST_FILE, Manifest, ModelRef, skeleton
from leaderboard.entries import Finding, finding
from leaderboard.ledger import same_account


@dataclass(frozen=True)
class Named:
    """An entry with its manifest, and when it came as a number: a lower one came earlier."""

    entry: str
    manifest: Manifest
    rank: int

    @property
    def handle(self) -> str:
        return self.manifest.contact.handle


def twins(named: Sequence[Named]) -> Iterator[tuple[str, Finding]]:
    """``(entry, finding)`` for every entry with a name that looks like one of an earlier entry, or with a commit whose
    files are other ones there."""
    ordered = sorted(named, key=lambda each: (each.rank, each.entry))
    for place, look, is_twin in _NAMES:
        known: dict[str, list[Named]] = {}
        for each in ordered:
            name = look(each.manifest)
            alike = known.setdefault(skeleton(name), []) if name else []
            other = next((one for one in alike if one.rank < each.rank and is_twin(each, one)), None)
            if other is not None:
                why = f"{name} looks like {look(other.manifest)} of entry {other.entry}"
                yield each.entry, finding("twin", MANIFEST_FILE, why, place, entry=other.entry)
            alike.append(each)
    yield from _two_contents(ordered)


def _other_account(mine: Named, other: Named) -> bool:
    return not same_account(mine.handle, other.handle)


def _other_name(look: Callable[[Manifest], str]) -> Callable[[Named, Named], bool]:
    """Whether two names differ by more than their case."""
    return lambda mine, other: look(mine.manifest).casefold() != look(other.manifest).casefold()


def _tuned(manifest: Manifest) -> str:
    return manifest.tuned_model.name


def _base(manifest: Manifest) -> str:
    return manifest.base.name


def _algorithm(manifest: Manifest) -> str:
    return manifest.method.algorithm or ""


def _another_fine_tune(mine: Named, other: Named) -> bool:
    # A repository of the hub has an owner, and may have several entries of several accounts.
    same = mine.manifest.tuned_model.repo is not None and _tuned(mine.manifest) == _tuned(other.manifest)
    return _other_account(mine, other) and not same


_NAMES: tuple[tuple[str, Callable[[Manifest], str], Callable[[Named, Named], bool]], ...] = (
    ("contact.handle", lambda manifest: manifest.contact.handle, _other_account),
    ("tuned", _tuned, _another_fine_tune),
    ("base", _base, _other_name(_base)),
    ("method.algorithm", _algorithm, _other_name(_algorithm)),
)


def _two_contents(ordered: Sequence[Named]) -> Iterator[tuple[str, Finding]]:
    known: dict[tuple[str, str], list[tuple[Named, ModelRef]]] = {}
    for each in ordered:
        for place, model in (("base", each.manifest.base), ("tuned", each.manifest.tuned_model)):
            if model.repo is None or model.revision is None:
                continue
            alike = known.setdefault((model.repo.casefold(), model.revision), [])
            for other, theirs in alike:
                if other.rank < each.rank and _differ(model, theirs):
                    why = f"{model.repo} at {model.revision[:12]} has other files in entry {other.entry}"
                    yield each.entry, finding("two-contents", MANIFEST_FILE, why, f"{place}.files", entry=other.entry)
                    break
            alike.append((each, model))


def _differ(mine: ModelRef, theirs: ModelRef) -> bool:
    """Whether two lists of files cannot be of one commit: a file is another one, or none is in both."""
    common = mine.files.keys() & theirs.files.keys()
    return not common or any(mine.files[name] != theirs.files[name] for name in common)
