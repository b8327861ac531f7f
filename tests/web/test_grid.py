"""A photo of a table becomes a grid: doubtful cells are corrected by keyboard, and the table is saved."""

import httpx
import openpyxl
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from browser import PHONE, choose, download
from drawing import file_of, printed_table

pytestmark = pytest.mark.xdist_group("browser")

ROWS = [
    ["12", "30", "42"],
    ["7", "14", "21"],
    ["15", "20", "95"],
    ["61", "8", "69"],
    ["40", "33", "23"],
    ["9", "54", "13"],
]
"""The last numbers of three rows are not the sums: 35 was written like 95, 73 like 23, and 63 like 13."""


ADDENDS = [[(13 * row + 7 * column) % 41 + 2 for column in range(7)] for row in range(9)]
WITH_SUMS = [[*row, sum(row)] for row in [*ADDENDS, [sum(column) for column in zip(*ADDENDS, strict=True)]]]
"""80 cells, the last ones the sums of their rows and columns."""

COVERED = """() => {
  const toast = document.getElementById("toast");
  const { top, bottom } = toast.getBoundingClientRect();
  return [...document.querySelectorAll("button, a, summary, .button")].filter((each) => {
    const box = each.getBoundingClientRect();
    return each.checkVisibility() && !toast.contains(each) && box.bottom > top && box.top < bottom;
  }).map((each) => each.outerHTML);
}"""
"""Buttons and links that the message covers, as JavaScript."""


@pytest.fixture(scope="module")
def picture():
    return file_of(printed_table(ROWS))


@pytest.fixture
def open_grid(open_page, picture):
    def start(**options) -> Page:
        page = open_page("#read", **options)
        choose(page, picture)
        expect(page.locator("#need")).to_have_text("Check 3 cells; 15 are fine")
        return page

    return start


def test_what_is_expected_is_typed_before_or_after_the_picture_is_chosen(open_page, open_grid):
    page = open_grid()
    page.fill("#expect", "A: 0-50")
    page.press("#expect", "Enter")
    expect(page.locator("#reading")).to_contain_text("was not read: expected 'A: 0..50', received 'A: 0-50'")
    page.fill("#expect", "A: 0..50")
    page.press("#expect", "Enter")
    expect(page.locator("#need")).to_have_text("Check 4 cells; 14 are fine")
    expect(page.locator("#grid td.doubtful", has_text="61")).to_have_count(1)
    open_page.complaints.clear()  # the browser logs every 400


def cell(page: Page, name: str):
    return page.locator(f"#grid td[aria-label^='{name}:']")


def test_three_doubts_are_corrected_by_keyboard_and_saved(open_grid, clean_server, tmp_path):
    page = open_grid()
    expect(page.locator("#totals")).to_contain_text("totals agree in 3 of 6 rows")
    doubtful = page.locator("#grid td.doubtful")
    expect(doubtful).to_have_count(3)
    expect(page.locator("#stage .frame")).to_have_count(1)
    expect(page.locator("#cell-doubt")).to_contain_text("this row adds up to 35, not 95")
    doubtful.first.focus()
    page.keyboard.press("Enter")  # the first is accepted as it is
    for right in ("73", "63"):
        page.keyboard.press("End")
        page.keyboard.type(right)
        page.keyboard.press("Enter")
    for _ in range(2):  # the others of the first one's row
        expect(doubtful).to_have_count(1)
        expect(doubtful).to_be_focused()
        page.keyboard.press("Enter")
    expect(page.locator("#need")).to_have_text("6 rows, 3 columns: checked")
    expect(page.locator("#wrong")).to_have_text("row 3 adds up to 35, not 95")
    expect(page.locator("#totals")).to_contain_text("totals agree in 5 of 6 rows")
    expect(page.locator("#toast")).to_contain_text("You have 2 corrected numbers.")
    sheet = openpyxl.load_workbook(download(page, "#grid-xlsx", tmp_path))["table 1"]
    wanted = [[int(number) for number in row] for row in ROWS]
    wanted[4][2], wanted[5][2] = 73, 63
    assert [[each.value for each in row] for row in sheet.iter_rows()] == wanted
    assert download(page, "#grid-csv", tmp_path).read_text().splitlines()[4] == "40,33,73"
    numbers = httpx.get(f"{clean_server.url}/v1/corrections/numbers").json()["numbers"]
    assert {(each["predicted"], each["text"]) for each in numbers} == {("23", "73"), ("13", "63")}


