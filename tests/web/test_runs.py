"""The view Runs: every setting, curves, the table of runs, and jobs that are stopped."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from browser import PHONE, WIDTH, barriers
from tendigits.model.setting import settings

pytestmark = pytest.mark.xdist_group("browser")

HISTORY = {"loss": [0.3, 0.2], "val_loss": [0.25, 0.2], "accuracy": [0.9, 0.95], "val_accuracy": [0.93, 0.96]}
RUN = {
    "name": "first", "status": "finished", "recipe": "classic", "data": "MNIST", "created": "2026-01-01T00:00:00+00:00",
    "parameters": 669706, "epochs": 2, "best_epoch": 2, "val_loss": 0.2, "val_accuracy": 0.96, "test_accuracy": 0.9602,
    "test_interval": [0.9562, 0.9639], "seconds": 12.3, "history": {}, "settings": {},
}  # fmt: skip
UNFINISHED = {
    "name": "second", "status": "interrupted", "test_accuracy": None, "test_interval": None, "parameters": None
}  # fmt: skip
OTHER = RUN | UNFINISHED
DAMAGED = "third: run.json is damaged: it has no status"
WORDS = "first reads 12 of 10,000 test digits more than second."
BUSY = "training or teaching is running already"


def show_runs(page: Page) -> None:
    """Open the view with two runs, in place of the server's."""
    compared = [run | {"history": HISTORY, "settings": {"seed": i}} for i, run in enumerate((RUN, OTHER))]
    listed = {"runs": [RUN, OTHER], "damaged": [DAMAGED]}
    page.route("**/v1/runs", lambda route: route.fulfill(json=listed) if route.request.method == "GET" else
               route.fulfill(status=409, json={"error": BUSY}))  # fmt: skip
    page.route("**/v1/compare?*", lambda route: route.fulfill(json=compared[: route.request.url.count("run=")]))
    page.route("**/v1/verdict?*", lambda route: route.fulfill(json={"words": WORDS}))
    page.click("nav a[href='#runs']")


@pytest.mark.parametrize("device", [{"viewport": {"width": 1200, "height": 900}}, PHONE], ids=["desktop", "phone"])
def test_runs_are_listed_and_compared(open_page, device):
    page = open_page(reduced_motion="reduce", **device)
    show_runs(page)
    row = page.locator("#all-runs tbody tr", has_text="first")
    for shown in ("classic", "MNIST", "669,706", "96.02% (95.62% to 96.39%)", "12.3"):
        box = row.locator("td", has_text=shown).bounding_box()
        assert 0 <= box["x"] < box["x"] + box["width"] <= device["viewport"]["width"]  # no column is cut off
    expect(row.get_by_role("cell")).to_have_count(10)
    tops = [page.locator(part).bounding_box()["y"] for part in ("#all-runs", "#train", "#curves")]
    assert tops[0] < min(tops[1:])  # the table that the other cards are about
    expect(page.locator("#all-runs tbody tr", has_text="second").locator("button")).to_have_text("Resume")
    assert page.evaluate(WIDTH) <= device["viewport"]["width"]
    expect(page.locator("#damaged-runs")).to_have_text(f"Left out: {DAMAGED}")
    for name in ("first", "second"):
        page.get_by_label(f"Show the curves of {name}").check()
    expect(page.locator("#verdict")).to_have_text(WORDS)
    expect(page.locator("#differences")).to_contain_text("seed")
    for group in page.locator("#settings summary").all()[:2]:
        group.click()
    assert barriers(page) == []


def test_every_setting_is_in_the_form_and_only_those_that_differ_are_sent(open_page):
    page = open_page()
    show_runs(page)
    expect(page.locator("#training-data")).to_have_text(
        "Trains on MNIST: 60,000 training and 10,000 test digits, from the tendigits package."
    )
    for setting in settings():
        field = page.locator(f"[id='setting-{setting.name}']")
        expect(field).to_have_accessible_description(re.compile(re.escape(setting.help)))
    page.select_option("#recipe", "mlp")
    page.fill("[id='setting-epochs']", "3")
    for summary in page.locator("#settings summary").all():
        if summary.inner_text().strip() != "Training":
            summary.press("Enter")
    page.fill("[id='setting-hidden']", "64,32")
    page.fill("[id='setting-augmentation.shift']", "1.5")
    page.select_option("[id='setting-optimizer']", "sgd")
    page.locator("[id='setting-residual']").check()
    expect(page.locator("#settings summary", has_text="Network")).to_have_text("Network (2 changed)")
    page.fill("input[name=name]", "mine")
    with page.expect_request(lambda request: request.method == "POST" and request.url.endswith("/v1/runs")) as sent:
        page.click("#start-training")
    assert json.loads(sent.value.post_data) == {
        "recipe": "mlp", "name": "mine",
        "settings": {"hidden": [64, 32], "residual": True, "optimizer": "sgd", "augmentation.shift": 1.5, "epochs": 3},
    }  # fmt: skip
    expect(page.locator("#toast")).to_have_text(BUSY)
    page.click("#reset-settings")
    expect(page.locator("#settings .changed")).to_have_count(0)
    page.select_option("#recipe", "classic")
    expect(page.locator("[id='setting-epochs']")).to_have_value("15")
    open_page.complaints.clear()  # the browser logs every 409


@pytest.mark.parametrize(
    ("kind", "view", "name", "state", "stopping", "stopped"),
    [
        ("train", "runs", "training", "#training", "mine: stopping; the best weights are being saved…",
         "mine: stopped; it can be resumed."),
        ("teach", "teach", "teaching", "#progress", "Stopping…", "Stopped. Nothing has changed."),
    ],
)  # fmt: skip
def test_a_job_is_stopped(open_page, kind, view, name, state, stopping, stopped):
    page, waiting = open_page(), []
    job = {"id": 1, "kind": kind, "parameters": {"run": "mine"}, "status": "running", "error": None}
    page.route("**/v1/jobs/last", lambda route: route.fulfill(json=job), times=1)
    page.route("**/v1/jobs/1**", lambda route: waiting.append(route))
    page.click(f"nav a[href='#{view}']")
    page.click(f"#stop-{name}")
    expect(page.locator(state)).to_have_text(stopping)
    expect(page.locator(f"#stop-{name}")).to_be_disabled()
    for route in waiting:
        if route.request.method == "DELETE":
            route.fulfill(json=job)
        else:
            end = json.dumps(job | {"status": "stopped"})
            route.fulfill(content_type="text/event-stream", body=f"event: end\ndata: {end}\n\n")
    expect(page.locator(state)).to_have_text(stopped)
    expect(page.locator(f"#start-{name}")).to_be_enabled()
    expect(page.locator(f"#stop-{name}")).to_be_hidden()
