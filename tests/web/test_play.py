"""The playground: networks that really learn in the page, served or opened as a file, and the sheets to print."""

import hashlib
import json
import re
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pypdfium2
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from browser import PHONE, WIDTH, barriers, download, draw_in_play
from drawing import ONE, THREE, png
from other_browsers import run_in_firefox, run_in_webkit
from tendigits.data.load import load
from tendigits.data.mnist import load_data
from tendigits.data.preprocess import to_input
from tendigits.errors import UserError
from tendigits.model.file import load_model
from tendigits.model.network import build_network, count_parameters, predict
from tendigits.model.recipe import Augmentation, Recipe
from tendigits.model.recipe_files import load_recipe
from tendigits.report.mcnemar import mcnemar
from tendigits.report.metrics import wilson_interval
from tendigits.web.pages import join_modules
from tendigits.web.playground import network_script, write_playground

pytestmark = pytest.mark.xdist_group("browser")

STARTING = 120_000
"""Milliseconds in which a network learns for some epochs on a machine that is busy with other tests."""

SMALL = "#play?digits=500&hidden=32"
READY = "Choose settings, then train."

IS_LIT = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, i) => i % 4 === 0 && value > 120).length > 50;
}"""


@pytest.fixture
def play(open_page):
    """Open the served page with the settings of a link."""

    def start(link="#play", **options) -> Page:
        page = open_page(link, **options)
        expect(page.locator("#play-status")).to_have_text(READY, timeout=STARTING)
        return page

    return start


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """The exported playground, with all digits."""
    return write_playground(tmp_path_factory.mktemp("exported") / "play", all_digits=True)[0].parent


def figure(page: Page, column: int, network: str = "a"):
    """State, epoch, loss, training or test accuracy of a network, from 0, or how many own digits it reads."""
    return page.locator(f"#figures-{network} td").nth(column)


def train_epoch(page: Page, epoch: int, network: str = "a") -> None:
    page.click("#play-epoch")
    expect(figure(page, 1, network)).to_have_text(f"{epoch}.00", timeout=STARTING)
    expect(page.locator("#play-status")).to_have_text("Paused.", timeout=STARTING)


def train_until(page: Page, epoch: float, networks: str = "a") -> None:
    page.click("#play-train")
    for network in networks:
        page.wait_for_function(
            "([name, least]) => Number(document.querySelector(`#figures-${name}`)?.children[2].textContent) >= least",
            arg=[network, epoch], timeout=STARTING,
        )  # fmt: skip
    page.click("#play-train")
    expect(page.locator("#play-status")).to_have_text("Paused.", timeout=STARTING)


def run_js(modules: dict[str, list[str]], code: str, *arguments):
    """What JavaScript code returns, run by Node with functions of some modules of the page."""
    imports = "".join(f'import {{ {", ".join(names)} }} from "./{name}.js";\n' for name, names in modules.items())
    names = ", ".join(name for each in modules.values() for name in each)
    entry = "page/play/entry.js"
    script = join_modules(entry, {entry: f"{imports}export const all = {{ {names} }};\n"})
    program = f"const {{ {names} }} = {script.rstrip().rstrip(';')}.all;\nconst run = {code};\n"
    program += f"console.log(JSON.stringify(run(...{json.dumps(arguments)})));"
    return json.loads(subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True).stdout)


def as_recipe(**settings) -> str:
    return run_js({"code": ["asRecipe"], "link": ["defaults"]}, "(s) => asRecipe({ ...defaults(), ...s })", settings)


def as_keras(**settings) -> str:
    return run_js({"code": ["asKeras"], "link": ["defaults"]}, "(s) => asKeras({ ...defaults(), ...s })", settings)


TAKEN_AWAY = {
    "hidden": [20, 12], "activation": "tanh", "dropout": 0.1, "optimizer": "sgd", "learning_rate": 1.0,
    "batch_size": 50, "seed": 3,
}  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "recipe"),
    [
        ({}, Recipe(name="play", seed=0)),
        (TAKEN_AWAY | {"digits": 150, "label_noise": 0.25, "mine": True}, Recipe(name="play", **TAKEN_AWAY)),
        ({"hidden": [], "shift": 2}, Recipe(name="play", hidden=(), seed=0, augmentation=Augmentation(shift=2.0))),
    ],
)
def test_the_recipe_file_is_that_of_the_settings(tmp_path, settings, recipe):
    text = as_recipe(**settings)
    (tmp_path / "play.toml").write_text(text)
    assert load_recipe(str(tmp_path / "play.toml")) == recipe
    counted = run_js({"link": ["parameters", "defaults"]}, "(s) => parameters({ ...defaults(), ...s })", settings)
    assert counted == count_parameters(recipe)
    assert ("first 150 training digits" in text and "25% of the digits" in text) == ("label_noise" in settings)
    compile(as_keras(**settings), "play.py", "exec")


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0, 1])
def test_the_keras_code_trains_the_same_network(shift):
    code = as_keras(**TAKEN_AWAY, digits=150, label_noise=0.25, shift=shift)
    code += "print(model.count_params(), model.optimizer.name, y_train.shape, (y_train.argmax(1) != first).mean())\n"
    first = "first = mnist.load_data()[0][1][:150]\nmodel ="
    done = subprocess.run([sys.executable, "-c", code.replace("model =", first)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    count, name, *_, wrong = done.stdout.strip().splitlines()[-1].split()
    assert (int(count), name) == (count_parameters(Recipe(hidden=(20, 12))), "sgd")
    assert 0.1 < float(wrong) < 0.4


def test_links_and_results_hold_all_settings_and_refuse_what_is_out_of_range():
    modules = {"link": ["defaults", "fromHash", "fromResult", "hashOf", "resultLine"]}
    b = TAKEN_AWAY | {"mine": True, "digits": 60000, "label_noise": 0.3, "shift": 2.5, "rotate": 15, "hidden": []}
    same = "(a, b) => fromHash(hashOf({ a: { ...defaults(), ...a }, b: { ...defaults(), ...b } }))"
    found = run_js(modules, same, TAKEN_AWAY, b)
    assert found["problems"] == []
    assert found["experiments"]["a"].items() >= TAKEN_AWAY.items()
    assert found["experiments"]["b"].items() >= b.items()
    wrong = "#play?hidden=64,0&dropout=2&batch_size=1.5&seed=&optimizer=lion&colour=1&digits=200"
    found = run_js(modules, "(hash) => fromHash(hash)", wrong)
    assert found["experiments"] == {"a": run_js(modules, "() => defaults()") | {"digits": 200}}
    assert [problem.split(":")[0] for problem in found["problems"]] == [
        "Hidden layers", "Dropout", "Batch size", "Seed", "Optimizer", "There is no setting colour."
    ]  # fmt: skip
    check = {"accuracy": 0.93456, "n": 10000, "epoch": 3, "mine": {"right": 6, "n": 10}}
    code = '(s, c) => "Mia, 8b: " + resultLine({ ...defaults(), ...s }, c, "https://a.example/play/?x#")'
    line = run_js(modules, code, TAKEN_AWAY, check)
    found = run_js(modules, "(line) => fromResult(line)", line)
    assert (found["who"], found["accuracy"], found["epoch"]) == ("Mia, 8b", 0.9346, 3)
    assert (found["n"], found["mine"]) == (10000, check["mine"])
    assert found["settings"].items() >= TAKEN_AWAY.items()
    none = "0.00% of 0 test digits after 1.00 epochs: #play?"
    for other in ("", "Mia", none, none.replace("0.00", "193.46"), line.replace("#play", "#draw"), " " * 90_000 + line):
        assert run_js(modules, "(line) => fromResult(line)", other) is None
    assert run_js(modules, "(hash) => fromHash(hash)", wrong + "/" * 90_000)["problems"] == ["It is too long."]


def test_the_comparison_and_the_interval_are_those_of_python():
    cases = [(0, 0), (3, 3), (5, 12), (40, 21), (900, 700)]
    words = run_js({"figures": ["verdict"]}, "(cases) => cases.map(([a, b]) => verdict(a, b, 10000))", cases)
    for (only_a, only_b), found in zip(cases, words, strict=True):
        assert found == mcnemar(range(only_b), range(only_b, only_b + only_a), 10_000).words
    for right, n in ((0, 7), (1983, 2000), (9800, 10000)):
        found = run_js({"views": ["wilson"]}, "(part, n) => wilson(part, n)", right / n, n)
        np.testing.assert_allclose(found, wilson_interval(right, n), atol=1e-6)


def test_settings_their_texts_and_what_is_out_of_range(play):
    page = play(permissions=["clipboard-read", "clipboard-write"])
    assert page.evaluate("scrollY") == 0
    expect(page.locator("#play-parameters")).to_have_text("669,706")
    page.click("#play-more")
    expect(page.locator("#play-parameters")).to_have_text(f"{669_706 + 513 * 512:,}")
    page.fill("#play-units-1", "5000")
    expect(page.locator("#problem-hidden")).to_have_text("Hidden layers: 1 to 1,024 units each. It stays as it was.")
    page.locator("#play-units-1").blur()
    expect(page.locator("#play-units-1")).to_have_value("512")  # what holds
    page.fill("#play-units-1", "512")
    expect(page.locator("#problem-hidden")).to_be_hidden()
    for _ in range(3):
        page.click("#play-fewer")
    expect(page.locator("#play-parameters")).to_have_text("7,850")
    expect(page.locator("#about-activation")).to_be_hidden()
    page.click("#play-more-settings summary")
    expect(page.locator("#about-activation")).to_have_text(re.compile("^Each unit's bend"))
    page.locator("#play-dropout").press("ArrowRight")
    expect(page.locator("#value-dropout")).to_have_text("0.25")
    page.select_option("#play-optimizer", "sgd")
    page.fill("#play-seed", "-1")
    expect(page.locator("#problem-seed")).to_contain_text("a whole number from 0 to 4,294,967,295")
    page.click("#play-keras")
    expect(page.locator("#play-code")).to_contain_text("keras.optimizers.SGD(0.001)")
    assert page.evaluate("navigator.clipboard.readText()") == as_keras(hidden=[], dropout=0.25, optimizer="sgd")
    page.click("#play-link")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.endswith("#play?hidden=&dropout=0.25&optimizer=sgd&seed=0")
    page.reload()
    expect(page.locator("#play-parameters")).to_have_text("7,850")
    page.click("#play-defaults")
    expect(page.locator("#play-parameters")).to_have_text("669,706")
    assert page.url.endswith("#play?seed=0")


WATCH_NEWS = """() => {
  globalThis.news = [];
  const take = () => news.push([performance.now(), document.querySelector("#play-news").textContent]);
  new MutationObserver(take).observe(document.querySelector("#play-news"), { childList: true });
}"""


def test_train_draw_meanwhile_step_select_a_unit_and_reset(play):
    page = play(SMALL)
    page.evaluate(WATCH_NEWS)
    draw_in_play(page, THREE)
    reads = page.locator("#play-reads")
    page.click("#play-batch")
    expect(figure(page, 1)).to_have_text("0.063", timeout=STARTING)  # one of 16 batches
    expect(reads).to_have_text(re.compile(r"^A reads \d, .*: just a guess\.$"), timeout=STARTING)
    train_epoch(page, 1)
    assert page.locator("#play-curves path").first.get_attribute("d").count("L") >= 4  # tests of the first epoch
    before = page.locator("#play-bars-a").inner_text()
    train_until(page, 12)
    expect(page.locator("#play-bars-a")).not_to_have_text(before, timeout=STARTING)  # it has learned since
    expect(reads).to_have_text(re.compile(r"^A reads 3, "), timeout=STARTING)
    epoch = figure(page, 1).inner_text()
    expect(page.locator("#play-curves path")).to_have_count(6)  # accuracy twice, loss; test and training
    expect(page.locator("#play-confusion .right")).to_have_count(10)
    expect(page.locator("#play-mistakes li")).to_have_count(12, timeout=STARTING)
    assert page.locator("#play-weights").evaluate("canvas => canvas.height") == 3 * 29 - 1  # 18 units in rows of 6
    expect(page.locator("#play-histograms figure")).to_have_count(1)
    assert float(figure(page, 4).inner_text().rstrip("%")) > 75
    layer = page.locator("#play-layers-a canvas")
    assert layer.evaluate(IS_LIT)
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Enter"):
        layer.press(key)
    expect(page.locator("#play-unit-name")).to_have_text("Network A, hidden layer 1, unit 18", timeout=STARTING)
    expect(page.locator("#play-unit-digits li")).to_have_count(12, timeout=STARTING)
    page.click("nav a[href='#draw']")
    page.click("nav a[href='#play']")
    assert figure(page, 1).inner_text() == epoch  # the network stays
    for told in ("A reads 3\\.", "Test \\d+%, after [\\d.]+ epochs?\\."):  # to screen readers, within two seconds
        page.wait_for_function(
            "(told) => news.some(([, text]) => new RegExp(told).test(text))", arg=told, timeout=STARTING
        )
    times = [time for time, _ in page.evaluate("news")]
    assert min(np.diff(times), default=9e9) >= 1990
    assert page.locator("#play-reads").get_attribute("role") is None
    page.click("#play-reset")
    expect(figure(page, 1)).to_have_text("0.00", timeout=STARTING)
    page.click("#play-pad-clear")
    expect(reads).to_have_text("Draw a digit.", timeout=STARTING)


def test_a_film_strip_shows_what_the_first_epochs_read(play, tmp_path):
    """Whenever it is asked for: the weights of these epochs are kept, and those of now stay."""
    page = play(SMALL)
    page.click("#play-film")
    expect(page.locator("#toast")).to_have_text("Draw a digit first.")
    train_epoch(page, 1)
    train_epoch(page, 2)
    draw_in_play(page, THREE)
    page.wait_for_timeout(1000)  # the bars have the whole drawing
    before = page.locator("#play-bars-a").inner_text()
    page.click("#play-film")
    strip = page.locator("#play-film-strip")
    expect(strip).to_be_visible()
    about = strip.get_attribute("aria-label")
    assert re.fullmatch(r"What .*epoch 0\.00: \d; epoch 0\.1\d: \d; epoch 1\.00: \d; epoch 2\.00: \d", about), about
    page.wait_for_timeout(1000)
    assert page.locator("#play-bars-a").inner_text() == before
    with Image.open(download(page, "#play-film-save", tmp_path)) as picture:
        assert picture.size == (4 * 300, 732)
    page.click("#play-film-close")
    expect(strip).to_be_hidden()


NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', { value: undefined });"


@pytest.mark.parametrize("can_copy", [True, False])
def test_where_there_is_no_clipboard_the_text_is_copied_or_selected(folder, visit, can_copy):
    """As over plain http, and in Firefox in a file."""
    page = visit((folder / "index.html").as_uri())
    page.add_init_script(NO_CLIPBOARD + ("" if can_copy else "document.execCommand = () => false;"))
    page.set_viewport_size({"width": 1366, "height": 650})
    page.reload()
    page.click("#play-keras")
    code = page.locator("#play-code")
    expect(code).to_be_focused()
    assert page.evaluate("getSelection().toString()").strip() == code.inner_text().strip() != ""
    assert 0 <= code.bounding_box()["y"] <= 500
    expect(page.locator("#toast")).to_have_text(
        "Copied the Keras code." if can_copy else "Selected below: press Ctrl+C (on a phone: hold it, Copy)."
    )
    page.click("#play-result")
    expect(page.locator("#toast")).to_have_text("Train the network first.")


def test_a_class_is_a_table_that_is_sorted_by_click_and_kept(play):
    page = play()
    lines = [
        f"> Pupil {i}: {80 + i / 4:.2f}% of 2,000 test digits after 2 epochs{mine}: #play?hidden={64 * (i % 2)}"
        for i, mine in enumerate(["", ", 4 of 10 of mine", ", 9 of 10 of mine"] * 10)
    ]
    page.click("#play-class summary")
    page.fill("#play-class-lines", "\n".join([*lines, "haha lol", "?"]).replace("hidden=0", "hidden="))
    expect(page.locator("#play-class-state")).to_contain_text('30 results. 2 lines skipped: "haha lol", …')
    rows = page.locator("#play-class-table tbody tr")
    expect(rows).to_have_count(30)
    assert rows.first.inner_text().split()[:3] == ["Pupil", "29", "87.25%"]
    assert page.locator("#play-class-table svg").count() == 30
    assert page.locator("#play-class-table").bounding_box()["height"] < 650
    heads = page.locator("#play-class-table th[scope=col]")
    expect(heads).to_have_text(["Name", "Test", "75% to 90%", "Mine", "Epochs", "Parameters", "Hidden layers"])
    heads.filter(has_text="Mine").get_by_role("button").click()
    assert rows.first.inner_text().split("\t")[3] == "9 of 10"
    heads.filter(has_text="Mine").get_by_role("button").click()
    assert "of 10" not in rows.first.inner_text()
    expect(heads.filter(has_text="Mine")).to_have_attribute("aria-sort", "ascending")
    assert barriers(page) == []
    page.reload()
    expect(rows).to_have_count(30)


def test_a_copy_without_all_digits_says_so(visit, tmp_path):
    page = visit((write_playground(tmp_path)[0]).as_uri() + "#play?digits=60000")
    expect(page.locator("#toast")).to_have_text("This copy has 10,000 digits. Choose 10,000 or fewer.")
    options = page.locator("#play-digits option:disabled")
    expect(options).to_have_text(["20,000 (not in this copy)", "60,000 (not in this copy)"])
    visit.complaints.clear()  # the script that is not there


def test_a_run_opens_in_the_playground(run, visit, tmp_path):
    """With its weights: the page reads as Keras does, and goes on from there."""
    page = visit(write_playground(tmp_path, run=run)[0].as_uri())
    expect(page.locator("#play-status")).to_have_text(
        f"This is the network of {run.path.name}: draw, or train it further.", timeout=STARTING
    )
    (_, _), (x, y) = load_data()
    right = predict(load_model(run.path), to_input(x[::5]).reshape(-1, 784)).argmax(1) == y[::5]
    expect(figure(page, 4)).to_have_text(f"{right.mean():.2%}", timeout=STARTING)
    train_epoch(page, 1)
    assert float(figure(page, 4).inner_text().rstrip("%")) > 100 * right.mean()
    page.click("#play-reset")
    expect(figure(page, 4)).to_have_text(f"{right.mean():.2%}", timeout=STARTING)
    page.click("#play-more")  # a network of other settings is a new one
    page.click("#play-batch")
    expect(figure(page, 1)).to_have_text("0.003", timeout=STARTING)


@pytest.mark.parametrize(
    "recipe",
    [
        {"hidden": (8,), "activation": "gelu"}, {"hidden": (8,), "convolutions": ("4/2",)}, {"hidden": (8,) * 5},
        {"hidden": (8, 8), "residual": True}, {"hidden": (1025,)},
    ],
)  # fmt: skip
def test_a_network_that_the_playground_does_not_have_is_refused(run, recipe, monkeypatch):
    recipe = Recipe(name="other", **recipe)
    build_network(recipe).save(run.path / "model.keras")
    (run.path / "recipe.json").write_text(recipe.model_dump_json())
    monkeypatch.setattr("tendigits.web.playground.model_digest", lambda run: None)
    with pytest.raises(UserError, match=r"expected at most 4 hidden Dense layers of .*; a has others"):
        network_script(run)


def test_own_digits_in_the_exported_page_without_a_network(folder, visit, digits, tmp_path):
    """Drawn or from a picture, kept in the browser, learned and tested, and saved for Python."""
    page = visit((folder / "index.html").as_uri() + SMALL)
    page.context.set_offline(True)
    expect(page.locator("#play-status")).to_have_text(READY, timeout=STARTING)
    picture = png(255 - np.kron(digits.x_test[digits.y_test == 7][0], np.ones((60, 60), np.uint8)))  # is shrunk
    page.click("#play-own summary")
    files = [{"name": name, "mimeType": "", "buffer": data} for name, data in (("no.png", b"no"), ("a.png", picture))]
    page.set_input_files("#play-own-files", files)  # what is no picture does not stop the other
    expect(page.locator("#toast")).to_contain_text("received no.png")
    assert page.locator("#play-pad").evaluate("pad => pad.getContext('2d').getImageData(0, 0, 1, 1).data[0]") == 0
    page.click("#play-own-labels button:has-text('7')")
    page.fill("#play-own-who", "Mia")
    for _ in range(3):
        draw_in_play(page, ONE)
        page.click("#play-own-labels button:has-text('3')")  # on purpose: no network takes a 1 for a 3 unasked
        expect(page.locator("#play-reads")).to_have_text("Draw a digit.")
    expect(page.locator("#play-own-count")).to_have_text("4")
    page.reload()
    page.click("#play-own summary")
    expect(page.locator("#play-own-digits li")).to_have_count(4)
    expect(page.locator("#play-status")).to_have_text(READY, timeout=STARTING)
    train_epoch(page, 1)
    expect(page.locator("#play-own-writers")).to_have_text(re.compile(r"no name: [01] of 1; Mia: [0-2] of 2\.$"))
    expect(figure(page, 5)).to_have_text("1 of 3" if figure(page, 5).inner_text()[0] == "1" else "0 of 3")
    page.check("#play-mine")
    expect(figure(page, 0)).to_have_text("new settings")
    train_epoch(page, 1)
    train_epoch(page, 2)
    expect(figure(page, 5)).to_have_text(re.compile("[23] of 3"))
    expect(page.locator("#play-own-digits .hint", has_text="Mia, learned")).to_have_count(1)
    page.locator("#play-own-digits button").first.click()
    expect(page.locator("#play-own-digits li")).to_have_count(3)
    page.click("#toast button")  # undo
    expect(page.locator("#play-own-digits li")).to_have_count(4)
    saved = load(download(page, "#play-own-save", tmp_path), test_only=True)
    assert saved.y_test.tolist() == [7, 3, 3, 3]
    original = digits.x_test[digits.y_test == 7][0]
    assert np.corrcoef(saved.x_test[0].ravel(), original.ravel())[0, 1] > 0.9
    page.click("#play-own-delete")
    expect(page.locator("#play-own-digits li")).to_have_count(0)


DENIED = "IDBFactory.prototype.open = () => { throw new DOMException('denied', 'SecurityError'); }"
FULL = """const { add } = IDBObjectStore.prototype;
IDBObjectStore.prototype.add = function (digit) {  // a full disk ends the transaction after the request's success
  const request = add.call(this, digit);
  request.addEventListener("success", () => this.transaction.abort());
  return request;
};"""


@pytest.mark.parametrize("script", [DENIED, FULL], ids=["denied", "full"])
def test_a_browser_that_keeps_nothing_says_so_and_goes_on(folder, visit, script):
    page = visit((folder / "index.html").as_uri() + SMALL)
    page.add_init_script(script)
    page.reload()
    if script == DENIED:
        expect(page.locator("#toast")).to_contain_text("your digits are gone when it closes")
    draw_in_play(page, THREE)
    page.click("#play-own-labels button:has-text('3')")
    expect(page.locator("#toast")).to_contain_text("it is gone when this page closes: save your digits as a file")
    expect(page.locator("#play-own-count")).to_have_text("1")
    page.click("#play-own summary")
    page.locator("#play-own-digits button").click()
    expect(page.locator("#play-own-count")).to_have_text("0")


@pytest.mark.slow
def test_saved_digits_are_trained_on_by_the_command(play, tmp_path):
    page = play(SMALL)
    for shape, label in ((ONE, 1), (THREE, 3)):
        for _ in range(5):
            draw_in_play(page, shape)
            page.click(f"#play-own-labels button:has-text('{label}')")
            expect(page.locator("#play-reads")).to_have_text("Draw a digit.")
    page.click("#play-own summary")
    path = download(page, "#play-own-save", tmp_path)
    command = [sys.executable, "-m", "tendigits", "train", "--data", path, "--epochs", "1", "--runs", tmp_path / "runs"]
    assert "accuracy" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_the_digits_of_the_page_are_mnists(folder, visit):
    page = visit((folder / "index.html").as_uri() + "#play?hidden=2&digits=60000")
    expect(page.locator("#play-status")).to_have_text(READY, timeout=STARTING)
    script = (
        (folder / "tendigits.js").read_text().replace("const modules = {};", "const modules = globalThis.modules = {};")
    )
    page.evaluate(f"() => {{ {script.replace('showPlaying();', '')} }}")
    found = page.evaluate("""async () => {
      const digits = await modules["page/play/mnist.js"].digitsFor(60000);
      const hash = async (bytes) => Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
      const hashes = Object.entries(digits).map(async ([name, bytes]) => [name, await hash(bytes)]);
      return Object.fromEntries(await Promise.all(hashes));
    }""")  # fmt: skip
    (x_train, y_train), test_set = load_data()
    x_test, y_test = (np.concatenate([each[::5], np.delete(each, np.s_[::5], axis=0)]) for each in test_set)
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    assert {name: bytes(each) for name, each in found.items()} == {
        name: hashlib.sha256(array.tobytes()).digest() for name, array in arrays.items()
    }


@pytest.mark.slow
def test_a_link_gives_the_same_run(play):
    link = "#play?hidden=16&digits=1000&label_noise=0.1&shift=1&rotate=10&seed="
    lines = []
    for seed in (1, 1, 2):
        page = play(f"{link}{seed}", permissions=["clipboard-read", "clipboard-write"])
        train_epoch(page, 1)
        train_epoch(page, 2)
        page.click("#play-result")
        expect(page.locator("#play-code")).to_contain_text("2 epochs")
        lines.append(page.locator("#play-code").inner_text())
    assert lines[0] == lines[1]
    assert lines[0].split("%")[0] != lines[2].split("%")[0]


@pytest.mark.slow
def test_a_changed_setting_restarts_the_network_and_a_lesson_gives_the_settings_back(play):
    page = play(SMALL)
    train_epoch(page, 1)
    page.click("#play-more-settings summary")
    page.select_option("#play-activation", "tanh")
    expect(figure(page, 0)).to_have_text("new settings")
    page.click("#play-batch")
    expect(figure(page, 1)).to_have_text("0.063", timeout=STARTING)
    page.click("#lesson-4")
    expect(page.locator("#play-remove")).to_be_visible()
    page.click("#play-lesson-close")
    expect(page.locator("#play-remove")).to_be_hidden()
    assert page.url.endswith(f"{SMALL}&activation=tanh&seed=0")


def test_accuracy_is_shown_from_0_to_100_with_a_magnified_strip(open_page):
    """From 90%, or from a lesson's own limit; higher where all later accuracies on new digits are."""
    axes = """async ([runs, zoom]) => {
      const { panels } = await import("./shared/chart.js");
      const texts = [...panels(runs, "", { zoom })[0].querySelectorAll("text")].map((each) => each.textContent);
      const [, ...ticks] = texts;
      return [ticks.filter((text) => !text.endsWith("%")), ticks.filter((text) => text.endsWith("%"))];
    }"""
    a = {"val_accuracy": [[0.1, 0.3], [1, 0.93], [2, 0.95]], "accuracy": [[0.1, 0.2], [1, 0.85], [2, 0.88]]}
    b = {"val_accuracy": [[0.1, 0.4], [1, 0.92], [1.7, 0.945]]}
    page = open_page()
    runs = [{"name": "A", "history": a}, {"name": "B", "history": b}]
    whole = ["0%", "50%", "100%"]
    assert page.evaluate(axes, [runs, 0]) == [["0", "1", "2"], ["90%", "95%", "100%", *whole]]
    assert page.evaluate(axes, [runs, 0.7]) == [["0", "1", "2"], ["70%", "85%", "100%", *whole]]
    runs[0]["history"]["val_accuracy"] = [[1, 0.4], [2, 0.981], [3, 0.982]]
    assert page.evaluate(axes, [runs[:1], 0])[1] == ["98%", "99%", "100%", *whole]


