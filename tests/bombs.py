"""Small files that need gigabytes or hours to decode, and the PDFs and TIFFs that they are made of."""

import struct
import zlib


def picture_bomb():
    """A PNG of 60,000x60,000 pixels, or so it says: 268 MB in 260 KB."""
    return png_of(60_000, 60_000, bytes(2**28))


def png_of(width, height, pixels):
    """A grey PNG that says that it is as large as that."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def pdf_of(n=1, box="0 0 200 100", catalog="", content=b"0 g 20 20 60 40 re f", more=b""):
    """A PDF of n equal pages, without a table of its objects, which PDFium then makes."""
    kids = " ".join(f"{number} 0 R" for number in range(10, 10 + n))
    page = f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]/Contents 3 0 R/Resources<</XObject<</X 4 0 R>>>>>>"
    return b"".join([
        b"%PDF-1.7\n",
        f"1 0 obj<</Type/Catalog/Pages 2 0 R{catalog}>>endobj\n".encode(),
        f"2 0 obj<</Type/Pages/Kids[{kids}]/Count {n}>>endobj\n".encode(),
        b"3 0 obj<</Length %d>>stream\n%b\nendstream endobj\n" % (len(content), content),
        *(f"{number} 0 obj{page}endobj\n".encode() for number in range(10, 10 + n)),
        more,
        b"trailer<</Root 1 0 R>>\n%%EOF",
    ])  # fmt: skip


def slow_pdf():
    """A page that shows a form ten times, which shows another one ten times, and so on: 10^12 rectangles in 3 KB."""
    form = b"<</Subtype/Form/BBox[0 0 99 99]/Resources<</XObject<</X %d 0 R>>>>/Length 60>>stream\n%bendstream endobj\n"
    chain = (b"%d 0 obj" % number + form % (number + 1, b"/X Do ".ljust(6) * 10) for number in (4, *range(20, 31)))
    return pdf_of(content=b"/X Do " * 10, more=b"".join(chain).replace(b"/X 5 0 R", b"/X 20 0 R"))


def large_pdf():
    """A page of 20 million rectangles: 500 KB, and 7 GB in PDFium."""
    content = zlib.compress(b"0 0 1 1 re f\n" * 20_000_000, 9)
    stream = b"4 0 obj<</Length %d/Filter/FlateDecode>>stream\n%b\nendstream endobj\n" % (len(content), content)
    return pdf_of(more=stream).replace(b"/Contents 3", b"/Contents 4")


def tiff_of(tags, pixels, n_pages=1):
    """A TIFF of equal grey pages, from the values of its tags; the strip or tile begins at offset 8."""
    tags = {256: 64, 257: 64, 258: 8, 259: 1, 262: 1, 277: 1} | tags
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    page = struct.pack("<H", len(tags)) + entries
    first, size = 8 + len(pixels), len(page) + 4
    links = (first + size * number if number < n_pages else 0 for number in range(1, n_pages + 1))
    return b"II*\0" + struct.pack("<I", first) + pixels + b"".join(page + struct.pack("<I", link) for link in links)


def tile_bomb(side=46_000):
    """64x64 pixels in the corner of a tile of 2 GB."""
    pixels = zlib.compress(bytes(300_000_000), 9)
    return tiff_of({259: 8, 322: side // 16 * 16, 323: side // 16 * 16, 324: 8, 325: len(pixels)}, pixels)
