"""Documents of several pages: a PDF or a TIFF. Each page has an address, such as scan.pdf#page=2."""

import io
import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tendigits.errors import DataError
from tendigits.pictures.limits import MAX_PAGES, check_pages, read_picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DOCUMENTS = (".pdf", ".tif", ".tiff")  # suffixes of files that may have several pages
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II\0*", b"MM*\0", b"II+\0", b"MM\0+")
"""First bytes of the files that Pillow opens as TIFF."""

DPI = 300  # the resolution at which a PDF is drawn
POINTS_PER_INCH = 72  # the unit in which a PDF's pages are measured
MAX_PDF_SIDE = 8192  # pixels: larger pages are drawn at a lower resolution

_pdfium_lock = threading.Lock()
"""PDFium is not thread-safe."""


def is_pdf(data: bytes) -> bool:
    """Whether these are the bytes of a PDF."""
    return data[:1024].lstrip().startswith(b"%PDF-")


def split_address(address: str) -> tuple[str, int]:
    """The file of an address, and the number of the page, from 1."""
    found = re.fullmatch(r"(.+)#page=(\d{1,6})", address)
    return (found[1], int(found[2])) if found and found[1].lower().endswith(DOCUMENTS) else (address, 1)


def page_addresses(path: str, n_pages: int) -> list[str]:
    """The addresses of a document's pages; the path itself if there is only one."""
    return [f"{path}#page={page}" for page in range(1, n_pages + 1)] if n_pages > 1 else [path]


def count_pages(data: bytes, name: str = "the picture") -> int:
    """How many pages a PDF or TIFF has. Raises DataError if there are too many, or it is damaged."""
    from PIL import Image

    if is_pdf(data):
        with _open_pdf(data, name) as document:
            check_pages(len(document), name)
            return len(document)
    try:
        with Image.open(io.BytesIO(data), formats=["TIFF"]) as image:
            return count_frames(image, name)
    except DataError:
        raise
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, struct.error and others
        raise DataError(f"expected a whole TIFF, {name} is damaged; save it again") from error


def count_pages_of(source: Any) -> int:
    """How many pages a picture has, by its path or the bytes of its file; 1 for anything else. Raises DataError."""
    if isinstance(source, str | Path) and str(source).lower().endswith(DOCUMENTS):
        source = read_picture(Path(source))
    may_have_several = isinstance(source, bytes) and (is_pdf(source) or source.startswith(TIFF_STARTS))
    return count_pages(source) if may_have_several else 1


def count_frames(image: Any, name: str) -> int:
    """How many pages a TIFF has that Pillow has opened; afterwards it shows its first page. Raises DataError."""
    n = 1
    try:
        while n <= MAX_PAGES:
            image.seek(n)
            n += 1
    except EOFError:
        image.seek(0)
    check_pages(n, name)
    return n


def draw_pdf(data: bytes, page: int, name: str, side: int | None) -> "tuple[NDArray[np.uint8], tuple[int, int]]":
    """Draw a page of a PDF, from 1, in grey, with what was typed into its forms, and without running its scripts.

    Returns uint8 (height, width), at most 300 dots an inch and `side` pixels; and the width and height at 300 dots an
    inch. Raises DataError if the PDF is damaged, needs a password, or has no such page.
    """
    with _open_pdf(data, name) as document:
        check_pages(len(document), name)
        check_page(page, len(document), name)
        document.init_forms()
        sheet = document[page - 1]
        width, height = sheet.get_size()
        full = min(DPI / POINTS_PER_INCH, MAX_PDF_SIDE / max(width, height, 1))
        scale = min(full, side / max(width, height, 1)) if side else full
        grey = sheet.render(scale=scale, grayscale=True).to_numpy().copy()
    return grey.reshape(grey.shape[:2]), (max(1, round(width * full)), max(1, round(height * full)))


def check_page(page: int, n_pages: int, name: str) -> None:
    """Refuse the number of a page that the document does not have. Raises DataError."""
    if not 1 <= page <= n_pages:
        raise DataError(f"expected a page from 1 to {n_pages} of {name}, received {page}")


@contextmanager
def _open_pdf(data: bytes, name: str) -> Iterator[Any]:
    import pypdfium2

    with _pdfium_lock:
        try:
            with closing(pypdfium2.PdfDocument(data)) as document:
                yield document
        except pypdfium2.PdfiumError as error:
            reason = str(error).rstrip(".")
            if "password" in reason.lower():
                reason = "one with a password; save a copy without it"
            raise DataError(f"expected a whole PDF at {name}, received {reason}") from error
