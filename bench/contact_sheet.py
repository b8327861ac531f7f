"""A contact sheet of what was read wrongly, by kind.

contact_sheet([Wrong("112", "172", picture)]).save("wrong.png")
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import ne
from typing import Any

from PIL import Image, ImageDraw, ImageOps

TILES, TILE, CAPTION = 8, (150, 90), 28
"""Pictures in a row; the pixels of each, and of the lines above it."""


@dataclass(frozen=True)
class Wrong:
    """A number that is wrong."""

    wanted: str  # what is written; empty if nothing is
    text: str  # what was read in its place; empty if nothing was
    picture: Any  # a Pillow image; None for what was not read

    @property
    def kind(self) -> str:
        """How it is wrong."""
        if not self.text:
            return "not read"
        if not self.wanted:
            return "not written"
        if len(self.wanted) == len(self.text):
            return "one character misread" if sum(map(ne, self.wanted, self.text)) == 1 else "misread"
        if self.wanted in self.text:
            return "an end too many"
        return "an end lost" if self.text in self.wanted else "another number of characters"


def counts_of(wrong: Sequence[Wrong]) -> str:
    """How many there are of each kind, the most first."""
    return ", ".join(f"{n} {kind}" for kind, n in Counter(each.kind for each in wrong).most_common())


def contact_sheet(wrong: Sequence[Wrong]) -> Any:
    """Their pictures in rows, each below its kind, what is written and what was read."""
    shown = sorted((each for each in wrong if each.picture is not None), key=lambda each: each.kind)
    sheet = Image.new("RGB", (TILES * TILE[0], -(-len(shown) // TILES) * TILE[1] or 1), "white")
    draw = ImageDraw.Draw(sheet)
    for n, each in enumerate(shown):
        left, top = n % TILES * TILE[0], n // TILES * TILE[1]
        sheet.paste(ImageOps.contain(each.picture, (TILE[0] - 8, TILE[1] - CAPTION - 4)), (left, top + CAPTION))
        draw.text((left, top), f"{each.kind}\n{each.wanted} > {each.text}", fill="black")
    return sheet
