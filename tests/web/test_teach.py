"""The view Teach compares a fine-tuned network with the one before, and does not say more than can be known."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("browser")


def network(number: int, held_out: tuple[float, float]) -> dict:
    before, after = held_out
    parts = {
        "held_out": {"n": 2, "before": before, "after": after},
        "mnist": {"n": 10_000, "before": 0.98, "after": 0.99},
    }
    report = parts | {"learned": 8, "data": "mnist", "seconds": 131.2}
    times = {"created": "2026-11-29T12:00:00Z", "accepted": None, "retired": None}
    return {"id": number, "sha256": "0" * 64, "report": report, **times}


def test_few_corrections_are_counted_and_what_got_worse_is_not_recommended(open_page):
    networks = {"active": None, "sha256": "0" * 64, "networks": [network(2, (1.0, 0.5)), network(1, (0.5, 1.0))]}
    page = open_page()
    page.route("**/v1/networks", lambda route: route.fulfill(json=networks))
    page.click("nav a[href='#teach']")
    expect(page.locator("#networks .network")).to_have_count(2)
    worse, better = page.locator("#networks .network").all()
    expect(worse.locator("tbody tr").first).to_have_text("Held-out digits2 of 21 of 22")
    expect(worse.locator("tbody tr").last).to_have_text("MNIST test digits98.00%99.00%10,000")
    expect(worse).to_contain_text("Worse than before: held-out digits.")
    expect(worse.locator("button.primary")).to_have_count(0)
    expect(worse.locator("button")).to_have_text("Accept")
    expect(better.locator("button.primary")).to_have_text("Accept")
    expect(page.locator("#teaching-time")).to_have_text("It takes about 2 minutes, as the last time.")
