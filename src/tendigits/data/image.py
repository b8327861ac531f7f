"""One untrusted picture of one digit -> 28x28 pixels as MNIST has them, or a DataError that names the file.

pixels = read_image(Path("digits/7/scan.png"))
"""

import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tendigits.data.prepare import FIELD, to_mnist
from tendigits.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 20_000_000
"""Checked before Pillow sees the file."""

MAX_SIDE = 8192
"""Longest side in pixels, checked from the header before the pixels are decoded."""

MAX_PIXELS = 1 << 24
"""16.8 million: a telephone's 12 megapixel photo passes."""

FORMATS = ("PNG", "JPEG")

MIN_CONTRAST = 32
"""Of 255: a picture with less between its paper and its ink is blank."""


@dataclass(frozen=True, eq=False)
class Digit:
    """A picture that was read."""

    pixels: NDArray[np.uint8]
    """uint8 (28, 28), white ink on black."""

    inverted: bool
    """It had dark ink on light ground."""


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read a PNG or JPEG of one digit.

    Dark ink on light ground is inverted. A picture of 28x28 keeps its pixels; any other goes through `to_mnist`.

    Returns:
        uint8 (28, 28), white ink on black; all zeros where the picture is blank.

    Raises:
        DataError: not a whole PNG or JPEG, or one that is too large.
    """
    return read_digit(path).pixels


def read_digit(path: Path) -> Digit:
    """Like `read_image`, and say whether the picture was inverted."""
    grey = _read_grey(path)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = float(np.median(border))
    inverted = paper > 127
    ink = 255 - grey if inverted else grey
    if ink.shape == (FIELD, FIELD):
        return Digit(ink, inverted)
    return Digit(to_mnist(_without_paper(ink, 255 - paper if inverted else paper)), inverted)


def _without_paper(ink: NDArray[np.uint8], paper: float) -> NDArray[np.uint8]:
    """Make the paper black and the strongest ink white, as in MNIST."""
    lifted = np.clip(ink.astype(np.float32) - paper, 0, None)
    strongest = float(lifted.max())
    if strongest < MIN_CONTRAST:
        return np.zeros_like(ink)
    stretched: NDArray[np.uint8] = (lifted * (255 / strongest)).round().astype(np.uint8)
    return stretched


def _read_grey(path: Path) -> NDArray[np.uint8]:
    if not path.is_file():  # opening a pipe would wait for its other end
        raise DataError(f"expected a PNG or JPEG file at {path}, found none; check the name")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_BYTES:
                cap = f"{MAX_BYTES // 1_000_000} MB"
                raise DataError(f"expected a picture of at most {cap}, {path} has {size:,} bytes; make it smaller")
            data = file.read(size)
        # Pillow only warns where a file is broken or huge; a digit that may be wrong is no digit.
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return _decode(data, path)
    except DataError:
        raise
    except Exception as error:  # Pillow raises whatever its decoders do: OSError, SyntaxError, struct.error, ...
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"expected a whole PNG or JPEG at {path}, received {type(error).__name__} ({reason}); save it again"
        ) from error


def _decode(data: bytes, path: Path) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
            raise DataError(
                f"expected at most {MAX_SIDE} pixels a side and {MAX_PIXELS:,} in all, {path} has {width}x{height}; "
                "make it smaller"
            )
        image.load()
        return _to_grey(ImageOps.exif_transpose(image), path)


def _to_grey(image: "Image.Image", path: Path) -> NDArray[np.uint8]:
    """Turn every mode that PNG and JPEG have into uint8 (height, width)."""
    if image.mode.startswith("I"):
        return _from_16_bit(image)
    if image.has_transparency_data:
        return _flatten(image)
    if image.mode in ("1", "L", "RGB"):
        return np.asarray(image.convert("L"), dtype=np.uint8)
    if image.mode in ("P", "CMYK"):
        return np.asarray(image.convert("RGB").convert("L"), dtype=np.uint8)
    raise DataError(f"expected grey or colour, {path} has mode {image.mode}; save it as a plain PNG")


def _from_16_bit(image: "Image.Image") -> NDArray[np.uint8]:
    wide = np.asarray(image).astype(np.int64)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        wide[wide == clear] = 65535
    # 65535 / 257 = 255; Pillow's own conversion clips everything over 255 to white.
    return ((wide + 128) // 257).clip(0, 255).astype(np.uint8)


def _flatten(image: "Image.Image") -> NDArray[np.uint8]:
    """Lay ink that stands on transparency on white paper, or on black where white would hide it."""
    from PIL import Image

    rgba = image.convert("RGBA")
    on_white, on_black = (
        np.asarray(Image.alpha_composite(Image.new("RGBA", rgba.size, ground), rgba).convert("L"), dtype=np.uint8)
        for ground in ("white", "black")
    )
    hidden = int(on_white.max()) - int(on_white.min()) < MIN_CONTRAST
    return on_black if hidden else on_white
