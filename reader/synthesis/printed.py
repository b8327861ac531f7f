"""Printed digits, letters and signs, in the fonts that come with Matplotlib.

drawing = draw_printed("7", rng)        # uint8 (96, 96), white on black
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthesis.strokes import FIELD

FONTS = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSerif-Italic.ttf",
    "DejaVuSansMono-Bold.ttf",
    "STIXGeneralItalic.ttf",
    "cmr10.ttf",
    "cmmi10.ttf",
    "cmtt10.ttf",
)


def draw_printed(sign: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one character in a random font and size; uint8 (FIELD, FIELD), white on black."""
    from PIL import Image, ImageDraw

    font = _font(FONTS[int(rng.integers(len(FONTS)))], int(rng.integers(40, 76)))
    image = Image.new("L", (FIELD, FIELD))
    ImageDraw.Draw(image).text((FIELD / 2, FIELD / 2), sign, fill=255, font=font, anchor="mm")
    return np.asarray(image)


@cache
def _font(name: str, size: int) -> Any:
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)
