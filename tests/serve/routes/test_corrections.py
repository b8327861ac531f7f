"""/v1/corrections: added, listed, deleted, exported, imported."""

import json

import numpy as np
import pytest

from helpers import NOW, crop64, page_of_numbers, strip_of
from tendigits.errors import Failure
from tendigits.teach import store as module
from tendigits.teach.verify import bundled_sha256

pytestmark = pytest.mark.xdist_group("server")

CROPS = np.random.default_rng(0).integers(0, 256, (120, 28, 28), dtype=np.uint8)


def add(client, *labels, **fields):
    new = [{"crop": crop64(CROPS[i]), "label": label} | fields for i, label in enumerate(labels)]
    answer = client.post("/v1/corrections", json={"corrections": new})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_correction_is_stored_with_all_its_fields(client):
    answer = add(client, 3, predicted=5, source="picture")
    assert answer["count"] == 1
    (stored,) = answer["corrections"]
    assert stored == {
        "id": 1, "crop": crop64(CROPS[0]), "label": 3, "predicted": 5, "source": "picture",
        "network": bundled_sha256(), "created": "2026-11-25T12:00:00Z",
    }  # fmt: skip
    assert client.get("/v1/corrections").json() == {"count": 1, "corrections": [stored]}


def test_they_are_listed_in_parts_newest_first(client):
    add(client, *[i % 10 for i in range(120)])
    first = client.get("/v1/corrections").json()
    assert (first["count"], len(first["corrections"])) == (120, 100)
    rest = client.get("/v1/corrections?first=100&n=50").json()
    assert [one["id"] for one in first["corrections"] + rest["corrections"]] == list(range(120, 0, -1))
    for query in ("n=0", "n=1001", "first=-1", "n=x"):
        assert client.get(f"/v1/corrections?{query}").status_code == 422


def test_delete(client):
    add(client, 3, None)
    assert client.delete("/v1/corrections/1").status_code == 204
    assert client.delete("/v1/corrections/1").status_code == 404
    assert client.get("/v1/corrections").json()["count"] == 1
    for number in ("0", "-1", "x", "99999999999999999999"):
        assert client.delete(f"/v1/corrections/{number}").status_code == 422


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ({"label": 12}, "corrections.0.label must be 0 to 9 or null, received 12."),
        ({"label": "<b>"}, 'corrections.0.label must be 0 to 9 or null, received "<b>".'),
        ({"label": True}, "corrections.0.label must be 0 to 9 or null, received true."),
        ({"label": 3.0}, "corrections.0.label must be 0 to 9 or null, received 3.0."),
        ({"crop": "AAAA"}, "corrections.0.crop must be 784 bytes in base64: 28 rows of 28 pixels"),
        ({"crop": "*" * 1048}, "corrections.0.crop must be 784 bytes in base64: 28 rows of 28 pixels"),
        ({"source": "import"}, "corrections.0.source must be 'draw', 'picture' or 'api', received \"import\"."),
        ({"more": 1}, "corrections.0.more is not a known field."),
    ],
)
def test_an_invalid_correction_is_explained_and_not_stored(client, field, sentence):
    new = {"crop": crop64(CROPS[0]), "label": 3} | field
    answer = client.post("/v1/corrections", json={"corrections": [new]})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(sentence)
    assert client.get("/v1/corrections").json()["count"] == 0


def test_json_needs_no_content_type(client):
    """`curl --data` says that it sends a form."""
    body = json.dumps({"corrections": [{"crop": crop64(CROPS[0]), "label": 3}]})
    for headers in ({}, {"content-type": "application/x-www-form-urlencoded"}):
        assert client.post("/v1/corrections", content=body, headers=headers).status_code == 201
    answer = client.post("/v1/corrections", content=b"{")
    assert (answer.status_code, answer.json()["error"][:24]) == (422, "the body must be JSON: E")


def test_an_export_is_imported_elsewhere_and_not_doubled(client, client_store):
    add(client, 3, None, 7, predicted=1)
    answer = client.get("/v1/corrections/export")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert "attachment" in answer.headers["content-disposition"]
    assert [json.loads(line)["label"] for line in answer.text.splitlines()] == [3, None, 7]
    for number in (1, 2):
        client.delete(f"/v1/corrections/{number}")
    for _ in range(2):
        back = client.post("/v1/corrections/import", content=answer.content)
        assert (back.status_code, back.json()) == (201, {"read": 3, "count": 3})
    stored = client_store.corrections()
    assert [item.label for item in reversed(stored)] == [3, None, 7]
    assert {(item.created, item.network, item.predicted) for item in stored} == {(NOW, bundled_sha256(), 1)}


def add_number(client, written, text, **fields):
    new = {"strip": crop64(strip_of(written)), "text": text, **fields}
    return client.post("/v1/corrections/numbers", json={"numbers": [new]})


def test_a_number_is_corrected_listed_and_deleted(client):
    answer = add_number(client, "1350", "1850", predicted="1350", source="picture")
    assert (answer.status_code, answer.json()["count"]) == (201, 1)
    (stored,) = answer.json()["numbers"]
    assert stored == {
        "id": 1, "strip": crop64(strip_of("1350")), "text": "1850", "predicted": "1350", "source": "picture",
        "network": bundled_sha256(), "created": "2026-11-25T12:00:00Z",
    }  # fmt: skip
    add_number(client, "1350", "")  # it replaces the first
    listed = client.get("/v1/corrections/numbers").json()
    assert [(one["id"], one["text"]) for one in listed["numbers"]] == [(2, "")]
    assert client.get("/v1/corrections").json() == {"count": 0, "corrections": []}
    assert client.delete("/v1/corrections/numbers/1").status_code == 404
    assert client.delete("/v1/corrections/numbers/2").status_code == 204
    assert client.get("/v1/corrections/numbers").json()["count"] == 0


