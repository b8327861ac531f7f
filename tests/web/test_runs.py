"""The page Runs in a real browser: curves that show every value, every setting, data and intervals, is it luck?"""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tendigits.model.setting import settings

pytestmark = pytest.mark.xdist_group("browser")

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
HISTORY = {"loss": [0.3, 0.2], "val_loss": [0.25, 0.2], "accuracy": [0.9, 0.95], "val_accuracy": [0.93, 0.96]}
RUN = {
    "name": "first", "status": "finished", "recipe": "classic", "data": "MNIST", "created": "2026-01-01T00:00:00+00:00",
    "parameters": 669706, "epochs": 2, "best_epoch": 2, "val_loss": 0.2, "val_accuracy": 0.96, "test_accuracy": 0.9602,
    "test_interval": [0.9562, 0.9639], "seconds": 12.3, "history": {}, "settings": {},
}  # fmt: skip
OTHER = RUN | {
    "name": "second",
    "status": "interrupted",
    "test_accuracy": None,
    "test_interval": None,
    "parameters": None,
}
LISTED = {"runs": [RUN, OTHER], "damaged": ["third: run.json is damaged: it has no status"]}
WORDS = "first reads 12 of 10,000 test digits more than second."

POINTS = """async (history) => {
  const { charts } = await import("./shared/chart.js");
  const drawn = charts([{ name: "a", history }]).filter((each) => each.matches("svg.chart"));
  return drawn.map((chart) => ({
    grid: [...chart.querySelectorAll("line.grid")].map((line) => Number(line.getAttribute("y1"))),
    labels: [...chart.querySelectorAll("text[text-anchor=end]")].map((text) => text.textContent),
    paths: Object.fromEntries([...chart.querySelectorAll("path")].map((path) =>
      [path.classList.contains("training") ? "training" : "validation", path.getAttribute("d")])),
  }));
}"""


def values_of(path: str, grid: list[float], labels: list[str]) -> list[float]:
    """The values that a path shows, by the lines of the grid and their labels."""
    numbers = [float(text.rstrip("%")) / (100 if text.endswith("%") else 1) for text in labels]
    per_pixel = (numbers[-1] - numbers[0]) / (grid[-1] - grid[0])
    heights = [float(point.split(",")[1]) for point in path[1:].split("h")[0].split("L")]
    return [numbers[0] + (height - grid[0]) * per_pixel for height in heights]


HISTORIES = [
    {"loss": [0.6, 0.153, 0.105], "val_loss": [0.2, 0.25, 0.31], "accuracy": [0.81, 0.95, 0.999],
     "val_accuracy": [0.96, 0.97, 0.965]},
    {"loss": [2.4, 40.0, 3.0], "val_loss": [0.1, 0.1, 0.1], "accuracy": [1, 1, 1], "val_accuracy": [1, 1, 1]},
    {"loss": [0.3], "val_loss": [0.3], "accuracy": [0.1], "val_accuracy": [0.9]},
    {"loss": [0.3, 0.2], "accuracy": [0.0, 0.003]},
]  # fmt: skip


def test_curves_show_every_value(open_page):
    page = open_page("#runs")
    for history in HISTORIES:
        for key, chart in zip(("accuracy", "loss"), page.evaluate(POINTS, history), strict=True):
            heights = sorted(chart["grid"])
            values = history[key] + history.get(f"val_{key}", [])
            for name, kind in ((f"val_{key}", "validation"), (key, "training")):
                if name not in history:
                    assert kind not in chart["paths"]
                    continue
                shown = values_of(chart["paths"][kind], chart["grid"], chart["labels"])
                assert shown == pytest.approx(history[name], abs=max(max(values) - min(values), 0.01) / 500)
                drawn = [float(point.split(",")[1]) for point in chart["paths"][kind][1:].split("h")[0].split("L")]
                assert heights[0] - 0.01 <= min(drawn) <= max(drawn) <= heights[-1] + 0.01


def show_runs(page: Page) -> None:
    """Let the page have two runs, as the server lists and compares them."""
    compared = [run | {"history": HISTORY, "settings": {"seed": i}} for i, run in enumerate((RUN, OTHER))]
    page.route("**/v1/runs", lambda route: route.fulfill(json=LISTED) if route.request.method == "GET" else
               route.fulfill(status=409, json={"error": "training or teaching is running already"}))  # fmt: skip
    page.route("**/v1/compare?*", lambda route: route.fulfill(json=compared[: route.request.url.count("run=")]))
    page.route("**/v1/verdict?*", lambda route: route.fulfill(json={"words": WORDS}))
    page.click("nav a[href='#runs']")


