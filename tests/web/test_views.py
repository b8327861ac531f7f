"""All views: they fit on a phone, axe finds no barriers, and teaching and training run to their end."""

import re

import pytest
from playwright.sync_api import expect

from browser import EMPTY, PHONE, WIDTH, barriers, choose, draw
from drawing import THREE, page_of_numbers
from tendigits.web.pages import documents, draw_view

pytestmark = pytest.mark.xdist_group("browser")

VIEWS = ("draw", "read", "teach", "runs")
ONE = [(0.5, 0.12), (0.5, 0.5), (0.5, 0.88)]


def test_documents_have_no_placeholder_left_and_each_id_once():
    for html in (*documents().values(), draw_view("Draw a digit")):
        assert "$" not in html
        ids = re.findall(r'\bid="([^"]*)"', html)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'\b(?:for|aria-labelledby|aria-describedby)="([^"]*)"', html)) <= set(ids)


@pytest.mark.parametrize("device", [{"viewport": {"width": 1200, "height": 900}}, PHONE], ids=["desktop", "phone"])
def test_every_view_fits_and_axe_finds_no_barriers(open_page, digits, device):
    page = open_page(reduced_motion="reduce", **device)
    draw(page, THREE)
    expect(page.locator("#prediction b")).to_have_text("3")
    page.locator("#draw-correct button", has_text="3").click()
    expect(page.locator("#prediction")).to_have_text(EMPTY)
    draw(page, ONE)
    expect(page.locator("#prediction b")).to_have_text("1")
    for name in VIEWS:
        page.click(f"nav a[href='#{name}']")
        if name == "read":
            choose(page, page_of_numbers(digits))
            page.locator(".box").first.click()
            expect(page.locator("#correct")).to_be_visible()
            assert barriers(page) == []
            page.locator("#correct button", has_text="Save").click()
            expect(page.locator("#toast")).to_contain_text("You have 1 corrected number.")
        if name == "teach":
            expect(page.locator("#number-corrections li")).to_have_count(1)
            expect(page.locator("#corrections li strong")).to_have_text("3")
        assert barriers(page) == [], name
        assert page.evaluate(WIDTH) <= device["viewport"]["width"], name


def test_the_documentation_of_the_api_needs_no_other_server(open_page):
    page = open_page()
    page.click("nav a[href='docs']")
    page.locator("#swagger .opblock", has_text="/v1/digits").locator("button").first.click()
    expect(page.locator("#swagger")).to_contain_text("cropped and centred already")


@pytest.mark.slow
def test_teach_accept_and_roll_back(open_page):
    page = open_page()
    for i, (digit, points) in enumerate([(3, THREE), (1, ONE)] * 3):
        draw(page, [(x + 0.01 * i, y) for x, y in points])
        expect(page.locator("#prediction b")).to_have_text(str(digit))
        page.locator("#draw-correct button", has_text=str(digit)).click()
        expect(page.locator("#prediction")).to_have_text(EMPTY)
    page.click("nav a[href='#teach']")
    expect(page.locator("#active")).to_have_text("The original network is active.")
    page.click("#start-teaching")
    expect(page.locator("#progress")).to_contain_text("Training", timeout=600_000)
    page.reload()  # the page follows the job again
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
    page = open_page("#runs")
    page.select_option("#recipe", "mlp")
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
    for name, value in (("name", "other"), ("epochs", "1"), ("seed", "1")):
        page.fill(f"input[name={name}]", value)
    page.click("#start-training")
    expect(page.locator("#training")).to_have_text("other: finished.", timeout=600_000)
    page.get_by_label("Show the curves of mine").check()
    expect(page.locator("#differences")).to_contain_text("seed")
    expect(page.locator("#curves .legend li")).to_have_count(2)
    with page.expect_popup() as opened:
        page.locator("#all-runs tr", has_text="mine").locator("a", has_text="Report").click()
    expect(opened.value.locator("h1")).to_contain_text("mlp: 9")
