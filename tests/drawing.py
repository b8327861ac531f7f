"""Pictures that several tests read: digits, numbers, tables, forms."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tendigits.geometry import Box

THREE = [(0.3, 0.25), (0.42, 0.15), (0.6, 0.17), (0.66, 0.3), (0.58, 0.42), (0.44, 0.47), (0.6, 0.52), (0.69, 0.65),
         (0.62, 0.8), (0.45, 0.85), (0.29, 0.76)]  # fmt: skip
ONE = [(0.5, 0.12), (0.5, 0.5), (0.5, 0.88)]
LOCKED_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"3 0 obj<</Filter/Standard/V 1/R 2/O<" + b"41" * 32 + b">/U<" + b"42" * 32 + b">/P -4>>endobj\n"
    b"trailer<</Root 1 0 R/Size 4/Encrypt 3 0 R/ID[<00><00>]>>\n%%EOF"
)
"""Of a PDF that is encrypted with an unknown password: its key doesn't fit."""


def png(image: Any) -> bytes:
    """A white digit on black, as a picture of a dark digit on white paper."""
    return file_of(Image.fromarray(255 - np.asarray(image)).resize((112, 112)))


def page_of_numbers(digits: Any, rows: int = 2, columns: int = 4) -> bytes:
    """A picture of the first test digits in lines."""
    paper = np.full((20 + 130 * rows, 74 + 70 * columns), 255, np.uint8)
    for row in range(rows):
        for column in range(columns):
            digit = np.asarray(Image.fromarray(digits.x_test[columns * row + column]).resize((84, 84)))
            place = paper[30 + 120 * row : 114 + 120 * row, 30 + 70 * column : 114 + 70 * column]
            np.minimum(place, 255 - digit, out=place)
    return file_of(paper)


def page_of_text(*lines: str) -> np.ndarray[Any, Any]:
    """Printed numbers below each other, uint8 (20 + 80 * lines, width)."""
    page = np.full((20 + 80 * len(lines), 60 + 50 * len(lines[0])), 235, np.uint8)
    for row, text in enumerate(lines):
        cv2.putText(page, text, (20, 70 + 80 * row), cv2.FONT_HERSHEY_SIMPLEX, 2, 40, 4, cv2.LINE_AA)
    return page


def printed_table(rows: Sequence[Sequence[object]], size: int = 40) -> Image.Image:
    """A picture of a ruled table with printed numbers."""
    width, height = 190, 80
    page = Image.new("L", (40 + width * len(rows[0]), 60 + height * len(rows)), 245)
    draw = ImageDraw.Draw(page)
    for row, numbers in enumerate(rows):
        for column, number in enumerate(numbers):
            left, top = 20 + width * column, 30 + height * row
            draw.rectangle((left, top, left + width, top + height), outline=60, width=2)
            draw.text((left + 50, top + 16), str(number), 40, ImageFont.load_default(size))
    return page


FORM_SIZE = (900, 1200)
FORM_WORDS = "Examination of the second term, department of statistics, please fill in clearly"
FORM_FIELDS = {
    "student": Box(420, 300, 760, 370), "points": Box(420, 500, 600, 570), "mark": Box(420, 700, 600, 770),
}  # fmt: skip


def filled_form(values: dict[str, str]) -> Any:
    """A form with printed words and boxes, filled in with numbers, uint8 (1200, 900)."""
    page = Image.new("L", FORM_SIZE, 242)
    draw = ImageDraw.Draw(page)
    for n, word in enumerate(FORM_WORDS.split()):
        draw.text((80 + 190 * (n % 4), 60 + 46 * (n // 4)), word, 40, ImageFont.load_default(26))
    for name, box in FORM_FIELDS.items():
        draw.text((120, box.top + 16), f"{name} of the examined person", 40, ImageFont.load_default(20))
        draw.rectangle(tuple(box), outline=70, width=2)
        draw.text((box.left + 30, box.top + 8), values.get(name, ""), 30, ImageFont.load_default(46))
    draw.text(
        (120, 900), "This form is read by a machine. Keep it clean, and do not fold it.", 40, ImageFont.load_default(24)
    )
    draw.ellipse((640, 960, 820, 1140), outline=60, width=5)
    draw.polygon([(150, 1010), (260, 960), (330, 1120), (180, 1150)], outline=50)
    return np.asarray(page)


def photo_of(page: Any, turned: int = 0) -> Any:
    """A filled form on a desk, aslant, uint8 (1450, 1200), and turned clockwise by so many degrees."""
    width, height = FORM_SIZE
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = np.array([[190, 130], [1010, 180], [1060, 1330], [120, 1270]], np.float32)
    picture = cv2.warpPerspective(page, cv2.getPerspectiveTransform(corners, seen), (1200, 1450), borderValue=90)
    return np.ascontiguousarray(np.rot90(picture, -turned // 90))


def file_of(image: Any, format_: str = "PNG", **options: Any) -> bytes:
    """The bytes of a file of a picture, Pillow's or an array."""
    data = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(data, format_, **options)
    return data.getvalue()


def strip_of(text: str) -> np.ndarray[Any, Any]:
    """A printed number as a strip of scale 1, uint8 (40, width)."""
    width, base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.2, 2)[0][0], 33
    strip = np.full((40, 4 * round((width + 42) / 4)), 225, np.uint8)
    cv2.putText(strip, text, (21, base), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 40, 2, cv2.LINE_AA)
    return strip


def crop64(crop: Any) -> str:
    return base64.b64encode(np.asarray(crop, np.uint8).tobytes()).decode()
