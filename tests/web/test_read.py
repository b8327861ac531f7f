"""The view Read: pictures and documents are read, corrected, copied and saved."""

import csv
import io
import json
import re
from pathlib import Path

import httpx
import numpy as np
import openpyxl
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from browser import choose, download, draw
from drawing import THREE, file_of, page_of_numbers, png, printed_table
from processes import ServeProcess

pytestmark = pytest.mark.xdist_group("browser")

ROWS = [["12", "30", "42"], ["7", "14", "21"], ["61", "8", "69"], ["9", "54", "63"]]
TABLES = [[*ROWS, ["15", "20", "95"]], [["40", "33", "23"], *ROWS]]
"""Two rows do not add up: 75 was written like 15, 73 like 23."""

TRANSFER = """([kind, bytes]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], "a.png", { type: "image/png" }));
  const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
  (kind === "drop" ? document.getElementById("drop") : document.body).dispatchEvent(event);
}"""


def values(page: Page) -> list[str]:
    return page.locator("#numbers tbody td:nth-child(2)").all_inner_texts()


def saved_rows(page: Page, folder: Path) -> list[list[str]]:
    return [*csv.reader(download(page, "#csv", folder).read_text().splitlines())]


def test_sums_on_a_worksheet_are_checked(open_page):
    page = open_page("#read")
    page.set_input_files("#file", Path(__file__).parents[1] / "corpus" / "page_worksheet.jpg")
    sums = page.locator("#sums li")
    agreeing = [f"{each} agrees" for each in ("516-478=38", "29+752=781", "514+981=1495", "891-722=169")]
    expect(sums).to_have_text(agreeing)
    page.select_option("#which-table", "1")
    page.locator("#grid td", has_text="891").click()
    page.keyboard.type("890")
    page.keyboard.press("Enter")
    expect(sums).to_have_text(agreeing[:3])
    expect(page.locator("#toast")).to_contain_text("corrected number")  # which is not one of the next test


