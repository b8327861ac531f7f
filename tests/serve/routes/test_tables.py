"""POST /v1/tables: a picture's tables as CSV or a spreadsheet."""

import csv
import io
from decimal import Decimal

import openpyxl
import pytest
from PIL import Image

from drawing import file_of, printed_table
from tendigits.geometry import Box
from tendigits.tables.cell import Cell
from tendigits.tables.checks import check
from tendigits.tables.table import Table

pytestmark = pytest.mark.xdist_group("server")

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS = [["3", "4", "7"], ["4", "14", "18"], ["5", "24", "29"], ["6", "34", "40"]]


@pytest.fixture(scope="module")
def picture():
    return file_of(printed_table(ROWS))


def test_csv_and_a_spreadsheet(client, picture):
    answer = client.post("/v1/tables", content=picture)
    assert answer.headers["content-type"].startswith("text/csv")
    assert [*csv.reader(answer.text.splitlines())] == ROWS
    answer = client.post("/v1/tables", content=picture, headers={"accept": f"{XLSX}, text/csv"})
    assert answer.headers["content-type"] == XLSX
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content))["table 1"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [[int(n) for n in row] for row in ROWS]
    answer = client.post("/v1/tables?sums=none&expect=A:%200..5", content=picture)
    assert answer.text.splitlines()[3] == "6?,34,40"


def test_tables_that_were_checked_become_sheets_and_csv(client):
    def table(value, **others):
        return {"rows": [[{"value": value, **others}, {"value": ""}]]}

    doubt = {"accepted": False, "reason": "may be 7"}
    sent = {"tables": [{"name": "page 2", **table("12,50")}, table("1", **doubt)]}
    answer = client.post("/v1/tables/export", json=sent, headers={"accept": XLSX})
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == ["page 2", "table 2", "to check"]
    assert book["page 2"]["A1"].value == 12.5
    assert book["table 2"]["A1"].comment.text.startswith("may be 7")
    assert client.post("/v1/tables/export", json=sent).text == "12.50,\n\n1?,\n"
    uneven = {"rows": [[{"value": ""}] * 2, [{"value": ""}]]}
    doubts = {"rows": [[{"value": "1", "accepted": False}] * 100] * 51}
    wrong = (
        ([], "at least 1"),
        ([table("1")] * 101, "at most 100"),
        ([uneven], "the same length"),
        ([doubts], "5,000"),
    )
    for sent, message in wrong:
        answer = client.post("/v1/tables/export", json={"tables": sent})
        assert (answer.status_code, message in answer.json()["error"]) == (422, True)


def test_a_changed_table_is_checked_as_when_it_was_read(client):
    texts = [["3", "4", "7"], ["4", "14", "18"], ["5", "24", "29"], ["6", "34", "49"]]
    read = check(Table([[Cell(Box(0, 0, 9, 9), text, Decimal(text), accepted=False) for text in row] for row in texts]))
    changed = {key: each for key, each in read.as_dict().items() if key == "formulas"}
    changed["rows"] = [[{"value": text, "accepted": False, "reason": "?"} for text in row] for row in texts]
    answer = client.post("/v1/tables/check", json=changed).json()
    assert (answer["agreement"], [*answer["doubtful"]]) == (read.agreement, read.doubtful)
    assert answer["doubtful"]["C4"]["suggestions"][0] == {"value": "40", "agrees": "row"}
    changed["rows"][3][2] = {"value": "40"}
    assert client.post("/v1/tables/check", json=changed).json()["doubtful"] == {}
    changed["rows"][0][0] = {"value": "1.003", "number": "1003", "checked": True}
    answer = client.post("/v1/tables/check", json=changed).json()
    assert (answer["agreement"], [*answer["doubtful"]]) == ("totals agree in 3 of 4 rows (C = sum A-B)", ["B1", "C1"])
    exported = client.post("/v1/tables/export", json={"tables": [changed]}).text
    assert exported.splitlines()[:2] == ["1003,4?,7?", "4,14,18"]
    changed["rows"][1][0] |= {"fits": False}
    assert client.post("/v1/tables/check", json=changed).json()["doubtful"].keys() == {"B1", "C1", "A2"}
    sums = {"formulas": ["B = A * 2"], "find_sums": True}
    answer = client.post("/v1/tables/check", json=changed | sums).json()
    assert answer["formulas"] == ["B = A * 2", "C = sum A-B"]
    for wrong in ({"formulas": ["C"]}, {"formulas": True}, {"rows": [[{"value": "1", "number": "1E999999"}]]}):
        assert client.post("/v1/tables/check", json=changed | wrong).status_code == 422
    answer = client.post("/v1/tables/export", json={"tables": [changed | {"name": "n" * 101}]})
    assert answer.json()["error"] == "tables.0.name must have at most 100 characters."


@pytest.mark.parametrize(
    ("query", "headers", "content", "status"),
    [
        ("", {"accept": "image/png"}, None, 406),
        ("?expect=A", {}, None, 400),
        ("?sums=here", {}, None, 422),
        ("", {}, b"no picture", 415),
        ("", {}, file_of(Image.new("L", (300, 200), 240)), 404),
    ],
)
def test_what_is_refused(client, picture, query, headers, content, status):
    answer = client.post(f"/v1/tables{query}", content=content or picture, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]