def is_in_sight(page: Page, *parts: str) -> None:
    """Whether parts of the page are within the window."""
    height = page.viewport_size["height"]
    for part in parts:
        box = page.locator(part).bounding_box()
        assert box["y"] >= 0, part
        assert box["y"] + box["height"] <= height, (part, box)


TAKEN_OUT = ("#play-train", "#play-link", "#play-result", "#play-keras")


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(1366, 650), (1280, 800)])
def test_a_laptop_shows_what_a_lesson_needs(play, width, height):
    page = play(SMALL, viewport={"width": width, "height": height})
    is_in_sight(page, *TAKEN_OUT, "#play-digits", "#play-units", "#play-mine", "#play-dropout", "#play-own-labels")
    for number in "12345":
        page.locator(f"#lesson-{number}").evaluate("button => button.classList.add('done')")
    page.click("#lesson-4")  # two networks
    page.click("#play-batch")
    expect(page.locator("#play-curves path")).to_have_count(12, timeout=STARTING)
    is_in_sight(page, *TAKEN_OUT, "#play-lesson", "#play-curves svg.chart >> nth=1", "#play-bars-b", "#play-pad")
    is_in_sight(page, "#play-digits", "#play-units", "#play-mine", "#play-dropout")
    assert page.evaluate(WIDTH) <= width


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (390, 844)])
def test_a_tablet_on_its_side_and_a_phone_show_the_bars_and_figures_of_two_networks(play, width, height):
    page = play("#play?digits=500&hidden=32/digits=500&hidden=16", viewport={"width": width, "height": height})
    page.evaluate("document.querySelector('#play-mine-head').hidden = false")
    for network in "ab":
        assert page.locator(f"#play-bars-{network} .track").first.bounding_box()["width"] > 50
    assert page.locator(".figures").evaluate("table => table.scrollWidth - table.parentElement.clientWidth") <= 0
    assert page.evaluate(WIDTH) <= width


