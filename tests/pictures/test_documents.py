"""Pages of PDFs and TIFFs, each with an address of its own."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from helpers import LOCKED_PDF, opened_apart
from tendigits.errors import DataError
from tendigits.pictures import apart, documents, own_process
from tendigits.pictures.documents import addresses, count_pages, split_address
from tendigits.pictures.image import open_image
from tendigits.pictures.limits import MAX_BYTES

PAGES = [np.full((60, 90), grey, np.uint8) for grey in (250, 120, 30)]


def save(path, pages=PAGES, **options):
    first, *others = (Image.fromarray(page) for page in pages)
    first.save(path, save_all=True, append_images=others, **options)
    return str(path)


@pytest.mark.parametrize("name", ["scan.tif", "scan.PDF"])
def test_each_page_has_an_address_under_which_it_is_opened(tmp_path, name):
    path = save(tmp_path / name, **({"format": "PDF"} if name.endswith("PDF") else {}))
    found = addresses(path)
    assert found == [f"{path}#page={number}" for number in (1, 2, 3)]
    assert count_pages(Path(path).read_bytes()) == 3
    for address, page in zip(found, PAGES, strict=True):
        assert abs(float(open_image(address).grey.mean()) - page.mean()) < 3
    with pytest.raises(DataError, match="expected a page from 1 to 3"):
        open_image(f"{path}#page=4")


def test_other_files_and_names_with_a_number_sign_are_themselves(tmp_path):
    path = tmp_path / "a#page=2.png"
    Image.fromarray(PAGES[0]).save(path)
    assert addresses(str(path)) == [str(path)]
    assert split_address(str(path)) == (str(path), 1)
    assert open_image(path).size == (90, 60)
    assert addresses(str(tmp_path / "none.pdf")) == [str(tmp_path / "none.pdf")]


def test_a_pdf_is_drawn_with_300_dots_an_inch_or_as_few_as_are_needed(tmp_path):
    path = save(tmp_path / "a.pdf", [np.zeros((1100, 850), np.uint8)], resolution=100)  # 8.5 x 11 inches
    whole, small = open_image(path), open_image(path, side=400)
    assert np.abs(np.subtract(whole.grey.shape, (3300, 2550))).max() <= 1
    assert max(small.grey.shape) == 400
    assert whole.size == small.size == (2550, 3300)


def test_a_password_too_many_pages_and_damage_are_reported(tmp_path, monkeypatch):
    path = save(tmp_path / "a.pdf")
    with pytest.raises(DataError, match="expected a whole PDF"):
        open_image(io.BytesIO((tmp_path / "a.pdf").read_bytes()[:60]).getvalue())
    monkeypatch.setattr(documents, "MAX_PAGES", 2)
    for long in (path, save(tmp_path / "a.tif")):
        assert addresses(long) == [long], "it is said when it is read"
        with pytest.raises(DataError, match=r"expected at most 2 pages, .* has more; split it"):
            open_image(long)
    (tmp_path / "locked.pdf").write_bytes(LOCKED_PDF)
    with pytest.raises(DataError, match=r"received one with a password; save a copy without it$"):
        open_image(tmp_path / "locked.pdf")


def pdf_of(n=1, box="0 0 200 100", catalog="", content=b"0 g 20 20 60 40 re f", more=b""):
    """A PDF of pages that are alike, without a table of its objects, which PDFium then makes."""
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


def tiff_of(n):
    """A TIFF of so many pages, which share their pixels."""
    tags = [(256, 64), (257, 64), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 64), (279, 4096)]
    size = 2 + 12 * len(tags) + 4
    page = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    first = 8 + 4096
    links = (first + size * number if number < n else 0 for number in range(1, n + 1))
    return b"II*\0" + struct.pack("<I", first) + b"\xff" * 4096 + b"".join(page + struct.pack("<I", k) for k in links)


def test_of_ten_thousand_pages_not_all_are_looked_at(tmp_path, monkeypatch):
    """To count 300,000 pages of a TIFF takes minutes."""
    for name, content in (("a.pdf", pdf_of(10_000)), ("a.tif", tiff_of(10_000))):
        monkeypatch.setattr(TiffImageFile, "n_frames", None)
        path = tmp_path / name
        path.write_bytes(content)
        assert addresses(str(path)) == [str(path)]
        with pytest.raises(DataError, match=r"expected at most 1,000 pages, .* has more; split it"):
            open_image(path)


def test_a_pdf_is_drawn_without_its_scripts():
    endless = "/OpenAction<</S/JavaScript/JS(while(true){})>>/AA<</WC<</S/JavaScript/JS(while(true){})>>>>"
    names = "/Names<</JavaScript<</Names[(a)<</S/JavaScript/JS(while(true){})>>]>>>>"
    assert (open_image(pdf_of(catalog=endless + names)).grey == open_image(pdf_of()).grey).all()


@pytest.mark.parametrize("box", ["0 0 14400 14400", "0 0 1e9 1e9", "0 0 1e9 1", "0 0 0 0", "9 9 -9 -9", "0 0 1e400 1"])
def test_a_page_of_any_size_is_drawn_with_few_pixels(box):
    opened = open_image(pdf_of(box=box), side=400)
    assert max(opened.size) <= apart.MAX_PDF_SIDE
    assert max(opened.grey.shape) <= 401


def test_a_deeply_nested_pdf_is_drawn_or_refused():
    deep = f"/X {'[' * 100_000}{']' * 100_000}"
    assert open_image(pdf_of(catalog=deep)).grey.min() < 50
    assert open_image(pdf_of(content=b"q " * 100_000 + b"0 g 20 20 60 40 re f")).size == (833, 417)
    pages = b"".join(b"%d 0 obj<</Type/Pages/Count 1/Kids[%d 0 R]>>endobj\n" % (n, n + 1) for n in range(10, 5000))
    with pytest.raises(DataError, match=r"expected a whole PDF at the picture, received Failed to load page$"):
        open_image(pdf_of(more=pages))


def endless():
    """A page that shows a picture ten times, which shows another one ten times, and so on: 10^12 rectangles in 3 KB."""
    form = b"<</Subtype/Form/BBox[0 0 99 99]/Resources<</XObject<</X %d 0 R>>>>/Length 60>>stream\n%bendstream endobj\n"
    chain = (b"%d 0 obj" % number + form % (number + 1, b"/X Do ".ljust(6) * 10) for number in (4, *range(20, 31)))
    return pdf_of(content=b"/X Do " * 10, more=b"".join(chain).replace(b"/X 5 0 R", b"/X 20 0 R"))


def test_a_page_that_takes_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(own_process, "WAIT", 0.05)
    with pytest.raises(DataError, match="decoded in 20 seconds with 1,024 MB of memory, the picture can't; save it as"):
        open_image(endless())
    assert open_image(pdf_of()).grey.min() < 50, "others are drawn"


@pytest.mark.slow
def test_a_page_that_takes_too_much_time_or_memory_is_refused():
    bomb = zlib.compress(b"0 0 1 1 re f\n" * 20_000_000, 9)  # 500 KB, and 7 GB in PDFium
    stream = b"4 0 obj<</Length %d/Filter/FlateDecode>>stream\n%b\nendstream endobj\n" % (len(bomb), bomb)
    for data in (endless(), pdf_of(more=stream).replace(b"/Contents 3", b"/Contents 4")):
        said, megabytes = opened_apart(data)
        assert "save it as a PNG" in said
        assert megabytes < 1100


def test_a_document_that_is_too_large_is_not_read_to_count_its_pages(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "decode_apart", None)
    path = tmp_path / "a.pdf"
    with path.open("wb") as file:
        file.write(b"%PDF-1.4\n")
        file.truncate(MAX_BYTES + 1)  # sparse
    assert addresses(str(path)) == [str(path)]
    with pytest.raises(DataError, match=r"at most 40 MB, .*a\.pdf has 40,000,001 bytes"):
        count_pages(path)
