"""The picture that other sites show beside a link."""

import io
from dataclasses import replace

import pytest
from PIL import Image

from harness.report.palette import FAMILIES
from leaderboard.board.board import Board, load_board
from leaderboard.site.exports.preview_image import HEIGHT, WIDTH, preview_image, preview_name
from tests.support.synthetic_board import rich_board


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made, events = rich_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases, events)


def test_it_is_of_the_size_that_sites_ask_for_and_shows_the_families(board: Board) -> None:
    track = board.tracks[0]
    picture = Image.open(io.BytesIO(preview_image(track)))
    assert (picture.format, picture.size) == ("PNG", (WIDTH, HEIGHT))
    colours = picture.convert("RGB").getcolors(10_000) or ()
    shown = {"#{:02x}{:02x}{:02x}".format(*colour) for _, colour in colours}
    families = {row.manifest.method.family for row in track.rows if row.card.retention_macro is not None}
    assert {FAMILIES[family][0] for family in families} <= shown
    assert preview_name(track.key.slug) == f"previews/{track.key.slug}.png"


def test_it_follows_from_the_data_alone(board: Board) -> None:
    track = board.tracks[0]
    assert preview_image(track) == preview_image(track)
    fewer = replace(track, rows=track.rows[:1])
    assert preview_image(fewer) != preview_image(track)


def test_a_track_without_any_retention_has_a_picture_too(board: Board) -> None:
    track = board.tracks[0]
    rows = tuple(replace(row, card=row.card.model_copy(update={"retention_macro": None})) for row in track.rows)
    assert Image.open(io.BytesIO(preview_image(replace(track, rows=rows)))).size == (WIDTH, HEIGHT)
