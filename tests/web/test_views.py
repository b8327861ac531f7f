"""All views: they fit on a phone, and axe finds no barriers."""

import re

import pytest
from playwright.sync_api import expect

from browser import EMPTY, PHONE, WIDTH, barriers, choose, draw
from drawing import ONE, THREE, page_of_numbers
from tendigits.web.pages import documents, draw_view

pytestmark = pytest.mark.xdist_group("browser")

VIEWS = ("draw", "read", "teach", "runs")


def test_documents_have_no_placeholder_left_and_each_id_once():
    for html in (*documents().values(), draw_view("Draw a digit")):
        assert "$" not in html
        ids = re.findall(r'\bid="([^"]*)"', html)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'\b(?:for|aria-labelledby|aria-describedby)="([^"]*)"', html)) <= set(ids)


@pytest.mark.parametrize("device", [{"viewport": {"width": 1200, "height": 900}}, PHONE], ids=["desktop", "phone"])
def test_every_view_fits_and_axe_finds_no_barriers(open_page, digits, device):
    page = open_page("#draw", reduced_motion="reduce", **device)
    expect(page.locator("#seen")).to_be_visible()
    assert page.evaluate("scrollY") == 0
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
            expect(page.locator("#toast")).to_be_visible()
        if name == "teach":
            expect(page.locator("#toast")).to_be_hidden()
            expect(page.locator("#number-corrections li")).to_have_count(1)
            expect(page.locator("#corrections li strong")).to_have_text("3")
        assert barriers(page) == [], name
        assert page.evaluate(WIDTH) <= device["viewport"]["width"], name


def test_the_documentation_of_the_api_needs_no_other_server(open_page):
    page = open_page()
    page.click("nav a[href='docs']")
    expect(page.locator("nav [aria-current]")).to_have_text("API")
    page.locator("#swagger .opblock", has_text="/v1/digits").locator("button").first.click()
    expect(page.locator("#swagger")).to_contain_text("cropped and centred already")
    titles = page.locator("#swagger .opblock-summary-description").all_inner_texts()
    assert {"Is the server running?", "Delete the correction of a number", "List corrected numbers"} <= set(titles)
    expect(page.locator("#swagger a[href='openapi.json']")).to_have_count(0)
    page.click("nav a:has-text('Read')")
    expect(page.locator("#read")).to_be_visible()
