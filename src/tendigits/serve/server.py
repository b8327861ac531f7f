"""Run the application in uvicorn with our limits.

run_server("127.0.0.1", 8000, ...)
"""

import asyncio
import gc
import ipaddress
import logging
import secrets
import socket
import sys
import webbrowser
from pathlib import Path

import typer
import uvicorn

from tendigits.errors import UserError
from tendigits.machine import cores
from tendigits.play.session import Playground
from tendigits.read.reader import Reader
from tendigits.serve.active_model import fixed_reader
from tendigits.serve.app import LOCAL, create_app
from tendigits.serve.command import TIMEOUT
from tendigits.serve.edge.connection import limited_protocol
from tendigits.serve.edge.security import SecuritySettings
from tendigits.serve.jobs import Jobs
from tendigits.serve.reading.pages import PagePool
from tendigits.serve.reading.work import ReaderSource, prepare_reader
from tendigits.serve.routes.photo_inbox import PhotoInbox
from tendigits.serve.store_calls import LOCK_TIMEOUT
from tendigits.teach.store import Store
from tendigits.teach.verify import bundled_sha256

SWITCH_INTERVAL = 0.0005
"""Seconds before a thread hands over Python's lock. With Python's default, 0.005, reading threads and event loop wait
longer for each other, and one client gets 360 responses per second instead of 440."""

TOKEN_BYTES = 16
"""Of the tokens that are made for one run; more would make the QR code finer."""

ALL_ADDRESSES = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""What stands for all addresses of this machine, and the one that its own browser uses."""

PAGES_TIMEOUT, SHUTDOWN_TIMEOUT = 4.0, 7
"""Seconds after SIGTERM for pictures to be read; and for all requests to be answered, the others get 503, and for a job
to end: a training that is killed can be resumed. Supervisors wait 10 seconds (Docker) or longer before they kill."""


def is_local(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def network_address() -> str:
    """This machine's address in its network: the sender's, were a packet sent to elsewhere; none is.

    Raises:
        UserError: it is in no network.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documents, RFC 5737
        except OSError:
            raise UserError(
                "expected a network that the phone is in, too, found none; join one, or give this machine's --name"
            ) from None
        address: str = probe.getsockname()[0]
        return address


def run_server(
    host: str,
    port: int,
    names: tuple[str, ...],
    token: str | None,
    model: Path | None,
    store_location: str,
    runs: Path,
    *,
    phone: bool,
    browser: bool,
    page: str = "",
    timeout: float = TIMEOUT,
) -> None:
    """Listen until SIGINT or SIGTERM.

    Args:
        token: what requests need; with `phone` one is made, and printed, if there is none.
        page: the one to open, such as "#play".
        timeout: seconds until a picture must be read.
        phone: take photos from a phone, at the first of `names` or this machine's address in its network.

    Raises:
        UserError: the port is in use, the address is not one of this machine's, or there is no network for a phone.
        TendigitsError: the store or the network cannot be used.
    """
    reachable = _reachable(host, names) if phone else None
    listener = _listen(host, port)
    port = listener.getsockname()[1]
    address = _origin(ALL_ADDRESSES.get(host, host), port)
    told = page and f"/{page}" if token is None else f"/?token=...{page}"
    photos = phone_token = None
    if reachable is not None:
        if token is None:
            token = secrets.token_urlsafe(TOKEN_BYTES)
            told = f"/?token={token}{page}"
        phone_token = secrets.token_urlsafe(TOKEN_BYTES)
        names = (*names, reachable)
        photos = PhotoInbox(f"{_origin(reachable, port)}/phone.html?token={phone_token}")
    store = Store(store_location, lock_timeout=LOCK_TIMEOUT)
    reader = None if model is None else Reader(model, threads=1)
    security = SecuritySettings((*LOCAL, host.lower(), *(name.lower() for name in names)), token, phone_token)
    jobs, playground = Jobs(), Playground()
    source = ReaderSource(bundled_sha256()) if reader is None else fixed_reader(reader).source
    pages = PagePool(cores(), timeout, (prepare_reader, source))
    sys.setswitchinterval(SWITCH_INTERVAL)
    app = create_app(
        store, store_location, reader=reader, runs=runs, security=security, digit_workers=cores(), pages=pages,
        jobs=jobs, playground=playground, photos=photos,
    )  # fmt: skip
    logging.getLogger("tendigits.serve").addHandler(logging.StreamHandler())
    # No warnings: each request that is none would be a line, and a stranger could fill the disk.
    config = uvicorn.Config(
        app, http=limited_protocol(), ws="none", log_level="error", access_log=False, server_header=False,
        proxy_headers=False, timeout_graceful_shutdown=SHUTDOWN_TIMEOUT,
    )  # fmt: skip
    typer.echo(f"tendigits reads at {address}{told}   (Ctrl-C stops it)")
    typer.echo(f"corrections: {store.path}   runs: {runs}")
    if browser:
        webbrowser.open(f"{address}/{page}" if token is None else f"{address}/?token={token}{page}")
    _Server(config, pages, jobs, playground, photos).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Exits with code 0 on SIGINT and SIGTERM, where uvicorn would raise the signal again.

    What clients follow ends first, the playground, the job and the wait for a photo: they keep a connection open, and
    uvicorn waits for all connections.
    """

    def __init__(
        self, config: uvicorn.Config, pages: PagePool, jobs: Jobs, playground: Playground, photos: PhotoInbox | None
    ) -> None:
        super().__init__(config)
        self.pages, self.jobs, self.playground, self.photos = pages, jobs, playground, photos

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()  # a collection that goes through all that was imported stops every request for a tenth of a second

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.photos is not None:
            self.photos.end_wait()
        asyncio.get_running_loop().call_later(PAGES_TIMEOUT, self.pages.stop)
        await asyncio.gather(self.playground.close(), self.jobs.stop(SHUTDOWN_TIMEOUT), super().shutdown(sockets))

    def handle_exit(self, sig: int, frame: object) -> None:
        super().handle_exit(sig, None)
        self._captured_signals.clear()


def _reachable(host: str, names: tuple[str, ...]) -> str:
    """Where a phone reaches the server."""
    if names:
        return names[0]
    return network_address() if host in ALL_ADDRESSES else host


def _origin(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    """Bind first, so that an occupied port is reported before anything is loaded."""
    listener = None
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        if listener is not None:
            listener.close()
        raise UserError(f"cannot listen on {host}, port {port}: {error.strerror}; choose another --port") from None
    listener.listen(1024)
    return listener
