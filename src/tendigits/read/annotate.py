"""Draw what was read: boxes and values over the picture, and below it each crop as the network saw it.

draw_page(grey, page).save("read.png")
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.read.page import Page

ACCEPTED_COLOUR = (20, 130, 60)
DOUBTFUL_COLOUR = (210, 90, 0)
MIN_WIDTH_PX = 400  # smaller pictures are enlarged
MAX_SIDE_PX = 1600  # longest side of the drawn picture
CROP_PX = 56  # side of a crop
CELL_WIDTH_PX = 78  # of a crop with its margin
CELL_HEIGHT_PX = 92  # of a crop with its caption
MARGIN_PX = 8


def draw_page(grey: NDArray[np.uint8], page: Page) -> Any:
    """Draw a page over its picture, uint8 (height, width), or a smaller copy of it.

    Returns:
        A Pillow image: the picture above, the crops below.
    """
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(grey).convert("RGB")
    image.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    if image.width < MIN_WIDTH_PX:
        factor = -(-MIN_WIDTH_PX // image.width)
        image = image.resize((image.width * factor, image.height * factor), Image.Resampling.LANCZOS)
    scale = image.width / page.size[0]
    characters = [character for number in page.numbers for character in number.characters]
    columns = max(1, (image.width - MARGIN_PX) // CELL_WIDTH_PX)
    rows = -(-len(characters) // columns)
    canvas = Image.new("RGB", (image.width, image.height + rows * CELL_HEIGHT_PX + MARGIN_PX), "white")
    canvas.paste(image, (0, 0))
    draw = ImageDraw.Draw(canvas)
    font, small = ImageFont.load_default(18), ImageFont.load_default(12)
    for number in page.numbers:
        for character in number.characters:
            draw.rectangle([edge * scale for edge in character.box], outline=_colour(character.accepted), width=2)
        corner = number.box.left * scale, max(0, number.box.top * scale - 24)
        draw.text(corner, number.value, fill=_colour(number.accepted), font=font)
    for i, character in enumerate(characters):
        row, column = divmod(i, columns)
        x, y = MARGIN_PX + column * CELL_WIDTH_PX, image.height + MARGIN_PX + row * CELL_HEIGHT_PX
        crop = Image.fromarray(255 - character.crop).resize((CROP_PX, CROP_PX), Image.Resampling.NEAREST)
        canvas.paste(crop, (x, y))
        colour = _colour(character.accepted)
        draw.rectangle([x - 1, y - 1, x + CROP_PX, y + CROP_PX], outline=colour, width=2)
        draw.text((x, y + CROP_PX + 2), f"{character.label}  {character.confidence:.0%}", fill=colour, font=small)
    return canvas


def _colour(accepted: bool) -> tuple[int, int, int]:
    return ACCEPTED_COLOUR if accepted else DOUBTFUL_COLOUR