def test_what_a_person_types_blindly_is_compared_with_what_was_read(open_grid):
    page = open_grid()
    values = [value for row in ROWS for value in row]
    page.click("#check-twice")
    assert page.locator("#twice-cell").evaluate("(canvas) => canvas.toDataURL().length") > 1000
    for i, value in enumerate(values):
        expect(page.locator("#twice-count")).to_contain_text(f"{i + 1} of {len(values)}")
        page.keyboard.type("13" if i == 0 else value)
        page.keyboard.press("Enter")
    expect(page.locator("#twice")).to_be_hidden()
    expect(page.locator("#grid td.doubtful")).to_have_count(1)
    expect(page.locator("#cell-doubt")).to_have_text("13 was typed, 12 was read")
    page.keyboard.press("Alt+1")
    expect(cell(page, "A1")).to_have_text("13")
    expect(page.locator("#need")).to_have_text("6 rows, 3 columns: checked")
    page.click("#check-twice")
    page.keyboard.type("13")
    page.keyboard.press("Enter")
    page.click("#twice-stop")
    expect(page.locator("#grid td.doubtful")).to_have_count(0)


def test_80_cells_take_a_key_for_each_right_doubt_and_few_for_each_wrong_one_and_a_reload_loses_nothing(
    open_page, tmp_path
):
    """Two cells look like others, and two sums are wrong on the paper; where row and column cross, each is doubted."""
    meant = [[str(number) for number in row] for row in WITH_SUMS]
    meant[6][7], meant[9][3] = meant[6][7][:-1] + "1", meant[9][3][:-1] + "2"
    written = [row.copy() for row in meant]
    wrong = {"C2": (1, 2), "F5": (4, 5)}
    for row, column in wrong.values():
        written[row][column] = meant[row][column][:-1] + str((int(meant[row][column][-1]) + 4) % 10)
    page = open_page("#read", viewport={"width": 1280, "height": 600})
    choose(page, file_of(printed_table(written)))
    expect(page.locator("#need")).to_have_text("Check 4 cells; 76 are fine")
    expect(cell(page, "C2")).to_be_focused()
    expect(page.locator("#options button").first).to_have_text(f"{meant[1][2]} row and column agree")
    keys = 0

    def press(*names: str) -> None:
        nonlocal keys
        keys += len(names)
        for name in names:
            page.keyboard.press(name)

    press("Alt+1")
    expect(cell(page, "F5")).to_be_focused()
    press(*meant[4][5], "Enter")
    expect(page.locator("#need")).to_have_text("Check 2 cells; 78 are fine")
    page.reload()
    page.locator("#kept button", has_text="Go on with numbers.png").click()
    expect(cell(page, "H7")).to_be_focused()
    press("Enter")
    expect(cell(page, "D10")).to_be_focused()
    bar, last = page.locator("#bar").bounding_box(), cell(page, "D10").bounding_box()
    assert 0 <= bar["y"] < bar["y"] + bar["height"] <= last["y"] < 600, "bar and cell are in sight"
    press("Enter")
    for _ in range(2):  # where the wrong rows cross the wrong columns
        expect(page.locator("#grid td.doubtful:focus")).to_have_count(1)
        press("Enter")
    expect(page.locator("#need")).to_have_text("10 rows, 8 columns: checked")
    expect(page.locator("#wrong")).to_contain_text("row 7 adds up to")
    assert keys <= 2 * 1 + sum(2 + len(meant[row][column]) for row, column in wrong.values())
    assert download(page, "#grid-csv", tmp_path).read_text() == "".join(",".join(row) + "\n" for row in meant)
    page.reload()
    page.click("#kept button:has-text('Forget')")
    expect(page.locator("#kept")).to_be_hidden()


