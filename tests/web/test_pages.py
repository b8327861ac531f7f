"""A document of several pages: each has its picture and its grid, and is as it was left when one comes back."""

import io
import tomllib
from pathlib import Path

import httpx
import openpyxl
import pytest
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Page, expect

from helpers import FORM_SIZE, filled_form, printed_table

pytestmark = pytest.mark.xdist_group("browser")

ROWS = [["12", "30", "42"], ["7", "14", "21"], ["61", "8", "69"], ["9", "54", "63"]]
TABLES = [[*ROWS, ["15", "20", "95"]], [["40", "33", "79"], *ROWS]]
"""Two rows do not add up: 75 was written like 15, 46 like 40."""


def document(pages: list[Image.Image], kind: str) -> bytes:
    data = io.BytesIO()
    pages[0].save(data, kind, save_all=True, append_images=pages[1:], resolution=150)
    return data.getvalue()


def choose(page: Page, where: str, name: str, data: bytes) -> None:
    page.set_input_files(where, {"name": name, "mimeType": "", "buffer": data})


def shown(page: Page) -> int:
    """Width of the picture beside the grid, in pixels of its own."""
    return page.locator("#stage img").evaluate("(image) => image.decode().then(() => image.naturalWidth)")


def test_pages_are_mended_one_after_the_other_and_saved_together(open_page, clean_server, tmp_path):
    page = open_page("#read", accept_downloads=True)
    choose(page, "#file", "marks.pdf", document([printed_table(rows) for rows in TABLES], "PDF"))
    expect(page.locator("#page-number")).to_have_text("Page 1 of 2")
    expect(page.locator("#previous-page")).to_be_disabled()
    assert shown(page) > 500
    page.locator("#grid td.doubtful").focus()
    page.keyboard.type("75")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("You have 1 corrected number.")
    page.focus("#next-page")
    page.keyboard.press("Enter")
    expect(page.locator("#page-number")).to_have_text("Page 2 of 2")
    expect(page.locator("#grid td.doubtful")).to_have_text("40")
    assert shown(page) > 500
    expect(page.locator("#previous-page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#page-number")).to_have_text("Page 1 of 2")
    expect(page.locator("#grid td.changed")).to_have_text("75")
    expect(page.locator("#need")).to_have_text("0 cells need you, 15 do not")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download XLSX (2 of 2 pages)").click()
    download.value.save_as(tmp_path / "table.xlsx")
    book = openpyxl.load_workbook(tmp_path / "table.xlsx")
    assert book.sheetnames == ["page 1", "page 2", "to check"]
    assert [[cell.value for cell in book[name][5]] for name in book.sheetnames[:2]] == [[75, 20, 95], [9, 54, 63]]
    assert book["page 2"]["A1"].comment is not None
    page.click("#next-page")
    expect(page.locator("#grid td.doubtful")).to_have_text("40")
    page.locator("#toast button").dispatch_event("click")  # undoes the correction on the other page
    expect(page.locator("#toast")).to_have_text("Undone.")
    expect(page.locator("#grid td.doubtful")).to_have_text("40")
    page.click("#previous-page")
    expect(page.locator("#grid td.doubtful")).to_have_text("15")
    assert httpx.get(f"{clean_server.url}/v1/corrections/numbers").json()["count"] == 0


def test_a_page_that_cannot_be_read_is_passed_over(open_page):
    page = open_page("#read")
    small, large = Image.new("1", (90, 60), 1), Image.new("1", (8000, 7000), 1)
    data = io.BytesIO()
    small.save(data, "TIFF", save_all=True, append_images=[large, small], compression="group4")
    choose(page, "#file", "scan.tif", data.getvalue())
    expect(page.locator("#page-number")).to_have_text("Page 1 of 3")
    page.click("#next-page")
    expect(page.locator("#page-number")).to_have_text("Page 2 of 3, not read")
    expect(page.locator("#toast")).to_contain_text("expected at most 16384 pixels a side")
    page.click("#next-page")
    expect(page.locator("#page-number")).to_have_text("Page 3 of 3")
    assert "415" in open_page.complaints.pop()


def test_a_form_on_the_second_page_and_a_row_for_each_filled_page(open_page):
    cover, blank = Image.new("L", FORM_SIZE, 242), Image.fromarray(filled_form({}))
    filled = blank.copy()
    ImageDraw.Draw(filled).text((420, 574), "17", 30, ImageFont.load_default(44))  # where a field is added
    page = open_page("#read", accept_downloads=True)
    choose(page, "#file", "exam.tif", document([cover, blank], "TIFF"))
    page.click("#next-page")
    expect(page.locator("#page-number")).to_have_text("Page 2 of 2")
    assert shown(page) == FORM_SIZE[0]
    page.click("#form summary")
    page.click("#add-field")
    page.click("#previous-page")
    expect(page.locator("#fields li")).to_have_count(0)
    page.click("#next-page")
    expect(page.locator("#fields input")).to_have_value("field_1")
    expect(page.locator("#marks .field")).to_have_count(1)
    with page.expect_download() as download:
        page.click("#save-form")
    assert tomllib.loads(Path(download.value.path()).read_text())["picture"] == "exam.tif#page=2"
    choose(page, "#filled", "filled.pdf", document([cover, filled], "PDF"))
    expect(page.locator("#forms-state")).to_have_text("2 pictures, 0 cells to check, 1 not read")
    expect(page.locator("#form-rows th")).to_have_text(["filled.pdf#page=1", "filled.pdf#page=2"])
    expect(page.locator("#form-rows tr").first).to_contain_text("expected a picture of the form")
    expect(page.locator("#form-rows input")).to_have_value("17")
