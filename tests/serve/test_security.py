"""Who is heard: hosts, origins, tokens, sizes; and what every answer carries."""

import asyncio
import json

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tendigits.serve.security import HEADERS, Guard, Rules

TOKEN = "0123456789abcdef"


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


class Failing:
    """An application with a fault, before its answer, in it, or behind it."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if not scope["path"].startswith("/fail"):
            return await self.app(scope, receive, send)
        if scope["path"] != "/fail":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": scope["path"] == "/fail/half"})
        raise RuntimeError("a secret of the inside")


def guarded(watched=None, **rules):
    routes = [Route("/{path:path}", echo, methods=["GET", "POST", "DELETE"])]
    rules = {"hosts": ("127.0.0.1", "localhost", "::1")} | rules
    seen = watched if watched is not None else []
    app = Guard(Failing(Starlette(routes=routes)), Rules(**rules), lambda *facts: seen.append(facts))
    return TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)


def test_every_answer_carries_the_same_headers():
    client = guarded()
    for answer in (client.get("/"), client.get("/", headers={"host": "evil"}), client.get("/fail")):
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert len(answer.headers["x-request-id"]) == 16
    assert "access-control-allow-origin" not in client.get("/", headers={"origin": "http://evil.example"}).headers


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:9", "LOCALHOST:8000", "[::1]:8000"])
def test_hosts_that_are_this_server(host):
    assert guarded().get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "", "[::1", "a@127.0.0.1:x", "127.0.0.2"]
)
def test_dns_rebinding_is_refused(host):
    answer = guarded().get("/", headers={"host": host})
    assert answer.status_code == 421
    assert answer.json()["status"] == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://127.0.0.1:8000.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8000"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_other_sites_may_change_nothing(method, headers):
    assert guarded().request(method, "/", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{}, {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:8000"}, {"sec-fetch-site": "none"}],
)
def test_the_own_page_and_programs_may(headers):
    assert guarded().post("/", headers=headers, content=b"abc").text == "3"


def test_bodies_have_a_cap_announced_or_chunked():
    client = guarded(max_body=1000)
    assert client.post("/", content=b"x" * 1000).text == "1000"
    answer = client.post("/", content=b"x" * 1001)
    assert (answer.status_code, answer.json()["status"]) == (413, 413)
    assert client.post("/", content=iter([b"x" * 600, b"x" * 600])).status_code == 413


def test_compressed_bodies_are_not_unpacked():
    answer = guarded().post("/", content=b"x", headers={"content-encoding": "gzip"})
    assert answer.status_code == 415
    assert "not compressed" in answer.json()["error"]


def test_a_fault_of_ours_tells_nothing_of_the_inside(caplog):
    answer = guarded().get("/fail")
    assert answer.status_code == 500
    assert set(answer.json()) == {"error", "status", "request_id"}
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.json()["request_id"] in caplog.text
    assert "a secret of the inside" in caplog.text


def test_half_an_answer_closes_the_connection_and_a_whole_one_is_an_answer(caplog):
    client = guarded()
    assert client.get("/fail/whole").text == "half"
    strict = TestClient(client.app, base_url="http://127.0.0.1:8000")
    with pytest.raises(RuntimeError):
        strict.get("/fail/half")
    assert caplog.text.count("a secret of the inside") >= 2


def test_what_is_watched():
    watched = []
    client = guarded(watched)
    client.get("/some/where")
    client.get("/", headers={"host": "evil"})
    client.get("/fail")
    assert [(route, status) for route, status, _ in watched] == [("/{path:path}", 200), ("other", 421), ("other", 500)]
    assert all(0 < seconds < 5 for *_, seconds in watched)


def test_without_the_token_only_health_is_answered():
    client = guarded(token=TOKEN)
    assert [client.get(path).status_code for path in ("/", "/v1/read", "/metrics")] == [401, 401, 401]
    assert [client.get(path).status_code for path in ("/live", "/ready")] == [200, 200]
    for wrong in (f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer "):
        assert client.get("/", headers={"authorization": wrong}).status_code == 401
    assert client.get("/", headers={"cookie": "tendigits-token="}).status_code == 401
    assert client.get("/", headers={"cookie": "\x01=;;;tendigits-token"}).status_code == 401


def test_the_token_as_a_header_and_once_in_the_address():
    client = guarded(token=TOKEN)
    assert client.get("/", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get("/?token=wrong").status_code == 401
    answer = client.get(f"/?token={TOKEN}")
    assert answer.status_code == 200
    assert answer.headers["set-cookie"] == f"tendigits-token={TOKEN}; HttpOnly; SameSite=Strict; Path=/"
    assert client.get("/v1/read").status_code == 200  # the cookie


def test_a_wrong_token_in_the_address_never_becomes_a_cookie():
    client = guarded(token=TOKEN)
    answer = client.get("/?token=a%0d%0aset-cookie:b", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


def test_what_is_no_request_goes_through():
    """The lifespan of the application."""
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(Guard(app, Rules(("a",)), lambda *_: None)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]


def test_refusals_are_json():
    answer = guarded().get("/", headers={"host": "evil"})
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.text)["request_id"] == answer.headers["x-request-id"]
