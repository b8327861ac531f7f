"""Draw what was read: boxes and values over the picture, and each crop as the network saw it.

draw_page(grey, page).save("read.png")
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.read.page import Page
from tendigits.read.results import Character

ACCEPTED, DOUBTFUL = (20, 130, 60), (210, 90, 0)
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
    characters = [character for line in page.numbers for character in line.characters]
    columns = max(1, (image.width - EDGE) // CELL)
    rows = -(-len(characters) // columns)
    canvas = Image.new("RGB", (image.width, image.height + rows * (CELL + 14) + EDGE), "white")
    canvas.paste(image, (0, 0))
    draw = ImageDraw.Draw(canvas)
    font, small = ImageFont.load_default(18), ImageFont.load_default(12)
    for line in page.numbers:
        for character in line.characters:
            draw.rectangle([edge * scale for edge in character.box], outline=_colour(character), width=2)
        place = line.box.left * scale, max(0, line.box.top * scale - 24)
        draw.text(place, line.value, fill=ACCEPTED if line.accepted else DOUBTFUL, font=font)
    for number, character in enumerate(characters):
        x, y = EDGE + number % columns * CELL, image.height + EDGE + number // columns * (CELL + 14)
        crop = Image.fromarray(255 - character.crop).resize((CROP, CROP), Image.Resampling.NEAREST)
        canvas.paste(crop, (x, y))
        draw.rectangle([x - 1, y - 1, x + CROP, y + CROP], outline=_colour(character), width=2)
        caption = f"{character.label}  {character.confidence:.0%}"
        draw.text((x, y + CROP + 2), caption, fill=_colour(character), font=small)
    return canvas


def _colour(character: Character) -> tuple[int, int, int]:
    return ACCEPTED if character.accepted else DOUBTFUL
