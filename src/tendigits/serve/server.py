"""uvicorn with our limits: what listens, what is printed, and how it ends.

run_server("127.0.0.1", 8000, ...)
"""

import ipaddress
import logging
import socket
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn

from tendigits.batch.workers import cores
from tendigits.errors import UserError
from tendigits.read.reader import Reader
from tendigits.serve.app import LOCAL, create_app
from tendigits.serve.jobs import Jobs
from tendigits.serve.security import Rules
from tendigits.serve.timeouts import with_deadline
from tendigits.teach.migrations import open_store

ARRIVAL = 20.0
"""Seconds that a request has to arrive: a photo of 8 MB does over 4 MBit/s."""

CONNECTIONS = 512
"""At a time; more are answered with 503."""

SWITCH = 0.0005
"""Seconds after which a thread lets another one have Python's lock. With Python's own 0.005, who has read digits waits
for who answers requests, and one client gets 360 answers a second where these are 440."""

GRACE = 40
"""Seconds that requests which have begun have to end after SIGTERM."""


def is_local(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def run_server(
    host: str,
    port: int,
    names: tuple[str, ...],
    token: str | None,
    model: Path | None,
    place: str,
    runs: Path,
    say: Callable[[str], None],
    *,
    browser: bool,
) -> None:
    """Listen until SIGINT or SIGTERM.

    Raises:
        UserError: the port is taken, or the address is not this machine's.
        TendigitsError: the store or the network cannot be used.
    """
    listener = _listen(host, port)
    address = _address(host, listener.getsockname()[1])
    store = open_store(place)
    reader = None if model is None else Reader(model, threads=1)
    rules = Rules((*LOCAL, host.lower(), *(name.lower() for name in names)), token)
    jobs = Jobs()
    sys.setswitchinterval(SWITCH)
    app = create_app(store, place, reader=reader, runs=runs, rules=rules, finders=cores(), jobs=jobs)
    logging.getLogger("tendigits.serve").addHandler(logging.StreamHandler())
    config = uvicorn.Config(
        app, http=with_deadline(ARRIVAL), ws="none", limit_concurrency=CONNECTIONS, log_level="warning",
        access_log=False, server_header=False, proxy_headers=False, timeout_graceful_shutdown=GRACE,
    )  # fmt: skip
    say(f"tendigits reads at {address}{'' if token is None else '/?token=...'}   (Ctrl-C ends it)")
    say(f"corrections: {store.place}   runs: {runs}")
    if browser:
        webbrowser.open(address if token is None else f"{address}/?token={token}")
    _Server(config, jobs).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends with exit code 0 when it was asked to end: uvicorn would raise the signal once more.

    The job ends first: who follows it holds a connection for as long, and uvicorn waits for all connections.
    """

    def __init__(self, config: uvicorn.Config, jobs: Jobs) -> None:
        super().__init__(config)
        self.jobs = jobs

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self.jobs.stop()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: object) -> None:
        super().handle_exit(sig, None)
        self._captured_signals.clear()


def _listen(host: str, port: int) -> socket.socket:
    """Listen at once, so that a port that is taken is told before anything is loaded."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        raise UserError(f"cannot listen on {host}, port {port}: {error.strerror}; choose another --port") from None
    listener.listen(1024)
    return listener


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
