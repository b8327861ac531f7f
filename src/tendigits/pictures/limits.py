"""How large a picture may be: checks of what its file header claims, before it is decoded.

The time and memory of decoding are bounded by the process that decodes; see `tendigits.pool`.
"""

from pathlib import Path
from typing import Any

from tendigits.errors import DataError, reason_of
from tendigits.untrusted import read_file

MAX_BYTES = 40_000_000  # largest file
MAX_SIDE = 16384  # longest side in pixels
MAX_PIXELS = 50_000_000  # enough for A4 at 600 dots an inch, 35 million, and a phone's HEIC of 48 million
MAX_JPEG_PIXELS = 1 << 26  # a JPEG can be shrunk while it is decoded
MAX_PAGES = 1000  # pages of a document
TIFF_TILE_WIDTH = 322  # number of the TIFF tag
TIFF_TILE_HEIGHT = 323  # number of the TIFF tag


def read_picture(path: Path) -> bytes:
    """The bytes of a picture's file. Raises DataError."""
    try:
        if not path.is_file():
            raise DataError(f"expected a picture at {path}, found none; check the name")
        check_bytes(path.stat().st_size, str(path))
        return read_file(path, MAX_BYTES)
    except OSError as error:
        raise DataError(
            f"expected a picture that can be read at {path}, received {reason_of(error)}; check its permissions"
        ) from error


def check_bytes(size: int, name: str) -> None:
    """Refuse a file with too many bytes. Raises DataError."""
    if size > MAX_BYTES:
        limit = f"{MAX_BYTES // 1_000_000} MB"
        raise DataError(f"expected a picture of at most {limit}, {name} has {size:,} bytes; make it smaller")


def check_size(width: int, height: int, name: str, max_pixels: int = MAX_PIXELS) -> None:
    """Refuse a width and height that are too large. Raises DataError."""
    if max(width, height) > MAX_SIDE or width * height > max_pixels:
        raise too_large(name, f"{width}x{height}", max_pixels)


def check_header(image: Any, name: str) -> None:
    """Refuse a Pillow image, opened but not loaded, with too many pixels or too large tiles. Raises DataError."""
    width, height = image.size
    check_size(width, height, name, MAX_JPEG_PIXELS if image.format in ("JPEG", "MPO") else MAX_PIXELS)
    if image.format == "TIFF":
        # The decoder allocates a whole tile, even if the picture covers only its corner.
        tile = image.tag_v2.get(TIFF_TILE_WIDTH, 0), image.tag_v2.get(TIFF_TILE_HEIGHT, 0)
        if max(tile) > MAX_SIDE or tile[0] * tile[1] > MAX_PIXELS:
            raise DataError(
                f"expected tiles of at most {MAX_SIDE} pixels a side and {MAX_PIXELS:,} in all, {name} has tiles of "
                f"{tile[0]}x{tile[1]}; save it again"
            )


def check_pages(n: int, name: str) -> None:
    """Refuse a document with too many pages. Raises DataError."""
    if n > MAX_PAGES:
        raise DataError(f"expected at most {MAX_PAGES:,} pages, {name} has more; split it")


def too_large(name: str, size: str, max_pixels: int = MAX_PIXELS) -> DataError:
    """The error for a picture that has too many pixels."""
    return DataError(
        f"expected at most {MAX_SIDE} pixels a side and {max_pixels:,} in all, {name} has {size}; make it smaller"
    )
