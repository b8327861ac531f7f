"""The page is complete, safe and accessible for any run."""

import json
import re
from base64 import b64encode
from dataclasses import asdict, replace
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest

from tendigits.data.dataset import make_dataset
from tendigits.data.preprocess import to_input
from tendigits.model.calibration import calibrate
from tendigits.model.network import build_network
from tendigits.model.recipe import Recipe
from tendigits.report.evaluate import report_on
from tendigits.report.html import FILES, Evaluation, render, write_report
from tendigits.report.messages import data_record
from tendigits.report.metrics import classification_report
from tendigits.report.saliency import MAX_MAPS
from tendigits.runs.run import FORMAT, create_run

SECTIONS = [
    "Curves", "Confusion matrix", "The worst mistakes", "Calibration", "Selective prediction",
    "What the network looks at", "Recipe", "Data", "Machine and versions", "Files in this folder",
]  # fmt: skip
VOID = {"meta", "link", "img", "br", "hr"}
EVIL = '/tmp/<script>alert("1")</script>/&amp;\'x'


class Page(HTMLParser):
    """Elements in order, the text of each, and whether all are closed."""

    def __init__(self, text):
        super().__init__()
        self.source, self.elements, self.open, self.ids = text, [], [], []
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
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for _, text in self.open:
            text.append(data)

    def all(self, *tags):
        return [(attrs, " ".join("".join(text).split())) for tag, attrs, text in self.elements if tag in tags]

    def texts(self, tag):
        return [text for _, text in self.all(tag)]

    def section(self, title):
        return self.texts("section")[SECTIONS.index(title)]


@pytest.fixture(scope="module")
def evaluation(digits, history, tmp_path_factory) -> Evaluation:
    """The evaluation of an untrained network, which makes many mistakes."""
    dataset = make_dataset(
        digits.x_train[:50], digits.y_train[:50], digits.x_test[:300], digits.y_test[:300], source="mine.npz"
    )
    recipe = Recipe(hidden=(80,), epochs=2)
    run = create_run(tmp_path_factory.mktemp("runs"), recipe, "one", datetime(2026, 11, 25, tzinfo=UTC))
    run.write_history(history)
    record = {
        "format": FORMAT, "status": "running", "created": "2026-11-25T01:02:03+00:00", "resumed": [],
        "data": data_record(dataset), "git": {"commit": "c0ffee", "changed": True},
        "machine": {"python": "3.11", "versions": {"keras": "3.15.1"}, "processor": "a < b"},
        "durations": {"data": 0.1, "fit": 3.25},
    }  # fmt: skip
    model = build_network(recipe)
    return report_on(model, np.asarray(model(to_input(dataset.x_test))), dataset, None, run, record)


