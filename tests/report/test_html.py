"""The page is whole, safe and for everybody, whatever the run; how it looks was looked at with a browser."""

import re
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import keras
import numpy as np
import pytest

from tendigits.data.dataset import make_dataset
from tendigits.data.preprocess import to_input
from tendigits.model.calibration import calibrate
from tendigits.model.network import build_network
from tendigits.model.recipe import Recipe
from tendigits.report.html import FILES, SALIENT, Judged, render, write_page
from tendigits.report.messages import data_record
from tendigits.report.metrics import judge
from tendigits.report.run import FORMAT, create_run

SECTIONS = [
    "Curves", "Confusion", "The worst mistakes", "Calibration", "If it may abstain", "What it looks at", "Recipe",
    "Data", "Machine and versions", "Files beside this page",
]  # fmt: skip
HISTORY = {"loss": [0.3, 0.2], "accuracy": [0.9, 0.95], "val_loss": [0.2, 0.25], "val_accuracy": [0.93, 0.94]}
VOID = {"meta", "link", "img", "br", "hr"}
EVIL = '/tmp/<script>alert("1")</script>/&amp;\'x'


class Page(HTMLParser):
    """Elements in order, the text of each, and whether all are closed."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.ids = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), []))
        self.ids += [value for name, value in attrs if name == "id"]
        assert len(dict(attrs)) == len(attrs)
        if tag not in VOID:
            self.open.append((tag, self.elements[-1][2]))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for _, text in self.open:
            text.append(data)

    def all(self, *tags):
        return [(attrs, " ".join("".join(text).split())) for tag, attrs, text in self.elements if tag in tags]

    def texts(self, tag):
        return [text for _, text in self.all(tag)]


def judged(tmp_path, dataset, recipe=None, model=None, probabilities=None, **changes):
    recipe = recipe or Recipe(hidden=(80,), epochs=2)
    run = create_run(tmp_path, recipe, changes.pop("name", "one"), datetime(2026, 11, 25, tzinfo=UTC))
    run.write_history(HISTORY)
    model = model or build_network(recipe)
    if probabilities is None:
        probabilities = np.asarray(model(to_input(dataset.x_test)))
    record = {
        "format": FORMAT, "status": "running", "created": "2026-11-25T01:02:03+00:00", "resumed": [],
        "data": data_record(dataset, None), "git": {"commit": "c0ffee", "changed": True},
        "machine": {"python": "3.11", "versions": {"keras": "3.15.1"}, "processor": "a < b"},
        "durations": {"data": 0.1, "fit": 3.25},
    } | changes.pop("record", {})  # fmt: skip
    report = judge(probabilities, dataset.y_test)
    return Judged(run, record, dataset, model, probabilities, report, **changes)


@pytest.fixture(scope="module")
def dataset(digits):
    return make_dataset(
        digits.x_train[:50], digits.y_train[:50], digits.x_test[:300], digits.y_test[:300], source="mine.npz"
    )


@pytest.fixture
def made(tmp_path, dataset):
    return judged(tmp_path, dataset)


def test_all_sections_are_there(made):
    page = Page(render(made, list(FILES)))
    assert page.texts("h2") == SECTIONS
    assert page.texts("h1") == [f"classic: {made.report.accuracy:.2%} of 300 digits read right"]
    assert page.texts("title") == [f"classic, {made.report.accuracy:.2%}: run one"]
    low, high = made.report.interval
    text = page.texts("body")[0]
    for shown in (
        f"95% interval {low:.2%} to {high:.2%}", "run one, 2026-11-25 01:02", "Best epoch, 1",
        "The weights of the 64 strongest of 80 units", "2 of", "processora < b", "keras3.15.1", "c0ffee, with changes",
        "data 0.1, fit 3.2", "mine.npz", "50 to train on, 300 to test on",
    ):  # fmt: skip
        assert shown in text, shown


def test_the_matrix_is_the_reports(made):
    page = Page(render(made))
    (start,) = (i for i, (tag, attrs, _) in enumerate(page.elements) if attrs.get("class") == "confusion")
    cells = [(attrs, "".join(text)) for tag, attrs, text in page.elements[start:] if tag == "td"][1:101]
    cells = [(attrs, int(text)) for attrs, text in cells]
    assert [n for _, n in cells] == np.ravel(made.report.confusion).tolist()
    assert [attrs["class"] for attrs, _ in cells[::11]] == ["right"] * 10
    shades = {attrs["class"] for attrs, n in cells if n and attrs["class"] != "right"}
    assert "m6" in shades <= {f"m{i}" for i in range(1, 7)}
    assert {attrs["class"] for attrs, n in cells if not n} <= {"none", "right"}


def test_mistakes_have_pictures(made):
    page = Page(render(made))
    shown = [text for text in page.texts("figcaption") if "read as" in text]
    worst = made.report.mistakes
    assert shown[: len(worst)] == [f"{m.true} read as {m.predicted}, {m.probability:.1%}" for m in worst]
    assert len(shown) == len(worst) + SALIENT
    assert len(page.all("img")) == len(worst) + 2 * SALIENT + 1


def test_nothing_is_fetched(made):
    text = render(made, list(FILES))
    page = Page(text)
    for tag, attrs, _ in page.elements:
        assert tag not in ("script", "iframe", "object", "embed", "base", "form", "audio", "video", "source", "use")
        for name, value in attrs.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in ("style", "srcset", "action", "background", "ping", "xlink:href"), (tag, name)
            if name == "src":
                assert value.startswith("data:image/png;base64,")
            if name == "href":
                assert value == "data:," or value in FILES or value[1:] in page.ids, value
    (style,) = page.texts("style")
    assert not re.search(r"url\(|@import|</", style)
    assert "http://" not in text
    assert "https://" not in text


def test_the_policy_allows_only_this_style_and_pictures_in_the_page(made):
    text = render(made)
    (policy,) = (a["content"] for a, _ in Page(text).all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL).group(1)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'", "img-src data:", f"style-src 'sha256-{digest}'", "base-uri 'none'", "form-action 'none'",
    ]  # fmt: skip


def test_it_is_for_everybody(made):
    page = Page(render(made, list(FILES)))
    assert page.all("html")[0][0]["lang"] == "en"
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in [a for a, _ in page.all("meta")]
    assert len(set(page.ids)) == len(page.ids)
    levels = [int(tag[1]) for tag, _, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 == levels.count(1)
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(attrs["alt"] for attrs, _ in page.all("img"))
    assert all(attrs["scope"] in ("row", "col") for attrs, _ in page.all("th"))
    assert all(attrs.get("aria-label") or attrs.get("aria-hidden") for attrs, _ in page.all("svg"))
    scrolling = [attrs for attrs, _ in page.all("div") if attrs.get("class") == "scroll"]
    assert len(scrolling) == len(page.all("table"))
    assert all(attrs["tabindex"] == "0" and attrs["aria-label"] for attrs in scrolling)
    (style,) = page.texts("style")
    for media in ("prefers-color-scheme: dark", "max-width: 32rem", "print", "focus-visible"):
        assert media in style


def test_what_comes_from_elsewhere_is_only_text(tmp_path, dataset):
    own = replace(dataset, source=EVIL, notes=(f"note {EVIL}",))
    record = {"machine": {"processor": EVIL, "versions": {}}, "git": {"commit": EVIL, "changed": False}}
    text = render(judged(tmp_path, own, name="<b>&x", record=record))
    assert "<script" not in text
    assert "<b>&x" not in text
    page = Page(text)
    body = page.texts("body")[0]
    for shown in (f"from {EVIL}", f"note {EVIL}", "run <b>&x"):
        assert shown in body
    assert page.texts("title")[0].endswith("run <b>&x")


def test_with_a_calibration(tmp_path, dataset):
    without = judged(tmp_path, dataset, Recipe(hidden=(), validation_split=0.1))
    calibration = calibrate(without.probabilities, dataset.y_test)
    page = Page(render(replace(without, calibration=calibration)))
    text = page.texts("body")[0]
    assert f"by a temperature of {calibration.temperature:.3f}, fitted on 300 held-out training digits" in text
    assert f"{calibration.threshold:.3f}" in text
    assert {"Before", "After", "At the threshold"} <= set(page.texts("li"))
    assert "all 10 units" in text


def test_without_a_calibration_it_says_how_to_get_one(made, tmp_path, dataset):
    text = Page(render(made)).texts("section")[3]
    assert "nothing may be fitted on those: train with --validation-split 0.1 to get one" in text
    old = judged(tmp_path, dataset, Recipe(hidden=(80,), validation_split=0.1), name="old")
    assert "before there was one; train anew" in Page(render(old)).texts("section")[3]


def test_without_a_mistake(tmp_path, dataset):
    page = Page(render(judged(tmp_path, dataset, probabilities=np.eye(10)[dataset.y_test])))
    assert page.texts("h1") == ["classic: 100.00% of 300 digits read right"]
    assert "None: every digit is read right." in page.texts("section")[2]
    assert len(page.all("img")) == 1
    assert page.texts("h2") == SECTIONS


def test_with_a_convolution_first(tmp_path, dataset):
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((784,)), layers.Reshape((28, 28, 1)), layers.Conv2D(70, 5, 2), layers.BatchNormalization(),
         layers.Flatten(), layers.Dense(10, "softmax")]
    )  # fmt: skip
    page = Page(render(judged(tmp_path, dataset, model=model)))
    assert "The 64 strongest of 70 kernels" in page.texts("section")[5]
    alts = [attrs["alt"] for attrs, _ in page.all("img")]
    assert "The weights of 64 kernels, each as a picture of 5 by 5" in alts


def test_with_a_first_layer_that_is_no_picture_and_no_mistake(tmp_path, dataset):
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((784,)), layers.Reshape((28, 28)), layers.LSTM(4), layers.Dense(10, "softmax")]
    )
    page = Page(render(judged(tmp_path, dataset, model=model, probabilities=np.eye(10)[dataset.y_test])))
    assert page.all("img") == []
    assert "Nothing to show" in page.texts("section")[5]


def test_resumed_and_many_epochs(tmp_path, dataset):
    made = judged(tmp_path, dataset, record={"resumed": ["a", "b"], "git": None})
    made.run.write_history({key: np.linspace(1, 2, 5000).tolist() for key in HISTORY})
    text = render(made)
    page = Page(text)
    assert "resumed 2 times" in page.texts("header")[0]
    assert "all are in history.csv" in page.texts("section")[0]
    assert len(text) < 600_000


def test_before_the_first_epoch(made):
    (made.run.path / "history.csv").unlink()
    assert "There are none" in Page(render(made)).texts("section")[0]


def test_the_file_links_only_to_what_is_there(made):
    for name in ("report.md", "model.keras"):
        (made.run.path / name).touch()
    write_page(made, made.run.path)
    page = Page((made.run.path / "report.html").read_text(encoding="utf-8"))
    links = [attrs["href"] for attrs, _ in page.all("a") if not attrs["href"].startswith("#")]
    assert links == ["report.md", "recipe.json", "history.csv", "model.keras"]
    assert (made.run.path / "report.html").stat().st_size < 600_000


def test_knobs_that_differ_from_classic_are_marked(made):
    page = Page(render(made))
    changed = [text for attrs, text in page.all("tr") if attrs.get("class") == "changed"]
    assert changed == ["hidden80512, 512", "epochs215"]
