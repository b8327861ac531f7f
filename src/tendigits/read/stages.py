"""A page at each stage of reading, in one picture.

page = reader.read("sheet.jpg", debug=True)
page.debug().save("stages.png")     # ruled lines, what the finder found, the cells of tables, what was read
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.numbers.detections import Detection
from tendigits.numbers.reading import Reading
from tendigits.pictures.image import Grey
from tendigits.read.results import ACCEPTED_COLOUR
from tendigits.tables.cell import DOUBTFUL_COLOUR
from tendigits.tables.layout import Layout

PANEL_SIDE_PX = 1400  # longest side of each of the four pictures
CAPTION_PX = 32
MIN_TEXT_PX = 9.0
FADED = 0.75  # how much of the page is white below what was read
LINE, FOUND = "#2563eb", "#9333ea"  # colours
CAPTIONS = ("1 ruled lines", "2 numbers found", "3 cells", "4 read: accepted and doubtful")


@dataclass(frozen=True, eq=False)
class Stages:
    """What each stage of reading found on a page, in pixels of `grey`."""

    grey: Grey  # uint8 (height, width): upright, without screens of dots and black bars
    rules: NDArray[np.float64]  # (n, 4): x and y of both ends of pieces of ruled lines
    detections: Sequence[Detection]
    layouts: Sequence[Layout]
    readings: Sequence[Reading]
    accepted: Sequence[bool]  # of the readings

    def draw(self) -> Any:
        """Draw the four stages: a Pillow image."""
        from PIL import Image, ImageDraw, ImageFont

        scale = min(1.0, PANEL_SIDE_PX / max(self.grey.shape))
        width, height = (round(size * scale) for size in self.grey.shape[::-1])
        paper = Image.fromarray(self.grey).resize((width, height), Image.Resampling.LANCZOS).convert("RGB")
        canvas = Image.new("RGB", (2 * width, 2 * (height + CAPTION_PX)), "white")
        outlines: list[tuple[Iterable[NDArray[np.float64]], str]] = [
            (self.rules.reshape(-1, 2, 2), LINE),
            (map(_outline, self.detections), FOUND),
            (
                np.concatenate(
                    [each.corners.reshape(-1, 4, 2)[:, [0, 1, 2, 3, 0]] for each in self.layouts]
                    or [np.zeros((0, 5, 2))]
                ),
                LINE,
            ),
            ((), LINE),
        ]
        caption_font = ImageFont.load_default(CAPTION_PX // 2)
        for n, (lines, colour) in enumerate(outlines):
            panel, left, top = paper.copy(), n % 2 * width, n // 2 * (height + CAPTION_PX)
            draw = ImageDraw.Draw(panel)
            for line in lines:
                draw.line([tuple(point) for point in (line * scale).tolist()], fill=colour, width=2)
            if n == len(outlines) - 1:
                panel = Image.blend(panel, Image.new("RGB", panel.size, "white"), FADED)
                self._write(ImageDraw.Draw(panel), scale)
            canvas.paste(panel, (left, top + CAPTION_PX))
            ImageDraw.Draw(canvas).text((left + 6, top + 6), CAPTIONS[n], fill="black", font=caption_font)
        return canvas

    def _write(self, draw: Any, scale: float) -> None:
        """Write what was read in its place."""
        from PIL import ImageFont

        for reading, is_accepted in zip(self.readings, self.accepted, strict=True):
            font = ImageFont.load_default(max(MIN_TEXT_PX, reading.detection.height * scale))
            colour = ACCEPTED_COLOUR if is_accepted else DOUBTFUL_COLOUR
            place = reading.detection.x * scale, reading.detection.y * scale
            draw.text(place, reading.text, fill=colour, font=font, anchor="mm")


def _outline(detection: Detection) -> NDArray[np.float64]:
    """The corners of a detection, and the first again: (5, 2)."""
    size = detection.length + detection.height, detection.height
    corners = cv2.boxPoints(((detection.x, detection.y), size, float(np.degrees(detection.angle))))
    return np.concatenate([corners, corners[:1]]).astype(np.float64)
