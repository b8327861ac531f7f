"""Security middleware: hosts, origins, tokens and sizes; and the headers of every response."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tendigits.serve import security
from tendigits.serve.config import ServerConfig
from tendigits.serve.security import HEADERS, MAX_BODY_BYTES, SecurityMiddleware

TOKEN = "0123456789abcdef"


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


class Failing:
    """An application that fails before its response, or in the middle of it."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if not scope["path"].startswith("/fail"):
            return await self.app(scope, receive, send)
        if scope["path"] == "/fail/half":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("an internal secret")


def secured(observed=None, **settings):
    routes = [Route("/{path:path}", echo, methods=["GET", "POST", "DELETE"])]
    observed = [] if observed is None else observed
    config = ServerConfig("a.db", **settings)
    app = SecurityMiddleware(Failing(Starlette(routes=routes)), config, lambda *facts: observed.append(facts))
    return TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)


def test_every_response_has_the_same_headers_and_refusals_are_json():
    client = secured()
    for answer in (client.get("/"), client.get("/", headers={"host": "evil"}), client.get("/fail")):
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert len(answer.headers["x-request-id"]) == 16
    assert "access-control-allow-origin" not in client.get("/", headers={"origin": "http://evil.example"}).headers
    refused = client.get("/", headers={"host": "evil"})
    assert refused.headers["content-type"] == "application/json"
    assert refused.json()["request_id"] == refused.headers["x-request-id"]


def test_dns_rebinding_is_refused():
    client = secured()
    for host in ("127.0.0.1", "127.0.0.1:9", "LOCALHOST:8000", "[::1]:8000"):
        assert client.get("/", headers={"host": host}).status_code == 200, host
    names = "evil.example", "127.0.0.1.evil.example", "localhost.evil", "127.0.0.2"
    for host in (*names, "", "[::1", "a@127.0.0.1:x", "localhost?x"):
        assert client.get("/", headers={"host": host}).status_code == 421, host


def test_other_sites_cannot_change_anything():
    client = secured()
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://127.0.0.1:8000.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8000"},
    ):
        for method in ("POST", "DELETE"):
            assert client.request(method, "/", headers=headers).status_code == 403, headers
    for headers in (
        {},
        {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:8000"},
        {"sec-fetch-site": "none"},
    ):
        assert client.post("/", headers=headers, content=b"abc").text == "3"


def test_bodies_are_limited_whether_announced_or_chunked_and_not_decompressed():
    client = secured()
    assert client.post("/", content=bytes(MAX_BODY_BYTES)).text == str(MAX_BODY_BYTES)
    answer = client.post("/", content=bytes(MAX_BODY_BYTES + 1))
    assert (answer.status_code, answer.json()["status"]) == (413, 413)
    assert client.post("/", content=iter([bytes(MAX_BODY_BYTES), b"x"])).status_code == 413
    answer = client.post("/", content=b"x", headers={"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["error"]) == (415, "expected an uncompressed body")


def test_an_unexpected_error_is_logged_and_not_revealed(caplog):
    client = secured()
    answer = client.get("/fail")
    assert answer.status_code == 500
    assert set(answer.json()) == {"error", "status", "request_id"}
    assert "secret" not in answer.text
    assert answer.json()["request_id"] in caplog.text
    assert "an internal secret" in caplog.text
    strict = TestClient(client.app, base_url="http://127.0.0.1:8000")
    with pytest.raises(RuntimeError):
        strict.get("/fail/half")  # uvicorn closes the connection


def test_without_the_token_only_health_is_answered():
    client = secured(token=TOKEN)
    for path, status in {"/": 401, "/v1/read": 401, "/metrics": 401, "/live": 200, "/ready": 200}.items():
        assert client.get(path).status_code == status
    for wrong in (f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer "):
        assert client.get("/", headers={"authorization": wrong}).status_code == 401
    assert client.get("/", headers={"cookie": "tendigits-token-8000="}).status_code == 401
    assert client.get("/", headers={"cookie": "\x01=;;;tendigits-token-8000"}).status_code == 401
    assert client.get("/?token=wrong").status_code == 401
    assert client.get("/", headers={"cookie": f"tendigits-token-9000={TOKEN}"}).status_code == 401  # another port's


def test_the_token_as_a_header_and_once_in_the_url():
    client = secured(token=TOKEN)
    bearer = {"authorization": f"Bearer {TOKEN}"}
    answer = client.get("/?token=a%0d%0aset-cookie:b", headers=bearer)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers  # a wrong token in the URL never becomes a cookie
    answer = client.get(f"/?token={TOKEN}")
    assert answer.status_code == 200
    assert answer.headers["set-cookie"] == f"tendigits-token-8000={TOKEN}; HttpOnly; SameSite=Strict; Path=/"
    assert client.get("/v1/read").status_code == 200  # by the cookie


def test_bodies_of_unanswered_requests_are_held_up_to_a_limit_for_each_address(monkeypatch):
    config, holding = ServerConfig("a.db"), []

    async def hold(scope, receive, send):
        """Answers the last address when the others' bodies have arrived, too."""
        await Request(scope, receive).body()
        holding.append(scope["client"][0])
        while len(holding) < 3 and scope["client"][0] != "last":
            await asyncio.sleep(0)
        await PlainTextResponse("")(scope, receive, send)

    app = SecurityMiddleware(hold, config, lambda *_: None)
    monkeypatch.setattr(security, "MAX_UNANSWERED_BYTES", 200)

    async def post(address, n_bytes):
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            return await client.post("/", content=bytes(n_bytes))

    async def post_all():
        return await asyncio.gather(post("a", 50), post("a", 50), post("a", 10), post("last", 60))

    for _ in range(2):  # after the answers there is room again
        holding.clear()
        answers = asyncio.run(asyncio.wait_for(post_all(), 30))
        assert [answer.status_code for answer in answers] == [200, 200, 503, 200]
        assert answers[2].headers["retry-after"] == "1"
