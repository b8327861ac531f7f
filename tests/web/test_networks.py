"""Any run can read what is drawn, also as the second network, and shows its layers."""

import shutil

import pytest
from playwright.sync_api import expect

from browser import PHONE, WIDTH, barriers, choose, draw
from drawing import THREE, page_of_numbers
from processes import ServeProcess
from tendigits.read.reader import Reader

pytestmark = pytest.mark.xdist_group("export")  # the same finished run

OPENING = 60_000
"""Milliseconds in which a run's network is opened: a child process loads Keras."""

LIT = """([id, isLit]) => [...document.querySelectorAll(`#${id} canvas`)].every((canvas) =>
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value, i) =>
    i % 4 === 0 && value > 200) === isLit)"""
"""Whether every layer's picture has a bright unit, or none has."""


@pytest.fixture(scope="module")
def server(tmp_path_factory, run_that_reads):
    """A server with two runs, "one" that reads and "broken" with half a model."""
    folder = tmp_path_factory.mktemp("server")
    for name in ("one", "broken"):
        shutil.copytree(run_that_reads, folder / "runs" / name)
    model = folder / "runs" / "broken" / "model.keras"
    model.write_bytes(model.read_bytes()[:3000])
    running = ServeProcess(folder, "--no-browser")
    yield running
    assert "Traceback" not in running.stop()


def test_a_run_next_to_the_reader_with_their_layers(open_page):
    page = open_page(reduced_motion="reduce")
    draw(page, THREE)
    expect(page.locator("#prediction b")).to_have_text("3")
    expect(page.locator("#layers canvas")).to_have_count(5, timeout=OPENING)
    page.wait_for_function(LIT, arg=["layers", True])
    expect(page.locator("#prediction-second")).to_be_hidden()
    page.select_option("#draw-second", "one")
    expect(page.locator("#prediction-second")).to_contain_text("Opening the network of one")
    expect(page.locator("#prediction-second b")).to_have_text("3", timeout=OPENING)
    expect(page.locator("#draw-name")).to_have_text("The reader")
    expect(page.locator("#draw-name-second")).to_have_text("one")
    expect(page.locator("#layers-second figcaption")).to_have_text(["Convolution 1: 8 x 14 x 14"])
    page.wait_for_function(LIT, arg=["layers-second", True])
    assert barriers(page) == []
    page.click("#pad-clear")
    page.wait_for_function(LIT, arg=["layers-second", False])
    page.select_option("#draw-second", index=0)
    expect(page.locator("#prediction-second")).to_be_hidden()
    expect(page.locator("#layers-second")).to_be_hidden()


@pytest.mark.slow
def test_a_bad_network_is_an_error_of_that_choice_and_goes_with_it(open_page):
    page = open_page(**PHONE)
    page.locator("#draw-network").focus()
    page.select_option("#draw-second", "broken")
    expect(page.locator("#prediction-second")).to_contain_text("Not read: ", timeout=OPENING)
    draw(page, THREE)
    expect(page.locator("#prediction b")).to_have_text("3")
    expect(page.locator("#prediction-second")).to_contain_text("Not read: ", timeout=OPENING)
    assert page.evaluate(WIDTH) <= 390
    page.select_option("#draw-second", "one")
    expect(page.locator("#prediction-second b")).to_have_text("3", timeout=OPENING)
    expect(page.locator("#prediction")).to_contain_text("confident")
    open_page.complaints.clear()  # the browser logs every 409


def test_two_networks_read_a_picture(open_page, run_that_reads, digits):
    page = open_page("#read")
    page.locator("#read-second option[value=one]").wait_for(state="attached")
    picture = page_of_numbers(digits)
    choose(page, picture)
    rows = page.locator("#numbers tbody tr")
    expect(rows).to_have_count(2)
    expect(page.locator("#second-name")).to_be_hidden()
    page.select_option("#read-second", "one")
    expect(page.locator("#second-name")).to_have_text("one", timeout=OPENING)
    expected = [number.value for number in Reader(run_that_reads).read(picture).numbers]
    assert [row.locator("td").nth(2).inner_text() for row in rows.all()] == expected
    own = [number.value for number in Reader().read(picture).numbers]
    assert [row.locator("td").nth(1).inner_text() for row in rows.all()] == own
    assert page.locator(".differs").count() == sum(a != b for a, b in zip(own, expected, strict=True))
