"""Heads of pages: what a search engine and a chat show of a page, and where its one address is."""

from __future__ import annotations

from urllib.parse import urlsplit

from markupsafe import Markup

from leaderboard.board import Board
from leaderboard.documents import clean
from leaderboard.site.exports.preview_image import preview_name
from leaderboard.site.exports.web import page_address
from leaderboard.site.results import opening

# Search engines show about 160 characters, chats about 200; what is longer ends with a whole word.
LONGEST = 200


def description(said: Markup) -> str:
    """``said``, a part of a page, as one line of plain text of at most ``LONGEST`` characters.

    It is text again, no markup: whoever puts it into an attribute escapes it.
    """
    text = clean(said.striptags(), 4 * LONGEST)
    if len(text) <= LONGEST:
        return text
    cut = text[: LONGEST - 1]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut[LONGEST // 2 :] else cut}…"


class Heads:
    """The addresses that a published site's heads name; none of them where ``site`` is None."""

    def __init__(self, board: Board, site: str | None) -> None:
        self.site = site
        opens = opening(board) or next(iter(board.tracks), None)
        # Of pages that are about no one track.
        self.preview = None if opens is None else preview_name(opens.key.slug)

    def address(self, name: str) -> str | None:
        """The one address of a page or picture."""
        return None if self.site is None else page_address(self.site, name)

    def picture(self, slug: str | None) -> str | None:
        """The address of the picture of a track, or of the track that opens the board."""
        name = self.preview if slug is None else preview_name(slug)
        return None if name is None else self.address(name)

    @property
    def root(self) -> str:
        """What stands before an address on the page for addresses that lead nowhere, which a server sends for any.

        It begins at the server's root, as no number of ``../`` is right; without the site's address that root is
        not known, and the page is whole only where it is asked for beside the index.
        """
        return "" if self.site is None else f"{urlsplit(self.site).path.rstrip('/')}/"
