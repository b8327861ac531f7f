"""Pictures that claim much more than they are: a few KB that once took gigabytes, or minutes of a processor.

REFUSED["a tile of 46,000 pixels"]()        # bytes; each must become a DataError
DEAR["a WebP"](7000)                        # each must become one where it is large

Used by the tests of `data` and by bench/robustness.py.
"""

import io
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image

Tags = Mapping[int, tuple[int, Sequence[int]]]
"""Number of a TIFF's tag -> its type (SHORT or LONG) and values."""

SHORT, LONG = 3, 4
FORMS = {SHORT: "H", LONG: "I"}


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture as a file."""
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def tiff(tags: Tags, pixels: bytes, following: int = 0) -> bytes:
    """A TIFF of one page, whose strips or tiles begin at offset 8; `following` is the offset of the next page."""
    out = bytearray(b"II*\0" + bytes(4) + pixels + bytes(len(pixels) % 2))
    entries = []
    for tag, (kind, values) in sorted(tags.items()):
        value = struct.pack(f"<{len(values)}{FORMS[kind]}", *values)
        if len(value) > 4:
            value, begins = struct.pack("<I", len(out)), value
            out += begins + bytes(len(begins) % 2)
        entries.append(struct.pack("<HHI", tag, kind, len(values)) + value.ljust(4, b"\0"))
    struct.pack_into("<I", out, 4, len(out))
    return bytes(out + struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", following))


def grey(width: int, height: int, compression: int = 1, bits: int = 8) -> dict[int, tuple[int, Sequence[int]]]:
    """The tags of a grey picture; compression 1 is none, 8 is deflate."""
    return {
        256: (LONG, [width]), 257: (LONG, [height]), 258: (SHORT, [bits]), 259: (SHORT, [compression]),
        262: (SHORT, [1]), 277: (SHORT, [1]),
    }  # fmt: skip


def tiles(width: int, height: int, size: int, n: int = 1) -> dict[int, tuple[int, Sequence[int]]]:
    """The tags of n tiles that have the same bytes."""
    return {322: (LONG, [width]), 323: (LONG, [height]), 324: (LONG, [8] * n), 325: (LONG, [size] * n)}


def strips(rows: int, size: int, n: int = 1) -> dict[int, tuple[int, Sequence[int]]]:
    """The tags of n strips that have the same bytes."""
    return {278: (LONG, [rows]), 273: (LONG, [8] * n), 279: (LONG, [size] * n)}


def one_huge_tile(side: int = 46_000, compression: int = 8) -> bytes:
    """64x64 pixels, whose tile takes side x side bytes: 2.1 GB."""
    pixels = zlib.compress(bytes(20_000_000), 9) if compression == 8 else bytes(5000)
    return tiff(grey(64, 64, compression) | tiles(side, side, len(pixels)), pixels)


def strips_over_and_over(n: int = 20_000) -> bytes:
    """8000x1000 black or white pixels that 20,000 strips fill again and again: 23 seconds of a processor."""
    pixels = bytes(500_000)
    return tiff(grey(8000, 1000, bits=1) | strips(500, len(pixels), n), pixels)


def overlapping_directories(n: int = 1000, tags: int = 60_000) -> bytes:
    """1,000 pages of 60,000 tags each that share their bytes: 736 KB."""
    first = tiff(grey(64, 64) | strips(64, 4096), bytes(4096))
    first += bytes(-len(first) % 4)
    begin = len(first)
    rest = bytearray(2 + 12 * tags + 4 + 12 * n)
    for page in range(n):
        struct.pack_into("<H", rest, 12 * page, tags)
        struct.pack_into("<I", rest, 12 * page + 2 + 12 * tags, begin + 12 * (page + 1) if page < n - 1 else 0)
    at = struct.unpack_from("<I", first, 4)[0]
    (own,) = struct.unpack_from("<H", first, at)
    head = bytearray(first)
    struct.pack_into("<I", head, at + 2 + 12 * own, begin)
    return bytes(head + rest)


def many_scans(side: int = 7000, n: int = 2000, progressive: bool = True) -> bytes:
    """A JPEG of side x side pixels with a scan of 11 bytes, n times."""
    data = bytearray(encoded(Image.new("L", (64, 64), 200), "JPEG", progressive=progressive))
    frame = data.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    struct.pack_into(">HH", data, frame + 5, side, side)
    head, *others = bytes(data[:-2]).split(b"\xff\xda")
    return b"\xff\xda".join([head, *others, *[others[-1]] * n]) + b"\xff\xd9"


def many_segments(n: int = 240_000) -> bytes:
    """A JPEG with n empty comments."""
    data = encoded(Image.new("L", (64, 64), 200), "JPEG")
    return data[:2] + b"\xff\xfe\0\2" * n + data[2:]


def run_lengths(side: int = 7000) -> bytes:
    """A BMP whose rows end at once: Pillow fills each pixel by pixel, in Python."""
    palette = b"".join(bytes((grey, grey, grey, 0)) for grey in range(256))
    pixels = b"\1\x12\0\0" * side
    head = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    start = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + head + palette + pixels


def clear(kind: str, side: int = 7000, **options: Any) -> bytes:
    """A picture with transparency, which is laid on white, and again on black."""
    return encoded(Image.new("RGBA", (side, side), (255, 255, 255, 9)), kind, **options)


def plain(kind: str, mode: str = "RGB", side: int = 7000, **options: Any) -> bytes:
    """A picture of one colour."""
    return encoded(Image.new(mode, (side, side)), kind, **options)


REFUSED: dict[str, Callable[[], bytes]] = {
    "a tile of 46,000 pixels": one_huge_tile,
    "a tile of 46,000 pixels, not compressed": lambda: one_huge_tile(compression=1),
    "a tile of 2 billion by 16": lambda: tiff(grey(64, 64, 8) | tiles(2**31 - 16, 16, 1000), bytes(1000)),
    "tiles of one pixel": lambda: tiff(grey(400, 400) | tiles(1, 1, 1, 160_000), bytes(10)),
    "a tile with no height": lambda: tiff(grey(64, 64, 8) | tiles(64, 0, 1000), bytes(1000)),
    "strips that fill it again and again": strips_over_and_over,
    "strips of no rows": lambda: tiff(grey(64, 64) | strips(0, 4096), bytes(4096)),
    "directories that overlap": overlapping_directories,
    "2,000 progressive scans": many_scans,
    "2,000 sequential scans": lambda: many_scans(progressive=False),
    "240,000 segments": many_segments,
    "a BMP with run lengths": run_lengths,
}
"""Each with what is wrong with it."""

DEAR: dict[str, Callable[[int], bytes]] = {
    "a WebP": lambda side: plain("WEBP", side=side, lossless=True, method=0),
    "an AVIF": lambda side: plain("AVIF", side=side, speed=10),
    "a progressive JPEG of four colours": lambda side: plain("JPEG", "CMYK", side=side, progressive=True),
    "a clear PNG": lambda side: clear("PNG", side),
    "a GIF with a clear colour": lambda side: plain("GIF", "P", side=side, transparency=0),
}
"""From the side in pixels a picture that costs more for each pixel than others, with what it is."""
