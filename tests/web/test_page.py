"""Each flow of the page in a real browser: draw, read, correct, teach, accept, roll back, train; on a phone as well."""

import csv
import json
import re
from itertools import pairwise

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from helpers import THREE, crop64, draw, page_of_numbers, png, touching

pytestmark = pytest.mark.xdist_group("browser")

ONE = [(0.5, 0.12), (0.5, 0.5), (0.5, 0.88)]
SCRAWL = [(0.1, 0.1), (0.9, 0.12), (0.1, 0.3), (0.9, 0.35), (0.1, 0.6), (0.9, 0.62), (0.1, 0.9), (0.9, 0.9),
          (0.5, 0.05), (0.2, 0.95), (0.8, 0.5), (0.3, 0.2), (0.95, 0.75)]  # fmt: skip
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3, "has_touch": True, "is_mobile": True}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
EMPTY = "Draw a digit or a number."
DRAWN = "document.getElementById('pad').toDataURL()"


def expect_digit(page: Page, digit: int) -> None:
    expect(page.locator("#prediction b")).to_have_text(str(digit))


def expect_text(page: Page, text: str) -> None:
    expect(page.locator("#prediction")).to_have_text(text)


def upload(page: Page, data: bytes, name: str = "numbers.png") -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": data})


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
    crop = seen(page)
    assert crop.max() > 200
    rows, _ = np.nonzero(crop)
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
    page.keyboard.press("ArrowUp")
    page.keyboard.press(" ")
    for _ in range(22):
        page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    expect_digit(page, 1)


def test_correct_a_drawing_undo_it_correct_another_export_and_import(open_page):
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
    expect(page.locator("#count")).to_have_text("(1)")
    expect(page.locator("#corrections li strong")).to_have_text("not a digit")
    with page.expect_download() as started:
        page.click("#export")
    saved = started.value.path().read_bytes()
    page.locator("#corrections button", has_text="Undo").click()
    expect(page.locator("#corrections")).to_contain_text("None yet.")
    page.set_input_files("#import", {"name": "a.jsonl", "mimeType": "application/x-ndjson", "buffer": saved})
    expect(page.locator("#toast")).to_have_text("Imported 1. You have 1 correction.")
    expect(page.locator("#count")).to_have_text("(1)")