def test_undo_takes_back_the_correction_too_and_a_number_in_the_photo_is_a_cell_of_the_grid(open_grid, clean_server):
    page = open_grid()
    cell(page, "C5").click()
    page.keyboard.type("73")
    page.keyboard.press("Enter")
    expect(page.locator("#need")).to_have_text("Check 2 cells; 16 are fine")
    expect(page.locator("#toast")).to_contain_text("You have 1 corrected number.")
    cell(page, "C5").click()
    page.keyboard.type("75")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("Saved as 75. You have 1 corrected number.")
    page.keyboard.press("Control+z")
    expect(page.locator("#toast")).to_contain_text("Saved as 73. You have 1 corrected number.")
    held: list[Route] = []
    page.route("**/v1/corrections/numbers/*", lambda route: held.append(route))
    page.keyboard.press("Control+z")
    page.click("#toast button")  # undoes it, too
    (delete,) = held
    with page.expect_response("**/v1/corrections/numbers/*") as response:
        delete.continue_()
    assert response.value.status == 204
    expect(page.locator("#toast")).to_have_text("Undone.")
    expect(page.locator("#need")).to_have_text("Check 3 cells; 15 are fine")
    expect(cell(page, "C5")).to_have_text("23")
    assert httpx.get(f"{clean_server.url}/v1/corrections/numbers").json()["count"] == 0
    page.check("#whole")
    page.locator("#stage g.box").first.click()
    expect(cell(page, "A1")).to_be_focused()
    page.keyboard.type("13")
    page.keyboard.press("Enter")
    expect(page.locator("#stage g.box.corrected text")).to_have_text("13")
    expect(page.locator("#totals")).to_contain_text("totals agree in 2 of 6 rows")


def test_moving_editing_and_leaving_a_cell_as_it_was_and_rows_and_columns_that_are_joined_and_split(open_grid):
    page = open_grid()
    cell(page, "A1").click()
    for key in ("ArrowDown", "ArrowRight", "End", "Home", "ArrowUp"):
        page.keyboard.press(key)
    expect(page.locator("#cell-name")).to_have_text("A1")
    page.keyboard.press("F2")
    expect(page.locator("#grid input")).to_have_value("12")
    page.keyboard.type("9")
    page.keyboard.press("Escape")
    expect(cell(page, "A1")).to_have_text("12")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method) if "/corrections/" in request.url else None)
    cell(page, "A1").click()
    with page.expect_response("**/v1/corrections/numbers") as response:
        page.keyboard.press("Delete")
    assert response.value.status == 201
    expect(cell(page, "A1")).to_have_text("")
    page.keyboard.type("Zoe")
    page.keyboard.press("Enter")
    expect(cell(page, "A1")).to_have_text("Zoe")
    assert asked.count("POST") == 1, "the reader learns from the emptied cell, not from a word"
    page.click("#sheet summary")
    cell(page, "A2").click()
    page.click("#join-columns")
    expect(cell(page, "A2")).to_have_text("714")
    expect(page.locator("#grid th[scope=col]")).to_have_count(2)
    page.click("#grid-undo")
    expect(cell(page, "A2")).to_have_text("7")
    page.click("#split-row")
    expect(page.locator("#grid th[scope=row]")).to_have_count(7)
    page.click("#join-rows")
    expect(page.locator("#grid th[scope=row]")).to_have_count(6)
    expect(cell(page, "B2")).to_have_text("14")