VISUAL_ORDER = """() => {
  const seen = [...document.querySelectorAll("#play :is(button, input, select, summary, [tabindex='0'])")]
    .filter((each) => each.checkVisibility()).map((each) => each.getBoundingClientRect())
    .filter(({ width }) => width > 1);
  return seen.every((box, i) => !i || box.bottom > seen[i - 1].top || box.left > seen[i - 1].left);
}"""


FROM_LEFT_TO_RIGHT = """(cards) => {
  const lefts = cards.map((card) => document.querySelector(card).getBoundingClientRect().x);
  return lefts.every((x, i) => !i || x > lefts[i - 1]);
}"""
"""The page moves its cards after the window has changed."""


@pytest.mark.slow
@pytest.mark.parametrize("lesson", [False, True])
def test_on_phones_and_tablets_a_lesson_begins_with_the_curves(play, lesson):
    """And the order of the document is what a person sees, at every width."""
    page = play(SMALL, viewport={"width": 1280, "height": 800})
    if lesson:
        page.click("#lesson-1")
    cards = ["#play-learning", "#play-drawing"] if lesson else ["#play-drawing", "#play-learning"]
    for width in (768, 390, 640):  # 640: 200% of 1280
        page.set_viewport_size({"width": width, "height": 844})
        tops = [page.locator(card).bounding_box()["y"] for card in (*cards, "#play-network")]
        assert tops == sorted(tops)
        assert page.evaluate(VISUAL_ORDER)
        assert page.evaluate(WIDTH) <= width
        if lesson:
            assert page.locator("#play-curves").bounding_box()["y"] < 700
    page.set_viewport_size({"width": 1280, "height": 800})
    page.wait_for_function(
        FROM_LEFT_TO_RIGHT, arg=["#play-network", "#play-learning", "#play-drawing"], timeout=STARTING
    )