def test_numbers_are_listed_by_the_hundred(client):
    assert client.get("/v1/corrections/numbers?n=100").status_code == 200
    assert client.get("/v1/corrections/numbers?n=101").status_code == 422


def test_what_was_read_can_be_sent_back_as_a_correction(client, digits):
    content = client.post("/v1/read?crops=true", content=page_of_numbers(digits)).json()
    line = content["pages"][0]["numbers"][0]
    new = {"strip": line["strip"], "text": "12.5", "predicted": line["value"]}
    assert client.post("/v1/corrections/numbers", json={"numbers": [new]}).status_code == 201
    assert client.post("/v1/read", content=page_of_numbers(digits)).json()["pages"][0]["numbers"][0]["strip"] is None


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ({"text": "12a"}, "numbers.0.text must be of the characters 0123456789"),
        ({"text": 12}, "numbers.0.text must be of the characters 0123456789"),
        ({"text": None}, "numbers.0.text must be of the characters 0123456789"),
        ({"text": "1" * 60}, "numbers.0 must be at most "),
        ({"strip": "AAAA"}, "numbers.0.strip must be 40 rows of pixels in base64, as a number was read with"),
        ({"strip": crop64(np.zeros((40, 30)))}, "numbers.0.strip must be 40 rows of pixels in base64"),
        ({"predicted": "<b>"}, "numbers.0.predicted must be a number of the characters 0123456789"),
        ({"source": "draw"}, "numbers.0.source must be 'picture' or 'api', received \"draw\"."),
        ({"more": 1}, "numbers.0.more is not a known field."),
    ],
)
def test_an_invalid_number_is_explained_and_not_stored(client, field, sentence):
    new = {"strip": crop64(strip_of("12")), "text": "17"} | field
    answer = client.post("/v1/corrections/numbers", json={"numbers": [new]})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(sentence), answer.json()["error"]
    assert client.get("/v1/corrections/numbers").json()["count"] == 0


def test_an_export_holds_numbers_too(client, client_store):
    add(client, 3)
    add_number(client, "1350", "1850", predicted="1350")
    answer = client.get("/v1/corrections/export")
    assert ["text" in json.loads(line) for line in answer.text.splitlines()] == [False, True]
    assert client.delete("/v1/corrections/1").status_code == 204
    assert client.delete("/v1/corrections/numbers/2").status_code == 204
    back = client.post("/v1/corrections/import", content=answer.content)
    assert (back.status_code, back.json()) == (201, {"read": 2, "count": 2})
    (item,) = client_store.numbers()
    assert (item.text, item.predicted, item.source, item.created) == ("1850", "1350", "api", NOW)
    wrong = answer.text.replace("1850", "18a0")
    refused = client.post("/v1/corrections/import", content=wrong.encode())
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("line 2: text must be of the characters")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: the body must be JSON"),
        ("[]", "line 2: the body must be an object"),
        ('{"label": 3}', "line 2: crop is required. Nothing was imported."),
        ("", "line 2"),
    ],
)
def test_an_import_with_an_invalid_line_changes_nothing(client, line, message):
    good = json.dumps({"crop": crop64(CROPS[0]), "label": 1, "network": "0" * 64, "created": "2026-01-01T00:00:00Z"})
    answer = client.post("/v1/corrections/import", content=f"{good}\n{line}\n{good}".encode())
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(message)
    assert client.post("/v1/corrections/import", content=b"").status_code == 400
    assert client.get("/v1/corrections").json()["count"] == 0


@pytest.mark.parametrize(
    "line", [b"[" * 100_000, b'{"label":' + b"9" * 100_000 + b"}", b"{}" * 200_000, b'{"strip":[]}', b'{"strip":']
)
def test_an_import_with_a_hostile_line_is_refused(client, line):
    answer = client.post("/v1/corrections/import", content=line)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("line 1: ")
    assert len(answer.json()["error"]) < 400


def test_a_store_that_fails_before_an_export_is_an_error_and_not_half_of_an_answer(client, client_store, monkeypatch):
    def fail(_):
        raise Failure("cannot use the store: it is gone")
        yield

    monkeypatch.setattr(type(client_store), "parts", fail)
    assert client.get("/v1/corrections/export").status_code == 503


def test_too_many(client, monkeypatch):
    monkeypatch.setattr(module, "MAX_CORRECTIONS", 1)
    new = [{"crop": crop64(crop), "label": 1} for crop in CROPS[:2]]
    answer = client.post("/v1/corrections", json={"corrections": new})
    assert answer.status_code == 409
    assert "at most 1 corrections" in answer.json()["error"]


def test_a_store_that_fails_does_not_reveal_its_location(client, client_store, monkeypatch):
    def fail(*_):
        raise Failure("cannot use the store /a/secret/place: it is gone")

    monkeypatch.setattr(type(client_store), "add", fail)
    answer = client.post("/v1/corrections", json={"corrections": [{"crop": crop64(CROPS[0]), "label": 1}]})
    assert answer.status_code == 503
    assert "secret" not in answer.text
    assert answer.headers["retry-after"] == "5"
