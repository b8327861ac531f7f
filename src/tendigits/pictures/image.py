"""Decode any picture: a file, bytes, a Pillow image or an array -> grey pixels, or a DataError.

open_image("page.jpg").grey        # uint8 (height, width)
"""

import io
import os
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tendigits.errors import DataError
from tendigits.pictures.documents import check_page, count_frames, draw_pdf, is_pdf, split_address
from tendigits.pictures.limits import check_bytes, check_header, check_size, read_picture, too_large

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
"""Formats that Pillow opens; HEIC and PDF are opened, too. Of several frames the first is read; of a TIFF, any page."""

KINDS = "PNG, JPEG, WebP, TIFF, BMP, GIF, HEIC, AVIF or PDF"

# Suffixes of the files that are read in a folder; a file given by name is read whatever its suffix.
READABLE = (
    ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".heic", ".heif", ".avif", ".pdf"
)  # fmt: skip
BAND = 256  # rows converted at a time: intermediate images of a whole picture would take many times its memory
MIN_CONTRAST = 32  # difference between foreground and background, of 255; a picture with less is blank

LUMA = np.array([0.299, 0.587, 0.114])  # how much red, green and blue count on white paper; ITU-R BT.601
PAPER_PERCENTILE = 75.0  # of a channel: how bright the paper is in it
PAPER_POWER = 2.0  # of that brightness; higher ones read no more displays
MAX_OF_COLOURED = 0.65  # the paper's darkest channel, relative to its brightest; paper in any usual light has more
SAMPLE_SIDE = 64  # pixels that this is measured on, across and down

Grey = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class GreyImage:
    """A decoded picture."""

    grey: Grey  # uint8 (height, width); smaller than the picture if a smaller one was asked for
    size: tuple[int, int]  # width and height of the whole picture, upright, in pixels


def open_image(source: Any, side: int | None = None, page: int = 1) -> GreyImage:
    """Decode a picture of one of the FORMATS, or convert one that is decoded already.

    Only the sizes that a file claims are checked first: decode files from strangers in a `WorkerPool`.

    Args:
        source: a path, the bytes of a file, a Pillow image, or an array: uint8, bool, uint16 or float from 0 to 1,
            (height, width), (height, width, 3) as RGB or (height, width, 4) as RGBA.
        side: the longest side needed; a much larger JPEG is shrunk by 2, 4 or 8 while it is decoded.
        page: of a PDF or a TIFF, from 1; a path may contain it, too: scan.pdf#page=2.

    Raises:
        DataError: not a whole picture, or one that is too large.
    """
    if isinstance(source, np.ndarray):
        grey = _from_array(source)
        return GreyImage(grey, (grey.shape[1], grey.shape[0]))
    name, data = "the picture", source
    if isinstance(source, str | os.PathLike):
        name, (path, page) = str(source), split_address(str(source)) if page == 1 else (str(source), page)
        data = read_picture(Path(path))
    try:
        # Pillow only warns about some damaged or huge files; these warnings become errors.
        with nullcontext() if _warnings_are_errors else warnings.catch_warnings(action="error"):
            if isinstance(data, bytes | bytearray | memoryview):
                return _decode(bytes(data), name, side, page)
            return _from_pillow(data, name)
    except (DataError, MemoryError):
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error and others
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        if why.startswith("UnidentifiedImageError"):
            what = "this" if name == "the picture" else name
            raise DataError(f"expected a whole {KINDS}; {what} is another file, or damaged") from error
        if why.startswith("DecompressionBomb"):
            raise too_large(name, "many more") from error
        raise DataError(f"expected a whole {KINDS}, received {name} ({why}); save it again") from error


_warnings_are_errors = False


def prepare_for_threads() -> None:
    """Turn Pillow's warnings into errors for the whole process; call it before pictures are decoded in threads.

    `warnings.catch_warnings`, which `open_image` uses otherwise, is not thread-safe.
    """
    global _warnings_are_errors
    if not _warnings_are_errors:
        warnings.filterwarnings("error", module=r"PIL\.")
        _warnings_are_errors = True


