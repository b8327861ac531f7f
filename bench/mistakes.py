"""Contact sheets of what our reader read wrongly, one for each set.

draw_wrong(own, [3, 17], path)        # the pictures with these numbers, with what was read in them

They have pixels of pictures that others may not pass on, so they belong into a folder that is not committed.
"""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from reading_sets import Set
from tendigits.digits.find import find_digit
from tendigits.pictures.image import open_image
from tendigits.read.page import draw_page
from tendigits.read.reader import Reader

CELLS = {"digit": (150, 76), "line": (300, 150), "nothing": (300, 150), "page": (560, 560), "grid": (560, 560)}
"""Width and height of a picture on the sheet, for each kind of set."""

MOST = {"digit": 120, "line": 60, "nothing": 60, "page": 6, "grid": 6}
"""Pictures on a sheet."""

WIDTH, GAP, CAPTION = 1250, 10, 20


def draw_wrong(own: Set, wrong: list[int], path: Path) -> int:
    """Draw some of the wrong pictures of a set, spread evenly over it; returns their number."""
    chosen = spread(wrong, MOST[own.kind])
    if not chosen:
        return 0
    reader, font = Reader(), ImageFont.load_default(13)
    width, height = CELLS[own.kind]
    columns = WIDTH // (width + GAP)
    rows = -(-len(chosen) // columns)
    sheet = Image.new("RGB", (WIDTH, rows * (height + CAPTION + GAP) + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for place, number in enumerate(chosen):
        x, y = GAP + place % columns * (width + GAP), GAP + place // columns * (height + CAPTION + GAP)
        (file,) = own.files["bare"][number]
        picture, read = shown(file, own.kind, reader)
        sheet.paste(picture, (x, y))
        true = own.truth[number]
        caption = "" if isinstance(true, list) else f"{true or 'nothing'} as {read or 'nothing'}"
        draw.text((x, y + height + 2), f"{caption}  {file.stem}"[: width // 7], fill=(180, 30, 0), font=font)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, optimize=True)
    return len(chosen)


def shown(file: Path, kind: str, reader: Reader) -> tuple[Image.Image, str]:
    """A picture with what is read in it, and that as text; a digit stands beside the crop that the network sees."""
    grey = open_image(file).grey
    if kind != "digit":
        page = reader.read(file)
        drawn = draw_page(grey, page)
        drawn.thumbnail(CELLS[kind])
        return drawn, " ".join(line.value for line in page.numbers)
    width, height = CELLS[kind]
    pair = Image.new("L", (width, height), 255)
    for left, pixels in ((0, grey), (width // 2, 255 - find_digit(file).crop)):
        image = Image.fromarray(pixels)
        scale = min((width // 2 - 2) / image.width, height / image.height)
        pair.paste(image.resize((max(1, int(image.width * scale)), max(1, int(image.height * scale)))), (left, 0))
    return pair, str(reader.digit(file).label)


def spread(numbers: list[int], most: int) -> list[int]:
    """At most `most` of the numbers, evenly spread: a set's pictures are often sorted by writer and digit."""
    n = min(len(numbers), most)
    return [numbers[i * len(numbers) // n] for i in range(n)]
