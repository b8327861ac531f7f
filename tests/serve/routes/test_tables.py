"""POST /v1/tables: a picture's tables as CSV or a spreadsheet."""

import csv
import io

import openpyxl
import pytest

from helpers import file_of, printed_table

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


def test_what_is_known_of_the_columns(client, picture):
    answer = client.post("/v1/tables?sums=none&expect=A:%200..5", content=picture)
    assert answer.text.splitlines()[3] == "6?,34,40"


@pytest.mark.parametrize(
    ("query", "headers", "content", "status"),
    [
        ("", {"accept": "image/png"}, None, 406),
        ("?expect=A", {}, None, 400),
        ("?sums=here", {}, None, 422),
        ("", {}, b"no picture", 415),
    ],
)
def test_what_is_refused(client, picture, query, headers, content, status):
    answer = client.post(f"/v1/tables{query}", content=content or picture, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_read_has_the_tables_too(client, picture):
    (page,) = client.post("/v1/read", content=picture).json()["pages"]
    (table,) = page["tables"]
    assert [[cell["value"] for cell in row] for row in table["rows"]] == ROWS
    assert (table["agreement"], page["turned"]) == ("totals agree in 4 of 4 rows", 0)
