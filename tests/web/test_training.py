"""Teaching and training run to their end on the page, with 1,000 digits of MNIST."""

import re

import pytest
from playwright.sync_api import expect

from browser import EMPTY, draw
from drawing import ONE, THREE
from processes import ServeProcess

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server which, as the processes that it starts, has fewer digits."""
    from execute import FEWER_DIGITS

    folder = tmp_path_factory.mktemp("server")
    (folder / "sitecustomize.py").write_text(FEWER_DIGITS.format(n=1000))
    running = ServeProcess(folder, "--no-browser", PYTHONPATH=str(folder))
    yield running
    assert "Traceback" not in running.stop()


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
    expect(page.locator("#active")).to_have_text("Your fine-tuned network 1 is active.", timeout=60_000)
    page.click("#rollback")
    expect(page.locator("#active")).to_have_text("The original network is active.", timeout=60_000)


def test_train_watch_stop_resume_and_compare(open_page):
    page = open_page("#runs")
    page.select_option("#recipe", "mlp")
    page.fill("input[name=epochs]", "60")
    page.fill("input[name=name]", "mine")
    page.click("#start-training")
    expect(page.locator("#training")).to_contain_text(re.compile(r"mine: epoch \d+ of 60, validation"), timeout=600_000)
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
    expect(opened.value.locator("h1")).to_contain_text(re.compile(r"mlp: [89]\d"))
