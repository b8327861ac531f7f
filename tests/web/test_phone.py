"""A phone scans the code on the computer's page, sends a photo of a table, and the computer shows its grid."""

import re
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from browser import PHONE, barriers
from helpers import ServeProcess, file_of, printed_table

pytestmark = pytest.mark.xdist_group("browser")

ROWS = [["12", "30", "42"], ["7", "14", "21"], ["15", "20", "35"]]


@pytest.fixture(scope="module")
def phone_server(tmp_path_factory) -> Iterator[ServeProcess]:
    """A server that takes photos; the phone is on this machine, too."""
    running = ServeProcess(tmp_path_factory.mktemp("phone"), "--phone", "--name", "127.0.0.1")
    yield running
    assert running.stop() == ""


@pytest.fixture
def open_in(browser: Browser) -> Iterator:
    """Open an address on another device; in the end no error was logged."""
    contexts, complaints = [], []

    def start(address: str, **options) -> Page:
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    start.complaints = complaints
    yield start
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def computer(phone_server, open_in) -> Page:
    """The page on the computer, opened by the address that the server printed."""
    page = open_in(re.search(r"http://\S+token=\S+", phone_server.first_line)[0] + "#read")
    expect(page.locator("#use-phone")).to_be_visible()
    return page


def scan(page: Page) -> str:
    """What a camera reads in the dialog."""
    expect(page.locator("#phone-code img")).to_be_visible()
    picture = cv2.imdecode(np.frombuffer(page.locator("#phone").screenshot(), np.uint8), cv2.IMREAD_COLOR)
    address, _, _ = cv2.QRCodeDetector().detectAndDecode(picture)
    return address


def send(page: Page, picture: bytes) -> None:
    page.set_input_files("#camera", {"name": "photo.png", "mimeType": "image/png", "buffer": picture})


def test_a_photo_of_the_phone_becomes_a_grid_on_the_computer(computer, open_in):
    computer.click("#use-phone")
    address = scan(computer)
    assert address == computer.locator("#phone-url").text_content()
    phone = open_in(address, **PHONE)
    assert barriers(computer) == barriers(phone) == []
    send(phone, file_of(printed_table(ROWS)))
    expect(phone.locator("#state")).to_have_text("Sent. It opens on the computer.")
    expect(computer.locator("#phone")).to_be_hidden()
    expect(computer.locator("#grid tr:last-child td:last-child")).to_have_text("35")
    send(phone, file_of(printed_table([*ROWS, ["8", "9", "17"]])))  # no page waits for this one yet
    expect(phone.locator("#state")).to_have_text("Sent. To open it, choose “Use your phone” on the computer.")
    computer.click("#use-phone")
    expect(computer.locator("#grid tr:last-child td:last-child")).to_have_text("17")


def test_a_page_that_was_closed_or_replaced_waits_no_longer(computer, open_in):
    computer.click("#use-phone")
    other = open_in("about:blank")
    other.context.add_cookies(computer.context.cookies())
    other.goto(computer.url)
    other.click("#use-phone")
    expect(computer.locator("#phone")).to_be_hidden()  # the page that was opened last gets the photo
    address = scan(other)
    other.click("#phone-cancel")
    expect(other.locator("#phone")).to_be_hidden()
    phone = open_in(address, **PHONE)
    for _ in range(4):
        send(phone, b"one of four that wait")
        expect(phone.locator("#state")).to_have_text(re.compile("^Sent. To open it"))
    send(phone, b"one too many")
    expect(phone.locator("#state")).to_have_text(re.compile("^Not sent. Several photos are waiting"))
    assert "409" in open_in.complaints.pop()
