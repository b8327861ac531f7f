"""POST /v1/sheets makes a PDF, of which POST /v1/read needs nothing else."""

import pypdfium2
import pytest

pytestmark = pytest.mark.xdist_group("server")

ASKED = {"columns": "number:4, name", "title": "Test 3", "roster": "number,name\n1024,Łukasz\n0873,Zoë\n"}


def test_a_sheet_is_made_and_read(client):
    answer = client.post("/v1/sheets", json=ASKED)
    assert answer.headers["content-type"] == "application/pdf"
    page = client.post("/v1/read", content=answer.content).json()["pages"][0]
    assert page["sheet"]["title"] == "Test 3"
    assert [row[0]["value"] for row in page["tables"][0]["rows"]] == ["number", "1024", "0873"]
    each = client.post("/v1/sheets", json=ASKED | {"each": True, "rows": 40})
    assert len(pypdfium2.PdfDocument(each.content)) == 4


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"columns": "a: roster.csv"}, "no file of values"),
        ({"each": True, "roster": ""}, "1 to 200 pages"),
        ({"roster": "a,b\n1,2\n"}, "a roster with a column such as"),
        ({"rows": 0}, "rows must be greater than or equal to 1"),
        ({"roster": '"' + "a" * 99_999}, "at most 80 characters in a cell of a roster"),
    ],
)
def test_what_cannot_be_made_is_refused(client, changed, message):
    answer = client.post("/v1/sheets", json=ASKED | changed)
    assert (answer.status_code, message in answer.json()["error"]) == (422, True), answer.json()


HEADS = ["number", "name"]


def photo(page, *rows, student=0, heads=HEADS, **changed):
    """A request's page; a row is its values, a dictionary a whole cell."""
    code = {"title": "Test 3", "columns": "number:4, name", "page": page, "n_pages": 2}
    code |= {"student": student, "n_students": 2 if student else 0, "name": ["", "Ann", "Bo"][student]}
    cells = [[each if isinstance(each, dict) else {"value": each} for each in row] for row in (heads, *rows)]
    return {"picture": f"{page}.jpg", "sheet": code, "table": {"rows": cells}} | changed


def join(client, *pages):
    answer = client.post("/v1/sheets/join", json={"pages": pages})
    assert answer.status_code == 200, answer.text
    (table,), notices = answer.json()["tables"], answer.json()["notices"]
    assert table["title"] == "Test 3"
    return table["rows"], notices


def test_pages_are_one_table_in_order_and_what_is_missing_is_named(client):
    rows, notices = join(client, photo(2, ["0873", ""], ["1111", ""]), photo(1, ["1024", ""]))
    assert [row[0]["value"] for row in rows] == ["number", "1024", "0873", "1111"]
    assert [row[0]["index"] for row in rows] == [6, 8, 2, 4], "counted in the request"
    assert notices == []
    assert join(client, photo(2, ["0873", ""]))[1] == ["Test 3: page 1 is missing"]
    rows, notices = join(client, photo(1, ["5555", ""], student=2), photo(1, ["1024", ""], student=1))
    assert [[cell["value"] for cell in row[:2]] for row in rows] == [
        ["student", "number"], ["Ann", "1024"], ["Bo", "5555"],
    ]  # fmt: skip
    assert notices == ["Test 3: Ann, page 2; Bo, page 2 are missing"]


def test_what_does_not_agree_is_named_by_the_rows_of_the_joined_table(client):
    pages = [photo(2, ["3", "7"]), photo(1, ["1", "2"], ["2", "4"])]
    for page in pages:
        page["table"]["formulas"] = ["B = A * 2"]
    (table,) = client.post("/v1/sheets/join", json={"pages": pages}).json()["tables"]
    assert table["wrong"] == ["row 4 B = A * 2 gives 6, not 7"]
    assert table["agreement"] == "totals agree in 2 of 3 rows (B = A * 2)"


def test_of_two_photos_of_a_page_what_differs_is_doubtful_until_a_person_has_checked_it_in_one(client):
    doubt, checked = {"accepted": False, "confidence": 0.6}, {"checked": True}
    first = photo(1, ["1024", "1"], [{"value": "7", **doubt}, "3"])
    second = photo(1, ["8888", "1"], ["7", "3"], ["9999", ""], picture="b.jpg")
    rows, notices = join(client, first, second, photo(2, ["1", "2"]))
    assert [[cell["accepted"] for cell in row] for row in rows[1:4]] == [[False, True], [True, True], [False, True]]
    assert rows[1][0]["reason"] == "1024 in one photo, 8888 in the other"
    assert notices == ["Test 3: page 1 of 2 is in 1.jpg and in b.jpg; what differs is to be checked"]
    second["table"]["rows"][1][0] |= checked
    second["table"]["rows"][3][0] |= checked
    rows, _ = join(client, first, second, photo(2, ["1", "2"]))
    assert [(row[0]["value"], row[0]["accepted"]) for row in rows[1:4]] == [("8888", True), ("7", True), ("9999", True)]


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ([], "at least 1"),
        ([photo(3)], "must be a page and a student of the sheet"),
        ([photo(1, sheet=photo(1)["sheet"] | {"columns": "a: often"})], "received 'A: often'"),
        ([photo(1), photo(2, heads=["number"])], "pages must be of the same width: leave out the same columns"),
    ],
)
def test_what_cannot_be_joined_is_refused(client, pages, message):
    answer = client.post("/v1/sheets/join", json={"pages": pages})
    assert (answer.status_code, message in answer.json()["error"]) == (422, True), answer.text
