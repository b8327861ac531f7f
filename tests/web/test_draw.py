"""The view Draw: drawings are read while the pen moves, and can be corrected."""

import re

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from browser import EMPTY, PHONE, WIDTH, download, draw, touching
from drawing import ONE, THREE

pytestmark = pytest.mark.xdist_group("browser")

LEFT_ONE = [(0.2, 0.2), (0.2, 0.8)]
RIGHT_TWO = [(0.5, 0.3), (0.62, 0.2), (0.75, 0.3), (0.72, 0.45), (0.5, 0.78), (0.8, 0.78)]
SCRAWL = [
    *((0.08 + 0.84 * (i % 2), 0.1 + 0.1 * i) for i in range(9)),
    *((0.1 + 0.1 * i, 0.1 + 0.8 * (i % 2)) for i in range(9)),
]
DRAWN = "document.getElementById('pad').toDataURL()"


def expect_digit(page: Page, digit: int) -> None:
    expect(page.locator("#prediction b")).to_have_text(str(digit))


def expect_text(page: Page, text: str) -> None:
    expect(page.locator("#prediction")).to_have_text(text)


def seen(page: Page) -> np.ndarray:
    """The crop that is shown, uint8 (28, 28)."""
    pixels = page.evaluate("[...document.getElementById('seen').getContext('2d').getImageData(0, 0, 28, 28).data]")
    return np.array(pixels, np.uint8).reshape(28, 28, 4)[:, :, 0]


def test_drawings_are_read_while_the_pen_is_down(open_page):
    page = open_page()
    draw(page, ONE, release=False)
    expect_digit(page, 1)
    page.mouse.up()
    page.click("#pad-clear")
    draw(page, THREE)
    expect_digit(page, 3)
    expect(page.locator("#bars li.best")).to_have_text(re.compile(r"^3\d\d"))
    rows, _ = np.nonzero(seen(page))
    assert rows.max() - rows.min() == 19  # 20 pixels high, like MNIST's digits
    expect(page.locator("#seen")).to_have_attribute("aria-label", "What the network sees: a 3")
    page.click("#pad-clear")
    draw(page, SCRAWL)
    expect_text(page, "not a digit")


def test_undo_and_clear_by_button_and_by_key(open_page):
    page = open_page()
    draw(page, ONE)
    expect_digit(page, 1)
    drawn = page.evaluate(DRAWN)
    draw(page, [(0.15, 0.15), (0.85, 0.9)])
    assert page.evaluate(DRAWN) != drawn
    page.click("#pad-undo")
    assert page.evaluate(DRAWN) == drawn
    expect_digit(page, 1)
    page.click("#pad-clear")
    expect_text(page, EMPTY)
    assert seen(page).max() == 0
    for key in ("Control+z", "Delete"):
        draw(page, ONE)
        expect_digit(page, 1)
        page.locator("#pad").press(key)
        expect_text(page, EMPTY)


def test_draw_with_the_keyboard_alone(open_page):
    page = open_page()
    page.locator("#pad").focus()
    for key in ("ArrowUp", " ", *["ArrowDown"] * 22, " "):
        page.keyboard.press(key)
    expect_digit(page, 1)


def test_correct_a_drawing_undo_it_correct_another_export_and_import(open_page, tmp_path):
    page = open_page()
    draw(page, THREE)
    expect_digit(page, 3)
    page.locator("#draw-correct button", has_text="7").click()
    expect(page.locator("#toast")).to_contain_text("Saved as 7. You have 1 correction.")
    expect_text(page, EMPTY)
    page.locator("#toast button").click()
    expect(page.locator("#toast")).to_have_text("Undone.")
    draw(page, SCRAWL)
    expect_text(page, "not a digit")
    page.locator("#draw-correct button", has_text="not a digit").click()
    expect(page.locator("#toast")).to_contain_text("Saved: not a digit is right.")
    page.click("nav a[href='#teach']")
    expect(page.locator("#corrections li strong")).to_have_text("not a digit")
    exported = download(page, "#export", tmp_path)
    page.locator("#corrections button", has_text="Undo").click()
    expect(page.locator("#corrections")).to_contain_text("None yet.")
    page.set_input_files("#import", exported)
    expect(page.locator("#toast")).to_have_text("Imported 1. You have 1 correction.")
    expect(page.locator("#count")).to_have_text("(1)")


