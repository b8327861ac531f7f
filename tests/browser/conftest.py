"""A real server and Debian's Chromium, driven by Playwright: one of each for all tests here."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from helpers import ServeProcess

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """For this package: while it is open, Playwright's event loop runs in this thread, and asyncio.run refuses."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    running = ServeProcess(tmp_path_factory.mktemp("browser"))
    yield running.url
    assert "Traceback" not in running.stop()


@pytest.fixture
def address(server: str) -> str:
    """The server's, without corrections and with the package's own network."""
    for item in httpx.get(f"{server}/v1/corrections?n=1000").json()["corrections"]:
        httpx.delete(f"{server}/v1/corrections/{item['id']}")
    while httpx.post(f"{server}/v1/networks/rollback").status_code == 200:
        pass
    return server


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open the page; in the end it has asked no other server, and the browser has logged no error."""
    contexts, complaints, elsewhere = [], [], []

    def start(path: str = "", **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith((address, "blob:", "data:")) else
                elsewhere.append(request.url))  # fmt: skip
        page.goto(f"{address}/{path}")
        return page

    start.complaints = complaints  # a test that expects one takes it out
    yield start
    for context in contexts:
        context.close()
    assert elsewhere == []
    assert complaints == []