@pytest.fixture(scope="module")
def perfect(evaluation) -> Evaluation:
    """An evaluation without a mistake."""
    labels, nothing = evaluation.labels, slice(0)
    return replace(
        evaluation, probabilities=np.eye(10)[labels], report=classification_report(np.eye(10)[labels], labels),
        images=evaluation.images[nothing], maps=evaluation.maps[nothing],
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(evaluation) -> Page:
    return Page(render(evaluation, list(FILES)))


def test_all_sections_are_there(page, evaluation):
    report = evaluation.report
    assert page.texts("h2") == SECTIONS
    assert page.texts("h1") == [f"classic: {report.accuracy:.2%} of 300 digits read correctly"]
    assert page.texts("title") == [f"classic, {report.accuracy:.2%}: run one"]
    low, high = report.interval
    text = page.texts("body")[0]
    for shown in (
        f"95% confidence interval {low:.2%} to {high:.2%}", "run one, 2026-11-25 01:02", "Best epoch, 1",
        "processora < b", "keras3.15.1",
        "c0ffee, with uncommitted changes", "data 0.1, fit 3.2", "mine.npz", "nothing may be fitted on those",
    ):  # fmt: skip
        assert shown in text, shown
    worst = report.mistakes
    shown = [text for text in page.texts("figcaption") if "read as" in text]
    assert shown[: len(worst)] == [f"{m.true} read as {m.predicted}, {m.confidence:.1%}" for m in worst]
    assert len(page.all("img")) == len(worst) + 2 * MAX_MAPS
    assert "settingthis runclassic hidden80512, 512 epochs215 Every setting" in page.section("Recipe")


def test_the_confusion_matrix(page, evaluation):
    shades, counts = zip(*re.findall(r'<td class="(right|none|m\d)">(\d+)', page.source), strict=True)
    assert list(map(int, counts)) == np.ravel(evaluation.report.confusion_matrix).tolist()
    assert shades[::11] == ("right",) * 10
    assert "m6" in {*shades} - {"right", "none"} <= {f"m{i}" for i in range(1, 7)}


def test_nothing_is_loaded(page):
    for tag, attrs, _ in page.elements:
        assert tag not in ("script", "iframe", "object", "embed", "base", "form", "audio", "video", "source")
        assert not any(name.startswith("on") for name in attrs)
        assert not {"style", "srcset", "action", "background", "ping", "xlink:href"} & attrs.keys()
        assert attrs["src"].startswith("data:image/png;base64,") if tag == "img" else "src" not in attrs
        link = attrs.get("href", "data:,")
        assert link == "data:," or link in FILES or link[1:] in page.ids
    (policy,) = (a["content"] for a, _ in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    style = re.search(r"<style>(.*?)</style>", page.source, re.DOTALL).group(1)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'", "img-src data:", f"style-src 'sha256-{digest}'", "base-uri 'none'", "form-action 'none'",
    ]  # fmt: skip
    assert not re.search(r"url\(|@import|</", style)
    assert not re.search("https?://", page.source)


def test_it_is_accessible(page):
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
    assert all(attrs["tabindex"] == "0" for attrs in scrolling)
    landmarks = [*page.texts("h2"), *(attrs["aria-label"] for attrs in scrolling)]  # a section is named by its heading
    assert len(set(landmarks)) == len(landmarks)


def test_own_digits_have_a_section_with_those_that_are_misread(evaluation, digits):
    probabilities, labels = np.eye(10)[[7, 7, 3]], np.array([7, 1, 3])
    own = digits.x_test[:1]
    report = replace(evaluation.report, own_digits=classification_report(probabilities, labels))
    data = evaluation.record["data"] | {"own_digits": {"n_train": 4, "source": "my <digits>.npz"}}
    record = evaluation.record | {"data": data}
    page = Page(render(replace(evaluation, report=report, own_images=own, record=record)))
    assert page.texts("h2") == ["Own digits", *SECTIONS]
    (section,) = [text for text in page.texts("section") if text.startswith("Own digits")]
    assert "4 digits from my <digits>.npz were learned with the others" in section
    assert "3 more of them test the network: it reads 2." in section
    assert "1 read as 7, 100.0%" in section
    assert "Own digits: 2 of 3 that were not learned (95% interval 21% to 94%)." in page.texts("body")[0]


def test_names_and_notes_are_escaped(perfect):
    data = perfect.data | {"source": EVIL, "notes": [f"note {EVIL}"]}
    record = perfect.record | {
        "machine": {"processor": EVIL, "versions": {}}, "git": {"commit": EVIL, "changed": False}, "created": EVIL,
        "data": data,
    }  # fmt: skip
    page = Page(render(replace(perfect, data=data, record=record)))
    assert "<script" not in page.source
    for shown in (f"from {EVIL}", f"note {EVIL}", f"processor{EVIL}", f"Git commit {EVIL}"):
        assert shown in page.texts("body")[0]


def test_with_a_calibration(perfect, evaluation):
    calibration = calibrate(evaluation.probabilities, evaluation.labels)
    page = Page(render(replace(perfect, probabilities=evaluation.probabilities, calibration=calibration)))
    text = page.section("Calibration")
    assert f"by a temperature of {calibration.temperature:.3f}, fitted on 300 held-out training digits" in text
    assert f"{calibration.threshold:.3f}" in page.section("Selective prediction")
    assert {"Before calibration", "After calibration", "At the threshold"} <= set(page.texts("text"))


def test_without_a_mistake(perfect):
    page = Page(render(perfect))
    assert "None: every digit is read correctly." in page.section("The worst mistakes")
    assert page.all("img") == []
    assert "Nothing to show" in page.section("What the network looks at")


def test_resumed_with_many_epochs_and_before_the_first(perfect, history, tmp_path):
    run = create_run(tmp_path, perfect.run.recipe(), "long", datetime(2026, 11, 25, tzinfo=UTC))
    made = replace(perfect, run=run, record=perfect.record | {"resumed": ["a", "b"], "git": None})
    assert "No epoch has been completed." in Page(render(made)).section("Curves")
    run.write_history({key: np.linspace(1, 2, 5000).tolist() for key in history})
    page = Page(render(made))
    assert "resumed 2 times" in page.texts("header")[0]
    assert "all of them are in history.csv" in page.section("Curves")
    assert len(page.source) < 600_000


def test_the_page_links_to_existing_files(evaluation, tmp_path):
    (tmp_path / "model.keras").touch()
    write_report(evaluation, tmp_path)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    links = [attrs["href"] for attrs, _ in page.all("a") if not attrs["href"].startswith("#")]
    assert links == ["report.json", "model.keras"]
    assert json.loads((tmp_path / "report.json").read_text()) == json.loads(json.dumps(asdict(evaluation.report)))
    assert (tmp_path / "report.html").stat().st_size < 600_000
