import io
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from tendigits.report.pictures import ink, sheet, signed


def pixels(uri):
    head, _, data = uri.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(b64decode(data))).convert("RGB")).astype(int)


def test_ink_is_dark_on_white(digits):
    image = digits.x_test[3]
    assert (pixels(ink(image)) == 255 - image.astype(int)[:, :, None]).all()


def test_signs_are_colours_and_zero_is_white():
    orange, white, blue, half = pixels(signed(np.array([[2.0, 0, -2, -1]])))[0]
    assert orange.tolist() == [213, 94, 0]
    assert blue.tolist() == [0, 114, 178]
    assert white.tolist() == [255, 255, 255]
    assert half == pytest.approx((blue + white) / 2, abs=10)


def test_nothing_is_white():
    assert (pixels(signed(np.zeros((28, 28)))) == 255).all()


@pytest.mark.parametrize(("n", "shape"), [(1, (28, 231)), (8, (28, 231)), (9, (57, 231)), (64, (231, 231))])
def test_a_sheet_has_rows_of_eight(n, shape):
    values = np.ones((n, 28, 28)) * np.arange(1, n + 1)[:, None, None]
    drawn = pixels(sheet(values))
    assert drawn.shape[:2] == shape
    assert (drawn[:28, :28] == [213, 94, 0]).all()  # each has its own scale
    assert (drawn == [213, 94, 0]).all(axis=2).sum() == n * 784
