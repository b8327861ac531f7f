"""A picture with boxes around what was read, as HTML for notebooks.

Doubtful values have a dashed box and a question mark. The picture and its boxes are an SVG inside an `<img>`: in
notebooks that are not trusted, JupyterLab removes inline SVG, and nothing in an image can run.
"""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote

from tendigits.digits.find import Thumbnail
from tendigits.geometry import Box
from tendigits.tables.formats import DOUBTFUL_COLOUR, UNCLEAR, escaped

ACCEPTED_COLOUR = "#14823c"

MIN_SIDE_PX = 300  # longest side of the smallest picture on the screen
MAX_SIDE_PX = 1000  # longest side of the largest one
TEXT_HEIGHT_PX = 15  # on the screen, of the value above a box
BORDER = "border: 1px solid #8888; margin: 0"  # visible on white and on black


class Mark(NamedTuple):
    """A box in a picture, and what was read there."""

    box: Box
    value: str
    accepted: bool


def picture_html(
    text: str, thumbnail: Thumbnail | None, size: tuple[int, int], marks: Sequence[Mark], side_px: int
) -> str:
    """A picture with boxes and values.

    Args:
        text: for people who do not see the picture.
        thumbnail: the picture; None draws white paper.
        size: width and height of the picture, in whose pixels the boxes are.
        side_px: longest side on the screen.
    """
    unit = max(size) / side_px  # pixels of the picture for one on the screen
    width, height = size
    area = f'width="{width}" height="{height}"'
    picture = f'<rect {area} fill="white"/>'
    if thumbnail is not None:
        picture = f'<image href="{thumbnail.data_uri()}" {area} preserveAspectRatio="none"/>'
    boxes, values = [], []
    for (left, top, right, bottom), value, accepted in marks:
        colour, dashes = ACCEPTED_COLOUR, ""
        if not accepted:
            colour, dashes, value = DOUBTFUL_COLOUR, f' stroke-dasharray="{6 * unit:g} {3 * unit:g}"', value + UNCLEAR
        box = f'x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"'
        boxes.append(f'<rect {box} stroke="{colour}"{dashes}/>')
        baseline = max(top - 4 * unit, TEXT_HEIGHT_PX * unit)  # inside the box at the top of the picture
        values.append(f'<text x="{left}" y="{baseline:g}" fill="{colour}">{escaped(value)}</text>')
    font = (
        f'font-family="sans-serif" font-size="{TEXT_HEIGHT_PX * unit:g}" paint-order="stroke" stroke-linejoin="round" '
        f'stroke="white" stroke-width="{4 * unit:g}"'
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {area} viewBox="0 0 {width} {height}">{picture}'
        f'<g fill="none" stroke-width="{2 * unit:g}">{"".join(boxes)}</g><g {font}>{"".join(values)}</g></svg>'
    )
    style = f"display: block; width: {round(width / unit)}px; max-width: 100%; {BORDER}"
    source = f"data:image/svg+xml,{quote(svg, safe='/+=:;, ')}"
    return f'<img src="{source}" alt="{escaped(text)}" style="{style}">'