@pytest.mark.slow
def test_a_phone_a_keyboard_and_a_screen_reader(play):
    page = play(SMALL, reduced_motion="reduce", **PHONE)
    page.locator("#play-epoch").press("Enter")
    expect(figure(page, 1)).to_have_text("1.00", timeout=STARTING)
    for key in (" ", *["ArrowDown"] * 20, " "):  # a one
        page.locator("#play-pad").press(key)
    expect(page.locator("#play-reads")).to_have_text(re.compile(r"^A reads \d, "), timeout=STARTING)
    page.locator("#play-layers-a canvas").tap()
    expect(page.locator("#play-unit-digits li")).to_have_count(12, timeout=STARTING)
    page.click("#play-film")
    page.click("#play-add")
    expect(page.locator("#play-difference")).to_have_text("A and B are the same: change one thing in B.")
    page.click("#play-more-settings summary")
    page.click("#play-own summary")
    expect(page.locator("#play-confusion td").last).to_be_visible()
    bar = page.locator(".run")
    for width, height, position in ((390, 844, "sticky"), (320, 844, "sticky"), (320, 256, "static")):
        page.set_viewport_size({"width": width, "height": height})  # 320x256: 400% of 1280x1024
        assert page.evaluate(WIDTH) <= width
        assert bar.evaluate("each => getComputedStyle(each).position") == position  # it never covers the pad
    assert barriers(page) == []
    page.click("#lesson-3")
    expect(page.locator("#play-lesson-name")).to_be_focused()
    expect(figure(page, 1)).to_have_text("0.00", timeout=STARTING)  # nothing is left of the network before
    expect(page.locator("#play-curves path")).to_have_count(0)
    page.click("#play-defaults")
    expect(page.locator("#play-lesson")).to_be_hidden()
    assert barriers(page) == []


