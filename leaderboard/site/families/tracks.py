"""The pages of a track: its entries, each against each, and what most of them forgot."""

from __future__ import annotations

from collections.abc import Iterator

from leaderboard.site import compare, curves, views
from leaderboard.site.exports.preview_image import preview_image, preview_name
from leaderboard.site.pages import Pages
from leaderboard.site.units import File, Unit


def units(pages: Pages) -> Iterator[Unit]:
    for track in pages.board.tracks:
        for make in (_track, _compare, _forgotten):
            yield Unit(make, (track.key.slug,))


def _track(pages: Pages, slug: str) -> Iterator[File]:
    track = pages.track(slug)
    yield pages.page(f"tracks/{slug}.html", "track.html", track=track, curves=curves.curves(track))
    yield preview_name(slug), preview_image(track)


def _compare(pages: Pages, slug: str) -> Iterator[File]:
    track = pages.track(slug)
    page = compare.comparing(track, pages.item_index)
    yield pages.page(f"compare/{slug}.html", "compare.html", track=track, page=page)


def _forgotten(pages: Pages, slug: str) -> Iterator[File]:
    track = pages.track(slug)
    yield pages.page(f"forgotten/{slug}.html", "forgotten.html", track=track, items=views.forgotten(track))