def _decode(data: bytes, name: str, side: int | None, page: int) -> GreyImage:
    from PIL import Image, ImageOps

    check_bytes(len(data), name)
    if is_pdf(data):
        return GreyImage(*draw_pdf(data, page, name, side))
    formats: tuple[str, ...] = FORMATS
    if data[4:8] == b"ftyp":  # HEIC or AVIF
        from pi_heif import register_heif_opener

        register_heif_opener()
        formats = (*FORMATS, "HEIF")
    with Image.open(io.BytesIO(data), formats=formats) as image:
        if image.format == "TIFF":
            check_page(page, count_frames(image, name), name)
            image.seek(page - 1)
        else:
            check_page(page, 1, name)
        check_header(image, name)
        size = image.size
        if side is not None and image.format in ("JPEG", "MPO") and max(size) >= 2 * side:
            image.draft(image.mode, (max(1, size[0] * side // max(size)), max(1, size[1] * side // max(size))))
        is_turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return GreyImage(_to_grey(image, name), (size[1], size[0]) if is_turned else size)


def _from_pillow(image: Any, name: str) -> GreyImage:
    from PIL import Image, ImageOps

    if not isinstance(image, Image.Image):
        raise DataError(
            f"expected a path, bytes, a Pillow image or an array, received {type(image).__name__}; convert it first"
        )
    check_header(image, name)
    image.load()
    grey = _to_grey(ImageOps.exif_transpose(image), name)
    return GreyImage(grey, (grey.shape[1], grey.shape[0]))


def _from_array(array: NDArray[Any]) -> Grey:
    """Convert any array that is a picture to uint8 (height, width)."""
    shape = array.shape
    if not (array.ndim == 2 or (array.ndim == 3 and shape[2] in (3, 4))) or 0 in shape:
        raise DataError(
            f"expected an array (height, width), or with 3 or 4 channels behind, received shape {shape}; reshape it"
        )
    check_size(shape[1], shape[0], "the array")
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype == np.uint16:
        array = ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif array.dtype.kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):  # also if one is NaN
            raise DataError(
                f"expected floats from 0 to 1, received {array.min():g} to {array.max():g}; scale them, or use uint8"
            )
        array = (array * 255).round().astype(np.uint8)
    if array.dtype != np.uint8:
        raise DataError(f"expected uint8, bool, uint16, or floats from 0 to 1, received {array.dtype}; convert it")
    if array.ndim == 2:
        return np.ascontiguousarray(array)
    from PIL import Image

    return _to_grey(Image.fromarray(np.ascontiguousarray(array)), "the array")


def _to_grey(image: "Image.Image", name: str) -> Grey:
    """Convert every mode of the formats to uint8 (height, width)."""
    if image.mode.startswith("I"):
        return _in_bands(image, _from_16_bit)
    if image.has_transparency_data:
        # A digit on transparency gets a white background, or a black one if white would hide it.
        on_white = _in_bands(image, partial(_flattened, background="white"))
        hidden = int(on_white.max()) - int(on_white.min()) < MIN_CONTRAST
        return _in_bands(image, partial(_flattened, background="black")) if hidden else on_white
    if image.mode in ("1", "L"):
        return np.array(image.convert("L"), np.uint8)
    if image.mode in ("RGB", "P", "CMYK", "YCbCr", "LAB", "HSV"):
        weights = _weights(image)
        return _in_bands(image, lambda band: np.asarray(band.convert("RGB").convert("L", (*weights, 0.0)), np.uint8))
    raise DataError(f"expected grey or colour, {name} has mode {image.mode}; save it as a plain PNG")


def _weights(image: "Image.Image") -> tuple[float, float, float]:
    """How much red, green and blue count in grey: on white paper as in luma, on coloured paper what it reflects more.

    On a green display, red and blue hold nothing but noise.
    """
    from PIL import Image

    sample = image.resize((SAMPLE_SIDE, SAMPLE_SIDE), Image.Resampling.NEAREST).convert("RGB")
    levels = np.sort(np.asarray(sample).reshape(-1, 3), axis=0)
    paper = levels[round(PAPER_PERCENTILE / 100 * (len(levels) - 1))].astype(np.float64)
    is_coloured = paper.min() < MAX_OF_COLOURED * paper.max()
    weights = LUMA * (paper + 1) ** PAPER_POWER if is_coloured else LUMA
    red, green, blue = (weights / weights.sum()).tolist()
    return red, green, blue


def _in_bands(image: "Image.Image", convert: Callable[["Image.Image"], Grey]) -> Grey:
    """Convert BAND rows at a time."""
    width, height = image.size
    grey = np.empty((height, width), np.uint8)
    for top in range(0, height, BAND):
        grey[top : top + BAND] = convert(image.crop((0, top, width, min(top + BAND, height))))
    return grey


def _from_16_bit(image: "Image.Image") -> Grey:
    wide = np.asarray(image).clip(0, 65535).astype(np.uint32)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        wide[wide == transparent] = 65535
    # 65535 / 257 = 255; Pillow's own conversion clips everything over 255 to white.
    return ((wide + 128) // 257).astype(np.uint8)


def _flattened(image: "Image.Image", background: str) -> Grey:
    from PIL import Image

    canvas = Image.new("RGBA", image.size, background)
    return np.asarray(Image.alpha_composite(canvas, image.convert("RGBA")).convert("L"), dtype=np.uint8)
