"""Pages of PDFs and TIFFs."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bombs import pdf_of, tiff_of
from drawing import LOCKED_PDF
from tendigits.errors import DataError
from tendigits.pictures.documents import MAX_PDF_SIDE, count_pages, page_addresses
from tendigits.pictures.image import open_image

PAGES = [np.full((60, 90), grey, np.uint8) for grey in (250, 120, 30)]


def save(path, pages=PAGES, **options):
    first, *others = (Image.fromarray(page) for page in pages)
    first.save(path, save_all=True, append_images=others, **options)
    return str(path)


@pytest.mark.parametrize("name", ["scan.tif", "scan.PDF"])
def test_each_page_has_an_address_under_which_it_is_opened(tmp_path, name):
    path = save(tmp_path / name, **({"format": "PDF"} if name.endswith("PDF") else {}))
    assert count_pages(Path(path).read_bytes()) == 3
    addresses = page_addresses(path, 3)
    assert addresses == [f"{path}#page={number}" for number in (1, 2, 3)]
    for address, page in zip(addresses, PAGES, strict=True):
        assert abs(float(open_image(address).grey.mean()) - page.mean()) < 3
    with pytest.raises(DataError, match="expected a page from 1 to 3"):
        open_image(f"{path}#page=4")


def test_a_pdf_is_drawn_with_300_dots_an_inch_or_as_few_as_are_needed(tmp_path):
    path = save(tmp_path / "a.pdf", [np.zeros((1100, 850), np.uint8)], resolution=100)  # 8.5 x 11 inches
    whole, small = open_image(path), open_image(path, side=400)
    assert np.abs(np.subtract(whole.grey.shape, (3300, 2550))).max() <= 1
    assert max(small.grey.shape) == 400
    assert whole.size == small.size == (2550, 3300)


@pytest.mark.parametrize("box", ["0 0 14400 14400", "0 0 1e9 1e9", "0 0 1e9 1", "0 0 0 0", "9 9 -9 -9", "0 0 1e400 1"])
def test_a_pdf_page_of_any_size_is_drawn_with_few_pixels(box):
    opened = open_image(pdf_of(box=box), side=400)
    assert max(opened.size) <= MAX_PDF_SIDE
    assert max(opened.grey.shape) <= 401


def test_scripts_of_a_pdf_do_not_run():
    endless = "/OpenAction<</S/JavaScript/JS(while(true){})>>/AA<</WC<</S/JavaScript/JS(while(true){})>>>>"
    names = "/Names<</JavaScript<</Names[(a)<</S/JavaScript/JS(while(true){})>>]>>>>"
    assert (open_image(pdf_of(catalog=endless + names)).grey == open_image(pdf_of()).grey).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LOCKED_PDF, r"received one with a password; save a copy without it$"),
        (pdf_of()[:60], "expected a whole PDF at the picture"),
        (pdf_of(10_000), "expected at most 1,000 pages, the picture has more; split it"),
        (
            tiff_of({273: 8, 278: 64, 279: 4096}, bytes(4096), 2000),
            "expected at most 1,000 pages, the picture has more",
        ),
        (tiff_of({273: 8, 278: 64, 279: 4096}, bytes(4096))[:4000], "expected a whole"),
    ],
    ids=["password", "cut PDF", "PDF with many pages", "TIFF with many pages", "cut TIFF"],
)
@pytest.mark.parametrize("read", [count_pages, open_image])
def test_documents_that_cannot_be_read_are_refused(content, message, read):
    with pytest.raises(DataError, match=message):
        read(content)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4", "lzma"])
@pytest.mark.parametrize("big", [False, True], ids=["classic", "BigTIFF"])
def test_tiffs_that_pillow_writes_are_read(tmp_path, compression, big):
    page = np.arange(60 * 90, dtype=np.uint8).reshape(60, 90)
    image = Image.fromarray(page > 99) if compression == "group4" else Image.fromarray(page).convert("RGB")
    path = tmp_path / "a.tif"
    image.save(path, compression=compression, big_tiff=big, save_all=True, append_images=[image] * 4)
    assert open_image(path, page=5).grey.shape == page.shape
    assert count_pages(path.read_bytes()) == 5
