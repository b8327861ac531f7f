"""/v1/corrections: kept, listed, undone, exported, imported."""

import json

import numpy as np
import pytest

from helpers import NOW, correction, crop64
from tendigits.errors import Failure
from tendigits.teach import store as module
from tendigits.teach.verify import bundled_sha256

CROPS = np.random.default_rng(0).integers(0, 256, (120, 28, 28), dtype=np.uint8)


def add(client, *labels, **fields):
    new = [{"crop": crop64(CROPS[i]), "label": label} | fields for i, label in enumerate(labels)]
    answer = client.post("/v1/corrections", json={"corrections": new})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_correction_is_kept_with_all_that_belongs_to_it(client):
    answer = add(client, 3, said=5, source="picture")
    assert answer["count"] == 1
    (kept,) = answer["corrections"]
    assert kept == {
        "id": 1, "crop": crop64(CROPS[0]), "label": 3, "said": 5, "source": "picture",
        "network": bundled_sha256(), "created": "2026-11-25T12:00:00Z",
    }  # fmt: skip
    listed = client.get("/v1/corrections").json()
    assert listed == {"count": 1, "corrections": [kept]}


def test_they_are_listed_in_parts_newest_first(client):
    add(client, *[i % 10 for i in range(120)])
    first = client.get("/v1/corrections").json()
    assert (first["count"], len(first["corrections"])) == (120, 100)
    rest = client.get("/v1/corrections?first=100&n=50").json()
    assert [one["id"] for one in first["corrections"] + rest["corrections"]] == list(range(120, 0, -1))


@pytest.mark.parametrize("query", ["n=0", "n=1001", "first=-1", "n=x"])
def test_parts_that_are_none(client, query):
    assert client.get(f"/v1/corrections?{query}").status_code == 422


def test_undo(client):
    add(client, 3, None)
    assert client.delete("/v1/corrections/1").status_code == 204
    assert client.delete("/v1/corrections/1").status_code == 404
    assert client.get("/v1/corrections").json()["count"] == 1
    for number in ("0", "-1", "x", "99999999999999999999"):
        assert client.delete(f"/v1/corrections/{number}").status_code == 422


@pytest.mark.parametrize(
    "field", [{"label": 99}, {"label": True}, {"label": "3"}, {"crop": "AAAA"}, {"source": "import"}, {"more": 1}]
)
def test_what_is_no_correction(client, field):
    new = {"crop": crop64(CROPS[0]), "label": 3} | field
    answer = client.post("/v1/corrections", json={"corrections": [new]})
    assert answer.status_code == 422
    assert next(iter(field)) in answer.json()["error"]
    assert client.get("/v1/corrections").json()["count"] == 0


def test_an_export_is_imported_elsewhere_and_not_doubled(client, store):
    add(client, 3, None, 7, said=1)
    answer = client.get("/v1/corrections/export")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert "attachment" in answer.headers["content-disposition"]
    lines = answer.text.splitlines()
    assert [json.loads(line)["label"] for line in lines] == [3, None, 7]
    for number in (1, 2):
        client.delete(f"/v1/corrections/{number}")
    for _ in range(2):
        back = client.post("/v1/corrections/import", content=answer.content)
        assert (back.status_code, back.json()) == (201, {"read": 3, "count": 3})
    assert [item.label for item in reversed(store.corrections())] == [3, None, 7]
    assert {item.created for item in store.corrections()} == {NOW}
    assert {item.network for item in store.corrections()} == {bundled_sha256()}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2"),
        ("[]", "line 2"),
        ('{"label": 3}', "line 2: crop"),
        ("null", "line 2"),
        ("", "line 2"),
    ],
)
def test_an_import_with_a_wrong_line_changes_nothing(client, line, said):
    good = json.dumps({"crop": crop64(CROPS[0]), "label": 1, "network": "0" * 64, "created": "2026-01-01T00:00:00Z"})
    answer = client.post("/v1/corrections/import", content=f"{good}\n{line}\n{good}".encode())
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert client.get("/v1/corrections").json()["count"] == 0


def test_an_empty_import(client):
    assert client.post("/v1/corrections/import", content=b"").status_code == 400


def test_too_many(client, monkeypatch):

    monkeypatch.setattr(module, "MAX_CORRECTIONS", 1)
    new = [{"crop": crop64(crop), "label": 1} for crop in CROPS[:2]]
    answer = client.post("/v1/corrections", json={"corrections": new})
    assert answer.status_code == 409
    assert "at most 1 corrections" in answer.json()["error"]


def test_a_store_that_is_gone_is_told_without_its_place(client, store, monkeypatch):
    def fail(*_):
        raise Failure("cannot use the store /a/secret/place: it is gone")

    monkeypatch.setattr(type(store), "add", fail)
    answer = client.post("/v1/corrections", json={"corrections": [{"crop": crop64(CROPS[0]), "label": 1}]})
    assert answer.status_code == 503
    assert "secret" not in answer.text
    assert answer.headers["retry-after"] == "5"


def test_stored_text_is_text(client, store):
    """There is no free text in a correction: what could be markup is refused at the door."""
    item = correction(CROPS[0])
    assert {type(value) for value in (item.source, item.network)} == {str}
    for field in ({"source": "<script>"}, {"label": "<b>"}):
        new = {"crop": crop64(CROPS[0]), "label": 3} | field
        assert client.post("/v1/corrections", json={"corrections": [new]}).status_code == 422
