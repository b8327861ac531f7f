"""Bodies in JSON: bounded, refused with one sentence."""

import json

import pytest

from drawing import png
from samples import full_disk
from tendigits.serve.routes.bodies import MAX_JSON_BYTES

pytestmark = pytest.mark.xdist_group("server")

UNKNOWN, MANY = (b"{" + b",".join(b'"%x":1' % i for i in range(n)) + b"}" for n in (9_000, MAX_JSON_BYTES // 10))


def many(item: bytes) -> bytes:
    return b"[" + b",".join([item] * (MAX_JSON_BYTES // (len(item) + 1) - 10)) + b"]"


BAD = {
    "unknown fields": ("/v1/runs", UNKNOWN, "is not a known field"),
    "wrong elements": ("/v1/digits", b'{"digits":' + many(b'""') + b"}", "must be a valid list"),
    "many lists": ("/v1/runs", b'{"settings":' + many(b"[]") + b"}", "at most 10,000 values"),
    "many fields": ("/v1/corrections", b'{"corrections":[' + MANY + b"]}", "at most 10,000 values"),
    "many fields of a table": ("/v1/tables/export", b'{"tables":[' + MANY + b"]}", "is required"),
    "lists in lists": ("/v1/runs", b"[" * 100_000 + b"]" * 100_000, "must be JSON"),
    "not UTF-8": ("/v1/runs", b'{"recipe":"\xff"}', "must be JSON"),
    "a list": ("/v1/runs", b"[1]", "the body must be an object"),
    "nothing": ("/v1/runs", b"", "the body is required"),
    "nothing, where something is needed": ("/v1/corrections", b"", "corrections is required"),
    "nothing that a worker parses": ("/v1/tables/check", b"", "rows is required"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_body_is_refused_with_a_sentence(client, name):
    path, body, reason = BAD[name]
    answer = client.post(path, content=body)
    assert answer.status_code == 422
    assert reason in answer.json()["error"]
    assert len(answer.json()["error"]) <= 300


def test_the_largest_requests_within_limits_are_answered(client):
    assert client.post("/v1/digits", json={"digits": [[[255] * 28] * 28] * 1000}).status_code == 200
    rows = {"tables": [{"rows": [[{"value": "12"}] * 200] * 1000}]}
    tables = json.dumps(rows, separators=(",", ":"))
    assert client.post("/v1/tables/export", content=tables).status_code == 200


def test_json_has_at_most_4_mb_and_a_picture_32(client):
    """A router whose routes take JSON needs `route_class=JsonRoute`."""
    paths = client.get("/openapi.json").json()["paths"]
    takes_json = [
        (method, path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]
    assert len(takes_json) >= 6
    for method, path in takes_json:
        for content in (b" " * (MAX_JSON_BYTES + 1), iter([bytes(2**20)] * 5)):
            answer = client.request(method, path, content=content)
            assert (answer.status_code, answer.json()["error"]) == (413, "expected at most 4 MB of JSON"), path
    assert client.post("/v1/read", content=bytes(MAX_JSON_BYTES + 1)).status_code == 415
    assert client.post("/v1/read", content=bytes(33 * 2**20)).status_code == 413


def test_forms_are_read_while_temporary_files_cannot_be_written(client, digits):
    image = png(digits.x_test[0])
    with full_disk():
        answer = client.post("/v1/read", files=[("image", bytes(3 * 2**20)), ("image", image)])
        assert answer.status_code == 200
        assert answer.json()["pages"][1]["text"] == str(digits.y_test[0])
        files = [("picture", bytes(3 * 2**20)), ("image", image)]
        assert client.post("/v1/forms", files=files, data={"fields": '{"a": [1, 1, 9, 9]}'}).status_code == 415
