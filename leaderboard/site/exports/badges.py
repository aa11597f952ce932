"""Badges: an entry's retention, gain and evidence as a small picture for a README, without script, style or font."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from harness.report.palette import SURFACES, TRANSITIONS
from leaderboard.board import Row
from leaderboard.documents import clean
from leaderboard.ledger import Standing
from leaderboard.numbers import percent, points

_HEIGHT = 20
_PADDING = 6.0
# Advance widths of a common sans at 11 px: enough to place text, whatever font the reader has.
_WIDE, _NARROW, _USUAL = 9.0, 3.8, 6.6
_LABEL = "RetentionBench"
# Of the palette by day: kept as what is learned, lost as what is forgotten, and between them neither.
_GOOD, _MIDDLE, _BAD, _NONE = TRANSITIONS["learned"][0], SURFACES["soft"][0], TRANSITIONS["forgotten"][0], "#555"


def badge(row: Row) -> bytes:
    """The badge of one entry. Colours hold 4.5:1 against white; the words say it without them."""
    said, colour = _said(row)
    left, right = _width(_LABEL), _width(said)
    title = f"{clean(row.name, 60)} on {_LABEL}: {said}"
    svg = Xml.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": f"{left + right:g}",
            "height": str(_HEIGHT),
            "role": "img",
            "aria-label": title,
        },
    )
    Xml.SubElement(svg, "title").text = title
    Xml.SubElement(svg, "rect", {"width": f"{left:g}", "height": str(_HEIGHT), "fill": "#24292f"})
    Xml.SubElement(svg, "rect", {"x": f"{left:g}", "width": f"{right:g}", "height": str(_HEIGHT), "fill": colour})
    style = {
        "fill": "#fff",
        "font-family": "Verdana,DejaVu Sans,sans-serif",
        "font-size": "11",
        "text-anchor": "middle",
    }
    for middle, text in ((left / 2, _LABEL), (left + right / 2, said)):
        Xml.SubElement(svg, "text", {"x": f"{middle:g}", "y": "14", **style}).text = text
    return bytes(Xml.tostring(svg, encoding="utf-8")) + b"\n"


def _said(row: Row) -> tuple[str, str]:
    if row.standing is not Standing.ACTIVE:
        return f"{row.standing} \N{MIDDLE DOT} {row.evidence}", _NONE
    if row.pending:
        return "not accepted yet", _NONE
    kept = row.card.retention_macro
    said = f"gain {points(row.card.learned.gain)} \N{MIDDLE DOT} {row.evidence}"
    if kept is None:
        return said, _NONE
    colour = _GOOD if kept >= 0.95 else _MIDDLE if kept >= 0.8 else _BAD
    # What nobody else has run is not shown as good or bad.
    return f"retention {percent(kept)} \N{MIDDLE DOT} {said}", _NONE if row.provisional else colour


def _width(text: str) -> float:
    wide = sum(_WIDE if char in "mwMW%@" else _NARROW if char in "ijl.,'| \xa0" else _USUAL for char in text)
    return round(wide + 2 * _PADDING)
