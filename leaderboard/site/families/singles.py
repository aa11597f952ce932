"""Pages of which there is one each."""

from __future__ import annotations

from collections.abc import Iterator

from leaderboard.board import QUEUE_REASONS, queued_entries
from leaderboard.site.expectations import expectations
from leaderboard.site.exports.web import NOT_FOUND
from leaderboard.site.pages import Pages
from leaderboard.site.units import File, Unit, single

# Entries of one reason on the queue's page, which a person reads from the top.
_MOST_QUEUED = 100


def units(pages: Pages) -> Iterator[Unit]:
    for name in ("index", "metrics", "cite", "across", "withdrawn"):
        yield single(f"{name}.html")
    for make in (_submit, _queue, _changelog, _not_found):
        yield Unit(make)
    if pages.findings:
        yield single("findings.html")
    for finding in pages.findings:
        yield Unit(_finding, (finding.page,))


def _changelog(pages: Pages) -> Iterator[File]:
    yield pages.page("changelog.html", "changelog.html", releases=pages.releases)


def _not_found(pages: Pages) -> Iterator[File]:
    yield pages.page(NOT_FOUND, NOT_FOUND, root=pages.heads.root)


def _submit(pages: Pages) -> Iterator[File]:
    yield pages.page("submit.html", "submit.html", expected=expectations(pages.board))


def _queue(pages: Pages) -> Iterator[File]:
    waiting = queued_entries(pages.board)
    yield pages.page("queue.html", "queue.html", waiting=waiting, reasons=QUEUE_REASONS, most=_MOST_QUEUED)


def _finding(pages: Pages, name: str) -> Iterator[File]:
    finding = next(each for each in pages.findings if each.page == name)
    yield pages.page(name, "finding.html", finding=finding)
