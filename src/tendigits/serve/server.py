"""Run the application in uvicorn.

run_server(ServerConfig(store="corrections.db"))
"""

import asyncio
import ipaddress
import logging
import secrets
import socket
import sys
import webbrowser
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import segno
import typer
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from tendigits.errors import UserError
from tendigits.serve.app import create_app
from tendigits.serve.config import SHUTDOWN_SECONDS, ServerConfig
from tendigits.serve.protocol import LimitedProtocol
from tendigits.serve.state import AppState

TOKEN_BYTES = 16  # of a token that is made for one run; a longer one would make the QR code harder to scan

# The wildcard addresses, and the address that this machine's browser opens instead.
ALL_ADDRESSES = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104

MAX_MESSAGES_PER_MINUTE = 20  # in the log
MAX_MESSAGE_CHARACTERS = 10_000  # a traceback has about 4,000


class LimitedHandler(logging.StreamHandler[TextIO]):
    """Writes a limited number of messages: clients that cause errors must not fill the disk."""

    _minute = _n = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a message, or count it as left out."""
        minute = int(record.created // 60)
        if minute != self._minute:
            if self._n > MAX_MESSAGES_PER_MINUTE:
                self.stream.write(f"{self._n - MAX_MESSAGES_PER_MINUTE:,} more messages were left out\n")
            self._minute, self._n = minute, 0
        self._n += 1
        if self._n <= MAX_MESSAGES_PER_MINUTE:
            super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        """A message with its traceback; the middle of a long one is left out."""
        text, half = super().format(record), MAX_MESSAGE_CHARACTERS // 2
        return text if len(text) <= MAX_MESSAGE_CHARACTERS else f"{text[:half]} ... {text[-half:]}"


def run_server(config: ServerConfig, *, phone: bool = False, page: str = "", browser: bool = False) -> None:
    """Listen until SIGINT or SIGTERM.

    Args:
        phone: take photos from a phone, at the first of the config's names or this machine's address in its network;
            a token is made, and printed, if the config has none.
        page: the part of the page to open, such as "#play".
        browser: open the page in a browser.

    Raises:
        UserError: other machines reach the server and it has no token, the port is in use, the address is not one of
            this machine's, or there is no network for a phone.
        TendigitsError: the store or the network cannot be used.
    """
    _check_reach(config, phone, page)
    reachable = _reachable_host(config) if phone else ""
    listener = _listen(config.host, config.port)
    port = listener.getsockname()[1]
    is_token_known = config.token is not None
    if phone:
        phone_token = secrets.token_urlsafe(TOKEN_BYTES)
        config = replace(
            config,
            token=config.token or secrets.token_urlsafe(TOKEN_BYTES),
            names=(*config.names, reachable),
            phone_url=_url(reachable, port, "/phone.html", phone_token),
            phone_token=phone_token,
        )
    app = create_app(config)
    logging.getLogger().addHandler(LimitedHandler())
    host, path = ALL_ADDRESSES.get(config.host, config.host), "/" if config.token or page else ""
    shown = _url(host, port, path, "..." if is_token_known else config.token)
    typer.echo(f"tendigits reads at {shown}{page}   (Ctrl-C stops it)")
    typer.echo(f"corrections: {config.store}   runs: {config.runs}")
    if browser:
        webbrowser.open(_url(host, port, path, config.token) + page)
    _listen_until_stopped(app, listener)


def serve_playground(config: ServerConfig, folder: Path, *, phone: bool = False, browser: bool = False) -> None:
    """Serve the files of an exported playground until SIGINT or SIGTERM. Nothing in it is secret: it needs no token.

    Args:
        phone: print this machine's address in its network, and in a terminal a QR code.
        browser: open the page in a browser.

    Raises:
        UserError: the port is in use, the address is not one of this machine's, or there is no network for a phone.
    """
    if phone:
        _check_reach(config, phone)
    host = _reachable_host(config) if phone else ALL_ADDRESSES.get(config.host, config.host)
    listener = _listen(config.host, config.port)
    url = _url(host, listener.getsockname()[1], "/", None)
    typer.echo(f"tendigits plays at {url}   (Ctrl-C stops it)")
    if phone and sys.stdout.isatty():
        segno.make_qr(url).terminal(compact=True)
    if browser and not phone:
        webbrowser.open(url)
    _listen_until_stopped(Starlette(routes=[Mount("/", StaticFiles(directory=folder, html=True))]), listener)


def _listen_until_stopped(app: ASGIApp, listener: socket.socket) -> None:
    # Invalid requests are not logged: a stranger could fill the disk.
    uvicorn_config = uvicorn.Config(
        app, http=LimitedProtocol, loop="asyncio", ws="none",
        log_config=None, log_level="critical", access_log=False, server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )  # fmt: skip
    _Server(uvicorn_config).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Exits with code 0 on SIGINT and SIGTERM, where uvicorn would raise the signal again."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        ending = [super().shutdown(sockets)]
        if isinstance(self.config.app, FastAPI):
            # At the same time: uvicorn waits for the connections of those who follow a job or wait for a photo.
            state: AppState = self.config.app.state.tendigits
            ending.append(state.end_streams())
        await asyncio.gather(*ending)

    def handle_exit(self, sig: int, frame: object) -> None:
        super().handle_exit(sig, None)
        self._captured_signals.clear()


def _check_reach(config: ServerConfig, phone: bool, page: str = "") -> None:
    """Refuse an address that would be unsafe, or useless for a phone; `page` says which command was called."""
    host, is_local = config.host, config.host == "localhost"
    with suppress(ValueError):
        is_local = is_local or ipaddress.ip_address(host).is_loopback
    if phone and is_local:
        raise UserError(f"expected an address that a phone can reach, received {host}; leave out --host or --phone")
    if not is_local and config.token is None and not phone:
        command = "play" if page else "serve"
        alone = "; the playground alone needs none: tendigits play --phone" if page else ""
        raise UserError(
            f"expected a token in TENDIGITS_TOKEN because other machines can reach {host}, found none; "
            f"set one: TENDIGITS_TOKEN=$(openssl rand -hex 16) tendigits {command} --host {host}{alone}"
        )


def _reachable_host(config: ServerConfig) -> str:
    """Where a phone reaches the server. Raises UserError if this machine is in no network."""
    if config.names:
        return config.names[0]
    if config.host not in ALL_ADDRESSES:
        return config.host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; the address is for documentation, RFC 5737
        except OSError:
            raise UserError(
                "expected a network that the phone is in, too, found none; join one, or give this machine's --name"
            ) from None
        address: str = probe.getsockname()[0]
        return address


def _url(host: str, port: int, path: str, token: str | None) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{path}{f'?token={token}' if token else ''}"


def _listen(host: str, port: int) -> socket.socket:
    """Bind first, so that a port in use is reported before anything is loaded."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY for TCP only
    # On Windows SO_REUSEADDR would let two servers listen on the same port.
    listener.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR), 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UserError(f"cannot listen on {host}, port {port}: {error.strerror}; choose another --port") from None
    listener.listen(1024)
    return listener
