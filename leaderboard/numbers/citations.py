"""Citations: an entry or one number of it as BibTeX, in APA style, or as a signature that quotes it whole.

Names come from authors. In BibTeX every character that TeX or BibTeX reads as more than itself is written out, so that
a name can neither close its field nor start a command, and reads in print as it was written.
"""

from __future__ import annotations

import re
from typing import Literal, Protocol

from harness import __version__
from harness.scoring import Scorecard, Unit, per_cent, points, rests_on, wording
from leaderboard.documents import Manifest, clean, https_url
from leaderboard.ledger import Standing, State
from leaderboard.numbers.cells import Cell, summary_cells

Style = Literal["bibtex", "apa", "signature"]
_YEAR = re.compile(r"\A20[0-9]{2}(?=-)", re.ASCII)
# BibTeX counts braces whatever stands before them, so that a written-out brace must be a command without one.
_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': '{"}',
    "@": "{@}",
    **{char: f"\\{char}" for char in "%$#&_"},
}
# Numbers beside which it stands what retention rests on.
_RESTING = ("retention_macro", "retention_ratio", "worst_group", "balance")
_UNITS = {"points": " points", "percent": " %", "ratio": " %"}
_LABELS = {"retention_macro": "retention", "score_base": "base score", "score_tuned": "tuned score"}


class Cited(Protocol):
    """An entry as a citation needs it; ``created`` is the date of the tuned run, as written by its author."""

    @property
    def entry_id(self) -> str: ...

    @property
    def manifest(self) -> Manifest: ...

    @property
    def card(self) -> Scorecard: ...

    @property
    def state(self) -> State: ...

    @property
    def created(self) -> str: ...


def tex(text: str, cap: int = 500) -> str:
    """Text by others for the inside of a braced BibTeX field."""
    return "".join(_TEX.get(char, char) for char in clean(text, cap))


def quoted_number(value: float | None, unit: Unit) -> str:
    """A number as it is quoted: +80.8 (points), 86.3 (percent and ratio), 0.0012 (probability), 400.

    With a hyphen for a minus, as TeX reads it.
    """
    if value is None:
        return "undefined"
    if unit == "points":
        return wording.plain(points(value))
    if unit in ("percent", "ratio"):
        return wording.plain(per_cent(value))
    if unit == "count":
        return f"{value:.0f}"
    if unit == "number":
        return f"{value:.3g}"
    return f"{value:.3f}" if value >= 0.001 or value == 0 else f"{value:.2e}"


def quotation(cell: Cell) -> str:
    """The number with its unit and its interval: ``gain +80.8 points, 95 % interval [+77.0, +84.5]``."""
    unit = cell.definition.unit
    said = f"{label(cell.metric)} {quoted_number(cell.value, unit)}"
    if cell.value is None and (cell.reason or "").startswith("not enough evidence"):
        return f"{said} (not enough evidence)"
    if cell.value is not None:
        said += _UNITS.get(unit, "")
    if cell.interval is None:
        return said
    low, high = (quoted_number(bound, unit) for bound in cell.interval)
    return f"{said}, 95 % interval [{low}, {high}]"


def label(metric: str) -> str:
    """A metric in words: ``vision_count: forgotten rate`` for ``task/vision_count/forgotten_rate``."""
    *part, name = metric.split("/")
    words = _LABELS.get(name, name).replace("_", " ")
    return f"{part[-1]}: {words}" if part else words


def cite(entry: Cited, cell: Cell | None, style: Style, site: str | None = None) -> str:
    """The citation of an entry, or of ``cell`` of it; ``site`` is the https address of the published board."""
    address = None if site is None else _address(site, entry.entry_id, cell)
    if style == "signature":
        return signature(entry, cell)
    return _bibtex(entry, cell, address) if style == "bibtex" else _apa(entry, cell, address)


def signature(entry: Cited, cell: Cell | None) -> str:
    """The scorecard's signature with the entry and its evidence; for a cell its reference, value and interval too."""
    facts = [entry.card.signature, f"entry:{entry.entry_id}", f"evidence:{entry.state.evidence}"]
    if cell is not None:
        facts += [f"cell:{cell.reference}", f"value:{'null' if cell.value is None else repr(cell.value)}"]
        if cell.interval is not None:
            facts.append(f"interval:{cell.interval[0]!r},{cell.interval[1]!r}")
    return "|".join(facts)


def _title(entry: Cited) -> str:
    manifest = entry.manifest
    return f"{manifest.tuned_model.name} against {manifest.base.name} on {manifest.suite.id}-{manifest.suite.version}"


def _year(entry: Cited) -> str | None:
    submitted = entry.state.submitted
    match = _YEAR.match(submitted.at if submitted else entry.created)
    return match[0] if match else None


def _note(entry: Cited, cell: Cell | None) -> list[str]:
    found = summary_cells(entry.entry_id, entry.card)
    cited = [cell] if cell is not None else [found["gain"], found["retention_macro"]]
    notes = [f"{quotation(each)} ({each.reference})" for each in cited]
    if any(each.metric in _RESTING for each in cited):
        notes.append(f"retention rests {rests_on(entry.card)}")
    notes.append(f"evidence: {entry.state.evidence}")
    if entry.state.standing is not Standing.ACTIVE:
        notes.append(f"standing: {entry.state.standing}")
    return notes


def _bibtex(entry: Cited, cell: Cell | None, address: str | None) -> str:
    year = _year(entry)
    fields = {
        "author": f"{{{tex(entry.manifest.contact.handle)}}}",
        "title": f"{{{tex(_title(entry))}}}",
        **({"year": year} if year else {}),
        "howpublished": tex(f"RetentionBench {__version__}, entry {entry.entry_id}"),
        "note": tex("; ".join(_note(entry, cell)), 2000),
        **({"url": address} if address else {}),
    }
    lines = ",\n".join(f"  {name:<12} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{retentionbench-{entry.entry_id}{'-' + cell.hash if cell else ''},\n{lines}\n}}"


def _apa(entry: Cited, cell: Cell | None, address: str | None) -> str:
    """After APA 7, section 10.9 (data sets): Author. (Year). Title (Version) [Description]. Publisher. URL"""
    parts = [
        f"{clean(entry.manifest.contact.handle)} ({_year(entry) or 'n.d.'}).",
        f"{clean(_title(entry))} (Entry {entry.entry_id}) [Data set].",
        f"RetentionBench {__version__}.",
        *([f"{quotation(cell)} ({cell.reference})."] if cell else []),
        *(
            [f"Retention rests {rests_on(entry.card)}."]
            if cell and cell.metric in ("retention_macro", "balance")
            else []
        ),
        f"Evidence: {entry.state.evidence}.",
        *([address] if address else []),
    ]
    return " ".join(parts)


def _address(site: str, entry_id: str, cell: Cell | None) -> str:
    place = f"#{cell.fragment}" if cell else ""
    return f"{https_url(site).rstrip('/')}/entries/{entry_id}.html{place}"
