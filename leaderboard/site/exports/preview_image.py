"""The picture that other sites show beside a link: what each recipe of a track keeps, as PNG.

Sites that show such pictures (Open Graph's ``og:image``) take no SVG. Pillow, which is there for the pictures of items,
draws it with the font that it brings, so that the same board gives the same bytes on one version of it.
"""

from __future__ import annotations

import io
from functools import cache
from typing import cast

from PIL import Image, ImageDraw, ImageFont

from harness.report import FAMILIES, SURFACES
from harness.scoring import wording
from leaderboard.board import Track
from leaderboard.board.recipes import Recipe, recipes
from leaderboard.documents import clean
from leaderboard.numbers import percent

WIDTH, HEIGHT = 1200, 630
_QUESTION = "What did fine-tuning teach, and what did it make the model forget?"
_MARGIN, _TOP, _ROW, _MOST = 60, 205, 42, 9
_LEFT, _RIGHT = 560, 1010
_RADIUS = 8


def preview_name(slug: str) -> str:
    """Where the picture of a track is within the site."""
    return f"previews/{slug}.png"


def preview_image(track: Track) -> bytes:
    """PNG of 1200 x 630: the question, the track, and the first recipes with a mark for what each seed keeps."""
    paper, ink, soft, line = (SURFACES[name][0] for name in ("paper", "ink", "soft", "line"))
    image = Image.new("RGB", (WIDTH, HEIGHT), paper)
    draw = ImageDraw.Draw(image)
    draw.text((_MARGIN, 48), "RetentionBench", font=_font(26), fill=soft)
    draw.text((_MARGIN, 84), _QUESTION, font=_font(34), fill=ink)
    about = f"{clean(track.key.target, 40)} on {clean(track.key.suite, 40)}: what is kept of everything else"
    draw.text((_MARGIN, 138), about, font=_font(24), fill=soft)
    found = [(recipe, recipe.retention.mean) for recipe in recipes(track) if recipe.retention is not None]
    found.sort(key=lambda each: (each[0].precedence, -each[1]))
    shown = found[:_MOST]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        draw.text((_at(share), _TOP - 4), f"{100 * share:.0f} %", font=_font(18), fill=soft, anchor="mb")
        draw.line([(_at(share), _TOP), (_at(share), _TOP + _ROW * len(shown))], fill=line)
    for place, (recipe, kept) in enumerate(shown):
        middle = _TOP + _ROW * place + _ROW // 2
        colour = FAMILIES[recipe.manifest.method.family][0]
        draw.text((_MARGIN, middle), _cut(clean(_name(recipe), 80)), font=_font(24), fill=ink, anchor="lm")
        for row in recipe.rows:
            if row.card.retention_macro is not None:
                x = _at(row.card.retention_macro)
                box = (x - _RADIUS, middle - _RADIUS, x + _RADIUS, middle + _RADIUS)
                draw.ellipse(box, outline=colour, width=3, fill=paper)
        # The font has no true minus and no dash.
        said = wording.plain(percent(kept)).replace("\N{NO-BREAK SPACE}", " ")
        draw.text((WIDTH - _MARGIN, middle), said, font=_font(26), fill=ink, anchor="rm")
    if left := len(found) - len(shown):
        more = f"and {left} more {'recipe' if left == 1 else 'recipes'}"
        draw.text((_MARGIN, HEIGHT - 30), more, font=_font(20), fill=soft, anchor="lm")
    sink = io.BytesIO()
    image.save(sink, "PNG", optimize=True)
    return sink.getvalue()


def _name(recipe: Recipe) -> str:
    return f"provisional: {recipe.name}" if recipe.provisional else recipe.name


def _at(share: float) -> float:
    """The place of a share; what is kept below 0 % or above 100 % stands at the end."""
    return _LEFT + (_RIGHT - _LEFT) * min(max(share, 0.0), 1.0)


def _cut(name: str) -> str:
    """As much of a name as fits before the marks."""
    if _font(24).getlength(name) <= _LEFT - _MARGIN - 30:
        return name
    while _font(24).getlength(f"{name}…") > _LEFT - _MARGIN - 30:
        name = name[:-1]
    return f"{name.rstrip(' ·')}…"


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return cast("ImageFont.FreeTypeFont", ImageFont.load_default(size))