def test_read_a_picture_correct_it_copy_it_and_download_it(open_page, digits):
    page = open_page("#read", permissions=["clipboard-read", "clipboard-write"])
    upload(page, page_of_numbers(digits))
    rows = page.locator("#numbers tbody tr")
    expect(rows).to_have_count(2)
    expected = ["".join(map(str, digits.y_test[4 * row : 4 * row + 4])) for row in range(2)]
    assert [row.locator("td").nth(1).inner_text() for row in rows.all()] == expected
    expect(page.locator(".box")).to_have_count(8)
    image, box = page.locator("#stage img").bounding_box(), page.locator(".box rect").first.bounding_box()
    assert image["x"] < box["x"] < image["x"] + image["width"] / 4  # the boxes lie on the picture
    wrong = (int(expected[0][0]) + 1) % 10
    page.locator(".box").first.click()
    page.keyboard.press("Escape")
    expect(page.locator("#correct")).to_be_hidden()
    expect(page.locator(".box.corrected")).to_have_count(0)
    page.locator(".box").first.focus()
    page.keyboard.press("Enter")
    sentence = re.compile(rf"The reader sees {expected[0]}, [\d.]+% confident\.")
    expect(page.locator("#correct-prediction")).to_have_text(sentence)
    expect(page.locator("#correct-text")).to_have_value(expected[0])
    page.keyboard.type(str(wrong))  # the digit is selected
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text(f"Saved as {wrong}{expected[0][1:]}. You have 1 corrected number.")
    expect(page.locator(".box.corrected")).to_have_count(1)
    expect(rows.first.locator("td").nth(1)).to_have_text(f"{wrong}{expected[0][1:]}")
    page.click("#copy")
    expect(page.locator("#toast")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == f"{wrong}{expected[0][1:]}\n{expected[1]}"
    with page.expect_download() as started:
        page.click("#csv")
    text = started.value.path().read_text().splitlines()
    assert text[0] == "order,value,number,confidence,accepted,reason,left,top,right,bottom"
    assert text[1].startswith(f"1,{wrong}{expected[0][1:]},")
    assert len(text) == 3


def test_what_was_left_out_is_said_and_no_value_is_a_formula_in_the_csv(open_page, digits):
    notice = "more to read than one picture may cost: some was left out"

    def changed(route):
        content = route.fetch().json()
        (found,) = content["pages"]
        found["notice"], found["numbers"][0]["value"], found["numbers"][1]["value"] = notice, "=1+1", "-12,5"
        route.fulfill(json=content)

    page = open_page("#read")
    page.route("**/v1/read?*", changed, times=1)
    upload(page, page_of_numbers(digits))
    expect(page.locator("#notice")).to_have_text(f"This picture has {notice}.")
    with page.expect_download() as started:
        page.click("#csv")
    rows = [*csv.reader(started.value.path().read_text().splitlines())]
    assert [row[1] for row in rows[1:]] == ["'=1+1", "-12,5"]
    upload(page, page_of_numbers(digits))
    expect(page.locator("#page")).not_to_have_class(re.compile("busy"))
    expect(page.locator("#notice")).to_be_hidden()


def test_a_whole_number_is_corrected_to_any_text_or_to_none_and_undone(open_page, digits):
    page = open_page("#read")
    upload(page, page_of_numbers(digits))
    rows = page.locator("#numbers tbody tr")
    before = rows.first.locator("td").nth(1).inner_text()
    rows.first.locator("button").click()
    page.fill("#correct-text", "12a")
    page.keyboard.press("Enter")  # the browser says what is wrong
    expect(page.locator("#correct")).to_be_visible()
    page.fill("#correct-text", "-1.250,5%")
    page.locator("#correct button", has_text="Save").click()
    expect(rows.first.locator("td").nth(1)).to_have_text("-1.250,5%")
    expect(page.locator(".box.corrected")).to_have_count(1)  # around the number, for its length is another
    page.locator(".box.corrected").focus()
    page.keyboard.press("Enter")
    page.locator("#correct button", has_text="Not a number").click()
    expect(rows.first.locator("td").nth(1)).to_have_text("not a number")
    page.click("nav a[href='#teach']")
    expect(page.locator("#count")).to_have_text("(1)")
    expect(page.locator("#number-corrections li")).to_have_count(1)
    expect(page.locator("#number-corrections li")).to_contain_text(f"not a number (read as {before})")
    page.locator("#number-corrections button", has_text="Undo").click()
    expect(page.locator("#corrections")).to_contain_text("None yet.")


def test_drop_and_paste(open_page, digits):
    page = open_page("#read")
    script = """([kind, bytes]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(bytes)], "a.png", {type: "image/png"}));
        const event = kind === "drop" ? new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true})
          : new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true});
        (kind === "drop" ? document.getElementById("drop") : document.body).dispatchEvent(event);
    }"""
    page.evaluate(script, ["drop", list(page_of_numbers(digits))])
    expect(page.locator("#numbers tbody tr")).to_have_count(2)
    page.click("nav a[href='#draw']")
    page.evaluate(script, ["paste", list(page_of_numbers(digits, rows=3))])
    expect(page.locator("#numbers tbody tr")).to_have_count(3)
    expect(page.locator("#read")).to_be_visible()


def test_files_that_hold_no_numbers_and_markup_that_stays_text(open_page):
    page = open_page("#read")
    upload(page, b"this is no picture")
    expect(page.locator("#reading")).to_contain_text("numbers.png was not read: expected a whole PNG")
    expect(page.locator("#page")).to_be_hidden()
    upload(page, png(np.zeros((28, 28), np.uint8)))
    expect(page.locator("#numbers")).to_contain_text("No number was found.")
    expect(page.locator("#reading")).to_be_empty()
    page.click("nav a[href='#teach']")
    line = json.dumps({"crop": "<img src=x onerror=alert(1)>"})
    page.set_input_files("#import", {"name": "a.jsonl", "mimeType": "application/x-ndjson", "buffer": line.encode()})
    expect(page.locator("#toast")).to_contain_text("<img src=x")
    assert page.locator("#toast img").count() == 0
    open_page.complaints.clear()  # the browser logs every 400 and 415


def test_on_a_phone_everything_fits_and_a_finger_draws(open_page, digits):
    page = open_page(**PHONE)
    for name in ("draw", "read", "teach", "runs"):
        page.click(f"nav a[href='#{name}']")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, f"{name} is {width} pixels wide"
    page.click("nav a[href='#draw']")
    pad = page.locator("#pad").bounding_box()
    touch = touching(page)
    points = [(pad["x"] + x * pad["width"], pad["y"] + y * pad["height"]) for x, y in THREE]
    touch("touchStart", points[0])
    for before, after in pairwise(points):
        for step in (0.33, 0.67, 1.0):
            touch("touchMove", tuple(np.add(before, step * np.subtract(after, before)).tolist()))
    touch("touchEnd")
    expect_digit(page, 3)
    page.click("nav a[href='#read']")
    upload(page, page_of_numbers(digits))
    expect(page.locator("#numbers tbody tr")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".box").first.tap()
    expect(page.locator("#correct")).to_be_visible()


def test_a_second_finger_does_not_tangle_the_stroke(open_page):
    page = open_page(**PHONE)
    pad = page.locator("#pad").bounding_box()
    touch = touching(page)

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


def test_a_tap_right_after_a_quick_stroke_counts(open_page):
    page = open_page(**PHONE)
    pad, clear = page.locator("#pad").bounding_box(), page.locator("#pad-clear").bounding_box()
    blank = page.evaluate(DRAWN)
    touch = touching(page)
    touch("touchStart", (pad["x"] + pad["width"] / 2, pad["y"] + 0.1 * pad["height"]))
    for tenth in range(2, 9):
        touch("touchMove", (pad["x"] + pad["width"] / 2, pad["y"] + 0.1 * tenth * pad["height"]))
    touch("touchEnd")
    assert page.evaluate(DRAWN) != blank
    page.touchscreen.tap(clear["x"] + clear["width"] / 2, clear["y"] + clear["height"] / 2)
    page.wait_for_function(f"{DRAWN} === {json.dumps(blank)}", timeout=5_000)


def test_axe_finds_nothing_serious(open_page, digits):
    page = open_page(reduced_motion="reduce")
    draw(page, THREE)
    expect_digit(page, 3)
    page.locator("#draw-correct button", has_text="3").click()
    expect_text(page, EMPTY)
    draw(page, ONE)
    expect_digit(page, 1)
    for name in ("draw", "read", "teach", "runs"):
        page.click(f"nav a[href='#{name}']")
        if name == "read":
            upload(page, page_of_numbers(digits))
            expect(page.locator("#numbers tbody tr")).to_have_count(2)
            page.locator("#numbers button").first.click()
            expect(page.locator("#correct")).to_be_visible()
            found = Axe().run(page).response["violations"]
            assert [one for one in found if one["impact"] in ("serious", "critical")] == []
            page.locator("#correct button", has_text="Save").click()
            expect(page.locator("#toast")).to_contain_text("You have 1 corrected number.")
        if name == "teach":
            expect(page.locator("#number-corrections li")).to_have_count(1)
            expect(page.locator("#corrections li strong")).to_have_text("3")
        for scheme, rules in (("light", None), ("dark", COLOURS)):  # nothing else depends on the scheme
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page, options=rules).response["violations"]
            assert [one for one in found if one["impact"] in ("serious", "critical")] == [], f"{name}, {scheme}"


