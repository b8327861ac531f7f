"""Decode any picture safely: a file, bytes, a Pillow image or an array -> grey pixels, or a DataError.

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
from tendigits.pictures.documents import count_pages, is_document, is_pdf, render_page, select_frame, split_address
from tendigits.pictures.limits import refuse_bytes, refuse_pixels, refuse_scans, refuse_size, too_large
from tendigits.pictures.own_process import decode_apart
from tendigits.pictures.tiff import refuse_layout

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
"""Formats that Pillow opens; of several frames, the first, but each page of a TIFF. HEIC and PDF are opened, too."""

BAND = 256
"""Rows converted at a time."""

MIN_CONTRAST = 32
"""Least difference, of 255, between foreground and background; with less a picture is blank."""

Grey = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class GreyImage:
    """A decoded picture."""

    grey: Grey
    """uint8 (height, width); smaller than the picture if a smaller one was asked for."""

    size: tuple[int, int]
    """Width and height of the whole picture, upright, in pixels."""


def open_image(source: Any, side: int | None = None, page: int = 1) -> GreyImage:
    """Decode a picture of one of the FORMATS, or convert one that is decoded already.

    Args:
        source: a path, the bytes of a file, a Pillow image, or an array: uint8, bool, uint16 or float from 0 to 1,
            (height, width), (height, width, 3) as RGB or (height, width, 4) as RGBA.
        side: the longest side needed; a much larger JPEG is shrunk by 2, 4 or 8 while it is decoded, which saves most
            of the time and memory.
        page: of a PDF or a TIFF, from 1; a path may say it, too: scan.pdf#page=2.

    Raises:
        DataError: not a whole picture, or one that is too large.
    """
    if isinstance(source, np.ndarray):
        grey = _from_array(source)
        return GreyImage(grey, (grey.shape[1], grey.shape[0]))
    name, data = "the picture", source
    if isinstance(source, str | os.PathLike):
        name, (path, page) = str(source), split_address(str(source)) if page == 1 else (str(source), page)
        data = _read(Path(path))
    try:
        # Pillow only warns about some broken or huge files; a digit that may be wrong is worse than none.
        with nullcontext() if _threaded else warnings.catch_warnings(action="error"):
            if isinstance(data, bytes | bytearray | memoryview):
                return _decode(bytes(data), name, side, page)
            return _from_pillow(data, name)
    except (DataError, MemoryError):
        raise
    except Exception as error:  # Pillow raises whatever its decoders do: OSError, SyntaxError, struct.error, ...
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        if why.startswith("UnidentifiedImageError"):  # whose reason is an object's id
            why = "none of these"
        if why.startswith("DecompressionBomb"):  # Pillow has a limit, too, and tells before we can
            raise too_large(name, "many more") from error
        raise DataError(
            f"expected a whole PNG, JPEG, WebP, TIFF, BMP, GIF, HEIC, AVIF or PDF, received {name} ({why}); "
            "save it again"
        ) from error


_threaded = False


def prepare_for_threads() -> None:
    """Turn Pillow's warnings into errors for the whole process, once: for a server, which decodes pictures in threads.

    `warnings.catch_warnings`, which does so for one picture, changes the filters of other threads too.
    """
    global _threaded
    if not _threaded:
        warnings.filterwarnings("error", module=r"PIL\.")
        _threaded = True


def _read(path: Path) -> bytes:
    if not path.is_file():  # opening a pipe would wait for its other end
        raise DataError(f"expected a picture at {path}, found none; check the name")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            refuse_bytes(size, str(path))
            return file.read(size)
    except OSError as error:
        raise DataError(
            f"expected a picture that can be read at {path}, received {error}; check its permissions"
        ) from error


def _decode(data: bytes, name: str, side: int | None, page: int) -> GreyImage:
    from PIL import Image, ImageOps

    refuse_bytes(len(data), name)
    if is_pdf(data):
        image, size = render_page(data, page, name, side)
        return GreyImage(_to_grey(image, name), size)
    refuse_scans(data, name)
    pages = count_pages(data, name) if is_document(data) else 1
    formats: tuple[str, ...] = FORMATS
    if data[4:8] == b"ftyp":  # as HEIC and AVIF begin
        from pi_heif import register_heif_opener

        register_heif_opener()
        formats = (*FORMATS, "HEIF")
    with Image.open(io.BytesIO(data), formats=formats) as image:
        select_frame(image, page, pages, name)
        size = image.size
        jpeg = image.format in ("JPEG", "MPO")
        if side is not None and jpeg and max(size) >= 2 * side:
            image.draft("L", (max(1, size[0] * side // max(size)), max(1, size[1] * side // max(size))))
        refuse_pixels(image, size, name)
        if image.format == "AVIF":
            return GreyImage(*_from_avif(data, name))
        turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        image.load()
        ImageOps.exif_transpose(image, in_place=True)  # which copies nothing where nothing is to turn
        return GreyImage(_to_grey(image, name), (size[1], size[0]) if turned else size)


def _from_avif(data: bytes, name: str) -> tuple[Grey, tuple[int, int]]:
    """Decode an AVIF, whose header may lie about its size, and whose decoder believes its pixels."""
    from PIL import Image

    about, pixels = decode_apart("avif", data, name)
    image = Image.frombytes(about["mode"], tuple(about["size"]), pixels)
    return _to_grey(image, name), image.size


def _from_pillow(image: Any, name: str) -> GreyImage:
    from PIL import Image, ImageOps

    if not isinstance(image, Image.Image):
        raise DataError(
            f"expected a path, bytes, a Pillow image or an array, received {type(image).__name__}; convert it first"
        )
    refuse_pixels(image, image.size, name)
    if image.format == "TIFF":
        refuse_layout(image, name)
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
    refuse_size((shape[1], shape[0]), (shape[1], shape[0]), "the array")
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
    if image.mode in ("1", "L", "RGB"):
        return _in_bands(image, lambda band: np.asarray(band.convert("L"), dtype=np.uint8))
    if image.mode in ("P", "CMYK", "YCbCr", "LAB", "HSV"):
        return _in_bands(image, lambda band: np.asarray(band.convert("RGB").convert("L"), dtype=np.uint8))
    raise DataError(f"expected grey or colour, {name} has mode {image.mode}; save it as a plain PNG")


def _in_bands(image: "Image.Image", convert: Callable[["Image.Image"], Grey]) -> Grey:
    """Convert some rows at a time: intermediate images would take many times the picture's memory."""
    width, height = image.size
    grey = np.empty((height, width), np.uint8)
    for top in range(0, height, BAND):
        grey[top : top + BAND] = convert(image.crop((0, top, width, min(top + BAND, height))))
    return grey


def _from_16_bit(image: "Image.Image") -> Grey:
    wide = np.asarray(image).clip(0, 65535).astype(np.uint32)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        wide[wide == clear] = 65535
    # 65535 / 257 = 255; Pillow's own conversion clips everything over 255 to white.
    return ((wide + 128) // 257).astype(np.uint8)


def _flattened(image: "Image.Image", background: str) -> Grey:
    from PIL import Image

    rgba = image.convert("RGBA")
    return np.asarray(
        Image.alpha_composite(Image.new("RGBA", rgba.size, background), rgba).convert("L"), dtype=np.uint8
    )