@pytest.mark.slow
def test_with_reduced_motion_the_bars_move_once_a_second(play):
    page = play(SMALL, reduced_motion="reduce")
    draw_in_play(page, THREE)
    page.click("#play-train")
    expect(page.locator("#play-status")).to_have_text("Learning. Draw meanwhile.")
    changes = page.evaluate("""() => new Promise((done) => {
      const times = new Set();
      const bar = document.querySelector("#play-bars-a .percent");
      new MutationObserver(() => times.add(Math.round(performance.now()))).observe(bar, { childList: true });
      setTimeout(() => done(times.size), 5000);
    })""")  # fmt: skip
    assert 1 <= changes <= 12  # by the timer of the bars and that of the figures


@pytest.mark.slow
def test_with_forced_colours_bars_and_pressed_buttons_stay(play):
    page = play("#play?digits=500&hidden=32/digits=500&hidden=16", forced_colors="active")
    colour = "each => getComputedStyle(each).backgroundColor"
    assert page.locator("#play-bars-a .track i").first.evaluate(colour) != "rgba(0, 0, 0, 0)"
    pressed, other = (page.locator(f"#play-choose-{name}").evaluate(colour) for name in "ab")
    assert pressed != other


@pytest.mark.slow
def test_a_page_that_was_visited_opens_without_a_network(browser, tmp_path):
    """Over https or, as here, on localhost; and it can be installed."""
    write_playground(tmp_path)
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("localhost", 0), handler) as server, browser.new_context() as context:
        Thread(target=server.serve_forever, daemon=True).start()
        page = context.new_page()
        page.goto(f"http://localhost:{server.server_port}/")
        page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
        manifest = context.new_cdp_session(page).send("Page.getAppManifest")
        server.shutdown()
        context.set_offline(True)
        page.reload()
        expect(page.locator("#play-status")).to_have_text(READY, timeout=STARTING)
        page.goto(page.url.replace("#", "try.html#"))
        expect(page.locator("h1")).to_have_text("What to try first")
    assert (manifest["errors"], json.loads(manifest["data"])["icons"][0]["src"]) == ([], "icon.svg")