def test_several_digits_on_the_pad_are_a_number_which_can_be_corrected(open_page):
    page = open_page()
    draw(page, LEFT_ONE)
    draw(page, RIGHT_TWO)
    expect(page.locator("#prediction b")).to_have_text("12")
    expect(page.locator("#bars")).to_be_hidden()
    expect(page.locator("#draw-correct")).to_be_hidden()
    expect(page.locator("#layers")).to_have_text("Layers are shown for a single digit.")
    page.locator("#correct-number").press("Enter")
    expect(page.locator("#correct-text")).to_have_value("12")
    page.keyboard.type("17")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("Saved as 17. You have 1 corrected number.")
    expect_text(page, EMPTY)
    expect(page.locator("#pad")).to_be_focused()
    page.click("nav a[href='#teach']")
    expect(page.locator("#number-corrections li")).to_contain_text("17 (read as 12)")


def test_a_drawing_that_cannot_be_read_leaves_no_older_prediction(open_page):
    page = open_page()
    draw(page, LEFT_ONE)
    expect_digit(page, 1)
    held: list[Route] = []
    page.route("**/v1/read?*", lambda route: held.append(route))
    with page.expect_request("**/v1/read?*"):
        draw(page, RIGHT_TWO)
    expect(page.locator("#prediction")).to_have_class(re.compile("stale"))
    page.route("**/v1/read?*", lambda route: route.abort())
    for route in held:
        route.abort()
    expect_text(page, "Not read: The server does not answer. Is it still running?")
    expect(page.locator("#bars .best")).to_have_count(0)
    page.unroute("**/v1/read?*")
    page.click("#pad-clear")
    draw(page, LEFT_ONE)
    expect_digit(page, 1)
    expect(page.locator("#prediction")).not_to_have_class(re.compile("stale|doubt"))
    open_page.complaints.clear()  # the browser logs requests that fail


def test_one_finger_draws_a_second_is_ignored_and_a_quick_tap_counts(open_page):
    page = open_page(**PHONE)
    assert page.evaluate(WIDTH) <= PHONE["viewport"]["width"]
    pad, blank, touch = page.locator("#pad").bounding_box(), page.evaluate(DRAWN), touching(page)

    def at(x, y):
        return pad["x"] + x * pad["width"], pad["y"] + y * pad["height"]

    touch("touchStart", at(0.5, 0.1))
    for i in range(1, 9):
        points = [at(0.5, 0.1 + 0.1 * i)]
        if i == 4:
            touch("touchStart", *points, at(0.1, 0.9))
        if i >= 4:
            points.append(at(0.1 + 0.1 * (i - 4), 0.9))
        touch("touchMove", *points)
    touch("touchEnd")
    expect_digit(page, 1)
    assert page.evaluate("document.getElementById('pad').getContext('2d').getImageData(70, 500, 1, 1).data[0]") == 255
    page.tap("#pad-clear")
    expect_text(page, EMPTY)
    touch("touchStart", at(0.5, 0.1))
    for tenth in range(2, 9):
        touch("touchMove", at(0.5, 0.1 * tenth))
    touch("touchEnd")
    assert page.evaluate(DRAWN) != blank
    clear = page.locator("#pad-clear").bounding_box()
    page.touchscreen.tap(clear["x"] + clear["width"] / 2, clear["y"] + clear["height"] / 2)
    page.wait_for_function("blank => document.getElementById('pad').toDataURL() === blank", arg=blank, timeout=5_000)
