"""POST /v1/read and /v1/digits."""

import base64
import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import png
from tendigits.read.reader import Reader
from tendigits.serve.routes import read
from tendigits.teach.verify import bundled_sha256

PNG = {"content-type": "image/png"}


@pytest.fixture
def page(digits) -> bytes:
    """Two lines of numbers."""
    paper = np.full((260, 500), 255, np.uint8)
    for row in range(2):
        for column in range(4):
            digit = np.asarray(Image.fromarray(digits.x_test[4 * row + column]).resize((84, 84)))
            paper[20 + 120 * row : 104 + 120 * row, 20 + 100 * column : 104 + 100 * column] = 255 - digit
    data = io.BytesIO()
    Image.fromarray(paper).save(data, "PNG")
    return data.getvalue()


def test_a_page_as_the_library_reads_it(client, page, digits):
    answer = client.post("/v1/read", content=page, headers=PNG)
    assert answer.status_code == 200
    content = answer.json()
    assert content["network"] == bundled_sha256()
    (found,) = content["pages"]
    expected = Reader().read(page)
    assert [line["value"] for line in found["lines"]] == [line.value for line in expected.lines]
    assert found["lines"][0]["value"] == "".join(map(str, digits.y_test[:4]))
    assert found["text"] == "\n".join(line.value for line in expected.lines)
    assert found["size"] == [500, 260]
    assert found["sha256"] == hashlib.sha256(page).hexdigest()
    assert found["lines"][0]["digits"][0] == expected.lines[0].digits[0].as_dict() | {
        "is_digit": pytest.approx(expected.lines[0].digits[0].is_digit, abs=1e-4), "crop": None,
    }  # fmt: skip


def test_one_digit_with_its_crop(client, digits):
    answer = client.post("/v1/read?one=true&crops=true", content=png(digits.x_test[3]), headers=PNG)
    (line,) = answer.json()["pages"][0]["lines"]
    (digit,) = line["digits"]
    expected = Reader().digit(png(digits.x_test[3]))
    assert digit["label"] == expected.label == digits.y_test[3]
    assert base64.b64decode(digit["crop"]) == expected.crop.tobytes()
    assert sum(digit["probabilities"]) == pytest.approx(1, abs=1e-3)


def test_a_form_with_several_of_which_one_is_none(client, page, digits):
    files = [("image", ("../../etc/x", page)), ("image", ("b.png", b"text")), ("image", ("c", png(digits.x_test[0])))]
    answer = client.post("/v1/read", files=files)
    assert answer.status_code == 200
    first, second, third = answer.json()["pages"]
    assert len(first["lines"]) == 2
    assert second["error"].startswith("expected a whole PNG")
    assert third["text"] == str(digits.y_test[0])
    assert "etc" not in answer.text


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n", b"<svg/>", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
@pytest.mark.parametrize("one", ["true", "false"])
def test_what_is_no_picture(client, content, one):
    answer = client.post(f"/v1/read?one={one}", content=content, headers=PNG)
    assert answer.status_code == 415
    assert answer.json()["error"].startswith("expected a whole PNG")


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "", "image/svg+xml", "image/heic"])
def test_another_content_type(client, kind):
    answer = client.post("/v1/read", content=b"x", headers={"content-type": kind})
    assert answer.status_code == 415
    assert "expected one of image/png" in answer.json()["error"]


def test_forms_that_hold_no_picture(client, digits):
    for files in ([("other", ("a", b"x"))], [("image", (None, b"text"))]):
        answer = client.post("/v1/read", files=files)
        assert answer.status_code == 400
        assert "field 'image'" in answer.json()["error"]
    many = [("image", (str(i), b"x")) for i in range(read.MAX_PICTURES + 1)]
    answer = client.post("/v1/read", files=many)
    assert answer.status_code == 400
    answer = client.post("/v1/read", content=b"no form", headers={"content-type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 400
    answer = client.post("/v1/read", content=b"no form", headers={"content-type": "multipart/form-data"})
    assert answer.status_code == 400


def test_a_huge_header_is_refused_before_it_is_decoded(client):
    data = io.BytesIO()
    Image.new("1", (12000, 12000)).save(data, "PNG")
    answer = client.post("/v1/read", content=data.getvalue(), headers=PNG)
    assert answer.status_code == 415
    assert "pixels" in answer.json()["error"]


def test_blank_and_nothing(client):
    answer = client.post("/v1/read", content=png(np.zeros((28, 28), np.uint8)), headers=PNG)
    assert answer.json()["pages"][0]["lines"] == []
    answer = client.post("/v1/read?one=true", content=png(np.zeros((28, 28), np.uint8)), headers=PNG)
    (digit,) = answer.json()["pages"][0]["lines"][0]["digits"]
    assert (digit["accepted"], digit["reason"], digit["is_digit"]) == (False, "no digit", 0.0)


def test_digits_as_arrays(client, digits):
    answer = client.post("/v1/digits", json={"digits": digits.x_test[:40].tolist()})
    assert answer.status_code == 200
    found = [digit["label"] for digit in answer.json()["digits"]]
    expected = [digit.label for digit in Reader().classify(digits.x_test[:40])]
    assert found == expected
    assert np.mean(np.array(found) == digits.y_test[:40]) >= 0.95


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b'{"digits": []}', b'{"digits": [[[true]]]}', b'{"digits": 3}', b'{"digits": [[[NaN]]]}'],
)
def test_arrays_that_are_none(client, content):
    answer = client.post("/v1/digits", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert set(answer.json()) == {"error", "status", "request_id"}


def test_fifty_at_once_get_the_same_bytes_as_one(client, digits):
    images = [png(image) for image in digits.x_test[:10]]
    alone = [client.post("/v1/read?one=true", content=image, headers=PNG).content for image in images]
    with ThreadPoolExecutor(50) as pool:
        asked = [images[i % 10] for i in range(200)]
        answers = list(pool.map(lambda image: client.post("/v1/read?one=true", content=image, headers=PNG), asked))
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.content == alone[i % 10] for i, answer in enumerate(answers))


def test_a_full_queue_says_when_to_come_again(client, monkeypatch, digits):
    state = client.app.app.app.state.tendigits if hasattr(client.app.app, "app") else client.app.app.state.tendigits
    monkeypatch.setattr(state.crew, "_places", 0)
    for path, content, headers in (
        ("/v1/read", png(digits.x_test[0]), PNG),
        ("/v1/read?one=true", png(digits.x_test[0]), PNG),
    ):
        answer = client.post(path, content=content, headers=headers)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
    monkeypatch.undo()
    assert client.post("/v1/read", content=png(digits.x_test[0]), headers=PNG).status_code == 200


def test_the_source_names_no_client_names():
    """What a client calls a file is nowhere looked at."""
    assert ".filename" not in Path(read.__file__).read_text()