def test_the_documentation_of_the_api_needs_no_other_server(open_page):
    page = open_page()
    page.click("nav a[href='docs']")
    expect(page.locator("#swagger .opblock").first).to_be_visible()
    page.locator("#swagger .opblock", has_text="/v1/digits").locator("button").first.click()
    expect(page.locator("#swagger")).to_contain_text("cropped and centred already")


def test_many_corrections_are_shown_in_parts(open_page):
    page = open_page()
    strips = [crop64(np.full((40, 24), i)) for i in range(120)]
    for path, kind, new in (
        ("corrections", "corrections", [{"crop": crop64(np.full((28, 28), i)), "label": 1} for i in range(120)]),
        ("corrections/numbers", "numbers", [{"strip": strip, "text": "1"} for strip in strips]),
    ):
        assert httpx.post(f"{page.url}v1/{path}", json={kind: new}).status_code == 201
    page.click("nav a[href='#teach']")
    for n in (50, 100, 120):
        expect(page.locator("#number-corrections li")).to_have_count(n)
        expect(page.locator("#corrections li")).to_have_count(n)
        if n < 120:
            page.locator("#more").click()
    expect(page.locator("#more")).to_be_hidden()


@pytest.mark.slow
def test_teach_accept_and_roll_back(open_page):
    """Real fine-tuning in its own process, followed to its end."""
    page = open_page()
    for i, points in enumerate((THREE, ONE, THREE, ONE, THREE, ONE)):
        digit = 3 if points is THREE else 1
        draw(page, [(x + 0.01 * i, y) for x, y in points])
        expect_digit(page, digit)
        page.locator("#draw-correct button", has_text=str(digit)).click()
        expect_text(page, EMPTY)
    page.click("nav a[href='#teach']")
    expect(page.locator("#active")).to_have_text("The original network is active.")
    page.click("#start-teaching")
    expect(page.locator("#progress")).to_contain_text("Training", timeout=600_000)
    page.reload()  # the progress goes on
    expect(page.locator("#progress")).to_contain_text("Compare the accuracy", timeout=600_000)
    cells = page.locator("#networks tbody tr").nth(1).locator("td")
    expect(cells.nth(0)).to_have_text("MNIST test digits")
    assert float(cells.nth(2).inner_text().rstrip("%")) > 98
    page.locator("#networks button", has_text="Accept").click()
    expect(page.locator("#active")).to_have_text("Your fine-tuned network 1 is active.")
    page.click("#rollback")
    expect(page.locator("#active")).to_have_text("The original network is active.")


