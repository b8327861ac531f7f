"""Pictures that are hard work to read, of at most 1 MB: textures, thin shapes, pages full of digits, damaged files.

data = FAMILIES["waves"](np.random.default_rng(7))        # bytes of a file; the same for the same seed

Used by bench/robustness.py and its test.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hostile_files import DEAR, REFUSED, clear, encoded, plain
from tendigits.data.mnist import load_data

Grey = NDArray[np.uint8]
Rng = np.random.Generator

LARGEST = 1_000_000
"""Bytes of a file."""

SIDE = 2048
"""Pixels: the longest side that a page is read with; larger ones are shrunk, and cost no more."""

LINE_LENGTH = 300
"""Characters of a printed line, more than fit on a page."""


def grid(rng: Rng) -> Grey:
    """Thin lines across each other."""
    page, step = blank(rng), int(rng.integers(3, 60))
    page[::step] = 0
    page[:, :: int(rng.integers(3, 60)) if rng.random() < 0.5 else step] = 0
    return page


def checks(rng: Rng) -> Grey:
    """A chessboard."""
    y, x = np.indices(blank(rng).shape)
    step = int(rng.integers(2, 30))
    return as_grey((x // step + y // step) % 2)


def waves(rng: Rng) -> Grey:
    """Sine waves that interfere."""
    y, x = np.indices(blank(rng).shape)
    a, b, c = rng.uniform(2, 20, 3)
    height = np.sin(x / a) + np.sin(y / b) + np.sin((x + y) / c)
    return as_array(height * 42 + 127)


def spiral(rng: Rng) -> Grey:
    """One line as long as the page is large."""
    page = blank(rng)
    y, x = np.indices(page.shape) - np.array(page.shape).reshape(2, 1, 1) / 2
    return as_grey(np.sin(np.hypot(x, y) / rng.uniform(1, 12) + np.arctan2(y, x)) > 0)


def gravel(rng: Rng) -> Grey:
    """Random squares."""
    page, size = blank(rng), int(rng.integers(1, 16))
    rough = rng.random((-(-page.shape[0] // size), -(-page.shape[1] // size))) > rng.uniform(0.1, 0.9)
    return np.kron(as_grey(rough), np.ones((size, size), np.uint8))[: page.shape[0], : page.shape[1]]


def noise(rng: Rng) -> Grey:
    """Noise, sharp or blurred."""
    page = rng.integers(0, 256, blank(rng).shape, dtype=np.uint8)
    return as_array(cv2.GaussianBlur(page, (0, 0), rng.uniform(0.5, 6))) if rng.random() < 0.8 else page


def thin(rng: Rng) -> Grey:
    """A strip of up to 16,384 by a few pixels, blank or full of digits, upright or not."""
    shape = int(rng.integers(1, 60)), int(rng.integers(400, 16384))
    page = written(rng, shape, int(rng.integers(8, 40))) if shape[0] > 12 and rng.random() < 0.7 else paper(shape)
    return np.ascontiguousarray(page.T) if rng.random() < 0.4 else page


def long_shapes(rng: Rng) -> Grey:
    """Lines and curves through the whole page."""
    page = blank(rng)
    for _ in range(int(rng.integers(1, 400))):
        points = rng.integers(0, max(page.shape), (int(rng.integers(2, 12)), 1, 2)).astype(np.int32)
        cv2.polylines(page, [points], bool(rng.random() < 0.5), int(rng.integers(0, 128)), int(rng.integers(1, 5)))
    return page


def comb(rng: Rng) -> Grey:
    """Rows of short strokes that stand on lines."""
    page, pitch = blank(rng), int(rng.integers(3, 60))
    for y in range(0, page.shape[0], 2 * pitch):
        page[y + pitch : y + pitch + 1] = 0
        page[y : y + pitch, ::pitch] = 0
    return page


def barcode(rng: Rng) -> Grey:
    """Rows of bars."""
    page, height = blank(rng), int(rng.integers(8, 300))
    for y in range(0, page.shape[0], height + int(rng.integers(1, 20))):
        widths = rng.integers(1, int(rng.integers(3, 16)), page.shape[1])
        bars = np.repeat(np.arange(page.shape[1]) % 2 * 255, widths)[: page.shape[1]]
        page[y : y + height] = bars.astype(np.uint8)
    return page


def nested(rng: Rng) -> Grey:
    """Frames within frames."""
    page, step = blank(rng), int(rng.integers(2, 30))
    for i in range(0, min(page.shape) // 2, step):
        cv2.rectangle(page, (i, i), (page.shape[1] - 1 - i, page.shape[0] - 1 - i), 0, 1)
    return page


def dense_digits(rng: Rng) -> Grey:
    """A page full of handwritten digits, touching or in numbers, of any height, turned or not."""
    page = written(rng, blank(rng).shape, int(rng.integers(7, 60)))
    return np.ascontiguousarray(np.rot90(page, int(rng.integers(4)) if rng.random() < 0.3 else 0))


def table(rng: Rng) -> Grey:
    """A ruled table with digits in its cells."""
    page, pitch = dense_digits(rng), int(rng.integers(8, 120))
    page[::pitch] = page[:, :: int(pitch * rng.uniform(0.7, 3))] = 0
    return page


def print_(rng: Rng) -> Grey:
    """A page full of print: numbers, words, or signs."""
    page, scale = blank(rng), rng.uniform(0.25, 1.5)
    letters = ("0123456789", "0123456789   .,", "etaoin shrdlu", "1", "8-,.%x=+( ", "BSOlZ ")[rng.integers(6)]
    step = max(6, int(34 * scale))
    for y in range(step, page.shape[0], step):
        text = "".join(rng.choice(list(letters), LINE_LENGTH))
        cv2.putText(page, text, (2, y), int(rng.integers(0, 4)), scale, 0, 1 + int(scale > 0.8), cv2.LINE_AA)
    return page


DRAWINGS: dict[str, Callable[[Rng], Grey]] = {
    "grid": grid, "checks": checks, "waves": waves, "spiral": spiral, "gravel": gravel, "noise": noise, "thin": thin,
    "long shapes": long_shapes, "comb": comb, "barcode": barcode, "nested": nested, "dense digits": dense_digits,
    "table": table, "print": print_,
}  # fmt: skip
"""Each gives grey pixels."""


def composed(rng: Rng) -> Grey:
    """Several drawings on one page: laid over each other, or side by side."""
    names = rng.choice(sorted(set(DRAWINGS) - {"thin"}), int(rng.integers(2, 5)))
    return compose([DRAWINGS[name](rng) for name in names], side_by_side=bool(rng.random() < 0.5))


def compose(drawings: list[Grey], *, side_by_side: bool) -> Grey:
    """One page of several drawings: the first is the page, the others are laid on it or into its parts."""
    page = drawings[0].copy()
    width = page.shape[1]
    for n, other in enumerate(drawings[1:], 1):
        left = width * n // len(drawings) if side_by_side else 0
        part = page[: other.shape[0], left : left + other.shape[1]]
        other = other[: part.shape[0], : part.shape[1]]
        part[:] = other if side_by_side else np.minimum(part, other)
    return page


def damaged(rng: Rng) -> bytes:
    """A file of any format with some bytes changed, cut out or repeated."""
    page = Image.fromarray(written(rng, (int(rng.integers(60, 900)), int(rng.integers(60, 900))), 24))
    kind, options = WAYS[int(rng.integers(len(WAYS)))]
    data = bytearray(encoded(page.convert("1") if options.get("compression") == "group4" else page, kind, **options))
    for _ in range(int(rng.integers(1, 12))):
        at = int(rng.integers(len(data)) if rng.random() < 0.5 else rng.integers(min(len(data), 200)))
        size = int(rng.integers(1, 9))
        more = rng.integers(0, 256, size, dtype=np.uint8).tobytes()
        data[at : at + (size if rng.random() < 0.8 else int(rng.integers(0, 300)))] = more
    return bytes(data)


def largest(rng: Rng) -> bytes:
    """As many pixels as are decoded, or too many, of one colour or clear."""
    side = int(rng.integers(3000, 7071))
    kind, options = WAYS[int(rng.integers(len(WAYS)))]
    if rng.random() < 0.3:
        data = clear("PNG" if kind in ("JPEG", "BMP", "PDF") else kind, min(side, 4000))
        return data if len(data) <= LARGEST else clear("PNG", min(side, 4000))
    mode = "1" if options.get("compression") == "group4" else str(rng.choice(["L", "RGB"]))
    data = plain(kind, mode, side, **options)
    return data if len(data) <= LARGEST else plain("PNG", mode, side)


def false_claims(rng: Rng) -> bytes:
    """A file that claims more than it is; see `hostile_files`."""
    if rng.random() < 0.3:
        return DEAR[str(rng.choice(list(DEAR)))](int(rng.integers(3000, 4001)))
    data = REFUSED[str(rng.choice(list(REFUSED)))]()
    return data if len(data) <= LARGEST else REFUSED["a tile of 46,000 pixels"]()


WAYS: list[tuple[str, dict[str, Any]]] = [
    ("PNG", {}), ("JPEG", {"quality": 60}), ("JPEG", {"quality": 80, "progressive": True}), ("WEBP", {}),
    ("WEBP", {"lossless": True}), ("BMP", {}), ("GIF", {}), ("AVIF", {"speed": 10}),
    ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {"compression": "group4"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}), ("TIFF", {"compression": "jpeg"}), ("PDF", {}),
]  # fmt: skip
"""Formats and how a file is written."""


def as_file(page: Grey, rng: Rng) -> bytes:
    """A page as a file of one of the formats, of at most 1 MB: a PNG, or else a JPEG that may be poor."""
    kind, options = ("PNG", {}) if rng.random() < 0.7 else WAYS[int(rng.integers(len(WAYS)))]
    image = Image.fromarray(page)
    data = encoded(image.convert("1") if options.get("compression") == "group4" else image, kind, **options)
    for quality in (80, 50, 20, 5, 1):
        if len(data) <= LARGEST:
            break
        data = encoded(image, "JPEG", quality=quality)
    while len(data) > LARGEST:
        image = image.reduce(2)
        data = encoded(image, "JPEG", quality=quality)
    return data


def drawn(draw: Callable[[Rng], Grey]) -> Callable[[Rng], bytes]:
    """A drawing as a file."""
    return lambda rng: as_file(draw(rng), rng)


FAMILIES: dict[str, Callable[[Rng], bytes]] = {
    **{name: drawn(draw) for name, draw in DRAWINGS.items()},
    "composed": drawn(composed), "damaged": damaged, "largest": largest, "false claims": false_claims,
}  # fmt: skip
"""Each gives the bytes of a file from a generator of random numbers."""


def blank(rng: Rng) -> Grey:
    """An empty page: half of them as large as is read, others smaller, or of another shape."""
    if rng.random() < 0.5:
        return paper((SIDE, SIDE))
    return paper((int(rng.integers(100, SIDE)), int(rng.integers(100, 2 * SIDE))))


def paper(shape: tuple[int, int]) -> Grey:
    """White pixels."""
    return np.full(shape, 255, np.uint8)


def written(rng: Rng, shape: tuple[int, int], size: int) -> Grey:
    """Handwritten numbers all over a page.

    Args:
        shape: height and width of the page, in pixels.
        size: height of a digit, in pixels.
    """
    page, crops = paper(shape), digits()
    length, gap, leading = int(rng.integers(1, 9)), rng.uniform(0.05, 1.5), rng.uniform(1.0, 1.6)
    advance = max(3, int(size * 0.8))
    for top in range(1, shape[0] - size, max(4, int(size * leading))):
        left = 1
        while left < shape[1] - length * advance:
            for _ in range(length):
                crop = cv2.resize(crops[int(rng.integers(len(crops)))][3:-3, 4:-4], (advance, size))
                part = page[top : top + size, left : left + advance]
                np.minimum(part, 255 - crop[: part.shape[0], : part.shape[1]], out=part)
                left += advance
            left += max(1, int(gap * size))
    return page


@cache
def digits() -> Grey:
    """MNIST's test digits."""
    return load_data()[1][0]


def as_grey(mask: Any) -> Grey:
    """Black, or white where the mask is true."""
    return np.where(mask, np.uint8(255), np.uint8(0))


def as_array(page: Any) -> Grey:
    """Numbers from 0 to 255 as grey pixels."""
    return np.asarray(page).astype(np.uint8)
