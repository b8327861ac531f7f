"""Debian's Chromium, driven by Playwright, and the exported pages."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from processes import ServeProcess

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


expect.set_options(timeout=20_000)  # milliseconds: the machine may be busy with other tests

running = ExitStack()
"""Closes Chromium and Playwright."""


@cache
def launch() -> Browser:
    playwright = running.enter_context(sync_playwright())
    launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    running.callback(launch.cache_clear)
    running.callback(launched.close)
    return launched


@pytest.fixture(scope="module")
def browser() -> Browser:
    """One for all modules of this folder."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    return launch()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Close the browser before tests of other folders: asyncio.run refuses a thread in which Playwright's loop runs."""
    try:
        return (yield)
    finally:
        if nextitem is None or nextitem.path.parent != item.path.parent:
            running.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open an address; in the end the browser has logged no errors."""
    contexts = []

    def start(address: str, **options: Any) -> Page:
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on(
            "console",
            lambda message: (
                start.complaints.append(f"{message.text} {message.location}") if message.type == "error" else None
            ),
        )
        page.on("pageerror", lambda error: start.complaints.append(str(error)))
        page.on("request", lambda request: start.requested.append(request.url))
        page.goto(address)
        return page

    start.complaints = []  # a test that expects an error removes it
    start.requested = []
    yield start
    for context in contexts:
        context.close()
    assert start.complaints == []


@pytest.fixture
def open_page(visit: Any, clean_server: ServeProcess) -> Iterator[Callable[..., Page]]:
    """Open the page; in the end it has made no requests to other servers."""

    def start(path: str = "", **options: Any) -> Page:
        return visit(f"{clean_server.url}/{path}", **options)

    start.complaints = visit.complaints
    yield start
    assert [url for url in visit.requested if not url.startswith((clean_server.url, "blob:", "data:"))] == []


@pytest.fixture(scope="session")
def exported(digits_npz, tmp_path_factory, request) -> Callable[[str], Path]:
    """The folder of an exported page, made once: of the reader, its int8 version, a small run, or both networks."""

    @cache
    def export(which: str) -> Path:
        from tendigits.export.source import open_source
        from tendigits.export.web import export_page, fetch_runtime

        reader = open_source("reader", digits_npz)
        sources = {"run": (), "both": (reader,)}.get(which, (reader,))
        if which in ("run", "both"):
            sources += (open_source(request.getfixturevalue("run_that_reads")),)
        folder = tmp_path_factory.mktemp("pages") / which
        export_page(sources[0], fetch_runtime(), int8=which == "int8", folder=folder, others=sources[1:])
        return folder

    return export


@pytest.fixture
def open_exported(visit: Any) -> Iterator[Callable[..., Page]]:
    """Open a page and wait for its network; in the end it has requested only its own files."""

    def start(address: str, **options: Any) -> Page:
        page = visit(address, **options)
        page.wait_for_selector("html[data-ready]", timeout=60_000)
        return page

    yield start
    files = {"", "index.html", "style.css", "tendigits.js", "icon.svg", "favicon.ico"}
    assert {url.rsplit("/", 1)[-1] for url in visit.requested if not url.startswith("blob:")} <= files
