"""POST /v1/read and /v1/digits."""

import base64
import hashlib
import io
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from helpers import LOCKED_PDF, page_of_numbers, png
from tendigits.numbers import finder
from tendigits.read.reader import Reader
from tendigits.serve.reading.queue import BoundedThreads, QueueFull, ReadingQueue
from tendigits.serve.routes import read
from tendigits.teach.verify import bundled_sha256

pytestmark = pytest.mark.xdist_group("server")

PNG = {"content-type": "image/png"}


def test_a_page_as_the_library_reads_it(client, digits):
    page = page_of_numbers(digits)
    answer = client.post("/v1/read", content=page, headers=PNG)
    assert answer.status_code == 200
    content = answer.json()
    assert content["network"] == bundled_sha256()
    (found,) = content["pages"]
    expected = Reader().read(page)
    assert [line["value"] for line in found["numbers"]] == [line.value for line in expected.numbers]
    assert found["numbers"][0]["value"] == "".join(map(str, digits.y_test[:4]))
    assert found["text"] == "\n".join(line.value for line in expected.numbers)
    assert found["size"] == [354, 280]
    assert found["sha256"] == hashlib.sha256(page).hexdigest()
    (line, *_), (read_line, *_) = found["numbers"], expected.numbers
    assert (line["number"], line["reason"]) == (str(read_line.number), read_line.reason)
    assert line["characters"][0] == read_line.characters[0].as_dict() | {"crop": None}


def test_one_digit_with_its_crop(client, digits):
    answer = client.post("/v1/read?one=true&crops=true", content=png(digits.x_test[3]), headers=PNG)
    (line,) = answer.json()["pages"][0]["numbers"]
    digit = line["digit"]
    expected = Reader().digit(png(digits.x_test[3]))
    assert digit["label"] == expected.label == digits.y_test[3]
    assert base64.b64decode(digit["crop"]) == expected.crop.tobytes()
    assert sum(digit["probabilities"]) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("kind", [None, "application/x-www-form-urlencoded"])
def test_the_bytes_say_what_a_picture_is(client, digits, kind):
    """`curl --data-binary @x.png` needs no -H."""
    headers = {} if kind is None else {"content-type": kind}
    answer = client.post("/v1/read?one=true", content=png(digits.x_test[0]), headers=headers)
    assert answer.json()["pages"][0]["text"] == str(digits.y_test[0])


