"""A process that decodes what may ask for hours or gigabytes: 3 KB of a PDF or an AVIF can, whatever its header says.

python apart.py pdf PAGE SIDE < scan.pdf
python apart.py avif < photo.avif

It writes a line of JSON, then the pixels, row by row. Page 0 is none: the pages are only counted. Side 0 stands for 300
dots an inch. It imports nothing of the package, so that it starts in a tenth of a second; `own_process` asks it.
"""

import io
import json
import sys
from contextlib import suppress
from typing import Any

LIMITS = {"pdf": (1 << 30, 20), "avif": (1 << 29, 5)}
"""Bytes of address space, and seconds of a processor, where the system can limit them."""

DPI, POINTS = 300, 72
"""Dots and points of an inch: a page of a PDF is measured in points."""

MAX_PDF_SIDE = 8192
"""Pixels: a larger page is rendered with fewer dots."""


def draw_pdf(data: bytes, page: int, side: int) -> tuple[dict[str, Any], bytes]:
    """Draw a page of a PDF, from 1, in grey, without running scripts.

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


def decode_avif(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Decode an AVIF.

    Returns:
        Its `mode`, in Pillow's words, and `size`, upright by its EXIF. Or the `error`. And the pixels.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(data), formats=["AVIF"]) as image:
            ImageOps.exif_transpose(image, in_place=True)
            return {"mode": image.mode, "size": image.size}, image.tobytes()
    except Exception as error:  # Pillow raises whatever its decoders do
        return {"error": f"{type(error).__name__}: {error}"}, b""


def main() -> None:
    """Answer on standard output."""
    kind, *arguments = sys.argv[1:]
    max_bytes, max_seconds = LIMITS[kind]
    with suppress(ImportError, OSError, ValueError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
        resource.setrlimit(resource.RLIMIT_CPU, (max_seconds, max_seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = sys.stdin.buffer.read()
    about, pixels = draw_pdf(data, *map(int, arguments)) if kind == "pdf" else decode_avif(data)
    sys.stdout.buffer.write(json.dumps(about).encode() + b"\n")
    sys.stdout.buffer.write(pixels)


if __name__ == "__main__":
    main()
