"""The commands `tendigits serve` and `tendigits play`.

tendigits serve --help
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from tendigits.errors import UserError
from tendigits.extras import require
from tendigits.options import Runs, run_option
from tendigits.serve.config import TIMEOUT_SECONDS, ServerConfig
from tendigits.teach.command import StoreOption, store_location

TOKEN = "TENDIGITS_TOKEN"  # noqa: S105  # the name of a variable

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.", metavar="N")]
Names = Annotated[
    list[str] | None, typer.Option("--name", help="Another host name of this server; may be repeated.", metavar="HOST")
]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")]


Host = Annotated[
    str | None,
    typer.Option(help="Address to listen on.", metavar="ADDRESS", show_default="127.0.0.1, or all with --phone"),
]


def serve(
    host: Host = None,
    port: Port = 8000,
    name: Names = None,
    model: Annotated[
        Path | None, run_option("Always read with this network, not with fine-tuned ones.", "RUN|FILE")
    ] = None,
    store: StoreOption = None,
    runs: Runs = Path("runs"),
    phone: Annotated[
        bool, typer.Option("--phone", help="Take photos from a phone in the same network: the page shows a QR code.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds until a picture must be read; then 503.", metavar="SECONDS")
    ] = TIMEOUT_SECONDS,
    no_browser: NoBrowser = False,
) -> None:
    """Start the web page and the REST API: draw, read, correct, teach, train.

    If other machines can reach it, set TENDIGITS_TOKEN: every request then needs this token.
    With --phone, one is made if you set none.
    """
    require("tendigits serve", "serve", "sheet")
    host = host or ("0.0.0.0" if phone else "127.0.0.1")  # noqa: S104  # on purpose, and with a token
    config = ServerConfig(
        store_location(store), runs, model, host, port, names=tuple(name or ()), token=_token(), timeout=timeout
    )
    _run(config, phone=phone, no_browser=no_browser)


def play(
    host: Host = None,
    port: Port = 8000,
    name: Names = None,
    store: StoreOption = None,
    runs: Runs = Path("runs"),
    run: Annotated[str | None, run_option("Begin with a run's network: draw, and train it further.")] = None,
    phone: Annotated[
        bool, typer.Option("--phone", help="Let phones and tablets in the same network play; shows a QR code.")
    ] = False,
    no_browser: NoBrowser = False,
) -> None:
    """Start the page at its playground: build a network, watch it learn, draw into it meanwhile.

    With --phone or --run only the playground is served, as `tendigits export play` writes it. It needs no token.
    """
    require("tendigits play", "serve", *(["train"] if run else []))
    host = host or ("0.0.0.0" if phone else "127.0.0.1")  # noqa: S104  # on purpose: the files are nobody's secret
    names = tuple(name or ())
    if phone or run:
        from tendigits.runs.run import find_run
        from tendigits.serve.server import serve_playground
        from tendigits.web.playground import write_playground

        with TemporaryDirectory() as folder:
            write_playground(Path(folder), run=find_run(run, runs) if run else None)
            config = ServerConfig("", runs, host=host, port=port, names=names)
            serve_playground(config, Path(folder), phone=phone, browser=not no_browser and sys.stdout.isatty())
        return
    config = ServerConfig(store_location(store), runs, host=host, port=port, names=names, token=_token())
    _run(config, page="#play", no_browser=no_browser)


def _token() -> str | None:
    token = os.environ.get(TOKEN) or None
    if token is not None and (len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token):
        raise UserError(
            f"expected at least 16 characters without spaces in {TOKEN}; make one with: openssl rand -hex 16"
        )
    return token


def _run(config: ServerConfig, *, phone: bool = False, page: str = "", no_browser: bool) -> None:
    from tendigits.serve.server import run_server  # imports FastAPI

    run_server(config, phone=phone, page=page, browser=not no_browser and sys.stdout.isatty())
