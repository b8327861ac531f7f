"""What the page says while it reads, when it cannot, and of what was read before: busy, stale, failed, empty; focus."""

import re

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from helpers import THREE, draw, page_of_numbers, png

pytestmark = pytest.mark.xdist_group("browser")

ONE, TWO = [(0.2, 0.2), (0.2, 0.8)], [(0.5, 0.3), (0.62, 0.2), (0.75, 0.3), (0.72, 0.45), (0.5, 0.78), (0.8, 0.78)]
"""Digits beside each other."""


def upload(page: Page, data: bytes, name: str = "numbers.png") -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": data})


def hold(page: Page, address: str, times: int | None = 1) -> list[Route]:
    """Let the next requests to an address wait; the list holds them as soon as they have come."""
    waiting: list[Route] = []
    page.route(address, lambda route: waiting.append(route), times=times)
    return waiting


def test_a_second_picture_replaces_the_first_at_once_and_says_that_it_is_read(open_page, digits):
    page = open_page("#read")
    upload(page, page_of_numbers(digits))
    expect(page.locator("#numbers tbody tr")).to_have_count(2)
    first = page.locator("#stage img").get_attribute("src")
    held = hold(page, "**/v1/read?*")
    with page.expect_request("**/v1/read?*"):
        upload(page, page_of_numbers(digits, rows=3), "second.png")
    expect(page.locator("#reading")).to_have_text("Reading second.png …")
    expect(page.locator("#reading-bar")).to_be_visible()
    expect(page.locator("#values")).to_be_hidden()
    expect(page.locator(".box")).to_have_count(0)
    assert page.locator("#stage img").get_attribute("src") != first
    held[0].continue_()
    expect(page.locator("#numbers tbody tr")).to_have_count(3)
    expect(page.locator("#reading")).to_be_empty()
    expect(page.locator("#reading-bar")).to_be_hidden()


def test_what_fails_late_does_not_disturb_a_newer_picture_and_an_old_error_goes(open_page, digits):
    page = open_page("#read")
    upload(page, b"nothing", "bad.png")
    expect(page.locator("#reading")).to_contain_text("bad.png was not read: ")
    expect(page.locator("#page")).to_be_hidden()
    held = hold(page, "**/v1/read?*")
    with page.expect_request("**/v1/read?*"):
        upload(page, b"nothing", "late.png")
    expect(page.locator("#reading")).to_have_text("Reading late.png …")
    upload(page, page_of_numbers(digits))
    expect(page.locator("#numbers tbody tr")).to_have_count(2)
    with page.expect_response("**/v1/read?*") as late:
        held[0].continue_()
    late.value.finished()
    page.evaluate("() => new Promise(requestAnimationFrame)")  # until the page has heard of it
    expect(page.locator("#reading")).to_be_empty()
    expect(page.locator("#numbers tbody tr")).to_have_count(2)
    open_page.complaints.clear()  # the browser logs every 415


def test_a_drawing_that_cannot_be_read_leaves_no_older_answer(open_page):
    page = open_page()
    draw(page, ONE)
    expect(page.locator("#prediction b")).to_have_text("1")
    held = hold(page, "**/v1/read?*", times=None)  # a slow pen is read more than once
    with page.expect_request("**/v1/read?*"):
        draw(page, TWO)
    expect(page.locator("#prediction")).to_have_class(re.compile("stale"))
    page.route("**/v1/read?*", lambda route: route.abort())
    for route in held:
        route.abort()
    expect(page.locator("#prediction")).to_have_text("Not read: The server does not answer. Is it still running?")
    expect(page.locator("#bars .best")).to_have_count(0)
    page.unroute("**/v1/read?*")
    page.click("#pad-clear")
    draw(page, ONE)
    expect(page.locator("#prediction b")).to_have_text("1")
    expect(page.locator("#prediction")).not_to_have_class(re.compile("stale|doubt"))
    open_page.complaints.clear()  # the browser logs requests that fail


def test_several_digits_on_the_pad_are_a_number_which_can_be_corrected(open_page):
    page = open_page()
    draw(page, ONE)
    draw(page, TWO)
    expect(page.locator("#prediction b")).to_have_text("12")
    expect(page.locator("#bars")).to_be_hidden()
    expect(page.locator("#draw-correct")).to_be_hidden()
    page.locator("#correct-number").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#correct-text")).to_have_value("12")
    page.keyboard.type("17")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("Saved as 17. You have 1 corrected number.")
    expect(page.locator("#prediction")).to_have_text("Draw a digit or a number.")
    expect(page.locator("#pad")).to_be_focused()
    draw(page, THREE)
    expect(page.locator("#prediction b")).to_have_text("3")
    expect(page.locator("#bars")).to_be_visible()
    page.click("nav a[href='#teach']")
    expect(page.locator("#number-corrections li")).to_contain_text("17 (read as 12)")


def test_the_focus_stays_on_what_was_corrected(open_page, digits):
    page = open_page("#read")
    upload(page, page_of_numbers(digits))
    expect(page.locator(".box")).to_have_count(8)
    page.locator(".box").nth(5).focus()
    page.keyboard.press("Enter")
    page.keyboard.type("0")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("Saved as ")
    expect(page.locator(".box").nth(5)).to_be_focused()
    page.locator("#numbers button").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.type("77")
    page.keyboard.press("Enter")
    expect(page.locator("#numbers button").first).to_have_text("77")
    expect(page.locator("#numbers button").first).to_be_focused()


def test_a_picture_without_numbers_says_so_where_they_would_stand(open_page):
    page = open_page("#read")
    upload(page, png(np.full((60, 90), 255, np.uint8)))
    expect(page.locator("#numbers tbody")).to_contain_text("No number was found.")
