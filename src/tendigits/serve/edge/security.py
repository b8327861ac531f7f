"""Security middleware: checks the host, origin, token and size of every request, and adds headers to every response.

app = SecurityMiddleware(app, SecuritySettings(hosts=("127.0.0.1",), token=None), observe=metrics.observe)

Other web sites must not use a reader on this machine: the Host check stops DNS rebinding, the checks of Sec-Fetch-Site
and Origin stop cross-site requests (https://web.dev/articles/fetch-metadata). There is no CORS.
"""

import asyncio
import hmac
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("tendigits.serve")

MAX_BODY = 32 * 2**20
"""Most bytes of a request; a photo of 12 megapixels has 3 to 8 MB."""

COOKIE, PHONE_COOKIE = "tendigits-token", "tendigits-phone"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
PUBLIC_PATHS = ("/live", "/ready")
"""Answered without a token, for load balancers."""
PHONE_REQUESTS = frozenset([
    ("GET", "/phone.html"), ("GET", "/phone.js"), ("GET", "/style.css"), ("GET", "/icon.svg"),
    ("POST", "/v1/phone/photos"),
])  # fmt: skip
"""All that the phone's token allows: to open the phone's page, and to send a photo."""

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
RawHeader = tuple[bytes, bytes]
RAW_HEADERS: list[RawHeader] = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

INTERNAL_ERROR = "internal server error; see the server's log"

Observer = Callable[[str, int, float], None]
"""Called with route, status and seconds of every answered request."""


@dataclass(frozen=True)
class SecuritySettings:
    """Which requests are accepted."""

    hosts: tuple[str, ...]
    """Names of this server in the Host header, without the port."""
    token: str | None = None
    """The token that requests need; None if only this machine can reach the server."""
    phone_token: str | None = None
    """A second token, which allows PHONE_REQUESTS only; needs `token`."""
    max_body: int = MAX_BODY


class SecurityMiddleware:
    """The outermost ASGI application."""

    def __init__(self, app: ASGIApp, settings: SecuritySettings, observe: Observer) -> None:
        self.app = RequestBodyLimitMiddleware(app, settings.max_body)
        self.settings, self.observe = settings, observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. An unexpected error is logged; its response reveals nothing of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id, started, status, is_complete = secrets.token_hex(8), time.perf_counter(), 0, False
        scope["request_id"] = request_id

        async def send_checked(message: Message) -> None:
            nonlocal status, is_complete
            is_complete = message["type"] == "http.response.body" and not message.get("more_body", False)
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_ours(message["headers"], request_id, scope.get("cookie"))
            await send(message)

        try:
            self._check(scope)
            await self.app(scope, receive, send_checked)
        except HTTPException as refused:
            await error_response(scope, refused.status_code, refused.detail)(scope, receive, send_checked)
        except asyncio.CancelledError:  # the server ends, and waits no longer for this request
            if status:
                raise
            ended = error_response(scope, 503, "the server ends; try again in a few seconds", {"retry-after": "5"})
            await ended(scope, receive, send_checked)
        except Exception:
            log.exception("request %s: %s %s", request_id, scope["method"], scope["path"])
            if status and not is_complete:
                raise  # half of the response is sent: uvicorn closes the connection
            if not status:
                await error_response(scope, 500, INTERNAL_ERROR)(scope, receive, send_checked)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self.observe(route, status or 500, time.perf_counter() - started)

    def _check(self, scope: Scope) -> None:
        request = HTTPConnection(scope)
        headers = request.headers
        host = headers.get("host", "")
        if _host_name(host) not in self.settings.hosts:
            raise HTTPException(421, f"expected a host name of this server, received {host[:100]!r}; see serve --name")
        if scope["method"] not in SAFE_METHODS:
            _check_origin(headers, host)
        if int(headers.get("content-length") or 0) > self.settings.max_body:
            raise HTTPException(413, f"expected at most {self.settings.max_body >> 20} MB")
        if headers.get("content-encoding", "identity") != "identity":
            raise HTTPException(415, "expected an uncompressed body")
        if self.settings.token is not None and scope["path"] not in PUBLIC_PATHS:
            self._check_token(request)

    def _check_token(self, request: HTTPConnection) -> None:
        """Accept a token in the Authorization header, its cookie, or the page's URL, which then sets the cookie."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        in_header = given if kind.lower() == "bearer" else ""
        in_url = request.query_params.get("token", "")
        for cookie, token in self._tokens_for(request.scope).items():
            if _is_equal(in_url, token):
                request.scope["cookie"] = f"{cookie}={token}; HttpOnly; SameSite=Strict; Path=/"
                return
            if _is_equal(in_header, token) or _is_equal(request.cookies.get(cookie, ""), token):
                return
        raise HTTPException(401, "expected the server's token, as 'Authorization: Bearer ...' or ?token=... in the URL")

    def _tokens_for(self, scope: Scope) -> dict[str, str]:
        """The tokens that allow a request, by the names of their cookies."""
        tokens = {COOKIE: self.settings.token}
        if (scope["method"], scope["path"]) in PHONE_REQUESTS:
            tokens[PHONE_COOKIE] = self.settings.phone_token
        return {cookie: token for cookie, token in tokens.items() if token}


def _with_ours(headers: Iterable[RawHeader], request_id: str, cookie: str | None) -> list[RawHeader]:
    """The headers of a response with ours; what the application has set itself stays."""
    own = {name for name, _ in headers}
    ours = [(name, value) for name, value in RAW_HEADERS if name not in own]
    ours.append((b"x-request-id", request_id.encode()))
    if cookie is not None:
        ours.append((b"set-cookie", cookie.encode()))
    return [*headers, *ours]


def _is_equal(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())


def _check_origin(headers: Headers, host: str) -> None:
    """Refuse what a browser sends on behalf of another site. Other programs send neither header and may pass."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        raise HTTPException(403, "expected a request from the server's own page, received one from another site")
    if origin is not None and _authority(origin) != host:
        raise HTTPException(403, "expected a request from the server's own page, received one from another origin")


def _authority(origin: str) -> str | None:
    """Host and port of an Origin header; None if it is malformed."""
    try:
        return urlsplit(origin).netloc
    except ValueError:  # "http://["
        return None


def _host_name(host: str) -> str:
    """A Host header without its port; empty if it is malformed."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises ValueError if it is not a number
    except ValueError:
        return ""
    return "" if "@" in host or parts.path else (parts.hostname or "").lower()


def error_response(scope: Scope, status: int, reason: str, headers: Mapping[str, str] = {}) -> JSONResponse:
    """The response of every error, with the id under which the log has it."""
    return JSONResponse({"error": reason, "status": status, "request_id": scope["request_id"]}, status, headers)
