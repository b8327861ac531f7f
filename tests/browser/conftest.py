"""A real server and Debian's Chromium, driven by Playwright."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: while it is open, Playwright's event loop runs in this thread, and asyncio.run refuses."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Of a server with a store and runs of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tendigits", "serve", "--port", "0", "--store", str(tmp_path / "a.db"),
         "--runs", str(tmp_path / "runs")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
    )  # fmt: skip
    match = re.search(r"http://\S+", process.stdout.readline())
    if match is None:
        raise RuntimeError(process.communicate()[1])
    yield match[0]
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open the page; in the end nothing was asked of anybody else, and the browser has complained of nothing."""
    contexts, complaints, elsewhere = [], [], []

    def start(hash_: str = "", **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith((address, "blob:", "data:")) else
                elsewhere.append(request.url))  # fmt: skip
        page.goto(f"{address}/{hash_}")
        return page

    start.complaints = complaints  # a test that expects one takes it out
    yield start
    for context in contexts:
        context.close()
    assert elsewhere == []
    assert complaints == []
