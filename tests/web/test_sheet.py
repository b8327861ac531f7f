"""A sheet is made on the page, and a photo of it needs nothing else there."""

import pypdfium2
import pytest
from playwright.sync_api import expect

from browser import barriers, choose, download

pytestmark = pytest.mark.xdist_group("browser")


def test_a_sheet_is_made_and_read(open_page, tmp_path):
    page = open_page("#read")
    page.click("#make summary")
    page.fill("#sheet-title", "Test 3")
    page.fill("#sheet-columns", "number:4, name")
    expect(page.locator("#sheet-each")).to_be_disabled()  # there is nobody yet
    page.fill("#sheet-roster", "number,name\n1024,Łukasz\n0873,Zoë")
    expect(page.locator("#sheet-each")).to_be_enabled()
    assert not barriers(page)
    pdf = download(page, "#make-sheet", tmp_path)
    assert (pdf.name, len(pypdfium2.PdfDocument(pdf))) == ("Test 3.pdf", 1)
    choose(page, pdf.read_bytes(), "photo.pdf")
    rows = page.locator("#grid tbody tr")
    expect(rows).to_have_count(3)
    assert [row.locator("td").first.inner_text() for row in rows.all()] == ["number", "1024", "0873"]
    page.fill("#sheet-columns", "a: often")
    page.click("#make-sheet")
    expect(page.locator("#toast")).to_contain_text("received 'A: often'")
    open_page.complaints.pop()  # the status of that answer
