"""A process that draws one page of a PDF, for `documents`: 3 KB of a PDF can ask for hours, 500 KB for 7 GB of memory.

python draw_pdf.py PAGE SIDE < scan.pdf

It writes a line of JSON, then the pixels, grey, row by row. Page 0 is none: the pages are only counted. Side 0 stands
for 300 dots an inch. It imports nothing of the package, so that it starts in a tenth of a second.
"""

import json
import sys
from contextlib import suppress
from typing import Any

MAX_MEMORY, MAX_SECONDS = 1 << 30, 20
"""Bytes of address space, and seconds of a processor, where the system can limit them."""

DPI, POINTS = 300, 72
"""Dots and points of an inch: a page of a PDF is measured in points."""

MAX_PDF_SIDE = 8192
"""Pixels: a larger page is rendered with fewer dots."""


def draw(data: bytes, page: int, side: int) -> tuple[dict[str, Any], bytes]:
    """Draw a page, from 1, without running scripts.

    Returns:
        The number of `pages`; with a page also its `size` with 300 dots an inch, and the `drawn` width and height and
        the bytes of a row, `stride`. Or the `error`. And the pixels.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
        pages = len(document)
        if not 1 <= page <= pages:
            return {"pages": pages}, b""
        document.init_forms()  # what was typed into a form is drawn, too; scripts are not run
        sheet = document[page - 1]
        width, height = sheet.get_size()
        full = min(DPI / POINTS, MAX_PDF_SIDE / max(width, height, 1))
        scale = min(full, side / max(width, height, 1)) if side else full
        bitmap = sheet.render(scale=scale, grayscale=True)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        return {"error": "one with a password; save a copy without it" if locked else str(error).rstrip(".")}, b""
    size = max(1, round(width * full)), max(1, round(height * full))
    about = {"pages": pages, "size": size, "drawn": (bitmap.width, bitmap.height), "stride": bitmap.stride}
    return about, bytes(bitmap.buffer)


def main() -> None:
    """Answer on standard output."""
    with suppress(ImportError, OSError, ValueError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    about, pixels = draw(sys.stdin.buffer.read(), *map(int, sys.argv[1:]))
    sys.stdout.buffer.write(json.dumps(about).encode() + b"\n")
    sys.stdout.buffer.write(pixels)


if __name__ == "__main__":
    main()
