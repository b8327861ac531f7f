"""Contact sheets of what the networks learn from, to be looked at: reader/sheets/*.jpg.

python reader/sheets.py         # needs .reader/fonts, of fetch_fonts.py
"""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from synthesis.glyphs import Grey
from synthesis.lines import WIDTH
from synthesis.patterns import PATTERNS
from synthesis.strokes import RARE, draw
from tendigits.numbers.decode import HEIGHT
from train_numbers import line_writer, page_writer

SHEETS = Path(__file__).parent / "sheets"
BOX = 200
"""Grey of the boxes and captions."""


def main() -> None:
    """Write them all."""
    SHEETS.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    lines = []
    for line in line_writer().lines(rng, 60):
        picture = cv2.copyMakeBorder(
            line.picture, 12, 2, 0, WIDTH - line.picture.shape[1], cv2.BORDER_CONSTANT, value=255
        )
        cv2.putText(picture, "".join(line.labels), (1, 9), cv2.FONT_HERSHEY_SIMPLEX, 0.35, 0, 1, cv2.LINE_AA)
        lines.append(picture)
    save("lines", lines, 4)
    pages = []
    for page in page_writer().pages(rng, 12):
        for number in page.numbers:
            ends = [tuple(np.round(end).astype(int).tolist()) for end in (number.start, number.end)]
            cv2.line(page.picture, ends[0], ends[1], BOX, 1)
            cv2.circle(page.picture, ends[1], max(1, round(number.height / 2)), BOX, 1)
        pages.append(page.picture)
    save("pages", pages, 4)
    save("patterns", [kind(rng, (2 * HEIGHT, WIDTH)) for kind in PATTERNS for _ in range(4)], 4)
    save("rare", [draw(shape, rng) for shapes in RARE.values() for shape in shapes for _ in range(3)], 15)


def save(name: str, tiles: Iterable[Grey], columns: int) -> None:
    """Write tiles of one size side by side."""
    bordered = [cv2.copyMakeBorder(tile, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=BOX) for tile in tiles]
    bordered += [np.zeros_like(bordered[0])] * (-len(bordered) % columns)
    rows = [np.hstack(bordered[i : i + columns]) for i in range(0, len(bordered), columns)]
    cv2.imwrite(str(SHEETS / f"{name}.jpg"), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 75])


if __name__ == "__main__":
    main()
