"""The Hugging Face hub: an entry's ``.eval_results/*.yaml`` and ``model-index``, as ``harness.report`` states them."""

from __future__ import annotations

import datetime
import re

from harness.report import Stated
from harness.report import eval_results as stated_results
from harness.report import model_index as stated_index
from leaderboard.board import Row
from leaderboard.documents import clean, yaml_text
from leaderboard.numbers import quoted_number

_DATE = re.compile(r"\A20[0-9]{2}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2})?", re.ASCII)


def eval_results(row: Row, site: str | None) -> str | None:
    """``.eval_results/retentionbench.yaml`` of the tuned model; None where its retention is not defined."""
    found = stated_results(row.card, _stated(row, site))
    return None if found is None else yaml_text(found)


def model_index(row: Row, site: str | None) -> str:
    """The ``model-index`` part of the tuned model's card."""
    return yaml_text(stated_index(row.card, _stated(row, site)))


def _stated(row: Row, site: str | None) -> Stated:
    manifest = row.manifest
    return Stated(
        model=row.name,
        base=manifest.base.name,
        target=manifest.target,
        suite=(manifest.suite.id, manifest.suite.version),
        evidence=f"{row.evidence}, {row.standing}",
        date=stamp(row.created),
        page=None if site is None else page(row, site),
        arguments={"protocol": manifest.suite.protocol, "entry": row.entry_id},
        clean=clean,
        points=lambda change: quoted_number(change, "points"),
    )


def page(row: Row, site: str) -> str:
    """The address of an entry's page."""
    return f"{site.rstrip('/')}/entries/{row.entry_id}.html"


def utc(text: str) -> datetime.datetime | None:
    """The moment that ``text`` begins with (a date means its first second), or None where it is none.

    What follows the seconds is not read: records are written in UTC.
    """
    match = _DATE.match(text)
    if match is None:
        return None
    try:
        return datetime.datetime.fromisoformat(match[0]).replace(tzinfo=datetime.UTC)
    except ValueError:
        return None


def stamp(text: str) -> str | None:
    """``YYYY-MM-DDThh:mm:ssZ`` of :func:`utc`."""
    moment = utc(text)
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