@pytest.mark.parametrize("device", [{"viewport": {"width": 1200, "height": 900}}, PHONE], ids=["desktop", "phone"])
def test_runs_show_data_parameters_and_intervals_and_whether_two_differ_by_luck(open_page, device):
    page = open_page(reduced_motion="reduce", **device)
    show_runs(page)
    row = page.locator("#all-runs tbody tr", has_text="first")
    for shown in ("classic", "MNIST", "669,706", "96.02% (95.62% to 96.39%)", "12.3"):
        cell = row.locator("td", has_text=shown)
        expect(cell).to_be_visible()
        box = cell.bounding_box()
        assert 0 <= box["x"] < box["x"] + box["width"] <= device["viewport"]["width"]  # no column is cut off
    expect(row.get_by_role("cell")).to_have_count(10)
    expect(page.locator("#all-runs tbody tr", has_text="second").locator("button")).to_have_text("Resume")
    assert page.evaluate("document.documentElement.scrollWidth") <= device["viewport"]["width"]
    expect(page.locator("#damaged-runs")).to_have_text(f"Left out: {LISTED['damaged'][0]}")
    expect(page.locator("#verdict")).to_have_count(0)
    for name in ("first", "second"):
        page.get_by_label(f"Show the curves of {name}").check()
    expect(page.locator("#verdict")).to_have_text(WORDS)
    expect(page.locator("#differences")).to_contain_text("seed")
    for group in page.locator("#settings summary").all()[:2]:
        group.click()
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_on_a_phone_a_wide_comparison_scrolls_in_its_own_box_and_names_stay(open_page):
    page = open_page(reduced_motion="reduce", **PHONE)
    runs = [RUN | {"name": f"run-{i}", "history": HISTORY, "settings": {"validation_split": i}} for i in range(8)]
    page.route("**/v1/runs", lambda route: route.fulfill(json={"runs": runs, "damaged": []}))
    page.route("**/v1/compare?*", lambda route: route.fulfill(json=runs[: route.request.url.count("run=")]))
    page.route("**/v1/verdict?*", lambda route: route.fulfill(json={"words": WORDS}))
    page.click("nav a[href='#runs']")
    for run in runs:
        page.get_by_label(f"Show the curves of {run['name']}").check()
    box, table = page.locator("#differences .scroll"), page.locator("#differences table")
    expect(table.locator("th")).to_have_count(9)
    edge = box.bounding_box()
    name, last = table.locator("td").first, table.locator("th").last
    assert last.bounding_box()["x"] > edge["x"] + edge["width"]
    box.focus()
    for _ in range(60):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "([box, last]) => last.getBoundingClientRect().right <= box.getBoundingClientRect().right + 1",
        arg=[box.element_handle(), last.element_handle()],
    )
    assert name.bounding_box()["x"] == pytest.approx(edge["x"], abs=1)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["viewport"]["width"]


def test_every_setting_is_in_the_form_and_only_those_that_differ_are_sent(open_page):
    page = open_page()
    show_runs(page)
    expect(page.locator("#training-data")).to_have_text(
        "Trains on MNIST: 60,000 training and 10,000 test digits, from the tendigits package."
    )
    for setting in settings():
        field = page.locator(f"[id='setting-{setting.name}']")
        expect(field).to_have_count(1)
        expect(field).to_have_accessible_description(re.compile(re.escape(setting.help)))
    expect(page.locator("[id='setting-hidden']")).to_have_value("512, 512")
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
    expect(page.locator("#toast")).to_have_text("training or teaching is running already")
    page.click("#reset-settings")
    expect(page.locator("#settings .changed")).to_have_count(0)
    expect(page.locator("#toast")).to_have_text("training or teaching is running already")
    page.select_option("#recipe", "classic")
    expect(page.locator("[id='setting-epochs']")).to_have_value("15")
    open_page.complaints.clear()  # the browser logs every 409


def finish(waiting, job) -> None:
    """Answer what waits: the job has been stopped."""
    ended = json.dumps(job | {"status": "stopped"})
    for route in waiting:
        if route.request.method == "DELETE":
            route.fulfill(json=job)
        else:
            route.fulfill(content_type="text/event-stream", body=f"event: end\ndata: {ended}\n\n")


def test_teaching_stops_at_once_too(open_page):
    page = open_page()
    job = {"id": 1, "kind": "teach", "parameters": {"corrections": 5}, "status": "running", "error": None}
    waiting = []
    page.route("**/v1/jobs/last", lambda route: route.fulfill(json=job))
    page.route("**/v1/jobs/1/events", lambda route: waiting.append(route))
    page.route("**/v1/jobs/1", lambda route: waiting.append(route))
    page.click("nav a[href='#teach']")
    page.click("#stop-teaching")
    expect(page.locator("#progress")).to_have_text("Stopping…")
    finish(waiting, job)
    expect(page.locator("#progress")).to_have_text("Stopped. Nothing has changed.")
    expect(page.locator("#stop-teaching")).to_be_hidden()


def test_stop_answers_at_once(open_page):
    """The process is still saving when the page says so."""
    page = open_page()
    job = {
        "id": 1,
        "kind": "train",
        "parameters": {"recipe": "mlp", "run": "mine", "epochs": 9},
        "status": "running",
        "error": None,
    }
    waiting = []
    page.route("**/v1/jobs/last", lambda route: route.fulfill(json=job))
    page.route("**/v1/jobs/1/events", lambda route: waiting.append(route))
    page.route("**/v1/jobs/1", lambda route: waiting.append(route))
    show_runs(page)
    page.click("#stop-training")
    expect(page.locator("#training")).to_have_text("mine: stopping; the best weights are being saved…")
    expect(page.locator("#stop-training")).to_be_disabled()
    page.unroute("**/v1/jobs/last")
    finish(waiting, job)
    expect(page.locator("#training")).to_have_text("mine: stopped; it can be resumed.")
    expect(page.locator("#start-training")).to_be_enabled()
    expect(page.locator("#stop-training")).to_be_hidden()
