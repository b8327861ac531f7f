"""POST /v1/read, /v1/preview and /v1/digits."""

import base64
import hashlib
import io
import json

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from drawing import file_of, page_of_numbers, png, printed_table
from tendigits.read.reader import Reader
from tendigits.teach.verify import bundled_sha256

pytestmark = pytest.mark.xdist_group("server")

PNG = {"content-type": "image/png"}


def test_a_page_as_the_library_reads_it(client, digits):
    page = page_of_numbers(digits)
    answer = client.post("/v1/read", content=page, headers=PNG)
    assert answer.status_code == 200
    assert answer.json()["network"] == bundled_sha256()
    (found,) = answer.json()["pages"]
    expected = Reader().read(page)
    assert found["text"] == "\n".join(number.value for number in expected.numbers)
    assert found["text"].startswith("".join(map(str, digits.y_test[:4])))
    assert (found["size"], found["sha256"]) == ([354, 280], hashlib.sha256(page).hexdigest())
    without_pictures = {"strip": None, "digit": None}
    for number, expected_number in zip(found["numbers"], expected.numbers, strict=True):
        content = expected_number.as_dict()
        content["characters"] = [character | {"crop": None} for character in content["characters"]]
        assert number == content | without_pictures


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/x-www-form-urlencoded"}, PNG])
def test_one_digit_with_its_crop_whatever_the_content_type(client, digits, headers):
    """`curl --data-binary @x.png` needs no -H."""
    answer = client.post("/v1/read?one=true&crops=true", content=png(digits.x_test[3]), headers=headers)
    (number,) = answer.json()["pages"][0]["numbers"]
    expected = Reader().digit(png(digits.x_test[3]))
    assert number["digit"] == expected.as_dict() | {"crop": base64.b64encode(expected.crop.tobytes()).decode()}
    assert number["digit"]["label"] == digits.y_test[3]


def test_a_form_with_several_pictures_one_of_them_invalid(client, digits):
    pictures = {"../../etc/x": page_of_numbers(digits), "b.png": b"text", "c": png(digits.x_test[0])}
    answer = client.post("/v1/read", files=[("image", picture) for picture in pictures.items()])
    assert answer.status_code == 200
    first, second, third = answer.json()["pages"]
    assert len(first["numbers"]) == 2
    assert second["error"].startswith("expected a whole PNG")
    assert third["text"] == str(digits.y_test[0])
    assert "etc" not in answer.text


def test_forms_without_pictures_or_with_too_many(client):
    for files in ([("other", ("a", b"x"))], [("image", (None, b"text"))]):
        answer = client.post("/v1/read", files=files)
        assert answer.status_code == 400
        assert "field 'image'" in answer.json()["error"]
    assert client.post("/v1/read", files=[("image", (str(i), b"x")) for i in range(51)]).status_code == 400
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data"):
        assert client.post("/v1/read", content=b"no form", headers={"content-type": kind}).status_code == 400


