"""Characters and words in fonts: handwriting and print.

fonts = load_fonts(paths, written=True)     # .ttf, .otf or .woff
glyph = fonts[0].glyph("7")
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from synthesis.glyphs import Glyph, Grey, glyph_of
from tendigits.numbers.decode import CHARACTERS

POINTS = 64
"""Size at which characters are drawn."""


DISPLAYED = "0123456789."
"""What a display shows."""

MISSING = "\uffff"
"""No font has this character: its drawing is that of all that are missing."""


@dataclass(frozen=True)
class Font:
    """A font, and how high its digits are."""

    path: str
    written: bool
    """By hand; else printed."""
    is_display: bool = False
    """Seven segments; it has digits and points only."""

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self.path).stem

    def glyph(self, label: str) -> Glyph:
        """A character's shape, where it stands next to digits."""
        return _glyph(self.path, label)

    def text(self, text: str) -> tuple[Grey, float, float]:
        """Words, uint8 (height, width); their top below that of a digit, and their height, in digit heights."""
        drawing, row = _draw(self.path, text)
        rows = np.flatnonzero((drawing > 110).any(axis=1))
        columns = np.flatnonzero((drawing > 110).any(axis=0))
        top, height = _digits(self.path)
        if not len(rows):
            return np.zeros((1, 1), np.uint8), 0.0, 1.0 / height
        shape = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return shape, (int(rows[0]) + row - top) / height, shape.shape[0] / height


@cache
def _font(path: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, POINTS)


def _draw(path: str, text: str) -> tuple[Grey, int]:
    """A text, with a margin, and the row above the baseline's zero where the drawing begins."""
    font = _font(path)
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    image = Image.new("L", (max(1, round(right - left)) + 8, max(1, round(bottom - top)) + 8))
    ImageDraw.Draw(image).text((4 - left, 4 - top), text, fill=255, font=font, anchor="ls")
    return np.asarray(image), round(top) - 4


@cache
def _digits(path: str) -> tuple[int, int]:
    """Top of the digits above the baseline, negative, and their height."""
    _, top, _, bottom = _font(path).getbbox("0", anchor="ls")
    return round(top), max(1, round(bottom - top))


@cache
def _glyph(path: str, label: str) -> Glyph:
    drawing, row = _draw(path, label)
    rows = np.flatnonzero((drawing > 110).any(axis=1))
    top, height = _digits(path)
    return glyph_of(label, drawing, (int(rows[0]) + row - top) / height, (int(rows[-1]) - int(rows[0]) + 1) / height)


def load_fonts(paths: Iterable[Path], written: bool, is_display: bool = False) -> list[Font]:
    """Those of the fonts that have every character that they need, each with its own shape."""
    characters = DISPLAYED if is_display else CHARACTERS
    fonts = []
    for path in paths:
        drawings = {_draw(str(path), label)[0].tobytes() for label in MISSING + characters}
        if len(drawings) == len(characters) + 1:
            fonts.append(Font(str(path), written, is_display))
    return fonts
