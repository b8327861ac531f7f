import io
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from tendigits.data.preprocess import to_input
from tendigits.model.network import build_network
from tendigits.model.recipe import Recipe
from tendigits.report.saliency import saliency, signed_png


@pytest.fixture(scope="module")
def dense():
    return build_network(Recipe(hidden=(100,)))


def test_saliency_is_the_slope_of_the_probability(dense, digits):
    x, labels = to_input(digits.x_test[:3]), np.array([3, 1, 4])
    maps = saliency(dense, x, labels)
    assert (maps.shape, maps.dtype) == ((3, 28, 28), np.float32)
    rng = np.random.default_rng(0)
    for i, label in enumerate(labels):
        direction = rng.normal(size=784).astype(np.float32)
        step = 1e-2 * direction / np.linalg.norm(direction)
        ends = np.asarray(dense(np.stack([x[i] - step, x[i] + step])))[:, label]
        assert maps[i].ravel() @ (2 * step) == pytest.approx(ends[1] - ends[0], rel=0.02, abs=1e-5)


def test_saliency_of_a_probability_near_1(digits):
    model = build_network(Recipe(hidden=()))
    model.set_weights([50 * weights for weights in model.get_weights()])
    x = to_input(digits.x_test[:20])
    p = np.asarray(model(x)).astype(float)
    confident = p.max(axis=1) > 0.9999999
    assert confident.any()
    # A linear classifier's in closed form: p_c (w_c - sum_j p_j w_j), with the differences taken first.
    w, c = model.get_weights()[0].T.astype(float), p.argmax(axis=1)
    expected = np.einsum("ij,ijk->ik", p, w[c][:, None] - w[None]) * p.max(axis=1)[:, None]
    maps = saliency(model, x, c).reshape(20, 784)
    for mine, right in zip(maps[confident], expected[confident], strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-3, atol=1e-3 * np.abs(right).max())


def pixels(uri):
    head, _, data = uri.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(b64decode(data))).convert("RGB")).astype(int)


def test_signs_are_colours_and_zero_is_white():
    orange, white, blue, half = pixels(signed_png(np.array([[2.0, 0, -2, -1]])))[0]
    assert orange.tolist() == [213, 94, 0]
    assert blue.tolist() == [0, 114, 178]
    assert white.tolist() == [255, 255, 255]
    assert half == pytest.approx((blue + white) / 2, abs=10)
    assert (pixels(signed_png(np.zeros((28, 28)))) == 255).all()
