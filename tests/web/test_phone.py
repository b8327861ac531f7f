"""A phone scans the code on the computer's page and sends a photo of a table, which becomes a grid on the computer."""

import re

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from browser import PHONE, barriers
from drawing import file_of, printed_table
from processes import ServeProcess

pytestmark = pytest.mark.xdist_group("browser")

ROWS = [["12", "30", "42"], ["7", "14", "21"], ["15", "20", "35"]]
DISTANCES = (1, 0.9, 0.6, 0.5, 0.8, 0.7, 1.1, 1.25, 1.5)
"""Sizes of the code in a camera's frames."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that takes photos; the phone is on this machine, too."""
    running = ServeProcess(tmp_path_factory.mktemp("phone"), "--phone", "--name", "127.0.0.1")
    yield running
    assert running.stop() == ""


def scan(page: Page) -> str:
    """What a camera reads in the dialog; it comes closer until it can, because OpenCV misses some perfect codes."""
    page.locator("#phone-code img").evaluate("image => image.decode()")
    picture = cv2.imdecode(np.frombuffer(page.locator("#phone").screenshot(), np.uint8), cv2.IMREAD_COLOR)
    frames = (cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for scale in DISTANCES)
    return next(filter(None, (cv2.QRCodeDetector().detectAndDecode(frame)[0] for frame in frames)), "")


def test_a_photo_of_the_phone_becomes_a_grid_on_the_computer(browser, server):
    address = re.search(r"http://\S+token=\S+", server.first_line)[0]
    computer, phone = browser.new_page(), browser.new_page(**PHONE)
    computer.goto(f"{address}#read")
    computer.click("#use-phone")
    address = scan(computer)
    assert address == computer.locator("#phone-url").text_content()
    phone.goto(address)
    assert barriers(computer) == barriers(phone) == []

    def send(rows) -> None:
        photo = file_of(printed_table(rows))
        phone.set_input_files("#camera", {"name": "photo.png", "mimeType": "image/png", "buffer": photo})

    send(ROWS)
    expect(phone.locator("#state")).to_have_text("Sent. It opens on the computer.")
    expect(computer.locator("#phone")).to_be_hidden()
    expect(computer.locator("#grid tr:last-child td:last-child")).to_have_text("35")
    send([*ROWS, ["8", "9", "17"]])
    expect(phone.locator("#state")).to_have_text("Sent. To open it, choose “Use your phone” on the computer.")
    computer.click("#use-phone")
    expect(computer.locator("#grid tr:last-child td:last-child")).to_have_text("17")
    computer.route("**/v1/phone/photos/*", lambda route: route.fetch())  # the page goes away before the answer arrives
    computer.click("#use-phone")
    with computer.expect_request("**/v1/phone/photos/*"):
        send(ROWS)
    computer.reload()
    computer.unroute_all()
    computer.click("#use-phone")
    expect(computer.locator("#grid tr:last-child td:last-child")).to_have_text("35")
    for page in (computer, phone):
        page.close()