def test_a_picture_is_read_corrected_copied_and_downloaded(open_page, digits, tmp_path):
    page = open_page("#read", permissions=["clipboard-read", "clipboard-write"])
    choose(page, page_of_numbers(digits))
    boxes = page.locator(".box")
    expect(boxes).to_have_count(2)
    first, second = ("".join(map(str, digits.y_test[4 * row : 4 * row + 4])) for row in range(2))
    assert values(page) == [first, second]
    expect(page.locator("#numbers tr.doubtful button").first).to_be_focused()
    image, box = page.locator("#stage img").bounding_box(), boxes.locator("rect").first.bounding_box()
    assert image["x"] < box["x"] < image["x"] + image["width"] / 4  # the boxes lie on the picture
    boxes.first.locator("rect").click(position={"x": 8, "y": 20})
    selected = "input => input.value.slice(input.selectionStart, input.selectionEnd)"
    assert page.locator("#correct-text").evaluate(selected) == first[0]
    page.keyboard.press("Escape")
    expect(page.locator("#correct")).to_be_hidden()
    expect(page.locator(".box.corrected")).to_have_count(0)
    wrong = f"{(int(first[0]) + 1) % 10}{first[1:]}"
    boxes.first.press("Enter")
    expect(page.locator("#correct-prediction")).to_have_text(
        re.compile(rf"The reader sees {first}, [\d.]+% confident\.")
    )
    expect(page.locator("#correct-text")).to_have_value(first)
    page.keyboard.type(wrong)  # all is selected
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text(f"Saved as {wrong}. You have 1 corrected number.")
    expect(page.locator(".box.corrected")).to_have_count(1)
    expect(boxes.first).to_be_focused()
    assert values(page) == [wrong, second]
    page.click("#copy")
    expect(page.locator("#toast")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == f"{wrong}\n{second}"
    header, *rows = saved_rows(page, tmp_path)
    assert ",".join(header) == "order,value,number,confidence,accepted,reason,left,top,right,bottom"
    assert [row[:2] for row in rows] == [["1", wrong], ["2", second]]


def test_a_whole_number_is_corrected_to_any_text_or_to_none_and_undone(open_page, digits):
    page = open_page("#read")
    choose(page, page_of_numbers(digits))
    button = page.locator("#numbers button").first
    before = button.inner_text()
    button.click()
    page.fill("#correct-text", "12a")
    page.keyboard.press("Enter")  # the browser reports the letter
    expect(page.locator("#correct")).to_be_visible()
    page.fill("#correct-text", "-1.250,5%")
    page.locator("#correct button", has_text="Save").click()
    expect(button).to_have_text("-1.250,5%")
    expect(button).to_be_focused()
    page.locator(".box.corrected").press("Enter")
    page.locator("#correct button", has_text="Not a number").click()
    expect(button).to_have_text("not a number")
    page.click("nav a[href='#teach']")
    expect(page.locator("#number-corrections li")).to_contain_text(f"not a number (read as {before})")
    other = open_page("#teach")
    for window in (page, other):
        window.locator("#number-corrections button", has_text="Undo").click()
        expect(window.locator("#corrections")).to_contain_text("None yet.")
        expect(window.locator("#toast")).to_have_text("Undone.")
    assert "404" in open_page.complaints.pop()  # it was gone when the other window deleted it


def test_what_is_being_replaced_is_not_deleted_as_well(open_page, digits):
    """The server has stored the second correction, and deleted the first, but has not answered yet."""
    page, held = open_page("#read"), []
    choose(page, page_of_numbers(digits))

    def correct(text):
        page.locator("#numbers button").first.click()
        page.fill("#correct-text", text)
        page.keyboard.press("Enter")

    correct("12")
    expect(page.locator("#toast")).to_contain_text("Saved as 12.")
    page.route("**/v1/corrections/numbers", lambda route: held.append((route, route.fetch())))
    with page.expect_request("**/v1/corrections/numbers"):
        correct("13")
    page.locator("#toast button").dispatch_event("click")  # undoes 12
    page.wait_for_timeout(200)
    ((route, response),) = held
    route.fulfill(response=response)
    expect(page.locator("#toast")).to_have_text("Undone.")
    page.click("nav a[href='#teach']")
    expect(page.locator("#number-corrections li strong")).to_have_text(["13"])


def test_notices_are_shown_and_formulas_are_escaped_in_the_csv(open_page, digits, tmp_path):
    notice = "There is more to read than one picture may cost. Some was left out."

    def changed(route):
        content = route.fetch().json()
        (found,) = content["pages"]
        found["notice"], found["numbers"][0]["value"], found["numbers"][1]["value"] = notice, "=1+1", "-12,5"
        route.fulfill(json=content)

    page = open_page("#read")
    page.route("**/v1/read?*", changed, times=1)
    choose(page, page_of_numbers(digits))
    expect(page.locator("#notice")).to_have_text(notice)
    assert [row[1] for row in saved_rows(page, tmp_path)[1:]] == ["'=1+1", "-12,5"]
    choose(page, page_of_numbers(digits))
    expect(page.locator("#notice")).to_be_hidden()
    empty = {"notice": "The picture is blurred.", "numbers": [], "tables": []}
    page.route("**/v1/read?*", lambda route: route.fulfill(json={"pages": [route.fetch().json()["pages"][0] | empty]}))
    choose(page, page_of_numbers(digits))
    expect(page.locator("#notice")).to_have_text("The picture is blurred.")
    expect(page.locator("#numbers tbody")).to_have_text("No number was found.")  # no word about pens


def test_drop_and_paste(open_page, digits):
    page = open_page("#read")
    page.evaluate(TRANSFER, ["drop", list(page_of_numbers(digits))])
    expect(page.locator("#numbers tbody tr")).to_have_count(2)
    page.click("nav a[href='#draw']")
    page.evaluate(TRANSFER, ["paste", list(page_of_numbers(digits, rows=3))])
    expect(page.locator("#numbers tbody tr")).to_have_count(3)
    expect(page.locator("#read")).to_be_visible()


def test_pictures_without_numbers_bad_files_and_markup(open_page):
    page = open_page("#read")
    choose(page, b"this is no picture")
    expect(page.locator("#reading")).to_contain_text("numbers.png was not read: expected a whole PNG")
    expect(page.locator("#page")).to_be_hidden()
    choose(page, png(np.full((60, 90), 255, np.uint8)))
    expect(page.locator("#numbers")).to_contain_text("No number was found. Numbers written with a dark pen")
    expect(page.locator("#reading")).to_be_empty()
    page.click("nav a[href='#teach']")
    choose(page, json.dumps({"crop": "<img src=x onerror=alert(1)>"}).encode(), "a.jsonl", into="#import")
    expect(page.locator("#toast")).to_contain_text("<img src=x")
    expect(page.locator("#toast img")).to_have_count(0)
    open_page.complaints.clear()  # the browser logs every 400 and 415


def test_a_page_on_its_side_is_shown_upright(open_page):
    page, shown, upright = open_page("#read"), [], printed_table(ROWS)
    page.locator("#labels").evaluate("box => { box.click(); document.getElementById('whole').click(); }")
    for picture in (upright, upright.transpose(Image.Transpose.ROTATE_270)):
        choose(page, file_of(picture))
        expect(page.locator("#stage .box")).to_have_count(12)
        page.locator("#stage img").evaluate("image => image.decode()")
        screenshot = Image.open(io.BytesIO(page.locator("#stage").screenshot()))
        shown.append(np.asarray(screenshot.reduce(10)).astype(int))  # without what half a pixel changes
    expect(page.locator("#notice")).to_have_text("The page lay on its side; it was turned upright.")
    assert np.abs(shown[0] - shown[1]).max() < 30


def test_a_newer_picture_replaces_the_old_one_and_its_late_error(open_page, digits):
    page = open_page("#read")
    choose(page, page_of_numbers(digits))
    expect(page.locator("#numbers tbody tr")).to_have_count(2)
    held: list[Route] = []
    page.route("**/v1/read?*", lambda route: held.append(route), times=1)
    with page.expect_request("**/v1/read?*"):
        choose(page, b"nothing", "late.png")
    expect(page.locator("#reading")).to_have_text("Reading late.png …")
    expect(page.locator("#reading-bar")).to_be_visible()
    expect(page.locator("#values")).to_be_hidden()
    expect(page.locator(".box")).to_have_count(0)
    choose(page, page_of_numbers(digits, rows=3))
    expect(page.locator("#numbers tbody tr")).to_have_count(3)
    with page.expect_response("**/v1/read?*") as late:
        held[0].continue_()
    late.value.finished()
    page.evaluate("() => new Promise(requestAnimationFrame)")  # the page has handled the answer
    expect(page.locator("#reading")).to_be_empty()
    expect(page.locator("#reading-bar")).to_be_hidden()
    expect(page.locator("#numbers tbody tr")).to_have_count(3)
    open_page.complaints.clear()  # the browser logs every 415


def test_pages_of_a_document_keep_their_corrections_and_are_saved_together(open_page, clean_server, tmp_path):
    first, second = (printed_table(rows) for rows in TABLES)
    data = io.BytesIO()
    first.save(data, "PDF", save_all=True, append_images=[second], resolution=150)
    page = open_page("#read", accept_downloads=True)
    choose(page, data.getvalue(), "marks.pdf")
    expect(page.locator("#page-number")).to_have_text("Page 1 of 2")
    expect(page.locator("#previous-page")).to_be_disabled()
    page.locator("#grid td.doubtful").focus()
    page.keyboard.type("75")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("You have 1 corrected number.")
    page.locator("#next-page").press("Enter")
    expect(page.locator("#page-number")).to_have_text("Page 2 of 2")
    expect(page.locator("#grid td.doubtful")).to_have_text("23")
    assert page.locator("#stage img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 500
    expect(page.locator("#previous-page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#grid td.corrected")).to_have_text("75")
    expect(page.locator("#need")).to_have_text("5 rows, 3 columns: nothing to check; 1 cell to check on other pages")
    button = "role=button[name='Download XLSX (2 of 2 pages)']"
    book = openpyxl.load_workbook(download(page, button, tmp_path))
    assert book.sheetnames == ["page 1", "page 2", "to check"]
    assert [[cell.value for cell in book[name][5]] for name in book.sheetnames[:2]] == [[75, 20, 95], [9, 54, 63]]
    page.click("#next-page")
    expect(page.locator("#grid td.doubtful")).to_have_text("23")
    page.locator("#toast button").dispatch_event("click")  # undoes the correction on the first page
    expect(page.locator("#toast")).to_have_text("Undone.")
    page.click("#previous-page")
    expect(page.locator("#grid td.doubtful")).to_have_text("15")
    assert httpx.get(f"{clean_server.url}/v1/corrections/numbers").json()["count"] == 0


def test_corrections_of_a_page_that_comes_twice_can_both_be_undone(open_page, clean_server):
    page, table, data = open_page("#read"), printed_table(TABLES[0]), io.BytesIO()
    table.save(data, "PDF", save_all=True, append_images=[table], resolution=150)
    choose(page, data.getvalue(), "twice.pdf")
    for number in (1, 2):
        expect(page.locator("#page-number")).to_have_text(f"Page {number} of 2")
        page.locator("#grid td.doubtful").focus()
        page.keyboard.type("75")
        page.keyboard.press("Enter")
        expect(page.locator("#toast")).to_contain_text("Saved as 75. You have 1 corrected number.")
        page.locator("#toast").evaluate("toast => { toast.className = ''; toast.replaceChildren(); }")
        page.locator("#next-page, #previous-page").and_(page.locator(":enabled")).click()
    for stored in (1, 0):  # the second correction took the place of the first
        page.locator("#grid td.corrected").focus()
        page.keyboard.press("Control+z")
        expect(page.locator("#toast")).to_have_text("Undone.")
        assert httpx.get(f"{clean_server.url}/v1/corrections/numbers").json()["count"] == stored
        page.locator("#toast").evaluate("toast => toast.replaceChildren()")
        if stored:
            page.click("#next-page")


def test_a_page_that_cannot_be_read_is_passed_over(open_page):
    page = open_page("#read")
    small, large, data = Image.new("1", (90, 60), 1), Image.new("1", (8000, 7000), 1), io.BytesIO()
    small.save(data, "TIFF", save_all=True, append_images=[large, small], compression="group4")
    choose(page, data.getvalue(), "scan.tif")
    expect(page.locator("#page-number")).to_have_text("Page 1 of 3")
    page.click("#next-page")
    expect(page.locator("#page-number")).to_have_text("Page 2 of 3, not read")
    expect(page.locator("#toast")).to_contain_text("expected at most 16384 pixels a side")
    page.click("#next-page")
    expect(page.locator("#page-number")).to_have_text("Page 3 of 3")
    assert "415" in open_page.complaints.pop()


def test_a_document_of_any_size_is_kept_and_found_again(open_page):
    """A browser delivers a large value later than a small one."""
    page = open_page("#read")
    kept = page.evaluate("""async () => {
      const { forget, keep, keptDocuments } = await import("./read/kept.js");
      const sizes = [10, 90_000, 3_000_000];
      for (const size of sizes) {
        const places = [{ file: 0, number: 1, read: { text: "7".repeat(size), grids: [], tables: [] } }];
        await keep({ key: size, files: [new File(["x".repeat(size)], "a.png")], places, current: 0 });
      }
      const kept = await keptDocuments();
      for (const { key } of kept) await forget(key);
      return kept.map(({ key, files, places }) => [key, files[0].size, places[0].read.text.length]).reverse();
    }""")
    assert kept == [[size] * 3 for size in (10, 90_000, 3_000_000)]


def test_photos_of_several_tables_are_one_list_of_doubts_and_one_workbook(open_page, tmp_path):
    page = open_page("#read")
    files = [
        {"name": f"class {i}.png", "mimeType": "image/png", "buffer": file_of(printed_table(rows))}
        for i, rows in enumerate(TABLES, 1)
    ]
    page.set_input_files("#file", files)
    expect(page.locator("#page-number")).to_have_text("Page 1 of 2")
    expect(page.locator("#need")).to_have_text("Check 1 cell; 14 are fine; 1 cell to check on other pages")
    page.keyboard.type("75")
    page.keyboard.press("Enter")  # goes on to the other photo
    expect(page.locator("#page-number")).to_have_text("Page 2 of 2")
    expect(page.locator("#grid td.current")).to_have_text("23")
    page.keyboard.press("Enter")
    expect(page.locator("#wrong")).to_have_text("row 1 adds up to 73, not 23")
    book = openpyxl.load_workbook(download(page, "#grid-xlsx", tmp_path))
    assert book.sheetnames[:2] == ["class 1.png", "class 2.png"]
    assert book["class 1.png"]["A5"].value == 75
    page.reload()
    page.click("#kept button:has-text('Go on with class 1.png and 1 more')")
    expect(page.locator("#page-number")).to_have_text("Page 2 of 2")


CLICK_AT_RANDOM = """async ([seed, seconds, within]) => {
  let state = seed;
  const random = (n) => { state = (state * 1103515245 + 12345) % 2147483648; return state % n; };
  const end = performance.now() + 1000 * seconds;
  let clicks = 0;
  while (performance.now() < end) {
    const usable = [...document.querySelectorAll("button, td, summary, select, input[type=checkbox]")].filter((each) =>
      each.checkVisibility({ visibilityProperty: true }) && !each.disabled &&
      each.closest(`${within}, dialog, #toast`) &&
      !/Train|Teach|Start|Download|Save|Copy|phone/.test(each.textContent));
    usable[random(usable.length)]?.click();
    clicks += 1;
    await new Promise((resolve) => setTimeout(resolve, random(40)));
  }
  return clicks;
}"""
VIEWS = ("#read", "#draw", "#teach", "#runs", "#play", "#make", "#form")
"""The views, and what unfolds in Read."""


@pytest.mark.parametrize(
    ("views", "seconds"), [(VIEWS[:1], 4), pytest.param(VIEWS, 60, marks=pytest.mark.slow, id="a minute on each")]
)
def test_fast_clicks_never_end_in_an_error(visit, tmp_path, request, views, seconds):
    """Also on a document whose other pages are still being read; on all views at once, each with its own server."""
    data = io.BytesIO()
    first, second = (printed_table(rows) for rows in TABLES)
    first.save(data, "PDF", save_all=True, append_images=[second, first], resolution=150)
    servers = [ServeProcess(tmp_path, "--no-browser", "--store", f"{view[1:]}.db") for view in views]
    for server in servers:
        request.addfinalizer(server.stop)
    pages = [visit(f"{server.url}/#read") for server in servers]
    for page, within in zip(pages, views, strict=True):
        choose(page, data.getvalue(), "marks.pdf")
        expect(page.locator("#page-number")).to_have_text("Page 1 of 3")
        page.locator("#next-page").evaluate(
            "button => { button.click(); document.getElementById('previous-page').click(); }"
        )
        page.locator("#accept-cell").click()
        if within in ("#make", "#form"):
            page.click(f"{within} summary")
        else:
            page.click(f"nav a[href='{within}']")
        if within == "#draw":
            draw(page, THREE)
        page.evaluate(f"settings => {{ window.clicks = ({CLICK_AT_RANDOM})(settings); }}", [7, seconds, within])
    for page in pages:
        assert page.evaluate("window.clicks") > 15 * seconds
        expect(page.locator("#toast.error")).to_have_count(0)
        page.context.close()
    own = (*(server.url for server in servers), "blob:", "data:")
    assert [url for url in visit.requested if not url.startswith(own)] == []
