"""Quotations: whether a number that somebody quotes is what the data gives, or what has changed since.

Any text will do: a sentence with a cell id, a BibTeX record, a signature. A cell id is looked up and recomputed; its
hash says whether definition, inputs and value are the quoted ones; a number that stands before it is held against the
value at the precision it is written with. A signature is compared field by field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from harness.errors import RetentionError
from leaderboard.entries import Scored, Shelf, UnknownEntryError
from leaderboard.ledger import Evidence, Standing, Submitted
from leaderboard.numbers.cells import CELL, Cell, CellRef, cells_of, find_cell
from leaderboard.numbers.citations import quotation, signature
from leaderboard.numbers.figures import Figure, figures_in
from leaderboard.numbers.spelling import undressed

MAX_CHARACTERS = 64 * 1024
MAX_CITATIONS = 200
Verdict = Literal["holds", "differs", "unknown"]

_YEAR = re.compile(r"\A(?:19|20)[0-9]{2}\Z", re.ASCII)
_LEVEL = re.compile(r"\b9[0-9](?:\.[0-9])? ?% (?:confidence )?(?:interval|CI)\b:?", re.IGNORECASE | re.ASCII)
_SIGNATURE = re.compile(r"retentionbench:[0-9A-Za-z@/.,=_+|:#%~-]{20,4000}", re.ASCII)
# Metrics whose sign says which way something went.
_CHANGES = ("gain", "transfer_gain", "delta", "graded_delta")
_INPUTS = {"items": "the suite's items", "target": "the target", "base": "the base's answers",
           "tuned": "the tuned model's answers", "part": "the task or group"}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """What was quoted, and whether it is what the data gives."""

    quoted: str
    verdict: Verdict
    message: str


class _Once:
    """A shelf that scores an entry once, however often a text quotes it."""

    def __init__(self, shelf: Shelf) -> None:
        self.state = shelf.state
        self.manifests = cache(lambda: tuple(shelf.manifests()))
        self.scored = cache(shelf.scored)
        self.released = cache(lambda entry_id: tuple(shelf.released(entry_id)))


def verify(text: str, shelf: Shelf) -> list[Finding]:
    """A finding for each cell id and signature in ``text``, in their order; ``RetentionError`` where there is none."""
    if len(text) > MAX_CHARACTERS:
        raise RetentionError(f"the text is longer than {MAX_CHARACTERS // 1024} KB; give the citation alone")
    text = undressed(text)
    signatures = dict.fromkeys(match[0] for match in _SIGNATURE.finditer(text))
    # A signature may name its cell; that was checked with it.
    references = list(_references(_SIGNATURE.sub(" ", text)))
    if (found := len(signatures) + len(references)) > MAX_CITATIONS:
        raise RetentionError(f"the text quotes {found} numbers; give at most {MAX_CITATIONS} at once")
    once = _Once(shelf)
    findings = [_check_signature(quoted, once) for quoted in signatures]
    findings += [_check_cell(ref, quoted, once) for ref, quoted in references]
    if not findings:
        raise RetentionError(
            "no cell id and no signature in the text; quote numbers as `retention cite` writes them, for example "
            "gain +80.8 points (abcdefghijkl:gain@nano-1#0123456789ab)"
        )
    return findings


def _references(text: str) -> Iterator[tuple[CellRef, list[Figure]]]:
    """Every cell id with the numbers that stand between it and the one before it."""
    start = 0
    seen = set()
    for match in CELL.finditer(text):
        # A sentence may end at the id.
        ref = CellRef(match["entry"], match["metric"], match["suite"].rstrip("./+-"), match["hash"])
        before = _LEVEL.sub(" ", text[start : match.start()]).rpartition("undefined")[2]
        quoted = list(figures_in(before))
        start = match.end()
        if (ref, tuple(quoted)) not in seen:
            seen.add((ref, tuple(quoted)))
            yield ref, quoted


def _gives(figure: Figure, cell: Cell) -> bool:
    """Whether ``cell`` rounds to ``figure``; without a unit both the fraction and its hundredfold are taken."""
    if cell.value is None:
        return False
    hundreds = cell.definition.unit in ("points", "percent", "ratio")
    scales = [100.0] if figure.unit else [1.0, 100.0] if hundreds else [1.0]
    # A fraction that is rounded to 0 or 1 says nothing.
    return any(_rounds(cell, figure, scale) for scale in scales if not (scale == 1 and hundreds and figure.half > 0.05))


def _rounds(cell: Cell, figure: Figure, scale: float) -> bool:
    # "Fell by 3.2 points" is a change of -3.2.
    value = -figure.value if figure.falls and cell.definition.name in _CHANGES else figure.value
    pairs = [(value, figure.half, cell.value)]
    if figure.interval is not None:
        if cell.interval is None:
            return False
        pairs += [(*said, bound) for said, bound in zip(figure.interval, cell.interval, strict=True)]
    return all(abs(said - bound * scale) <= half * 1.000001 for said, half, bound in pairs if bound is not None)


def _check_cell(ref: CellRef, quoted: list[Figure], shelf: _Once) -> Finding:
    written = f"{ref.id}#{ref.hash}" if ref.hash else ref.id
    try:
        scored = shelf.scored(ref.entry_id)
        cell = find_cell(ref, scored.card)
    except UnknownEntryError as error:
        return Finding(written, "unknown", str(error))
    except RetentionError as error:
        return Finding(written, "differs", str(error))
    number = _said_of(cell, quoted)
    problems = []
    if ref.hash is not None and ref.hash != cell.hash:
        problems.append(_what_changed(ref, cell, shelf))
    if number is not None and not _gives(number, cell):
        problems.append(f"quoted is {number.text}")
    now = f"{quotation(cell)} ({cell.reference})"
    if scored.state.standing is Standing.WITHDRAWN:
        problems.append(f"the entry was withdrawn: {scored.state.because[-1].reason}")
    if problems:
        return Finding(written, "differs", f"{'; '.join(problems)}; the data gives {now}")
    asked = [*(["the hash"] if ref.hash else []), *([number.text] if number else [])]
    compared = " and ".join(asked) if asked else "no number was quoted; it"
    caution = "" if scored.state.standing is Standing.ACTIVE else f"; but the entry is {scored.state.standing}"
    return Finding(
        written, "holds", f"{compared} {'is' if len(asked) < 2 else 'are'} what the data gives: {now}{caution}"
    )


def _said_of(cell: Cell, quoted: list[Figure]) -> Figure | None:
    """The number that was quoted for ``cell``: the last before its id whose unit fits, one with an interval first.

    A bare year is taken for a year, unless the number is a count.
    """
    if cell.definition.unit != "count":
        quoted = [each for each in quoted if not _YEAR.match(each.text)]
    if cell.definition.unit in ("points", "percent"):
        fitting = [each for each in quoted if each.unit] or quoted
    elif cell.definition.unit == "ratio":
        fitting = [each for each in quoted if each.unit == "%"] or [q for q in quoted if not q.unit]
    else:
        fitting = [each for each in quoted if not each.unit]
    whole = [each for each in fitting if each.interval is not None]
    return (whole or fitting or [None])[-1]  # type: ignore[list-item]


def _what_changed(ref: CellRef, cell: Cell, shelf: _Once) -> str:
    """Why the hash is another one now, as far as frozen releases and the ledger can tell."""
    for release, card in shelf.released(ref.entry_id):
        old = cells_of(ref.entry_id, card).get(ref.metric)
        if old is not None and old.hash == ref.hash:
            return f"since release {release} {_difference(old, cell)} changed"
    answers = {
        (event.base_samples_sha256, event.tuned_samples_sha256): event.at[:10]
        for event in reversed(shelf.state(ref.entry_id).events)
        if isinstance(event, Submitted)
    }
    if len(answers) > 1:
        return f"the hash is another: the entry's answers were replaced on {next(iter(answers.values()))}"
    return "the hash is another: the definition, the inputs or the value changed, or it was never this number's"


def _difference(old: Cell, new: Cell) -> str:
    before, after = dict(old.inputs), dict(new.inputs)
    changed = [words for name, words in _INPUTS.items() if before.get(name) != after.get(name)]
    if (old.definition.formula, old.drawn) != (new.definition.formula, new.drawn):
        changed.append("the definition")
    if (old.value, old.interval) != (new.value, new.interval):
        changed.append(f"the value (it was {quotation(old)})")
    return " and ".join(changed)


def _check_signature(quoted: str, shelf: _Once) -> Finding:
    fields = _fields(quoted)
    candidates = [
        entry_id
        for entry_id, manifest in shelf.manifests()
        if fields.get("entry", entry_id) == entry_id
        and manifest.tuned_model.weights_digest.startswith(fields.get("tuned") or "?")
        and manifest.base.weights_digest.startswith(fields.get("base") or "?")
    ]
    best: Finding | None = None
    for entry_id in candidates:
        try:
            scored = shelf.scored(entry_id)
            finding = _compare(quoted, fields, scored)
        except RetentionError as error:
            finding = Finding(quoted, "differs", f"{entry_id}: {error}")
        if finding.verdict == "holds":
            return finding
        best = best or finding
    return best or Finding(quoted, "unknown", "no entry has these base and tuned weights")


def _may_differ(name: str, fields: dict[str, str], due: dict[str, str]) -> bool:
    """A signature may leave out its entry and the evidence, and evidence may have become stronger since."""
    if name == "evidence" and name in fields:
        levels = [str(each) for each in Evidence]
        return fields[name] in levels[: levels.index(due[name])]
    return name in ("entry", "evidence") and name not in fields


def _compare(quoted: str, fields: dict[str, str], scored: Scored) -> Finding:
    cell = None
    if "cell" in fields:
        match = CELL.fullmatch(fields["cell"])
        if match is None:
            return Finding(quoted, "differs", "cell: not a cell id")
        cell = find_cell(CellRef(match["entry"], match["metric"], match["suite"]), scored.card)
    due = _fields(signature(scored, cell))
    differing = [f"{name} is {due.get(name, 'not there')}, quoted {fields.get(name, 'without')}"
                 for name in dict.fromkeys([*fields, *due])
                 if fields.get(name) != due.get(name) and not _may_differ(name, fields, due)]  # fmt: skip
    if scored.state.standing is Standing.WITHDRAWN:
        differing.append(f"the entry was withdrawn: {scored.state.because[-1].reason}")
    if differing:
        return Finding(quoted, "differs", f"entry {scored.entry_id}: {'; '.join(differing)}")
    return Finding(quoted, "holds", f"every field is that of entry {scored.entry_id}")


def _fields(quoted: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in quoted.rstrip(".,").split("|"):
        name, _, value = part.partition(":")
        # A name that comes twice could show one value and be checked by the other.
        fields[name] = f"{fields[name]} and {value}" if name in fields else value
    return fields
