"""How large a picture may be, checked before it is decoded: bytes, sides, pixels, and the scans of a JPEG.

refuse_bytes(len(data), name)
refuse_scans(data, name)
refuse_pixels(image, size, name)       # that Pillow has opened and not yet loaded
"""

import re
from typing import Any

from tendigits.errors import DataError

MAX_BYTES = 40_000_000
"""Largest file, checked before Pillow sees it."""

MAX_SIDE = 16384
"""Longest side in pixels; read from the header before the pixels are decoded."""

MAX_PIXELS = 50_000_000
"""Most pixels that are decoded: enough for A4 at 600 dots an inch, 35 million, and a phone's HEIC of 48 million."""

MAX_JPEG_PIXELS = 1 << 26
"""Most pixels of a JPEG that is shrunk while it is decoded: enough for a phone's 50 megapixels."""

MAX_DEAR_PIXELS = 1 << 24
"""Most pixels where a decoder needs 9 to 15 bytes and up to 50 ns for each: WebP, AVIF, HEIC of more than 8 bits,
progressive JPEG of four colours, and what has transparency. 50 million of them took 815 MB, or more than 2 seconds."""

MAX_RUN_LENGTH_PIXELS = 5_000_000
"""Most pixels of a BMP with run lengths, which Pillow decodes in Python: 110 ns for each, 5 seconds for 50 million."""

MAX_SCANS = 100
"""Scans of a JPEG: encoders write up to about twenty; each passes over the whole picture, and may have 10 bytes."""

MAX_SEGMENTS = 10_000
"""Segments of a JPEG before and between its scans: those of a large profile of colours and a video take hundreds."""

RUN_LENGTH = (1, 2)
"""Compressions of a BMP with run lengths, of 8 and of 4 bits."""

_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
"""A marker, and no restart within a scan, nor a byte 255 of its pixels, which has a 0 behind it."""

_START, _SCAN, _END, _STANDALONE = b"\xff\xd8", b"\xda", b"\xd9", (b"\x01", b"\xd8")


def refuse_bytes(size: int, name: str) -> None:
    """Refuse a file with too many bytes. Raises DataError."""
    if size > MAX_BYTES:
        cap = f"{MAX_BYTES // 1_000_000} MB"
        raise DataError(f"expected a picture of at most {cap}, {name} has {size:,} bytes; make it smaller")


def refuse_pixels(image: Any, size: tuple[int, int], name: str) -> None:
    """Refuse a picture with too many pixels. Raises DataError.

    Args:
        image: of Pillow, opened, not yet loaded; a JPEG perhaps set to be shrunk while it is decoded.
        size: width and height before that.
    """
    if image.info.get("progressive"):  # all of it is in memory before it is shrunk
        refuse_size(size, size, name, _most(image))
    else:
        refuse_size(size, image.size, name, _most(image))


def refuse_size(size: tuple[int, int], decoded: tuple[int, int], name: str, most: int = MAX_PIXELS) -> None:
    """Refuse a width and height that are too large, or too large as they are decoded. Raises DataError."""
    fits = max(size) <= MAX_SIDE and decoded[0] * decoded[1] <= most and size[0] * size[1] <= MAX_JPEG_PIXELS
    if not fits:
        raise too_large(name, f"{size[0]}x{size[1]}", most)


def too_large(name: str, size: str, most: int = MAX_PIXELS) -> DataError:
    """The error of a picture that is too large."""
    kind = "" if most == MAX_PIXELS else " for its format and colours"
    return DataError(
        f"expected at most {MAX_SIDE} pixels a side and {most:,} in all{kind}, {name} has {size}; make it smaller"
    )


def refuse_scans(data: bytes, name: str) -> None:
    """Refuse a JPEG with too many scans or segments; what comes behind its end isn't decoded. Raises DataError."""
    if not data.startswith(_START):
        return
    at, scans, segments = len(_START), 0, 0
    while (marker := _MARKER.search(data, at)) and marker[1] != _END:
        length = 0 if marker[1] in _STANDALONE else int.from_bytes(data[marker.end() : marker.end() + 2])
        at = marker.end() + length
        segments += 1
        scans += marker[1] == _SCAN
        if scans > MAX_SCANS or segments > MAX_SEGMENTS:
            raise DataError(
                f"expected a JPEG of at most {MAX_SCANS} scans and {MAX_SEGMENTS:,} segments, {name} has more; "
                "save it again"
            )


def _most(image: Any) -> int:
    """Most pixels of a picture like this."""
    kind, about = image.format, image.info
    if kind == "BMP" and about.get("compression") in RUN_LENGTH:
        return MAX_RUN_LENGTH_PIXELS
    many_bits = kind == "HEIF" and about.get("bit_depth", 8) > 8
    four_colours = image.mode == "CMYK" and about.get("progressive")
    dear = kind in ("WEBP", "AVIF") or many_bits or four_colours or image.has_transparency_data
    return MAX_DEAR_PIXELS if dear else MAX_PIXELS