def test_a_table_without_numbers_is_not_checked_twice(open_grid):
    page = open_grid()
    page.click("#sheet summary")
    for name, n in (("#drop-row", len(ROWS) - 1), ("#drop-column", len(ROWS[0]) - 1)):
        for _ in range(n):
            page.click(name)
    cell(page, "A1").press("Delete")
    page.click("#check-twice")
    expect(page.locator("#toast")).to_have_text("There is no number to check.")
    expect(page.locator("#twice")).to_be_hidden()


def test_without_a_keyboard_there_are_buttons(open_grid):
    page = open_grid(**PHONE)
    page.tap("#accept-cell")
    expect(page.locator("#need")).to_have_text("Check 3 cells; 15 are fine")  # another one of its row
    page.tap("#next-doubt")
    page.tap("#edit-cell")
    page.keyboard.type("33.5")  # replaces what was there
    expect(page.locator("#grid input")).to_have_value("33.5")
    page.keyboard.press("Enter")
    option = page.locator("#options button").first.inner_text().split()[0]  # "35 row agrees"
    page.tap("#options button")
    expect(page.locator("#toast")).to_contain_text("You have 2 corrected numbers.")
    assert page.evaluate(COVERED) == [], "the message covers nothing that can be used"
    expect(page.locator("#grid td.corrected")).to_have_text(["15", option, "33.5"])


def test_the_grid_can_be_used_while_no_sum_is_checked(open_page, open_grid):
    """The server checks the sums; an answer that is late, or none, changes no cell that a person is typing into."""
    page, waiting = open_grid(), []
    expect(page.locator("#totals")).to_contain_text("totals agree in 3 of 6 rows")
    page.route("**/v1/tables/check", lambda route: waiting.append(route))

    def change(name: str, value: str) -> None:
        cell(page, name).click()
        with page.expect_request("**/v1/tables/check"):
            page.keyboard.type(value)
            page.keyboard.press("Enter")

    change("C5", "73")
    change("C6", "63")
    cell(page, "A1").click()
    page.keyboard.type("5")
    first, last = waiting
    last.continue_()
    expect(page.locator("#totals")).to_contain_text("totals agree in 5 of 6 rows")
    with page.expect_response("**/v1/tables/check"):
        first.fulfill(json={"agreement": "late", "doubtful": {"A1": []}})
    expect(page.locator("#totals")).to_contain_text("totals agree in 5 of 6 rows")
    expect(page.locator("#grid input")).to_have_value("5")
    with page.expect_request("**/v1/tables/check"):
        page.keyboard.press("Enter")
    waiting[2].fulfill(status=503, json={"error": "too many requests are waiting"})
    expect(page.locator("#totals")).to_have_text("The sums were not checked: too many requests are waiting")
    expect(page.locator("#need")).to_have_text("Check 1 cell; 17 are fine")
    expect(cell(page, "C6")).to_have_text("63")
    open_page.complaints.clear()  # the browser logs the 503


def test_names_are_pictures_in_the_grid_and_in_the_spreadsheet(open_page, tmp_path):
    page = open_page("#read")
    choose(
        page,
        file_of(
            printed_table([["", "Work", "Sum"], ["Anna", "12", "31"], ["Peter", "17", "28"], ["Maria", "9", "45"]])
        ),
    )
    words = page.locator("#grid td[aria-label$=': a word'] canvas")
    expect(words).to_have_count(5)
    sheet = openpyxl.load_workbook(download(page, "#grid-xlsx", tmp_path))["table 1"]
    assert {(image.anchor._from.row, image.anchor._from.col) for image in sheet._images} == {
        (0, 1), (0, 2), (1, 0), (2, 0), (3, 0),
    }  # fmt: skip
    assert [cell.value for cell in sheet["B"]] == [None, 12, 17, 9]


