"""ASGI middleware that checks the host, origin, token and size of every request and adds headers to every response.

app.add_middleware(SecurityMiddleware, config=config, observe=metrics.observe)

Other web sites must not use a server on this machine: the Host check stops DNS rebinding, the checks of Sec-Fetch-Site
and Origin stop cross-site requests (https://web.dev/articles/fetch-metadata). There is no CORS.
"""

import asyncio
import hmac
import logging
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tendigits.serve.config import ServerConfig
from tendigits.serve.errors import INTERNAL_ERROR, error_response

log = logging.getLogger("tendigits.serve")

MAX_BODY_BYTES = 32 * 2**20  # of a request; a photo of 12 megapixels has 3 to 8 MB
# Of the bodies of requests that are not answered yet: each of n addresses may fill 1 / (n + 1) of it.
MAX_UNANSWERED_BYTES = 512 * 2**20

COOKIE, PHONE_COOKIE = "tendigits-token", "tendigits-phone"  # with the port: browsers send cookies to all ports
HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d*)?", re.ASCII)  # a Host header: the name, and perhaps a port
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
PUBLIC_PATHS = ("/live", "/ready")  # answered without a token, for load balancers
PHONE_REQUESTS = frozenset([  # all that the phone's token allows
    ("GET", "/phone.html"), ("GET", "/phone.js"), ("GET", "/style.css"), ("GET", "/icon.svg"),
    ("POST", "/v1/phone/photos"),
])  # fmt: skip

# The playground compiles WebAssembly, which may not evaluate JavaScript, in workers whose script the page has.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
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


class SecurityMiddleware:
    """Answers every refused request and every unexpected error as JSON; the error itself goes to the log only."""

    def __init__(self, app: ASGIApp, config: ServerConfig, observe: Callable[[str, int, float], None]) -> None:
        """`observe` is called with route, status and seconds of every answered request."""
        self.app, self.config, self.observe = app, config, observe
        self._unanswered_bytes: Counter[str] = Counter()  # by the client's address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id, started, received, status = secrets.token_hex(8), time.perf_counter(), 0, 0
        scope["request_id"] = request_id
        address, unanswered = (scope["client"] or ("",))[0], self._unanswered_bytes

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            if n := len(message.get("body", b"")):
                received += n
                unanswered[address] += n
            if received > MAX_BODY_BYTES:
                raise HTTPException(413, f"expected at most {MAX_BODY_BYTES >> 20} MB")
            if n and unanswered[address] * (len(unanswered) + 1) > MAX_UNANSWERED_BYTES:
                raise HTTPException(503, "too many pictures are arriving; try again in a second", {"retry-after": "1"})
            return message

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers["x-request-id"] = request_id
                if "cookie" in scope:
                    headers.append("set-cookie", scope["cookie"])
            await send(message)

        async def respond(error: HTTPException) -> None:
            await error_response(scope, error)(scope, receive, send_with_headers)

        try:
            self._check(scope)
            await self.app(scope, receive_limited, send_with_headers)
        except HTTPException as error:
            await respond(error)
        except asyncio.CancelledError:  # the server stops before the request is answered
            if status:
                raise
            await respond(HTTPException(503, "the server ends; try again in a few seconds", {"retry-after": "5"}))
        except Exception:
            log.exception("request %s: %s %.200r", request_id, scope["method"], scope["path"])
            if status:
                raise  # uvicorn closes the connection, so that the client sees that the response is incomplete
            await respond(HTTPException(500, INTERNAL_ERROR))
        finally:
            unanswered[address] -= received
            if not unanswered[address]:
                del unanswered[address]
            route = getattr(scope.get("route"), "path", "other")
            self.observe(route, status or 500, time.perf_counter() - started)

    def _check(self, scope: Scope) -> None:
        if not scope["path"].startswith("/"):  # CONNECT, or the address of another server
            raise HTTPException(400, f"expected a path on this server, received {scope['path'][:100]!r}")
        request = HTTPConnection(scope)
        headers, host = request.headers, request.headers.get("host", "")
        if (name := HOST.fullmatch(host)) is None or name[1].lower().strip("[]") not in self.config.hosts:
            raise HTTPException(421, f"expected a host name of this server, received {host[:100]!r}; see serve --name")
        if scope["method"] not in SAFE_METHODS:  # programs other than browsers send neither of the two headers
            is_foreign = headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
            if is_foreign or headers.get("origin", f"://{host}").partition("://")[2] != host:
                raise HTTPException(
                    403, "expected a request from the server's own page, received one from another site"
                )
        if int(headers.get("content-length") or 0) > MAX_BODY_BYTES:
            raise HTTPException(413, f"expected at most {MAX_BODY_BYTES >> 20} MB")
        if headers.get("content-encoding", "identity") != "identity":
            raise HTTPException(415, "expected an uncompressed body")
        if self.config.token is not None and scope["path"] not in PUBLIC_PATHS:
            self._check_token(request)

    def _check_token(self, request: HTTPConnection) -> None:
        """Accept a token in the Authorization header, its cookie, or the page's URL, which then sets the cookie."""
        kind, _, in_header = request.headers.get("authorization", "").partition(" ")
        tokens = {COOKIE: self.config.token}
        if (request.scope["method"], request.scope["path"]) in PHONE_REQUESTS:
            tokens[PHONE_COOKIE] = self.config.phone_token
        for name, token in tokens.items():
            cookie = f"{name}-{request.scope['server'][1]}"
            if token and _is_equal(request.query_params.get("token", ""), token):
                request.scope["cookie"] = f"{cookie}={token}; HttpOnly; SameSite=Strict; Path=/"
                return
            given = [request.cookies.get(cookie, ""), in_header if kind.lower() == "bearer" else ""]
            if token and any(_is_equal(each, token) for each in given):
                return
        raise HTTPException(401, "expected the server's token, as 'Authorization: Bearer ...' or ?token=... in the URL")


def _is_equal(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())
