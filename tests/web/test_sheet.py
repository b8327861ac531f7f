"""A sheet is made on the page, and a photo of it needs nothing else there."""

import io

import httpx
import openpyxl
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


NUMBERS = [f"{1024 + 37 * i}" for i in range(32)]


def photos(server, **named):
    """Pictures of the two pages of a sheet with these numbers, by their names."""
    files = {}
    for name, numbers in named.items():
        roster = "number;name\n" + "".join(f"{number};pupil {i}\n" for i, number in enumerate(numbers))
        asked = {"columns": "number:4, name, points: 0..9", "title": "Test 3", "roster": roster}
        pdf = httpx.post(f"{server.url}/v1/sheets", json=asked).content
        for i, page in enumerate(pypdfium2.PdfDocument(pdf), 1):
            data = io.BytesIO()
            page.render(scale=2.5, grayscale=True).to_pil().save(data, "PNG")
            files[f"{name}{i}.png"] = {"name": f"{name}{i}.png", "mimeType": "image/png", "buffer": data.getvalue()}
    return files


def test_the_pages_of_a_pile_are_one_table_and_what_is_missing_or_there_twice_is_named(
    open_page, clean_server, tmp_path
):
    files = photos(clean_server, sheet=NUMBERS, other=["8888", *NUMBERS[1:]])
    page = open_page("#read")
    pile, notices = page.locator("#pile"), page.locator("#pile-notices li")
    page.set_input_files("#file", [files["sheet2.png"]])
    expect(notices).to_have_text(["Test 3: page 1 is missing"])
    page.set_input_files("#file", [files["sheet2.png"], files["sheet1.png"], files["other1.png"]])
    expect(pile).to_be_hidden()
    expect(page.locator("#page-number")).to_have_text("Page 1 of 3")
    twice = "Test 3: page 1 of 2 is in sheet1.png and in other1.png; what differs is to be checked"
    expect(notices).to_have_text([twice])
    rows = pile.locator("tbody tr")
    expect(rows).to_have_count(33)
    assert [row.locator("td, th").first.inner_text() for row in rows.all()][2:] == NUMBERS[1:]
    expect(pile.locator("td canvas")).to_have_count(32)
    assert not barriers(page)
    doubt = pile.locator("button.plain")
    expect(doubt).to_have_count(1)
    expect(page.locator("#need")).to_have_text("17 rows, 3 columns: nothing to check; 1 cell to check on other pages")
    doubt.click()  # which is on the second photo
    expect(page.locator("#page-number")).to_have_text("Page 2 of 3")
    expect(page.locator("#cell-name")).to_have_text("A2")
    expect(page.locator("#cell-doubt")).to_have_text("1024 in one photo, 8888 in the other")
    page.locator("#options button", has_text="8888").click()
    expect(doubt).to_have_count(0)
    expect(rows.nth(1).locator("td").first).to_have_text("8888")
    expect(page.locator("#need")).to_have_text("17 rows, 3 columns: nothing to check")
    book = openpyxl.load_workbook(download(page, "#grid-xlsx", tmp_path))
    assert book.sheetnames == ["Test 3"]
    assert [cell.value for cell in book["Test 3"]["A"]] == ["number", 8888, *map(int, NUMBERS[1:])]
    assert len(book["Test 3"]._images) == 32, "the names are pictures"
    lines = download(page, "#pile-csv", tmp_path).read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["number", "8888", *NUMBERS[1:]]
    page.locator("#grid td.current").press("Control+z")
    expect(doubt).to_have_count(1)
    page.reload()
    page.click("#kept button:has-text('Go on with sheet2.png and 2 more')")
    expect(notices).to_have_text([twice])
    page.click("#sheet summary")
    page.locator("#grid td").first.click()
    page.keyboard.press("Control+Delete")
    expect(notices).to_contain_text(["The sheets were not joined: pages must be of the same width"])
    open_page.complaints.clear()  # the browser logs the 422