def test_numbers_are_read_as_expected(client, tmp_path):
    """A list of values is sent in a form: the address stands in logs. No file of the server is opened."""
    picture = file_of(printed_table([("40275", "3"), ("40312", "4"), ("41999", "9")]))

    def ask(expect, in_form=True, query=""):
        files = [("image", ("a.png", picture))]
        if in_form:
            return client.post(f"/v1/read{query}", files=files, data={"expect": expect})
        return client.post("/v1/read", params={"expect": expect}, content=picture)

    for in_form in (True, False):
        (page,) = ask("A: 40275|40312|41999, B: 0..4, D: date", in_form).json()["pages"]
        cells = [cell for row in page["tables"][0]["rows"] for cell in row]
        assert [cell["value"] for cell in cells if not cell["accepted"]] == ["9"]
        assert page["notice"] == "There is nothing in column D, of which something is expected."
    (tmp_path / "roster.csv").write_text("40275")
    for answer, message in (
        (ask("B: 0-4"), "expected 'B: 0..4', received 'B: 0-4'"),
        (ask(f"A: {tmp_path}/roster.csv"), "expected no file of values here"),
        (ask("|".join(map(str, range(50_000)))), "expected at most 262,144 characters"),
        (ask("0..4", query="?one=true"), "expected `expect` or `one`, received both"),
    ):
        assert (answer.status_code, message in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("expect", "rows", "wrong"),
    [
        ("D = B * C", [(1, 3, 14, 42), (2, 7, 21, 147), (3, 8, 35, 281)], "row 3 D = B * C gives 280, not 281"),
        ("C = C above + A - B", [(0, 0, 50), (20, 30, 40), (30, 60, 11)], "row 3 C = C above + A - B gives 10, not 11"),
        ("A: row number", [(1, 30), (2, 50), (4, 70), (4, 90)], "A3 is not one more than 2"),
        ("B: rising 0..50", [(1, 130), (2, 150), (3, 270), (4, 290)], "B3 does not follow 150 by 0 to 50"),
        ("last row = sum", [(10, 30), (20, 50), (40, 70), (70, 151)], "column B adds up to 150, not 151"),
    ],
)
def test_what_connects_cells_is_checked_and_named(client, expect, rows, wrong):
    answer = client.post("/v1/read", params={"expect": expect}, content=file_of(printed_table(rows)))
    (table,) = answer.json()["pages"][0]["tables"]
    assert wrong in table["wrong"]
    assert not all(cell["accepted"] for row in table["rows"] for cell in row)


@pytest.mark.parametrize("kind", ["PDF", "TIFF", "HEIF"])
def test_pages_of_a_document_and_their_previews(client, kind):
    """HEIC has one page, which most browsers do not show."""
    small, large = Image.new("L", (300, 200), 30), Image.new("L", (4096, 300), 220)
    data = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(large).save(data)
    else:
        small.save(data, kind, save_all=True, append_images=[large], resolution=300)
    number = 1 if kind == "HEIF" else 2
    (page,) = client.post(f"/v1/read?page={number}", content=data.getvalue()).json()["pages"]
    assert (page["n_pages"], page["size"], page["notice"]) == (number, [4096, 300], None)
    answer = client.post(f"/v1/preview?page={number}", content=data.getvalue())
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as preview:
        assert (preview.format, preview.width, preview.height) == ("JPEG", 2048, pytest.approx(150, abs=1))
        assert abs(np.asarray(preview).mean() - 220) < 3
    for path in ("/v1/read", "/v1/preview"):
        answer = client.post(f"{path}?page=3", content=data.getvalue())
        assert (answer.status_code, "expected a page from 1 to" in answer.json()["error"]) == (415, True)


@pytest.mark.parametrize("n", [2, 40])  # in a thread of the server, and in a worker process
def test_digits_as_arrays(client, digits, n):
    answer = client.post("/v1/digits", json={"digits": digits.x_test[:n].tolist()})
    assert answer.status_code == 200
    expected = [digit.as_dict() | {"crop": None} for digit in Reader().classify(digits.x_test[:n])]
    assert answer.json()["digits"] == expected


def test_digits_are_28_rows_of_28_whole_numbers_from_0_to_255(client):
    def digits(*shape):
        return json.dumps({"digits": np.zeros(shape, int).tolist()})

    good = digits(1, 28, 28)
    shapes = [digits(0, 28, 28), digits(1, 27, 28), digits(1, 28, 29), digits(1001, 28, 28)]
    pixels = [good.replace("[[[0,", f"[[[{value},", 1) for value in ("256", "-1", "1.5", "true", '"1"', "NaN", "[1]")]
    for content in ("", "{", "null", *shapes, *pixels):
        answer = client.post("/v1/digits", content=content)
        assert answer.status_code == 422
        assert set(answer.json()) == {"error", "status", "request_id"}