@pytest.mark.slow
def test_a_trained_network_is_not_lost_unasked(play):
    page = play(SMALL)
    train_epoch(page, 1)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    expect(page.locator("#play-status")).to_have_text(READY, timeout=STARTING)
    page.reload()
    assert asked == ["beforeunload"]
    with page.expect_popup():  # the sheets leave it where it is
        page.click("#play > .top a")


@pytest.mark.slow
def test_the_lesson_for_a_class_step_by_step(folder, visit):
    """docs/classroom.md, on the window of a Chromebook; where it says ten seconds, here are two epochs."""
    page = visit((folder / "index.html").as_uri(), viewport={"width": 1366, "height": 650})
    expect(page.locator("#play-status")).to_have_text(READY, timeout=STARTING)
    reads, state = page.locator("#play-reads"), page.locator("#play-lesson-state")
    page.click("#play-batch")
    draw_in_play(page, THREE)
    expect(reads).to_have_text(re.compile("just a guess"), timeout=STARTING)
    page.click("#play-train")
    expect(reads).to_have_text(re.compile(r"A reads 3, (9|8|7)\d\.\d%"), timeout=STARTING)
    page.click("#play-train")
    accuracies = []
    for digits in ("100", "1000", "10000"):
        page.select_option("#play-digits", digits)
        is_in_sight(page, "#play-train", "#play-digits", "#play-curves")
        train_epoch(page, 1)
        train_epoch(page, 2)
        accuracies.append(float(figure(page, 4).inner_text().rstrip("%")))
    assert accuracies == sorted(accuracies)
    assert accuracies[-1] > 92
    page.click("#lesson-1")
    page.click("#play-train")
    expect(state).to_contain_text("Seen. It knows its own digits", timeout=STARTING)
    page.click("#play-lesson-close")
    for who in ("Mia", "Ben"):
        page.fill("#play-own-who", who)
        for shape, label in ((ONE, 1), (THREE, 3)) * 2:
            draw_in_play(page, shape)
            page.click(f"#play-own-labels button:has-text('{label}')")
            expect(reads).to_have_text("Draw a digit.", timeout=STARTING)
    page.evaluate("scrollTo(0, 0)")
    train_epoch(page, 1)
    expect(figure(page, 5)).to_have_text(re.compile("[0-4] of 4"))
    is_in_sight(page, "#play-mine", "#play-train", "#figures-a")
    page.check("#play-mine")
    train_epoch(page, 1)
    page.click("#play-own summary")
    expect(page.locator("#play-own-writers")).to_have_text(re.compile("Mia: . of 2; Ben: . of 2"))
    lines = []
    for seed in ("1", "2"):
        page.locator("#play-more-settings").evaluate("each => { each.open = true; }")
        page.fill("#play-seed", seed)
        page.locator("#play-seed").blur()
        expect(page.locator("#play-status")).to_contain_text(
            "New settings", timeout=STARTING
        )  # else the epoch before would count
        train_epoch(page, 1)
        page.click("#play-result")
        expect(page.locator("#play-code")).to_contain_text(f"seed={seed}")
        lines.append(page.locator("#play-code").inner_text().strip())
    page.click("#play-class summary")
    page.fill("#play-class-lines", "\n".join(f"Pair {i} {line}" for i, line in enumerate(lines)))
    expect(page.locator("#play-class-table tbody tr")).to_have_count(2)
    expect(page.locator("#play-class-table th[scope=col]").last).to_have_text("Seed")
    page.click("#play-own-delete")
    expect(page.locator("#play-own-count")).to_have_text("0")


