"""Documents of several pages: a PDF or a TIFF, of which each page has an address, such as scan.pdf#page=2.

addresses("scan.pdf")               # ["scan.pdf#page=1", "scan.pdf#page=2"]
split_address("scan.pdf#page=2")    # ("scan.pdf", 2)
"""

import io
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tendigits.errors import DataError
from tendigits.pictures import tiff
from tendigits.pictures.limits import MAX_BYTES, refuse_bytes
from tendigits.pictures.own_process import decode_apart

if TYPE_CHECKING:
    from PIL import Image

DOCUMENTS = (".pdf", ".tif", ".tiff")
"""Suffixes of files that may have several pages."""

MAX_PAGES = 1000
"""Pages of a document."""


def is_pdf(data: bytes) -> bool:
    """Whether these are the bytes of a PDF."""
    return data[:1024].lstrip().startswith(b"%PDF-")


def is_document(data: bytes) -> bool:
    """Whether these are the bytes of a file that may have several pages."""
    return is_pdf(data) or data.startswith(tiff.TIFF)


def split_address(address: str) -> tuple[str, int]:
    """The file of an address, and the number of the page, from 1."""
    found = re.fullmatch(r"(.+)#page=(\d{1,6})", address)
    return (found[1], int(found[2])) if found and found[1].lower().endswith(DOCUMENTS) else (address, 1)


def addresses(path: str) -> list[str]:
    """The pages of a file; itself if it has only one, or can't be opened, which will be said when it is read."""
    try:
        n = count_pages(Path(path)) if path.lower().endswith(DOCUMENTS) and Path(path).is_file() else 1
    except DataError:
        n = 1
    return [f"{path}#page={page}" for page in range(1, n + 1)] if n > 1 else [path]


def count_pages(source: Path | bytes, name: str = "the picture") -> int:
    """How many pages a PDF or TIFF has. Raises DataError if there are too many, or it is damaged."""
    if isinstance(source, bytes):
        has_pdf = is_pdf(source)
    else:
        name, has_pdf = str(source), source.suffix.lower() == ".pdf"
    try:
        if has_pdf:
            data = source if isinstance(source, bytes) else _read(source)
            n = int(decode_apart("pdf", data, name, 0, 0)[0]["pages"])
        else:
            with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
                n = tiff.count_pages(file, MAX_PAGES, name)
    except OSError as error:
        raise DataError(f"expected a document that can be read at {name}, received {error.strerror}") from error
    _refuse_many(n, name)
    return n


def render_page(data: bytes, page: int, name: str, side: int | None) -> tuple["Image.Image", tuple[int, int]]:
    """Draw a page of a PDF in grey.

    Args:
        page: its number, from 1.
        side: the longest side needed, in pixels; with 300 dots an inch if that is less, or None.

    Returns:
        A Pillow image; and the width and height it would have with 300 dots an inch.

    Raises:
        DataError: the PDF is damaged, needs a password, has no such page, or it takes too much time or memory.
    """
    from PIL import Image

    about, pixels = decode_apart("pdf", data, name, page, side or 0)
    _refuse_many(about["pages"], name)
    if "drawn" not in about:
        raise DataError(f"expected a page from 1 to {about['pages']} of {name}, received {page}")
    image = Image.frombytes("L", tuple(about["drawn"]), pixels, "raw", "L", about["stride"])
    return image, tuple(about["size"])


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        refuse_bytes(os.fstat(file.fileno()).st_size, str(path))
        return file.read(MAX_BYTES)


def _refuse_many(n: int, name: str) -> None:
    if n > MAX_PAGES:
        raise DataError(f"expected at most {MAX_PAGES:,} pages, {name} has more; split it")


def select_frame(image: Any, page: int, pages: int, name: str) -> None:
    """Turn to a page of a TIFF that Pillow has opened, and check what is claimed of it; of others there is but one.

    Raises:
        DataError: there is no such page, there are too many, or its strips or tiles are too large.
    """
    _refuse_many(pages, name)
    if not 1 <= page <= pages:
        raise DataError(f"expected a page from 1 to {pages} of {name}, received {page}")
    if image.format == "TIFF":
        image.seek(page - 1)
        tiff.refuse_layout(image, name)
