"""tendigits.Pad in a real JupyterLab with a real kernel; nothing leaves the machine."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from browser import EMPTY, draw
from drawing import THREE
from processes import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

TOKEN = "token-of-the-tests"
STARTING = 60_000
"""Milliseconds for JupyterLab, a kernel or the pad to start."""
PAD = "import tendigits\npad = tendigits.Pad()\npad"


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[str]:
    """The address of a JupyterLab with one notebook and its own settings."""
    import nbformat

    folder: Path = tmp_path_factory.mktemp("lab")
    variables = ("IPYTHONDIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_CONFIG_DIR",
                 "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")  # fmt: skip
    environment = os.environ | {name: str(folder / name) for name in variables}
    settings = folder / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps({"fetchNews": "false"}))
    cells = [nbformat.v4.new_code_cell(code) for code in (PAD, "")]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "pad.ipynb")
    port, log = free_port(), folder / "log"
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.extension_manager=readonly",
    ]  # fmt: skip
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
    try:
        until = time.monotonic() + STARTING / 1000
        while "/lab?token=" not in log.read_text():
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=60)


@pytest.fixture(scope="module")
def notebook(browser: Browser, lab: str) -> Iterator[Page]:
    """The notebook after its first cell ran; in the end it made no other requests and logged no errors."""
    page, elsewhere, complaints = browser.new_page(viewport={"width": 1200, "height": 1100}), [], []
    page.on("request", lambda each: elsewhere.append(each.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{lab}/lab/tree/pad.ipynb?token={TOKEN}&reset")
    page.locator("#jp-main-statusbar", has_text="| Idle").wait_for(timeout=STARTING)  # the kernel is there
    page.locator(".jp-Notebook .jp-Cell").first.click()
    page.keyboard.press("Shift+Enter")
    page.locator("#pad").wait_for(timeout=STARTING)
    yield page
    page.close()
    assert [url for url in elsewhere if not url.startswith((lab, "blob:", "data:"))] == []
    assert complaints == []


@pytest.fixture
def page(notebook: Page) -> Page:
    """With nothing drawn."""
    notebook.locator("#pad").scroll_into_view_if_needed()
    notebook.click("#pad-clear")
    expect_text(notebook, EMPTY)
    return notebook


def expect_text(page: Page, text: str) -> None:
    expect(page.locator("#prediction")).to_have_text(text)


def run(page: Page, code: str) -> Locator:
    """Begin to run code in the second cell. Returns the cell."""
    cell = page.locator(".jp-Cell").nth(1)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.type(code)
    page.keyboard.press("Control+Enter")
    return cell


def ask(page: Page, code: str) -> str:
    """What the kernel prints."""
    cell = run(page, code)
    expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))
    return cell.locator(".jp-OutputArea-output").inner_text(timeout=STARTING).strip()


def choose_theme(page: Page, name: str) -> None:
    page.locator(".lm-MenuBar-itemLabel", has_text="Settings").click()
    for item in ("Theme", name):
        page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{item}$")).last.click()
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", name)
    expect(page.locator("#jupyterlab-splash")).to_have_count(0)


def test_a_digit_is_read_while_it_is_drawn_and_the_kernel_has_it(page):
    draw(page, THREE, release=False)
    expect(page.locator("#prediction b")).to_have_text("3")
    page.mouse.up()
    expect(page.locator("#bars .best")).to_have_text(re.compile(r"^39\d"))
    expect(page.locator("#layers canvas")).to_have_count(5)
    printed = ask(page, "print(pad.digit.label, pad.digit.accepted, pad.image.shape, pad.page.numbers[0].value)")
    assert printed == "3 True (28, 28) 3"


def test_the_keyboard_alone_draws_and_jupyterlab_leaves_it_its_keys(page):
    page.locator("#pad").focus()
    page.keyboard.press(" ")
    for _ in range(22):
        page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    expect(page.locator("#prediction b")).to_have_text("1")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Undo
    expect_text(page, EMPTY)
    for key in "ddxabz":  # JupyterLab's for deleting, cutting and adding cells
        page.keyboard.press(key)
    expect(page.locator(".jp-Cell")).to_have_count(2)
    assert ask(page, "print(pad.digit)") == "None"


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_either_theme_can_be_read(page, theme):
    choose_theme(page, theme)
    draw(page, THREE)
    expect(page.locator("#prediction b")).to_have_text("3")
    page.wait_for_function("!document.getAnimations().length")
    result = Axe().run(page, context={"include": [[".tendigits-pad"]]})
    assert result.violations_count == 0, result.generate_report()


def test_a_second_view_shows_the_same_drawing(page):
    draw(page, THREE)
    expect(page.locator("#prediction b")).to_have_text("3")
    ask(page, "pad")
    second = page.locator(".tendigits-pad").nth(1)
    expect(second.locator("#prediction b")).to_have_text("3")
    second.locator("#pad-clear").click()
    expect(page.locator("#prediction").first).to_have_text(EMPTY)
    ask(page, "print()")


def test_while_a_cell_runs_the_drawing_waits_and_the_pad_says_so(page):
    run(page, "import time; time.sleep(5)")
    draw(page, THREE)
    expect_text(page, "Waiting for the kernel, which is busy …")
    expect(page.locator("#prediction b")).to_have_text("3", timeout=STARTING)
