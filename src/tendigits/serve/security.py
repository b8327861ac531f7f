"""What every request passes before it is heard: host, origin, token, size; and what every answer carries.

app = Guard(app, Rules(hosts=("127.0.0.1",), token=None))

A page from elsewhere must not be able to use a reader on this machine: DNS rebinding is stopped by the Host header,
requests across sites by Sec-Fetch-Site and Origin (https://web.dev/articles/fetch-metadata). There is no CORS.
"""

import hmac
import json
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("tendigits.serve")

MAX_BODY = 32 * 2**20
"""Bytes of a request: a photo of 12 megapixels has 3 to 8 MB."""

COOKIE = "tendigits-token"
SAFE = ("GET", "HEAD", "OPTIONS")
OPEN = ("/live", "/ready")
"""Answered without a token: they say nothing but that the server is there."""

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}

FAILED = "the server failed; its log tells more"

Watch = Callable[[str, int, float], None]
"""(route, status, seconds) of a request that was answered."""


@dataclass(frozen=True)
class Rules:
    """Who is heard."""

    hosts: tuple[str, ...]
    """Names in the Host header that are this server, without the port."""
    token: str | None = None
    """What a request has to carry; None on a machine's own address, where nobody else can ask."""
    max_body: int = MAX_BODY


@dataclass(frozen=True)
class Refusal(Exception):
    """A request that is not heard, and why."""

    status: int
    reason: str


class Guard:
    """The outermost part of the application."""

    def __init__(self, app: ASGIApp, rules: Rules, watch: Watch) -> None:
        self.app, self.rules, self.watch = RequestBodyLimitMiddleware(app, rules.max_body), rules, watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a fault of ours is one line in the log and an answer without a trace of the inside."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number, started, status, is_whole = secrets.token_hex(8), time.perf_counter(), 0, False
        scope["request_id"] = number

        async def answer(message: Message) -> None:
            nonlocal status, is_whole
            is_whole = message["type"] == "http.response.body" and not message.get("more_body", False)
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers["x-request-id"] = number
                if (cookie := scope.get("cookie")) is not None:
                    headers.append("set-cookie", cookie)
            await send(message)

        try:
            self._check(scope)
            await self.app(scope, receive, answer)
        except Refusal as refusal:
            await _send(answer, refusal.status, refusal.reason, number)
        except Exception:
            log.exception("request %s: %s %s", number, scope["method"], scope["path"])
            if status and not is_whole:
                raise  # half an answer is out: the connection is closed
            if not status:
                await _send(answer, 500, FAILED, number)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self.watch(route, status or 500, time.perf_counter() - started)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _name(host) not in self.rules.hosts:
            raise Refusal(421, f"expected a Host of this server, received {host[:100]!r}")
        if scope["method"] not in SAFE:
            _check_origin(headers, host)
        if int(headers.get("content-length") or 0) > self.rules.max_body:
            raise Refusal(413, f"expected at most {self.rules.max_body >> 20} MB")
        if headers.get("content-encoding", "identity") != "identity":
            raise Refusal(415, "expected a body that is not compressed")
        if self.rules.token is not None and scope["path"] not in OPEN:
            self._check_token(scope, headers)

    def _check_token(self, scope: Scope, headers: Headers) -> None:
        """By the Authorization header, a cookie, or once in the page's address, which then becomes the cookie."""
        kind, _, given = headers.get("authorization", "").partition(" ")
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if asked and self._is_token(asked):
            scope["cookie"] = f"{COOKIE}={asked}; HttpOnly; SameSite=Strict; Path=/"
        elif not (kind.lower() == "bearer" and self._is_token(given)) and not self._is_token(_cookie(headers)):
            raise Refusal(401, "expected the server's token, as 'Authorization: Bearer ...' or in the page's address")

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self.rules.token or "").encode())


def _check_origin(headers: Headers, host: str) -> None:
    """A browser says where a request comes from; other programs say nothing, and are not what is feared here."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        raise Refusal(403, "expected a request of the server's own page, received one of another site's")
    if origin is not None and urlsplit(origin).netloc != host:
        raise Refusal(403, "expected a request of the server's own page, received one of another origin")


def _name(host: str) -> str:
    """A Host header without its port."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # a ValueError where it is no number
    except ValueError:
        return ""
    return "" if "@" in host or parts.path else (parts.hostname or "").lower()


def _cookie(headers: Headers) -> str:
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


async def _send(send: Send, status: int, reason: str, number: str) -> None:
    body = json.dumps({"error": reason, "status": status, "request_id": number}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
