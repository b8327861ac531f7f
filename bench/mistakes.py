"""Contact sheets of misread digits and lines.

draw_mistakes({"exam": own}, turns, path)        # digits: the picture and the crop that the network saw
draw_wrong_lines({"lines": own}, turns, path)    # lines: with the boxes and values that were read

The turns have "set" and "wrong", as bench/reading.py saves them.
"""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from reading_sets import Set, Truth
from tendigits.data.image import open_image
from tendigits.digits.find import find_digit
from tendigits.read.annotate import draw_page
from tendigits.read.reader import Reader

MOST = 60
"""Digits on the sheet."""

SIDE, COLUMNS, GAP, CAPTION = 72, 6, 10, 20

MOST_LINES, LINE, LINE_COLUMNS = 48, (300, 150), 4
"""Maximum number of lines on a sheet, the width and height of one, and the number of columns."""


def draw_mistakes(sets: dict[str, Set], turns: list[dict[str, Any]], path: Path) -> int:
    """Draw up to MOST wrong digits, fairly from each set; returns their number."""
    chosen = choose({turn["set"]: turn["wrong"] for turn in turns}, MOST)
    groups = [(name, wrong) for name, wrong in chosen.items() if wrong]
    if not groups:
        return 0
    rows = sum(-(-len(wrong) // COLUMNS) for _, wrong in groups)
    cell = 2 * SIDE + 2 * GAP
    height = rows * (SIDE + CAPTION + GAP) + len(groups) * 30 + GAP
    sheet = Image.new("RGB", (COLUMNS * cell + GAP, height), "white")
    draw, font, small = ImageDraw.Draw(sheet), ImageFont.load_default(18), ImageFont.load_default(13)
    top = GAP
    totals = {turn["set"]: len(turn["wrong"]) for turn in turns}
    for name, wrong in groups:
        draw.text((GAP, top), f"{name}: {len(wrong)} of {totals[name]} wrong digits", fill="black", font=font)
        top += 30
        for place, (number, true, read) in enumerate(wrong):
            x, y = GAP + place % COLUMNS * cell, top + place // COLUMNS * (SIDE + CAPTION + GAP)
            (file,) = sets[name].files["bare"][number]
            sheet.paste(_fitted(open_image(file).grey), (x, y))
            sheet.paste(_fitted(255 - find_digit(file).crop), (x + SIDE + 2, y))
            draw.rectangle([x - 1, y - 1, x + 2 * SIDE + 2, y + SIDE], outline=(170, 170, 170))
            draw.text((x, y + SIDE + 2), f"{true} as {read}  {file.stem}", fill=(180, 30, 0), font=small)
        top += -(-len(wrong) // COLUMNS) * (SIDE + CAPTION + GAP)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, optimize=True)
    return sum(len(wrong) for _, wrong in groups)


def draw_wrong_lines(sets: dict[str, Set], turns: list[dict[str, Any]], path: Path) -> int:
    """Draw up to MOST_LINES misread lines, fairly from each set; returns their number."""
    chosen = choose({turn["set"]: turn["wrong"] for turn in turns}, MOST_LINES)
    wrong = [
        (sets[name].files["bare"][number][0], true, read)
        for name, some in chosen.items()
        for number, true, read in some
    ]
    if not wrong:
        return 0
    reader, font = Reader(), ImageFont.load_default(13)
    width, height = LINE[0] + GAP, LINE[1] + CAPTION + GAP
    sheet = Image.new("RGB", (LINE_COLUMNS * width + GAP, -(-len(wrong) // LINE_COLUMNS) * height + GAP), "white")
    for place, (file, true, read) in enumerate(wrong):
        x, y = GAP + place % LINE_COLUMNS * width, GAP + place // LINE_COLUMNS * height
        drawn = draw_page(open_image(file).grey, reader.read(file))
        drawn.thumbnail(LINE)
        sheet.paste(drawn, (x, y))
        ImageDraw.Draw(sheet).text((x, y + LINE[1] + 2), f"{true} as {read or 'nothing'}", fill=(180, 30, 0), font=font)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, optimize=True)
    return len(wrong)


def choose(wrong: dict[str, list[tuple[int, Truth, Truth]]], most: int) -> dict[str, list[tuple[int, Truth, Truth]]]:
    """Choose at most `most`: the same number from each set, if it has as many, spread evenly over it.

    Spread, because a set's pictures are often sorted by writer and digit.
    """
    chosen: dict[str, list[tuple[int, Truth, Truth]]] = {}
    for done, name in enumerate(sorted(wrong, key=lambda name: len(wrong[name]))):
        n = min(len(wrong[name]), (most - sum(map(len, chosen.values()))) // (len(wrong) - done))
        chosen[name] = [wrong[name][i * len(wrong[name]) // n] for i in range(n)]
    return {name: chosen[name] for name in wrong}


def _fitted(grey: Any) -> Image.Image:
    """The picture scaled to fit a square of SIDE pixels."""
    image = Image.fromarray(np.asarray(grey, np.uint8))
    scale = SIDE / max(image.size)
    way = Image.Resampling.NEAREST if scale > 2 else Image.Resampling.LANCZOS
    image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))), way)
    square = Image.new("L", (SIDE, SIDE), 255)
    square.paste(image, ((SIDE - image.width) // 2, (SIDE - image.height) // 2))
    return square
