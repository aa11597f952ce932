"""Dates of the data, read from texts that anyone may have written."""

from __future__ import annotations

import datetime
import re

_DATE = re.compile(r"\A20[0-9]{2}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2})?", re.ASCII)


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
