"""Draw what was read: boxes and values over the picture, and each crop as the network saw it.

draw_page(grey, page).save("read.png")
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.read.results import Digit, Page

ACCEPTED, DOUBTFUL, REJECTED = (20, 130, 60), (210, 90, 0), (150, 150, 150)
CROP, CELL, EDGE = 56, 78, 8


def draw_page(grey: NDArray[np.uint8], page: Page, longest: int = 1600) -> Any:
    """Draw a page.

    Args:
        grey: uint8 (height, width), the picture or a smaller copy of it.
        longest: the drawn picture's longest side in pixels.

    Returns:
        A Pillow image: the picture above, the crops below.
    """
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(grey).convert("RGB")
    image.thumbnail((longest, longest))
    if image.width < 400:
        times = -(-400 // image.width)
        image = image.resize((image.width * times, image.height * times), Image.Resampling.LANCZOS)
    scale = image.width / page.size[0]
    digits = [digit for line in page.lines for digit in line.digits]
    columns = max(1, (image.width - EDGE) // CELL)
    rows = -(-len(digits) // columns)
    canvas = Image.new("RGB", (image.width, image.height + rows * (CELL + 14) + EDGE), "white")
    canvas.paste(image, (0, 0))
    draw = ImageDraw.Draw(canvas)
    font, small = ImageFont.load_default(18), ImageFont.load_default(12)
    for digit in page.rejected:
        draw.rectangle([edge * scale for edge in digit.box], outline=REJECTED)
    for line in page.lines:
        for digit in line.digits:
            draw.rectangle([edge * scale for edge in digit.box], outline=_colour(digit), width=2)
        place = line.box.left * scale, max(0, line.box.top * scale - 24)
        draw.text(place, line.value, fill=ACCEPTED if line.accepted else DOUBTFUL, font=font)
    for number, digit in enumerate(digits):
        x, y = EDGE + number % columns * CELL, image.height + EDGE + number // columns * (CELL + 14)
        crop = Image.fromarray(255 - digit.crop).resize((CROP, CROP), Image.Resampling.NEAREST)
        canvas.paste(crop, (x, y))
        draw.rectangle([x - 1, y - 1, x + CROP, y + CROP], outline=_colour(digit), width=2)
        draw.text((x, y + CROP + 2), f"{digit.label}  {digit.confidence:.0%}", fill=_colour(digit), font=small)
    return canvas


def _colour(digit: Digit) -> tuple[int, int, int]:
    return ACCEPTED if digit.accepted else DOUBTFUL
