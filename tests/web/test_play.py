"""The page Play in a real browser, with networks that really learn: settings, training, pen, two networks, lessons."""

import os
import re
import signal
import sys
import tomllib

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from helpers import THREE, draw_in_play

pytestmark = pytest.mark.xdist_group("browser")

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3, "has_touch": True, "is_mobile": True}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
STARTING = 120_000
"""Milliseconds in which a network is made on a machine that is busy with other tests."""
TEXTS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode.data.trim());
  return texts;
}"""


@pytest.fixture(scope="module")
def networks(server):
    """Deletes networks of the server, and all in the end: the process ends with the last one."""

    def delete(names: str = "ba") -> None:
        for name in names:
            httpx.delete(f"{server.url}/v1/play/networks/{name}", timeout=60)

    yield delete
    delete()


@pytest.fixture
def play(open_page, clean_server, networks):
    """Open the page with a network A that learns in a blink, and is untrained."""

    def start(**options) -> Page:
        networks("b")
        settings = {"hidden": [32], "digits": 500}
        httpx.put(f"{clean_server.url}/v1/play/networks/a", json=settings, timeout=STARTING / 1000).raise_for_status()
        page = open_page("#play", **options)
        expect(page.locator("#play-status")).to_have_text("Paused.", timeout=STARTING)
        return page

    return start


def draw_three(page: Page) -> None:
    draw_in_play(page, THREE)


def figure(page: Page, column: int, network: str = "a"):
    """State, epoch, loss, training or test accuracy of a network, from 0."""
    return page.locator(f"#figures-{network} td").nth(column)


def epoch(page: Page, network: str = "a") -> float:
    return float(figure(page, 1, network).inner_text())


def wait_for_epoch(page: Page, least: float, network: str = "a") -> None:
    page.wait_for_function(
        "([network, least]) => Number(document.querySelector(`#figures-${network}`)?.children[2].textContent) >= least",
        arg=[network, least], timeout=STARTING,
    )  # fmt: skip


def has_serious(page: Page, options=None):
    found = Axe().run(page, options=options).response["violations"]
    return [(one["id"], one["nodes"][0]["html"][:120]) for one in found if one["impact"] in ("serious", "critical")]


def test_settings_their_parameters_and_code_to_take_away(open_page, networks):
    networks()
    page = open_page("#play", permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator("#play-status")).to_have_text("Choose settings, then train.", timeout=STARTING)
    expect(page.locator("#play-parameters")).to_have_text("669,706")
    page.click("#play-more")
    expect(page.locator("#play-parameters")).to_have_text(f"{669_706 + 513 * 512:,}")
    page.fill("#play-units-1", "5000")
    page.locator("#play-units-1").press("Enter")
    expect(page.locator("#play-units-1")).to_have_value("1024")  # the most there may be
    for _ in range(3):
        page.click("#play-fewer")
    expect(page.locator("#play-parameters")).to_have_text("7,850")
    expect(page.locator("#about-dropout")).to_have_text(re.compile("^Fraction of each hidden layer's outputs"))
    page.locator("#play-dropout").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#value-dropout")).to_have_text("0.25")
    page.select_option("#play-optimizer", "sgd")
    page.click("#play-recipe")
    expect(page.locator("#play-code")).to_contain_text("optimizer")
    recipe = tomllib.loads(page.evaluate("navigator.clipboard.readText()"))
    assert recipe == {"name": "play", "hidden": [], "dropout": 0.25, "optimizer": "sgd"}
    page.click("#play-keras")
    expect(page.locator("#play-code")).to_contain_text("keras.optimizers.SGD(0.001)")


def test_train_draw_meanwhile_step_look_at_a_unit_and_reset(open_page, networks):
    networks()
    page = open_page("#play")
    page.select_option("#play-digits", "500")
    page.click("#play-fewer")
    page.fill("#play-units-0", "32")
    page.locator("#play-units-0").press("Enter")
    draw_three(page)
    expect(page.locator("#play-reads")).to_have_text(
        "Train, or take a step: there is no network yet.", timeout=STARTING
    )
    page.click("#play-batch")
    expect(page.locator("#play-status")).to_have_text("Paused.", timeout=STARTING)
    expect(figure(page, 1)).to_have_text("0.06", timeout=STARTING)  # one of 16 batches
    expect(page.locator("#play-reads")).to_have_text(re.compile(r"^A reads \d, "), timeout=STARTING)
    page.click("#play-epoch")
    expect(figure(page, 1)).to_have_text("1.00", timeout=STARTING)
    before = page.locator("#play-bars-a").inner_text()
    page.click("#play-train")
    expect(page.locator("#play-train")).to_have_text("Pause", timeout=STARTING)
    wait_for_epoch(page, 12)
    expect(page.locator("#play-bars-a")).not_to_have_text(before, timeout=STARTING)  # without a touch: it has learned
    expect(page.locator("#play-reads")).to_have_text(re.compile(r"^A reads 3, "), timeout=STARTING)
    page.click("#play-train")
    expect(page.locator("#play-status")).to_have_text("Paused.", timeout=STARTING)
    expect(page.locator("#play-train")).to_have_text("Train", timeout=STARTING)
    at = epoch(page)
    assert len(page.locator("#play-curves path").all()) == 4
    expect(page.locator("#play-confusion .right")).to_have_count(10)
    expect(page.locator("#play-mistakes li")).to_have_count(12, timeout=STARTING)
    expect(page.locator("#play-weights canvas")).to_have_count(32)
    expect(page.locator("#play-histograms figure")).to_have_count(1)
    assert float(figure(page, 4).inner_text().rstrip("%")) > 75
    lit = "canvas => { const d = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;" \
          " let n = 0; for (let i = 0; i < d.length; i += 4) n += d[i] > 120; return n; }"  # fmt: skip
    assert page.locator("#play-layers-a canvas").evaluate(lit) > 50  # units that the drawing excites
    page.locator("#play-layers-a canvas").focus()  # by keyboard, the eighteenth unit
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#play-unit-name")).to_have_text("Network A, hidden layer 1, unit 18", timeout=STARTING)
    expect(page.locator("#play-unit-digits li")).to_have_count(12, timeout=STARTING)
    assert epoch(page) == at
    page.click("#play-reset")
    expect(figure(page, 1)).to_have_text("0.00", timeout=STARTING)
    page.click("#play-pad-clear")
    expect(page.locator("#play-reads")).to_have_text("Draw a digit.", timeout=STARTING)


def test_a_changed_setting_begins_anew_a_reload_finds_the_network_and_another_tab_lets_it_go(play):
    page = play()
    page.click("#play-epoch")
    wait_for_epoch(page, 1)
    page.reload()
    expect(figure(page, 1)).to_have_text("1.00", timeout=STARTING)
    expect(page.locator("#play-units-0")).to_have_value("32")
    page.select_option("#play-activation", "tanh")
    expect(figure(page, 0)).to_have_text("settings changed", timeout=STARTING)
    page.click("#play-batch")
    expect(page.locator("#play-status")).to_have_text("Paused.", timeout=STARTING)
    expect(figure(page, 1)).to_have_text("0.06", timeout=STARTING)
    page.click("nav a[href='#draw']")
    page.click("nav a[href='#play']")
    expect(figure(page, 1)).to_have_text("0.06", timeout=STARTING)


def test_a_phone_a_keyboard_and_a_screen_reader(play):
    page = play(reduced_motion="reduce", **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#play-epoch").focus()
    page.keyboard.press("Enter")
    wait_for_epoch(page, 1)
    expect(page.locator("#play-train")).to_have_text("Train", timeout=STARTING)
    page.locator("#play-pad").focus()
    for key in (" ", *["ArrowDown"] * 20, " "):  # a one
        page.keyboard.press(key)
    expect(page.locator("#play-reads")).to_have_text(re.compile(r"^A reads \d, "), timeout=STARTING)
    page.locator("#play-layers-a canvas").tap()
    expect(page.locator("#play-unit")).to_be_visible(timeout=STARTING)
    expect(page.locator("#play-unit-digits li")).to_have_count(12, timeout=STARTING)
    page.click("#play-add")
    expect(page.locator("#play-difference")).to_have_text("A and B are the same: change one thing in B.")
    page.locator("#play summary").first.click()
    page.click("#lesson-3")
    expect(page.locator("#play-lesson-name")).to_be_focused()
    expect(page.locator("#play-confusion td").last).to_be_visible()
    assert page.locator("#play-confusion").evaluate("table => table.scrollWidth <= table.parentElement.clientWidth")
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    for scheme, rules in (("light", None), ("dark", COLOURS)):
        page.emulate_media(color_scheme=scheme)
        assert has_serious(page, rules) == [], scheme


def test_what_the_sheets_to_try_name_is_on_the_page(play, open_page):
    named = {text.strip() for text in open_page("try.html").locator("b").all_inner_texts()}
    page = play()
    page.click("#play-train")
    expect(page.locator("#play-train")).to_have_text("Pause", timeout=STARTING)
    expect(page.locator("#play-curves svg").first).to_be_visible(timeout=STARTING)
    texts = set(page.evaluate(TEXTS))
    page.click("#play-train")
    expect(page.locator("#play-status")).to_have_text("Paused.", timeout=STARTING)
    texts |= set(page.evaluate(TEXTS))
    assert len(named) > 12
    assert named - texts == set()


@pytest.mark.slow
def test_two_networks_and_whether_the_difference_is_luck(play):
    page = play()
    page.select_option("#play-digits", "2000")
    page.click("#play-add")
    page.fill("#play-units-0", "2")
    page.locator("#play-units-0").press("Enter")
    expect(page.locator("#play-difference")).to_have_text("A and B differ in hidden layers (32 / 2).")
    page.click("#play-train")
    wait_for_epoch(page, 8, "b")
    wait_for_epoch(page, 8, "a")
    draw_three(page)
    expect(page.locator("#play-reads")).to_have_text(re.compile(r"^A reads 3, .*; B reads \d, "), timeout=STARTING)
    page.click("#play-train")
    expect(page.locator("#play-status")).to_have_text("Paused.", timeout=STARTING)
    assert abs(epoch(page, "a") - epoch(page, "b")) <= 1
    page.click("#play-luck")
    expect(page.locator("#play-verdict")).to_contain_text("Is it luck? Hardly", timeout=STARTING)
    expect(page.locator("#play-changed li")).to_have_count(24, timeout=STARTING)
    page.click("#play-batch")
    expect(page.locator("#play-luck-stale")).to_be_visible(timeout=STARTING)
    assert has_serious(page) == []
    page.click("#play-remove")
    expect(page.locator("#figures-b")).to_have_count(0)
    expect(page.locator("#play-add")).to_be_focused()


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_lesson_sets_the_controls_and_tells_when_it_has_been_seen(play, number):
    page = play()
    page.locator("#play summary").first.click()
    page.click(f"#lesson-{number}")
    state = page.locator("#play-lesson-state")
    page.click("#play-batch")
    expect(page.locator("#play-status")).to_have_text("Paused.", timeout=STARTING)
    expect(state).to_have_text("")  # not yet
    page.click("#play-train")
    expect(state).to_contain_text("Seen.", timeout=400_000)
    expect(page.locator(f"#lesson-{number}")).to_have_class("done")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for the process in /proc")
def test_a_server_that_is_gone_and_a_process_that_dies_are_said(open_page, play, server):
    page = play()
    page.context.set_offline(True)
    page.click("#play-batch")
    expect(page.locator("#toast")).to_contain_text("The server does not answer.")
    page.context.set_offline(False)
    open_page.complaints.clear()
    page.click("#play-epoch")
    expect(figure(page, 1)).to_have_text("1.00", timeout=STARTING)
    os.kill(server.child("tendigits.play.worker"), signal.SIGKILL)
    expect(page.locator("#play-status")).to_contain_text(
        "The networks are gone: signal 9 killed the process; perhaps memory was short.", timeout=STARTING
    )
    expect(figure(page, 0)).to_have_text("not made yet", timeout=STARTING)
    page.click("#play-epoch")  # makes them anew
    expect(figure(page, 1)).to_have_text("1.00", timeout=STARTING)
