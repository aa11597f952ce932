"""Entries put together by base and suite."""

from __future__ import annotations

from collections.abc import Iterator

from leaderboard.site import views
from leaderboard.site.pages import Pages
from leaderboard.site.units import File, Unit


def units(pages: Pages) -> Iterator[Unit]:
    yield Unit(_bases)
    yield Unit(_suites)


def _bases(pages: Pages) -> Iterator[File]:
    for base in views.bases(pages.board):
        yield pages.page(base.page, "base.html", base=base)


def _suites(pages: Pages) -> Iterator[File]:
    for name, alike in views.suites(pages.board).items():
        yield pages.page(name, "suite.html", tracks=alike, suite=alike[0].base.suite)
