"""/v1/corrections: added, listed, deleted, exported, imported."""

import json

import numpy as np
import pytest

from drawing import crop64, strip_of
from samples import NOW
from tendigits.errors import Failure
from tendigits.teach import store as module
from tendigits.teach.verify import bundled_sha256

pytestmark = pytest.mark.xdist_group("server")

CROPS = np.random.default_rng(0).integers(0, 256, (120, 28, 28), dtype=np.uint8)
CROP, STRIP = crop64(CROPS[0]), crop64(strip_of("1350"))


def add(client, *labels, **fields):
    new = [{"crop": crop64(CROPS[i]), "label": label} | fields for i, label in enumerate(labels)]
    answer = client.post("/v1/corrections", json={"corrections": new})
    assert answer.status_code == 201, answer.text
    return answer.json()


def add_number(client, text, strip=STRIP, **fields):
    return client.post("/v1/corrections/numbers", json={"numbers": [{"strip": strip, "text": text, **fields}]})


def test_corrections_of_digits_are_stored_listed_in_parts_and_deleted(client):
    answer = add(client, 3, *[i % 10 for i in range(119)], predicted=5, source="picture")
    assert answer["count"] == 120
    assert answer["corrections"][0] == {
        "id": 1, "crop": CROP, "label": 3, "predicted": 5, "source": "picture",
        "network": bundled_sha256(), "created": "2026-11-25T12:00:00Z",
    }  # fmt: skip
    first = client.get("/v1/corrections").json()
    assert (first["count"], len(first["corrections"])) == (120, 100)
    rest = client.get("/v1/corrections?first=100&n=50").json()
    assert [one["id"] for one in first["corrections"] + rest["corrections"]] == list(range(120, 0, -1))
    assert [client.delete("/v1/corrections/1").status_code for _ in range(2)] == [204, 404]
    assert client.get("/v1/corrections").json()["count"] == 119


def test_corrections_of_numbers_are_stored_listed_and_deleted(client):
    answer = add_number(client, "1850", predicted="1350", source="picture")
    assert (answer.status_code, answer.json()["count"]) == (201, 1)
    assert answer.json()["numbers"] == [{
        "id": 1, "strip": STRIP, "text": "1850", "predicted": "1350", "source": "picture",
        "network": bundled_sha256(), "created": "2026-11-25T12:00:00Z",
    }]  # fmt: skip
    add_number(client, "")  # it replaces the first
    listed = client.get("/v1/corrections/numbers?n=100").json()
    assert [(one["id"], one["text"]) for one in listed["numbers"]] == [(2, "")]
    assert client.get("/v1/corrections").json() == {"count": 0, "corrections": []}
    assert [client.delete("/v1/corrections/numbers/2").status_code for _ in range(2)] == [204, 404]


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ({"label": 12}, "corrections.0.label must be 0 to 9 or null, received 12."),
        ({"crop": "*" * 1048}, "corrections.0.crop must be 784 bytes in base64: 28 rows of 28 pixels"),
        ({"source": "import"}, "corrections.0.source must be 'draw', 'picture' or 'api', received \"import\"."),
        ({"more": 1}, "corrections.0.more is not a known field."),
        ({"text": "12a"}, "numbers.0 must be a number of the characters 0123456789"),
        ({"text": "1" * 60}, "numbers.0 must be at most "),
        ({"text": "1", "strip": crop64(np.zeros((40, 30)))}, "numbers.0.strip must be 40 rows of pixels in base64"),
        ({"text": "1", "predicted": "<b>"}, "numbers.0 must be a number of the characters 0123456789"),
    ],
)
def test_an_invalid_correction_is_explained_and_not_stored(client, field, sentence):
    if "text" in field:
        answer = client.post("/v1/corrections/numbers", json={"numbers": [{"strip": STRIP} | field]})
    else:
        answer = client.post("/v1/corrections", json={"corrections": [{"crop": CROP, "label": 3} | field]})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(sentence), answer.json()["error"]
    for path in ("/v1/corrections", "/v1/corrections/numbers"):
        assert client.get(path).json()["count"] == 0


def test_an_export_is_imported_again_without_duplicates(client, client_store):
    add(client, 3, None, predicted=1)
    add_number(client, "1850", predicted="1350")
    answer = client.get("/v1/corrections/export")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert "attachment" in answer.headers["content-disposition"]
    kinds = [("label" in line, "text" in line) for line in map(json.loads, answer.text.splitlines())]
    assert kinds == [(True, False), (True, False), (False, True)]
    client.delete("/v1/corrections/1")
    client.delete("/v1/corrections/numbers/1")
    for _ in range(2):
        back = client.post("/v1/corrections/import", content=answer.content)
        assert (back.status_code, back.json()) == (201, {"read": 3, "count": 3})
    stored = client_store.corrections()
    assert [item.label for item in reversed(stored)] == [3, None]
    assert client.post("/v1/corrections/import", content=b"").status_code == 400
    assert {(item.created, item.network, item.predicted) for item in stored} == {(NOW, bundled_sha256(), 1)}
    (number,) = client_store.numbers()
    assert (number.text, number.predicted, number.source, number.created) == ("1850", "1350", "api", NOW)


GOOD = json.dumps({"crop": CROP, "label": 1, "network": "0" * 64, "created": "2026-01-01T00:00:00Z"})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "the body must be JSON"),
        ('{"label": 3}', "crop is required. Nothing was imported."),
        ('{"strip": [], "text": "18a0"}', "strip must be"),
        ("[" * 100_000, "the body must be JSON"),
        ("{}" * 200_000, "expected at most 256 KB"),
        (GOOD.replace("2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"), "created must be a time from the years 1"),
    ],
    ids=["cut off", "no crop", "a bad number", "nested", "a long line", "a long time ago"],
)
def test_an_import_with_an_invalid_line_changes_nothing(client, line, message):
    answer = client.post("/v1/corrections/import", content=f"{GOOD}\n{line}\n{GOOD}".encode())
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"line 2: {message}")
    assert len(answer.json()["error"]) < 400
    assert client.get("/v1/corrections").json()["count"] == 0


def test_too_many(client, monkeypatch):
    monkeypatch.setattr(module, "MAX_CORRECTIONS", 1)
    new = [{"crop": crop64(crop), "label": 1} for crop in CROPS[:2]]
    answer = client.post("/v1/corrections", json={"corrections": new})
    assert answer.status_code == 409
    assert "at most 1 corrections" in answer.json()["error"]


def test_a_store_that_fails_is_an_error_that_does_not_reveal_its_location(client, client_store, monkeypatch):
    def fail(*_):
        raise Failure("cannot use the store /a/secret/place: it is gone")

    for name in ("add", "parts"):
        monkeypatch.setattr(type(client_store), name, fail)
    new = {"corrections": [{"crop": CROP, "label": 1}]}
    for answer in (client.post("/v1/corrections", json=new), client.get("/v1/corrections/export")):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "secret" not in answer.text


def test_a_typed_x_or_asterisk_is_the_sign_of_a_product(client):
    added = [add_number(client, text).json()["numbers"][0]["text"] for text in ("3x4", "3*5", "8÷2")]
    assert added == ["3×4", "3×5", "8÷2"]
