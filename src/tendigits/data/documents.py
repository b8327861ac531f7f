"""Documents of several pages: a PDF or a TIFF, of which each page has an address, such as scan.pdf#page=2.

addresses("scan.pdf")               # ["scan.pdf#page=1", "scan.pdf#page=2"]
split_address("scan.pdf#page=2")    # ("scan.pdf", 2)
"""

import io
import re
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from tendigits.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image
    from pypdfium2 import PdfDocument

DOCUMENTS = (".pdf", ".tif", ".tiff")
"""Suffixes of files that may have several pages."""

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of a TIFF."""

MAX_PAGES = 1000
"""Pages of a document."""

DPI, POINTS = 300, 72
"""Dots and points of an inch: a page of a PDF is measured in points."""

MAX_PDF_SIDE = 8192
"""Pixels: a larger page is rendered with fewer dots."""

_pdfium = Lock()
"""PDFium does one thing at a time."""


def is_pdf(data: bytes) -> bool:
    """Whether these are the bytes of a PDF."""
    return data[:1024].lstrip().startswith(b"%PDF-")


def is_document(data: bytes) -> bool:
    """Whether these are the bytes of a file that may have several pages."""
    return is_pdf(data) or data.startswith(TIFF)


def split_address(address: str) -> tuple[str, int]:
    """The file of an address, and the number of the page, from 1."""
    found = re.fullmatch(r"(.+)#page=(\d{1,6})", address)
    return (found[1], int(found[2])) if found and found[1].lower().endswith(DOCUMENTS) else (address, 1)


def addresses(path: str) -> list[str]:
    """The pages of a file; itself if it has only one, or can't be opened, which will be said when it is read."""
    try:
        n = count_pages(Path(path)) if path.lower().endswith(DOCUMENTS) else 1
    except DataError:
        n = 1
    return [f"{path}#page={page}" for page in range(1, n + 1)] if n > 1 else [path]


def count_pages(source: Path | bytes) -> int:
    """How many pages a PDF or TIFF has. Raises DataError if there are too many, or it is damaged."""
    from PIL import Image

    if isinstance(source, bytes):
        name, has_pdf = "the picture", is_pdf(source)
    else:
        name, has_pdf = str(source), source.suffix.lower() == ".pdf"
    try:
        if has_pdf:
            with _opened(source, name) as document:
                n = len(document)
        else:
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=["TIFF"]) as image:
                n = int(getattr(image, "n_frames", 1))
    except DataError:
        raise
    except Exception as error:  # Pillow raises whatever its decoders do
        raise DataError(f"expected a whole TIFF, received {name} ({type(error).__name__})") from error
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
        DataError: the PDF is damaged, needs a password or has no such page.
    """
    with _opened(data, name) as document:
        _refuse_many(len(document), name)
        if not 1 <= page <= len(document):
            raise DataError(f"expected a page from 1 to {len(document)} of {name}, received {page}")
        document.init_forms()  # what was typed into a form is drawn, too; scripts are not run
        sheet = document[page - 1]
        width, height = sheet.get_size()
        full = min(DPI / POINTS, MAX_PDF_SIDE / max(width, height, 1))
        scale = full if side is None else min(full, side / max(width, height, 1))
        image: Image.Image = sheet.render(scale=scale, grayscale=True).to_pil()
        return image, (max(1, round(width * full)), max(1, round(height * full)))


@contextmanager
def _opened(data: bytes | Path, name: str) -> "Iterator[PdfDocument]":
    import pypdfium2

    with _pdfium:
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            why = "one with a password; save a copy without it" if "password" in str(error).lower() else str(error)
            raise DataError(f"expected a whole PDF at {name}, received {why}") from error
        try:
            yield document
        finally:
            document.close()


def _refuse_many(n: int, name: str) -> None:
    if n > MAX_PAGES:
        raise DataError(f"expected at most {MAX_PAGES:,} pages, {name} has {n:,}; split it")


def select_frame(image: Any, page: int, name: str) -> None:
    """Turn to a page of a TIFF that Pillow has opened. Raises DataError if there is none, or there are too many."""
    n = int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1
    _refuse_many(n, name)
    if not 1 <= page <= n:
        raise DataError(f"expected a page from 1 to {n} of {name}, received {page}")
    if page > 1:
        image.seek(page - 1)
