"""The board as data, for programs, with the page that says what is in it; the feed; charts for the pages of others."""

from __future__ import annotations

from collections.abc import Iterator

from leaderboard.site.data_page import data_page
from leaderboard.site.embeds import embed
from leaderboard.site.exports import atom_feed, board_citation, published_data
from leaderboard.site.exports.web import robots
from leaderboard.site.pages import Pages
from leaderboard.site.units import File, Unit


def units(pages: Pages) -> Iterator[Unit]:
    yield Unit(_data)
    yield Unit(_about_the_board)
    for track in pages.board.tracks:
        yield Unit(_embed, (track.key.slug,))


def _data(pages: Pages) -> Iterator[File]:
    data = published_data(pages.board, pages.site)
    yield from data_page(pages, data)
    yield from data


def _about_the_board(pages: Pages) -> Iterator[File]:
    yield "feed.xml", atom_feed(pages.board, pages.site, pages.releases)
    yield "robots.txt", robots(pages.site).encode()
    yield "CITATION.cff", board_citation(pages.board, pages.site).encode()


def _embed(pages: Pages, slug: str) -> Iterator[File]:
    yield from embed(pages, pages.track(slug))
