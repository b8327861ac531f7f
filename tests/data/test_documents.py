"""Pages of PDFs and TIFFs, each with an address of its own."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tendigits.data import documents
from tendigits.data.documents import addresses, count_pages, split_address
from tendigits.data.image import open_image
from tendigits.errors import DataError

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
        with pytest.raises(DataError, match=r"expected at most 2 pages, .* has 3; split it"):
            open_image(long)
    (tmp_path / "locked.pdf").write_bytes(LOCKED)
    with pytest.raises(DataError, match="received one with a password; save a copy without it"):
        open_image(tmp_path / "locked.pdf")


LOCKED = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"3 0 obj<</Filter/Standard/V 1/R 2/O<" + b"41" * 32 + b">/U<" + b"42" * 32 + b">/P -4>>endobj\n"
    b"trailer<</Root 1 0 R/Size 4/Encrypt 3 0 R/ID[<00><00>]>>\n%%EOF"
)
"""Of a PDF that is encrypted with an unknown password: its key doesn't fit."""
