"""The view Play with networks that really learn, and the sheets "What to try first"."""

import os
import re
import signal
import sys
import tomllib

import httpx
import pypdfium2
import pytest
from playwright.sync_api import Page, expect

from browser import PHONE, WIDTH, barriers, draw_in_play
from drawing import THREE

pytestmark = pytest.mark.xdist_group("browser")

STARTING = 120_000
"""Milliseconds in which a network is made on a machine that is busy with other tests."""

IS_LIT = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, i) => i % 4 === 0 && value > 120).length > 50;
}"""


@pytest.fixture
def play(open_page, clean_server):
    """Open the page, with a small untrained network A if there are settings; all networks are deleted in the end."""

    def delete() -> None:
        for name in "ba":
            httpx.delete(f"{clean_server.url}/v1/play/networks/{name}", timeout=60)

    def start(settings=None, **options) -> Page:
        delete()
        if settings:
            address = f"{clean_server.url}/v1/play/networks/a"
            httpx.put(address, json=settings, timeout=STARTING / 1000).raise_for_status()
        page = open_page("#play", **options)
        state = "Paused." if settings else "Choose settings, then train."
        expect(page.locator("#play-status")).to_have_text(state, timeout=STARTING)
        return page

    yield start
    delete()


SMALL = {"hidden": [32], "digits": 500}


def figure(page: Page, column: int, network: str = "a"):
    """State, epoch, loss, training or test accuracy of a network, from 0."""
    return page.locator(f"#figures-{network} td").nth(column)


def train_until(page: Page, epoch: float, networks: str = "a") -> None:
    page.click("#play-train")
    expect(page.locator("#play-train")).to_have_text("Pause", timeout=STARTING)
    for network in networks:
        page.wait_for_function(
            "([name, least]) => Number(document.querySelector(`#figures-${name}`)?.children[2].textContent) >= least",
            arg=[network, epoch], timeout=STARTING,
        )  # fmt: skip
    page.click("#play-train")
    expect(page.locator("#play-status")).to_have_text("Paused.", timeout=STARTING)


def test_settings_their_parameters_and_code_to_copy(play):
    page = play(permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator("#play-parameters")).to_have_text("669,706")
    page.click("#play-more")
    expect(page.locator("#play-parameters")).to_have_text(f"{669_706 + 513 * 512:,}")
    page.fill("#play-units-1", "5000")
    page.locator("#play-units-1").press("Enter")
    expect(page.locator("#play-units-1")).to_have_value("1024")  # the maximum
    for _ in range(3):
        page.click("#play-fewer")
    expect(page.locator("#play-parameters")).to_have_text("7,850")
    expect(page.locator("#about-dropout")).to_have_text(re.compile("^Fraction of each hidden layer's outputs"))
    page.locator("#play-dropout").press("ArrowRight")
    expect(page.locator("#value-dropout")).to_have_text("0.25")
    page.select_option("#play-optimizer", "sgd")
    page.click("#play-recipe")
    expect(page.locator("#play-code")).to_contain_text("optimizer")
    recipe = tomllib.loads(page.evaluate("navigator.clipboard.readText()"))
    assert recipe == {"name": "play", "hidden": [], "dropout": 0.25, "optimizer": "sgd"}
    page.click("#play-keras")
    expect(page.locator("#play-code")).to_contain_text("keras.optimizers.SGD(0.001)")


def test_train_draw_meanwhile_step_select_a_unit_and_reset(play):
    page = play()
    page.select_option("#play-digits", "500")
    page.click("#play-fewer")
    page.fill("#play-units-0", "32")
    page.locator("#play-units-0").press("Enter")
    draw_in_play(page, THREE)
    reads = page.locator("#play-reads")
    expect(reads).to_have_text("Train, or take a step: there is no network yet.", timeout=STARTING)
    page.click("#play-batch")
    expect(figure(page, 1)).to_have_text("0.06", timeout=STARTING)  # one of 16 batches
    expect(reads).to_have_text(re.compile(r"^A reads \d, "), timeout=STARTING)
    page.click("#play-epoch")
    expect(figure(page, 1)).to_have_text("1.00", timeout=STARTING)
    before = page.locator("#play-bars-a").inner_text()
    train_until(page, 12)
    expect(page.locator("#play-bars-a")).not_to_have_text(before, timeout=STARTING)  # it has learned since
    expect(reads).to_have_text(re.compile(r"^A reads 3, "), timeout=STARTING)
    epoch = figure(page, 1).inner_text()
    expect(page.locator("#play-curves path")).to_have_count(4)
    expect(page.locator("#play-confusion .right")).to_have_count(10)
    expect(page.locator("#play-mistakes li")).to_have_count(12, timeout=STARTING)
    expect(page.locator("#play-weights canvas")).to_have_count(32)
    expect(page.locator("#play-histograms figure")).to_have_count(1)
    assert float(figure(page, 4).inner_text().rstrip("%")) > 75
    layer = page.locator("#play-layers-a canvas")
    assert layer.evaluate(IS_LIT)
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Enter"):
        layer.press(key)
    expect(page.locator("#play-unit-name")).to_have_text("Network A, hidden layer 1, unit 18", timeout=STARTING)
    expect(page.locator("#play-unit-digits li")).to_have_count(12, timeout=STARTING)
    assert figure(page, 1).inner_text() == epoch
    page.click("#play-reset")
    expect(figure(page, 1)).to_have_text("0.00", timeout=STARTING)
    page.click("#play-pad-clear")
    expect(reads).to_have_text("Draw a digit.", timeout=STARTING)


@pytest.mark.slow
def test_a_reload_keeps_the_network_and_a_changed_setting_restarts_it(play):
    page = play(SMALL)
    page.click("#play-epoch")
    expect(figure(page, 1)).to_have_text("1.00", timeout=STARTING)
    page.reload()
    expect(figure(page, 1)).to_have_text("1.00", timeout=STARTING)
    expect(page.locator("#play-units-0")).to_have_value("32")
    page.select_option("#play-activation", "tanh")
    expect(figure(page, 0)).to_have_text("settings changed", timeout=STARTING)
    page.click("#play-batch")
    expect(figure(page, 1)).to_have_text("0.06", timeout=STARTING)


@pytest.mark.slow
def test_a_phone_a_keyboard_and_a_screen_reader(play):
    page = play(SMALL, reduced_motion="reduce", **PHONE)
    page.locator("#play-epoch").press("Enter")
    expect(figure(page, 1)).to_have_text("1.00", timeout=STARTING)
    for key in (" ", *["ArrowDown"] * 20, " "):  # a one
        page.locator("#play-pad").press(key)
    expect(page.locator("#play-reads")).to_have_text(re.compile(r"^A reads \d, "), timeout=STARTING)
    page.locator("#play-layers-a canvas").tap()
    expect(page.locator("#play-unit-digits li")).to_have_count(12, timeout=STARTING)
    page.click("#play-add")
    expect(page.locator("#play-difference")).to_have_text("A and B are the same: change one thing in B.")
    page.locator("#play summary").first.click()
    page.click("#lesson-3")
    expect(page.locator("#play-lesson-name")).to_be_focused()
    expect(page.locator("#play-confusion td").last).to_be_visible()
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(WIDTH) <= width
    assert barriers(page) == []


@pytest.mark.slow
def test_two_networks_and_whether_the_difference_is_luck(play):
    page = play(SMALL)
    page.select_option("#play-digits", "2000")
    page.click("#play-add")
    page.fill("#play-units-0", "2")
    page.locator("#play-units-0").press("Enter")
    expect(page.locator("#play-difference")).to_have_text("A and B differ in hidden layers (32 / 2).")
    train_until(page, 8, "ab")
    draw_in_play(page, THREE)
    expect(page.locator("#play-reads")).to_have_text(re.compile(r"^A reads 3, .*; B reads \d, "), timeout=STARTING)
    page.click("#play-luck")
    expect(page.locator("#play-verdict")).to_contain_text("Is it luck? Hardly", timeout=STARTING)
    expect(page.locator("#play-changed li")).to_have_count(24, timeout=STARTING)
    page.click("#play-batch")
    expect(page.locator("#play-luck-stale")).to_be_visible(timeout=STARTING)
    assert barriers(page) == []
    page.click("#play-remove")
    expect(page.locator("#figures-b")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_lesson_announces_its_effect(play, number):
    page = play(SMALL)
    page.locator("#play summary").first.click()
    page.click(f"#lesson-{number}")
    page.click("#play-batch")
    expect(page.locator("#play-status")).to_have_text("Paused.", timeout=STARTING)
    expect(page.locator("#play-lesson-state")).to_have_text("")
    page.click("#play-train")
    expect(page.locator("#play-lesson-state")).to_contain_text("Seen.", timeout=400_000)
    expect(page.locator(f"#lesson-{number}")).to_have_class("done")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for the process in /proc")
def test_a_process_that_dies_is_reported_and_replaced(play, server):
    page = play(SMALL)
    os.kill(server.child("tendigits.play.worker"), signal.SIGKILL)
    expect(page.locator("#play-status")).to_contain_text(
        "The networks are gone: signal 9 killed the process; perhaps memory was short.", timeout=STARTING
    )
    expect(figure(page, 0)).to_have_text("not made yet", timeout=STARTING)
    page.click("#play-epoch")
    expect(figure(page, 1)).to_have_text("1.00", timeout=STARTING)


def test_the_sheets_to_try_are_two_pages(open_page):
    sheets = open_page("try.html", color_scheme="dark")
    assert len(pypdfium2.PdfDocument(sheets.pdf(prefer_css_page_size=True))) == 2
    assert barriers(sheets) == []
    sheets.set_viewport_size(PHONE["viewport"])
    assert sheets.evaluate(WIDTH) <= 390
