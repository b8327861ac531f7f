"""Bodies in JSON: one error, bounded sizes, and an event loop that goes on."""

import json
import re
import tracemalloc

import pytest
from pydantic import ValidationError

from helpers import crop64
from tendigits.errors import RecipeError
from tendigits.model.recipe import Recipe
from tendigits.play.experiment import Experiment
from tendigits.serve.edge.json_body import MAX_JSON, validate_json
from tendigits.serve.routes.corrections import CorrectionsRequest
from tendigits.serve.routes.read import DigitsRequest
from tendigits.serve.routes.runs import RunRequest
from tendigits.serve.routes.tables import TablesRequest

pytestmark = pytest.mark.xdist_group("server")

UNKNOWN = b"{" + b",".join(b'"%x":1' % i for i in range(MAX_JSON // 10)) + b"}"


def many(item: bytes) -> bytes:
    return b"[" + b",".join([item] * (MAX_JSON // (len(item) + 1) - 10)) + b"]"


HOSTILE = {
    "unknown fields": (RunRequest, UNKNOWN, "extra_forbidden"),
    "unknown fields, one without a name": (RunRequest, b'{"":1,' + UNKNOWN[1:], "extra_forbidden"),
    "unknown fields of an element": (CorrectionsRequest, b'{"corrections":[' + UNKNOWN + b"]}", "extra_forbidden"),
    "wrong elements": (DigitsRequest, b'{"digits":' + many(b'""') + b"}", "list_type"),
    "wrong pixels": (DigitsRequest, b'{"digits":[[' + many(b'""') + b"]]}", "int_type"),
    "empty lists": (DigitsRequest, b'{"digits":' + many(b"[]") + b"}", "json_invalid"),
    "empty corrections": (CorrectionsRequest, b'{"corrections":' + many(b"{}") + b"}", "json_invalid"),
    "wrong cells": (
        TablesRequest, b'{"tables":[{"rows":[' + b"[" + b"{}," * 199 + b"{}" + b"]]}]}", "missing",
    ),
    "lists in lists": (RunRequest, b"[" * 100_000 + b"]" * 100_000, "json_invalid"),
    "objects in objects": (RunRequest, b'{"a":' * 100_000, "json_invalid"),
    "a long number": (DigitsRequest, b'{"digits":' + b"9" * 100_000 + b"}", "json_invalid"),
    "a long fraction": (DigitsRequest, b'{"digits":0.' + b"9" * 100_000 + b"}", "list_type"),
    "half a character": (RunRequest, b'{"recipe":"\\ud800"}', "json_invalid"),
    "not UTF-8": (RunRequest, b'{"recipe":"\xff"}', "json_invalid"),
    "nothing": (RunRequest, b"", "json_invalid"),
    "a list": (RunRequest, b"[" + b"1," * 100_000 + b"1]", "model_type"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_the_first_error_ends_it(name):
    model, body, kind = HOSTILE[name]
    tracemalloc.start()
    try:
        with pytest.raises(ValidationError) as caught:
            validate_json(model, body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [error["type"] for error in caught.value.errors()] == [kind]
    assert peak < 15 * MAX_JSON


@pytest.mark.parametrize(
    "body",
    [
        UNKNOWN,
        b'{"augmentation":' + UNKNOWN + b"}",
        b'{"hidden":' + many(b'"a"') + b"}",
        b'{"convolutions":' + many(b'"a"') + b"}",
    ],
    ids=["unknown", "unknown within", "numbers", "texts"],
)
@pytest.mark.parametrize("model", [Recipe, Experiment])
def test_what_is_no_setting_is_explained_in_a_few_words(model, body):
    tracemalloc.start()
    try:
        with pytest.raises(RecipeError) as caught:
            validate_json(model, body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 30_000
    assert peak < 15 * MAX_JSON


def test_the_largest_requests_within_limits_fit():
    digits = json.dumps({"digits": [[[255] * 28] * 28] * 1000}).encode()
    assert len(digits) < MAX_JSON
    assert len(validate_json(DigitsRequest, digits).digits) == 1000
    cells = json.dumps({"tables": [{"rows": [[{"value": "12"}] * 200] * 1000}]}, separators=(",", ":")).encode()
    assert len(cells) < MAX_JSON
    assert len(validate_json(TablesRequest, cells).tables[0].rows) == 1000


def test_a_body_of_json_has_4_mb_and_a_picture_32(client):
    """Of any route: a router whose routes take JSON has `route_class=JsonRoute`."""
    paths = client.get("/openapi.json").json()["paths"]
    takes_json = [
        (method, path.replace("{network}", "a"))
        for path, methods in paths.items()
        for method, operation in methods.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]
    assert len(takes_json) >= 8
    for method, path in takes_json:
        for content in (b" " * (MAX_JSON + 1), iter([bytes(2**20)] * 5)):
            answer = client.request(method, path, content=content)
            assert (answer.status_code, answer.json()["error"]) == (413, "expected at most 4 MB of JSON"), path
    for path in ("/v1/read", "/v1/preview", "/v1/tables"):
        assert client.post(path, content=bytes(MAX_JSON + 1)).status_code == 415, path
    assert client.post("/v1/read", content=bytes(33 * 2**20)).status_code == 413


def test_the_answer_to_a_hostile_body_is_a_sentence(client):
    for name, (model, body, kind) in HOSTILE.items():
        path = {RunRequest: "/v1/runs", DigitsRequest: "/v1/digits", CorrectionsRequest: "/v1/corrections"}.get(model)
        answer = client.post(path or "/v1/tables/export", content=body)
        assert answer.status_code == 422, name
        assert len(answer.json()["error"]) <= 300
        assert ("must be JSON" in answer.json()["error"]) == (kind == "json_invalid" and body != b""), name


@pytest.mark.parametrize("created", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00Z"])
def test_dates_at_the_ends_of_the_calendar(client, created):
    line = {"crop": crop64([[0] * 28] * 28), "label": 1, "network": "0" * 64, "created": created}
    answer = client.post("/v1/corrections/import", content=json.dumps(line).encode())
    if created.endswith("Z"):
        assert answer.status_code == 201
        assert client.get("/v1/corrections").json()["corrections"][0]["created"] == created
    else:
        assert answer.status_code == 400
        assert re.match(r"line 1: created must be a time from the years 1 to 9999, in UTC", answer.json()["error"])
