"""The command `tendigits serve`.

tendigits serve --help
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tendigits.errors import UserError
from tendigits.extras import require
from tendigits.options import Runs
from tendigits.teach.command import StoreOption, store_url

TOKEN = "TENDIGITS_TOKEN"  # noqa: S105  # the name of a variable


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.", metavar="ADDRESS")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.", metavar="N")] = 8000,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="Other names of this server, in requests.", metavar="HOST")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Read with this network, whatever is taught.", metavar="RUN|FILE")
    ] = None,
    store: StoreOption = None,
    runs: Runs = Path("runs"),
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
) -> None:
    """Serve the page and the REST API: draw, read, correct, teach, train.

    Where others can reach it, the environment's TENDIGITS_TOKEN must hold a token, which every request then needs.
    """
    require("tendigits serve", "serve")
    from tendigits.serve.server import is_local, run_server

    token = os.environ.get(TOKEN) or None
    if token is not None and (len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token):
        raise UserError(f"expected at least 16 letters and digits in {TOKEN}; make one with: openssl rand -hex 16")
    if not is_local(host) and token is None:
        raise UserError(
            f"expected a token in {TOKEN} where others can reach the server ({host}), found none; "
            f"set one: {TOKEN}=$(openssl rand -hex 16) tendigits serve --host {host}"
        )
    browser = not no_browser and sys.stdout.isatty()
    run_server(host, port, tuple(name or ()), token, model, store_url(store), runs, typer.echo, browser=browser)
