"""Run the application in uvicorn with our limits.

run_server("127.0.0.1", 8000, ...)
"""

import ipaddress
import logging
import socket
import sys
import webbrowser
from pathlib import Path

import typer
import uvicorn

from tendigits.errors import UserError
from tendigits.model.environment import cores
from tendigits.read.reader import Reader
from tendigits.serve.app import LOCAL, create_app
from tendigits.serve.jobs import Jobs
from tendigits.serve.security import SecuritySettings
from tendigits.serve.timeouts import with_receive_timeout
from tendigits.teach.migrations import open_store

RECEIVE_TIMEOUT = 20.0
"""Seconds for a request to arrive: a photo of 8 MB does at 4 Mbit/s."""

MAX_CONNECTIONS = 512
"""Simultaneous connections; further ones are answered with 503."""

SWITCH_INTERVAL = 0.0005
"""Seconds before a thread hands over Python's lock. With Python's default, 0.005, reading threads and event loop wait
longer for each other, and one client gets 360 responses per second instead of 440."""

SHUTDOWN_TIMEOUT = 40
"""Seconds for running requests to finish after SIGTERM."""


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
    store_location: str,
    runs: Path,
    *,
    browser: bool,
) -> None:
    """Listen until SIGINT or SIGTERM.

    Raises:
        UserError: the port is in use, or the address is not one of this machine's.
        TendigitsError: the store or the network cannot be used.
    """
    listener = _listen(host, port)
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{listener.getsockname()[1]}"
    store = open_store(store_location)
    reader = None if model is None else Reader(model, threads=1)
    security = SecuritySettings((*LOCAL, host.lower(), *(name.lower() for name in names)), token)
    jobs = Jobs()
    sys.setswitchinterval(SWITCH_INTERVAL)
    app = create_app(store, store_location, reader=reader, runs=runs, security=security, locators=cores(), jobs=jobs)
    logging.getLogger("tendigits.serve").addHandler(logging.StreamHandler())
    config = uvicorn.Config(
        app, http=with_receive_timeout(RECEIVE_TIMEOUT), ws="none", limit_concurrency=MAX_CONNECTIONS,
        log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT,
    )  # fmt: skip
    typer.echo(f"tendigits reads at {address}{'' if token is None else '/?token=...'}   (Ctrl-C stops it)")
    typer.echo(f"corrections: {store.url}   runs: {runs}")
    if browser:
        webbrowser.open(address if token is None else f"{address}/?token={token}")
    _Server(config, jobs).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Exits with code 0 on SIGINT and SIGTERM, where uvicorn would raise the signal again.

    The job is stopped first: a client that follows it keeps a connection open, and uvicorn waits for all connections.
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