def test_what_is_no_picture_or_a_huge_one_is_refused(client):
    for content in (b"", b"text", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n"):
        for path in ("/v1/read", "/v1/read?one=true"):
            answer = client.post(path, content=content, headers=PNG)
            assert answer.status_code == 415
            assert answer.json()["error"].startswith("expected a whole PNG")
    data = io.BytesIO()
    Image.new("1", (12000, 12000)).save(data, "PNG")
    answer = client.post("/v1/read", content=data.getvalue(), headers=PNG)
    assert answer.status_code == 415
    assert "pixels" in answer.json()["error"]


def test_a_form_with_several_pictures_one_of_them_invalid(client, digits):
    pictures = {"../../etc/x": page_of_numbers(digits), "b.png": b"text", "c": png(digits.x_test[0])}
    files = [("image", picture) for picture in pictures.items()]
    answer = client.post("/v1/read", files=files)
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
    many = [("image", (str(i), b"x")) for i in range(read.MAX_PICTURES + 1)]
    assert client.post("/v1/read", files=many).status_code == 400
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data"):
        assert client.post("/v1/read", content=b"no form", headers={"content-type": kind}).status_code == 400


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
    assert (page["n_pages"], page["size"]) == (number, [4096, 300])
    answer = client.post(f"/v1/preview?page={number}", content=data.getvalue())
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as preview:
        assert (preview.format, preview.width, preview.height) == ("JPEG", 2048, pytest.approx(150, abs=1))
        assert abs(np.asarray(preview).mean() - 220) < 3
    for path in ("/v1/read", "/v1/preview"):
        answer = client.post(f"{path}?page=3", content=data.getvalue())
        assert (answer.status_code, "expected a page from 1 to" in answer.json()["error"]) == (415, True)


def test_what_was_left_out_is_said(client, digits, monkeypatch):
    async def run_here(_, sender, work, *arguments):
        return work(*arguments)

    page = page_of_numbers(digits)
    assert client.post("/v1/read", content=page, headers=PNG).json()["pages"][0]["notice"] is None
    monkeypatch.setattr(finder, "MOST", 1)
    monkeypatch.setattr(ReadingQueue, "run", run_here)
    (found,) = client.post("/v1/read", content=page, headers=PNG).json()["pages"]
    assert (found["notice"], len(found["numbers"])) == ("more to read than one picture may cost: some was left out", 1)


def test_a_page_that_there_is_not_and_one_of_a_pdf_with_a_password(client):
    for path in ("/v1/read", "/v1/tables", "/v1/read?page=1000"):
        answer = client.post(path, content=LOCKED_PDF)
        assert answer.status_code == 415
        assert answer.json()["error"].endswith("received one with a password; save a copy without it")
    answer = client.post("/v1/read?page=2", content=png(np.zeros((28, 28), np.uint8)))
    assert (answer.status_code, answer.json()["error"].split(" of ")[0]) == (415, "expected a page from 1 to 1")
    assert client.post("/v1/read?page=1001", content=LOCKED_PDF).status_code == 422


def test_blank_pictures(client):
    blank = png(np.zeros((28, 28), np.uint8))
    assert client.post("/v1/read", content=blank, headers=PNG).json()["pages"][0]["numbers"] == []
    answer = client.post("/v1/read?one=true", content=blank, headers=PNG)
    digit = answer.json()["pages"][0]["numbers"][0]["digit"]
    assert (digit["accepted"], digit["reason"], digit["is_digit"]) == (False, "no digit", 0.0)


def test_digits_as_arrays(client, digits):
    answer = client.post("/v1/digits", json={"digits": digits.x_test[:40].tolist()})
    assert answer.status_code == 200
    found = [digit["label"] for digit in answer.json()["digits"]]
    assert found == [digit.label for digit in Reader().classify(digits.x_test[:40])]
    assert np.mean(np.array(found) == digits.y_test[:40]) >= 0.95


def test_digits_are_28_rows_of_28_whole_numbers_from_0_to_255(client):
    def digits(*shape):
        return json.dumps({"digits": np.zeros(shape, int).tolist()})

    good = digits(1, 28, 28)
    assert client.post("/v1/digits", content=good).status_code == 200
    shapes = [digits(0, 28, 28), digits(1, 27, 28), digits(1, 28, 29), digits(1001, 28, 28)]
    values = ("256", "-1", "1.5", "true", '"1"', "null", "NaN", "1e400", "[1]")
    pixels = [good.replace("[[[0,", f"[[[{value},", 1) for value in values]
    for content in ("", "{", "null", *shapes, *pixels):
        answer = client.post("/v1/digits", content=content)
        assert answer.status_code == 422
        assert set(answer.json()) == {"error", "status", "request_id"}


def test_many_at_once_get_the_same_bytes_as_one(client, digits):
    images = [png(image) for image in digits.x_test[:10]]

    def ask(image):
        return client.post("/v1/read?one=true", content=image, headers=PNG).content

    alone = [ask(image) for image in images]
    with ThreadPoolExecutor(30) as pool:
        assert list(pool.map(ask, images * 8)) == alone * 8


def test_a_full_queue_says_when_to_come_again(client, monkeypatch, digits):
    async def full(*_):
        raise QueueFull

    for pool in (BoundedThreads, ReadingQueue):
        monkeypatch.setattr(pool, "run", full)
    for path in ("/v1/read", "/v1/read?one=true"):
        answer = client.post(path, content=png(digits.x_test[0]), headers=PNG)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