@pytest.mark.slow
def test_two_networks_and_whether_the_difference_is_luck(play):
    page = play("#play?hidden=32&digits=2000")
    page.click("#play-add")
    page.fill("#play-units-0", "2")
    expect(page.locator("#play-difference")).to_have_text("A and B differ in hidden layers (32 / 2).")
    train_until(page, 8, "ab")
    draw_in_play(page, THREE)
    expect(page.locator("#play-reads")).to_have_text(re.compile(r"^A reads 3, .*; B reads \d, "), timeout=STARTING)
    assert abs(float(figure(page, 1).inner_text()) - float(figure(page, 1, "b").inner_text())) < 0.5
    page.click("#play-luck")
    expect(page.locator("#play-verdict")).to_contain_text("Is it luck? Hardly", timeout=STARTING)
    page.click("#play-film")
    page.locator("#play-layers-a canvas").press("Enter")
    expect(page.locator("#play-unit")).to_be_visible(timeout=STARTING)
    expect(page.locator("#play-changed li")).to_have_count(24, timeout=STARTING)
    page.click("#play-batch")
    expect(page.locator("#play-luck-stale")).to_be_visible(timeout=STARTING)
    assert barriers(page) == []
    page.click("#lesson-4")  # nothing is left that was said of the networks before
    for old in ("differences", "luck-stale", "film-side", "unit"):
        expect(page.locator(f"#play-{old}")).to_be_hidden()
    page.click("#play-lesson-close")
    page.click("#play-remove")
    expect(page.locator("#figures-b")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_lesson_announces_its_effect(play, number):
    page = play(SMALL)
    page.click(f"#lesson-{number}")
    page.click("#play-batch")
    expect(page.locator("#play-status")).to_have_text("Paused.", timeout=STARTING)
    expect(page.locator("#play-lesson-state")).to_have_text("")
    page.click("#play-train")
    expect(page.locator("#play-lesson-state")).to_contain_text("Seen.", timeout=400_000)
    expect(page.locator("#play-stencils li")).to_have_text([*"0123456789"] if number == 3 else [])
    expect(page.locator(f"#lesson-{number}")).to_have_class("done")


def test_a_browser_without_simd_is_told_so(browser, folder):
    with browser.new_context() as context:
        context.add_init_script("WebAssembly.validate = () => false")
        page = context.new_page()
        page.goto((folder / "index.html").as_uri())
        expect(page.locator("#play")).to_contain_text("too old for the playground, which needs WebAssembly SIMD:")


THREE_EPOCHS = """
const done = arguments[arguments.length - 1], text = (id) => document.querySelector(id)?.textContent;
const until = async (is) => { while (!is()) await new Promise((go) => setTimeout(go, 50)); };
(async () => {
  await until(() => text("#play-status") === "Choose settings, then train.");
  for (const epoch of ["1.00", "2.00", "3.00"]) {
    document.querySelector("#play-epoch").click();
    await until(() => text("#figures-a").includes(epoch) && text("#play-status") === "Paused.");
  }
  return text("#figures-a");
})().then(done, (error) => done(String(error)));
"""


@pytest.mark.slow
@pytest.mark.parametrize("run", [run_in_firefox, run_in_webkit])
def test_firefox_and_webkit_learn_the_same(folder, visit, run, tmp_path):
    """To the last digit, in the page opened as a file."""
    address = (folder / "index.html").as_uri() + "#play?hidden=32&digits=500&shift=2&rotate=10"
    page = visit(address)
    found = page.evaluate(f"() => new Promise((resolve) => {{ (function () {{ {THREE_EPOCHS} }})(resolve); }})")
    assert "3.00" in found
    assert run(tmp_path, address, THREE_EPOCHS) == found


def test_the_sheets_to_try_are_two_pages(open_page):
    sheets = open_page("try.html", color_scheme="dark")
    assert len(pypdfium2.PdfDocument(sheets.pdf(prefer_css_page_size=True))) == 2
    assert barriers(sheets) == []
    sheets.set_viewport_size(PHONE["viewport"])
    assert sheets.evaluate(WIDTH) <= 390


def test_the_teachers_part_of_the_sheets_leads_to_the_lesson(open_page):
    page = open_page("try.html")
    page.click(".teacher a")
    expect(page.locator("h1")).to_have_text("A lesson of 45 minutes")
    assert barriers(page) == []
    assert len(pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True))) == 2
    page.set_viewport_size(PHONE["viewport"])
    assert page.evaluate(WIDTH) <= 390