def test_each_table_of_a_page_is_corrected_and_becomes_a_sheet(open_page, tmp_path):
    """One number of each is not the sum."""
    table = printed_table([["12", "30", "42"], ["7", "14", "27"], ["15", "20", "35"], ["8", "61", "69"]])
    both = Image.new("L", (table.width, 3 * table.height), 245)
    for top in (0, 2 * table.height):
        both.paste(table, (0, top))
    page = open_page("#read")
    choose(page, file_of(both))
    expect(page.locator("#which-table option")).to_have_text(["1 of 2", "2 of 2"])
    expect(page.locator("#values")).to_be_hidden()
    for n in ("0", "1"):
        expect(page.locator("#which-table")).to_have_value(n)
        expect(cell(page, "C2")).to_be_focused()
        page.keyboard.type("21")
        page.keyboard.press("Enter")
    expect(page.locator("#need")).to_have_text("4 rows, 3 columns: nothing to check")
    page.check("#whole")
    page.locator("#stage g.box").first.click()
    expect(page.locator("#which-table")).to_have_value("0")
    expect(cell(page, "A1")).to_be_focused()
    book = openpyxl.load_workbook(download(page, "#grid-xlsx", tmp_path))
    assert [book[name]["C2"].value for name in ("table 1", "table 2")] == [21, 21]


def test_a_row_that_does_not_add_up_is_to_be_checked_until_each_of_its_cells_was_and_is_named(open_page, tmp_path):
    """The 5 is right and in doubt, for with 15 the row would add up; another of its cells is wrong."""
    rows = [["12", "30", "42"], ["7", "14", "21"], ["61", "8", "69"], ["9", "54", "63"], ["10", "5", "25"]]
    page = open_page("#read")
    choose(page, file_of(printed_table(rows)))
    expect(page.locator("#wrong")).to_have_text("row 5 adds up to 15, not 25")
    expect(page.locator("#need")).to_have_text("Check 1 cell; 14 are fine")
    page.keyboard.press("Enter")
    for other in ("A5", "C5"):  # the others of the row, one by one
        expect(cell(page, other)).to_be_focused()
        page.keyboard.press("Enter")
    expect(page.locator("#need")).to_have_text("5 rows, 3 columns: checked")
    expect(page.locator("#wrong")).to_have_text("row 5 adds up to 15, not 25")
    book = openpyxl.load_workbook(download(page, "#grid-xlsx", tmp_path))
    total = book.worksheets[0]["C5"]
    assert (total.fill.fgColor.rgb[-6:], total.comment.text) == ("F4B6B6", "this row adds up to 15, not 25")
    cell(page, "A5").click()
    page.keyboard.press("Shift+Delete")
    expect(page.locator("#need")).to_have_text("4 rows, 3 columns: nothing to check")
    expect(page.locator("#totals")).to_have_text("totals agree in 4 of 4 rows (C = sum A-B)")
    page.keyboard.press("Control+z")
    expect(page.locator("#need")).to_have_text("5 rows, 3 columns: checked")


BILL = [
    ["1", "3", "14", "42"],
    ["2", "7", "21", "147"],
    ["3", "8", "35", "280"],
    ["4", "6", "18", "108"],
    ["5", "9", "27", "253"],
]
"""Number, price, amount; 243 was written like 253."""