@pytest.mark.slow
def test_train_watch_stop_resume_and_compare(open_page):
    """The curves grow as epochs end; a stopped run is resumed; the report opens."""
    page = open_page("#runs")
    page.select_option("#recipe", "mlp")
    expect(page.locator("#recipe-description")).not_to_be_empty()
    page.fill("input[name=epochs]", "8")
    page.fill("input[name=name]", "mine")
    page.click("#start-training")
    expect(page.locator("#training")).to_contain_text(re.compile(r"mine: epoch \d+ of 8, validation"), timeout=600_000)
    first = page.locator("#curves .chart path").first.get_attribute("d")
    page.wait_for_function(
        "length => document.querySelector('#curves .chart path').getAttribute('d').length > length + 10",
        arg=len(first), timeout=600_000,
    )  # fmt: skip
    page.click("#stop-training")
    expect(page.locator("#training")).to_have_text("mine: stopped; it can be resumed.", timeout=60_000)
    page.locator("#all-runs button", has_text="Resume").click()
    expect(page.locator("#training")).to_have_text("mine: finished.", timeout=600_000)
    page.select_option("#recipe", "classic")
    page.fill("input[name=name]", "other")
    page.fill("input[name=epochs]", "1")
    page.fill("input[name=seed]", "1")
    page.click("#start-training")
    expect(page.locator("#training")).to_have_text("other: finished.", timeout=600_000)
    page.get_by_label("Show the curves of mine").check()
    expect(page.locator("#differences")).to_contain_text("seed")
    expect(page.locator("#curves .legend li")).to_have_count(2)
    with page.expect_popup() as opened:
        page.locator("#all-runs tr", has_text="mine").locator("a", has_text="Report").click()
    expect(opened.value.locator("h1")).to_contain_text("mlp: 9")
