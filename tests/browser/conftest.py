"""Debian's Chromium, driven by Playwright: one for each module."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from helpers import ServeProcess

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the session: while it is open, Playwright's event loop runs in this thread, and asyncio.run refuses."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser, clean_server: ServeProcess) -> Iterator[Callable[..., Page]]:
    """Open the page; in the end it has asked no other server, and the browser has logged no error."""
    contexts, complaints, elsewhere = [], [], []

    def start(path: str = "", **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith((clean_server.url, "blob:", "data:")) else
                elsewhere.append(request.url))  # fmt: skip
        page.goto(f"{clean_server.url}/{path}")
        return page

    start.complaints = complaints  # a test that expects one takes it out
    yield start
    for context in contexts:
        context.close()
    assert elsewhere == []
    assert complaints == []