def test_what_is_expected_stays_when_rows_and_columns_are_left_out_or_get_names(open_page, tmp_path):
    page = open_page("#read")
    page.fill("#expect", "D = B * C, A: row number")
    choose(page, file_of(printed_table(BILL)))
    wrong, totals = page.locator("#wrong"), page.locator("#totals")
    expect(wrong).to_have_text("row 5 D = B * C gives 243, not 253")
    cell(page, "A1").click()
    page.keyboard.press("Shift+Delete")
    expect(wrong).to_have_text("row 4 D = B * C gives 243, not 253")
    expect(totals).to_have_text("totals agree in 3 of 4 rows (D = B * C) and 3 of 3 rows (A: row number)")
    cell(page, "A1").click()
    page.keyboard.press("Control+Delete")
    expect(wrong).to_have_text("row 4 C = A * B gives 243, not 253")
    expect(totals).to_have_text("totals agree in 3 of 4 rows (C = A * B)")
    page.click("#sheet summary")
    page.click("#name-columns")
    for name in ("price", "count", "amount"):
        page.keyboard.type(name)
        page.keyboard.press("Enter")  # goes to the next column
    expect(wrong).to_have_text("row 5 C = A * B gives 243, not 253")
    expect(totals).to_have_text("totals agree in 3 of 4 rows (C = A * B)")
    sheet = openpyxl.load_workbook(download(page, "#grid-xlsx", tmp_path)).worksheets[0]
    assert [[each.value for each in row] for row in sheet.iter_rows(max_row=2)] == [
        ["price", "count", "amount"], [7, 21, 147],
    ]  # fmt: skip
    assert download(page, "#grid-csv", tmp_path).read_text().splitlines()[:2] == ["price,count,amount", "7,21,147"]
    page.click("#name-columns")
    expect(page.locator("#grid input")).to_have_value("price")
    expect(page.locator("#grid tbody tr")).to_have_count(5)
    page.keyboard.press("Escape")
    page.click("#drop-column")
    expect(wrong).to_be_empty()
    for _ in range(7):
        page.keyboard.press("Control+z")
    expect(wrong).to_have_text("row 5 D = B * C gives 243, not 253")


def test_formulas_follow_their_rows_and_columns(open_page):
    """Each: the change, its index, a formula, and what it is then."""
    cases = [
        ("drop-column", 0, "D = B * C / 100", "C = A * B / 100"),
        ("drop-column", 1, "D = B * C", None),
        ("drop-column", 1, "G = sum C-F", "F = sum B-E"),
        ("drop-column", 3, "G = mean C-F", None),
        ("join-columns", 0, "E = E above + C - D", "D = D above + B - C"),
        ("split-column", 25, "AA: rising 0..50", "AB: rising 0..50"),
        ("drop-column", 26, "AB: next day", "AA: next day"),
        ("drop-row", 0, "G = sum B-F", "G = sum B-F"),
        ("drop-row", 0, "A: row number", "A: row number"),
        ("drop-row", 0, "row 12 = row 7 + row 10", "row 11 = row 6 + row 9"),
        ("drop-row", 4, "row 9 = sum 1-8", None),
        ("split-row", 0, "row 9 = sum 2-8", "row 10 = sum 3-9"),
        ("join-rows", 7, "row 12 = sum 1-7", "row 11 = sum 1-7"),
        ("drop-row", 0, "last row = sum 3-8", "last row = sum 2-7"),
    ]
    moved = open_page("#read").evaluate(
        """async (cases) => {
          const { CHANGES, movedFormulas } = await import("./grid/table.js");
          return cases.map(([name, at, formula]) => movedFormulas([formula], CHANGES[name], at)[0] ?? null);
        }""",
        cases,
    )
    assert moved == [case[3] for case in cases]


def test_an_answer_about_sums_may_come_while_a_document_is_read_again(open_page):
    """The browser shows no PDF, so there is no picture from which a cell could be enlarged."""
    page = open_page("#read")
    choose(page, file_of(printed_table(ROWS), "PDF", resolution=150), "marks.pdf")
    expect(page.locator("#need")).to_have_text("Check 3 cells; 15 are fine")
    checks: list[Route] = []
    page.route("**/v1/tables/check", lambda route: checks.append(route))
    reads: list[Route] = []
    page.route("**/v1/read?*", lambda route: reads.append(route))
    cell(page, "C5").click()
    page.keyboard.type("73")
    page.keyboard.press("Enter")
    with page.expect_request("**/v1/read?*"):
        page.fill("#expect", "A: 0..100")
        page.press("#expect", "Enter")
    expect(page.locator("#stage img")).to_have_count(0)
    with page.expect_response("**/v1/tables/check"):
        checks[0].continue_()
    expect(page.locator("#totals")).to_contain_text("totals agree in 4 of 6 rows")
    reads[0].continue_()
    expect(page.locator("#stage img")).to_have_count(1)
