"""The sheets "What to try first": they fit on two pages of A4, and what they say is there, and so."""

import re
import shlex
import tomllib
from pathlib import Path

import httpx
import pypdfium2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from typer.main import get_command

from helpers import THREE, draw_in_play
from tendigits import cli

pytestmark = pytest.mark.xdist_group("browser")

STARTING = 120_000
"""Milliseconds in which a network is made on a machine that is busy with other tests."""


@pytest.fixture
def play(open_page, clean_server):
    """The page Play without networks; in the end they are deleted."""

    def delete() -> None:
        for name in "ba":
            httpx.delete(f"{clean_server.url}/v1/play/networks/{name}", timeout=60)

    delete()
    page = open_page("#play")
    yield page
    page.goto("about:blank")  # it would ask for the networks
    delete()


def draw_anew(page: Page, points: list[tuple[float, float]]) -> None:
    page.click("#play-pad-clear")
    draw_in_play(page, points)


def accuracy(page: Page) -> float:
    """The number under Test, in percent."""
    return float(page.locator("#figures-a td").nth(4).inner_text().rstrip("%"))


def train_until(page: Page, epoch: float) -> None:
    page.click("#play-train")
    expect(page.locator("#play-train")).to_have_text("Pause", timeout=STARTING)
    page.wait_for_function(
        "least => Number(document.querySelector('#figures-a')?.children[2].textContent) >= least",
        arg=epoch, timeout=STARTING,
    )  # fmt: skip
    page.click("#play-train")
    expect(page.locator("#play-status")).to_have_text("Paused.", timeout=STARTING)


def test_two_sheets_black_on_white_in_a_dark_theme_too(open_page):
    page = open_page("try.html", color_scheme="dark")
    assert len(pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True))) == 2
    for document in (page, open_page("try.html", viewport={"width": 390, "height": 844})):
        assert document.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert Axe().run(document).response["violations"] == []
    page.click("nav a")
    expect(page.locator("#play-title")).to_be_visible()
    page.click("#play a[href='try.html']")
    expect(page.locator("h1")).to_have_text("What to try first")


def test_what_the_sheets_have_a_person_type_exists(open_page):
    install, start = sorted(open_page("try.html").locator("code").all_inner_texts())
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert shlex.split(start)[0] in project["scripts"]
    assert shlex.split(start)[1] in get_command(cli.app).commands
    extras = re.fullmatch(r"pip install tendigits\[(.*)\]", " ".join(shlex.split(install)))[1]
    assert set(extras.split(",")) <= set(project["optional-dependencies"])


@pytest.mark.slow
def test_the_experiments_go_as_the_teacher_is_told(play):
    """The lessons, which are experiments 5 to 7, are tested with the page Play."""
    play.click("#play-batch")
    expect(play.locator("#play-status")).to_have_text("Paused.", timeout=STARTING)
    draw_anew(play, THREE)
    expect(play.locator("#play-reads")).to_have_text(re.compile(r"^A reads \d, "), timeout=STARTING)
    bars = [float(text.rstrip("%")) for text in play.locator("#play-bars-a .percent").all_inner_texts()]
    assert len(bars) == 10
    assert all(4 < bar < 20 for bar in bars)
    train_until(play, 1)
    assert accuracy(play) > 95
    expect(play.locator("#play-reads")).to_have_text(re.compile("^A reads 3, "))
    draw_anew(play, [(0.55 + 0.4 * x, 0.55 + 0.4 * y) for x, y in THREE])  # small, in a corner
    expect(play.locator("#play-reads")).to_have_text(re.compile("^A reads 3, "))
    draw_anew(play, [(1 - x, 1 - y) for x, y in THREE])  # upside down
    expect(play.locator("#play-reads")).to_have_text(re.compile("^A reads [^3], "))

    for digits, least, most in (("100", 60, 78), ("1000", 85, 92)):
        play.select_option("#play-digits", digits)
        train_until(play, 20)
        assert least < accuracy(play) < most
    play.select_option("#play-digits", "60000")
    play.click("#play-fewer")
    for units, least, most in (("16", 90, 95), ("1", 15, 40)):
        play.fill("#play-units-0", units)
        play.locator("#play-units-0").press("Enter")
        train_until(play, 2)
        assert least < accuracy(play) < most
