"""What a TIFF says about itself, checked before its pixels are decoded: 2 KB can name a tile of 2 GB.

count_pages(file, 1000, name)   # its directories, one for each page
refuse_layout(image, name)       # the strips or tiles of the page that Pillow has turned to
"""

import math
import struct
from typing import Any, BinaryIO

from tendigits.errors import DataError

TIFF = (b"II*\0", b"MM\0*", b"II\0*", b"MM*\0", b"II+\0", b"MM\0+")
"""First bytes of what Pillow takes for a TIFF."""

MAX_TAGS = 100_000
"""Tags in the directories of all pages. A page has about twenty; directories that overlap can name 60 million in 1 MB,
and Pillow takes microseconds for each."""

MAX_TILE = 1024
"""Pixels of a tile's side, if the picture's is less: a small picture may be one corner of a tile."""

TILE_UNIT = 16
"""A tile's sides are multiples of it (TIFF 6.0, section 15); of smaller ones a picture could have millions."""

WIDTH, HEIGHT, STRIPS, SAMPLES, ROWS, PLANAR, TILE_WIDTH, TILE_HEIGHT, TILES = (
    256, 257, 273, 277, 278, 284, 322, 323, 324
)  # fmt: skip
"""Numbers of tags; those of strips and tiles hold the offset of each."""

SEPARATE = 2
"""Value of PLANAR if each sample of a pixel has strips or tiles of its own."""


def count_pages(file: BinaryIO, most: int, name: str) -> int:
    """Count the pages of a TIFF from the start of a file, up to one more than `most`: each names the next.

    Raises:
        DataError: its directories are cut, or hold too many tags.
    """
    try:
        start = file.read(16)
        order = ">" if start[:2] == b"MM" else "<"
        big = start[2] == 43  # as Pillow tells, which must come to the same directories
        count, entry, following = (f"{order}Q", 20, f"{order}Q") if big else (f"{order}H", 12, f"{order}L")
        (at,) = struct.unpack_from(following, start, 8 if big else 4)
        seen: set[int] = set()
        tags = 0
        while at and at not in seen and len(seen) <= most:
            seen.add(at)
            (n,) = _unpack(file, at, count)
            tags += n
            if tags > MAX_TAGS:
                raise DataError(f"expected a TIFF with at most {MAX_TAGS:,} tags, {name} has more; save it again")
            (at,) = _unpack(file, at + struct.calcsize(count) + n * entry, following)
    except (struct.error, IndexError, OverflowError, OSError, ValueError) as error:
        raise DataError(f"expected a whole TIFF, {name} is cut; save it again") from error
    return len(seen)


def refuse_layout(image: Any, name: str) -> None:
    """Refuse a page whose strips or tiles are larger or more than its pixels need. Raises DataError.

    Args:
        image: of Pillow, opened as a TIFF, not yet loaded.
    """
    tags = image.tag_v2
    width, height = tags[WIDTH], tags[HEIGHT]
    planes = tags.get(SAMPLES, 1) if tags.get(PLANAR) == SEPARATE else 1
    if TILE_WIDTH in tags or TILE_HEIGHT in tags or TILES in tags:
        sides = tags.get(TILE_WIDTH), tags.get(TILE_HEIGHT)
        for side, of_picture in zip(sides, (width, height), strict=True):
            if type(side) is not int or side % TILE_UNIT or not 0 < side <= max(MAX_TILE, of_picture + TILE_UNIT):
                raise DataError(
                    f"expected a TIFF whose tiles are about as large as its {width}x{height} pixels or smaller, {name} "
                    f"has tiles of {sides[0]}x{sides[1]}; save it again"
                )
        most = math.ceil(width / sides[0]) * math.ceil(height / sides[1]) * planes
    else:
        rows = tags.get(ROWS, height)
        if type(rows) is not int or rows < 1:
            raise DataError(f"expected a TIFF with strips of at least one row, {name} has {rows}; save it again")
        most = math.ceil(height / rows) * planes
    found = max(len(tags.get(STRIPS, ())), len(tags.get(TILES, ())))
    if found > most:
        raise DataError(
            f"expected a TIFF with at most {most:,} strips or tiles for its {width}x{height} pixels, {name} has "
            f"{found:,}; save it again"
        )


def _unpack(file: BinaryIO, at: int, form: str) -> tuple[int]:
    file.seek(at)
    (value,) = struct.unpack(form, file.read(struct.calcsize(form)))
    return (value,)
