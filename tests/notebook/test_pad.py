"""The pad without a browser: what the kernel makes of a drawing, with the Reader as the oracle."""

import asyncio
import threading
from typing import Any

import cv2
import keras
import numpy as np
import pytest

import tendigits
from tendigits import Pad, Reader
from tendigits.errors import UserError
from tendigits.export.formats import export_file
from tendigits.export.source import open_source
from tendigits.runs.run import open_run
from tendigits.train.trainer import Trained

pytestmark = pytest.mark.xdist_group("report")  # the same finished runs


def draw(pad: Pad, drawing: bytes) -> None:
    """As the browser sends it: the strokes together with the picture, in a buffer."""
    strokes = [[[1, 2], [3, len(pad._strokes)]], *pad._strokes] if drawing else []
    pad.set_state({"drawing": memoryview(drawing), "_strokes": strokes})


def drawing_of(*crops: np.ndarray) -> bytes:
    """Digits in a row, dark on white, as a PNG."""
    page = np.full((560, 560), 255, np.uint8)
    for i, crop in enumerate(crops):
        place = page[180:376, 10 + 170 * i : 206 + 170 * i]
        np.minimum(place, np.kron(255 - crop, np.ones((7, 7), np.uint8)), out=place)
    return bytes(cv2.imencode(".png", page)[1])


@pytest.fixture
def three(digits) -> bytes:
    return drawing_of(digits.x_test[digits.y_test == 3][1])


def test_a_drawing_is_read_as_the_reader_reads_it(three):
    pad, expected = Pad(), Reader().digit(three)
    assert (pad.digit, pad.image, pad.page) == (None, None, None)
    draw(pad, three)
    assert pad.digit.label == expected.label == 3
    np.testing.assert_array_equal(pad.digit.probabilities, expected.probabilities)
    np.testing.assert_array_equal(pad.image, expected.crop)
    assert pad.digit.box == expected.box
    assert [number.value for number in pad.page.numbers] == ["3"]
    assert pad.drawing == three
    assert repr(pad) == f"Pad({expected.text()})"
    draw(pad, b"")
    assert (pad.digit, pad.image, pad.page) == (None, None, None)


def test_what_is_no_single_digit_is_read_as_a_page(digits):
    crops = [digits.x_test[digits.y_test == label][2] for label in (4, 0, 7)]
    pad = Pad()
    draw(pad, drawing_of(*crops))
    assert pad.page.text() == Reader().read(pad.drawing).text() == "407"
    assert not pad.digit.accepted
    assert [number["value"] for number in pad._answer["numbers"]] == ["407"]


def test_a_drawing_that_comes_in_another_thread_waits_until_the_cell_has_ended(three):
    """As JupyterLab sends it while a cell runs: asked meanwhile, a model that is being trained would fail."""
    seen = []

    async def cells() -> None:
        pad = Pad()
        pad.observe(lambda change: seen.append((change.new.label, threading.current_thread())), "digit")
        for _ in range(3):
            thread = threading.Thread(target=draw, args=(pad, three))
            thread.start()
            thread.join()
        assert seen == []
        await asyncio.sleep(0.01)  # between cells

    asyncio.run(cells())
    assert seen == [(3, threading.main_thread())]  # the newest alone


@pytest.fixture(params=["run", "onnx", "trained", "reader"])
def given(request, runs, small_npz, tmp_path) -> Any:
    """The same network in each form that a pad takes."""
    run = runs / "b"
    if request.param == "run":
        return run
    if request.param == "onnx":
        return export_file(open_source(run, small_npz), "onnx", out=tmp_path / "one.onnx").path
    if request.param == "reader":
        return Reader(run)
    return Trained(open_run(run), tendigits.load_model(run), keras.callbacks.History(), None)


def test_it_reads_with_the_network_that_it_is_given(given, runs, three):
    run, pad = runs / "b", Pad(given)
    draw(pad, three)
    x = pad.image.reshape(1, 784) / np.float32(255)
    (answers,) = tendigits.load_model(run).predict(x, verbose=0)
    temperature = pad.reader.network.temperature
    expected = answers ** (1 / temperature) / (answers ** (1 / temperature)).sum()
    np.testing.assert_allclose(pad.digit.probabilities, expected, atol=1e-5)
    assert [layer["name"] for layer in pad._answer["layers"]] == ["hidden layer 1: 16 units", "hidden layer 2: 8 units"]
    reader = Reader(run)
    assert temperature == pytest.approx(reader.network.temperature, abs=1e-3)
    assert pad.reader.threshold == pytest.approx(reader.threshold, abs=1e-3)


def test_a_networks_error_is_one_line_and_the_next_drawing_is_read(three, monkeypatch):
    pad = Pad()

    def fail(_: Any) -> None:
        raise ValueError("first line\nsecond line")

    with monkeypatch.context() as patched:
        patched.setattr(pad.reader, "classify_found", fail)
        draw(pad, three)
    assert pad._answer["error"] == "first line second line"
    assert (pad.digit, pad.page) == (None, None)
    draw(pad, three)
    assert pad.digit.label == 3


def test_anything_else_is_refused():
    with pytest.raises(UserError, match="a Keras model or what run_recipe returns, received int"):
        Pad(3)
