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
