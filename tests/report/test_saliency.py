import keras
import numpy as np
import pytest

from tendigits.data.preprocess import to_input
from tendigits.model.network import build_network
from tendigits.model.recipe import Recipe
from tendigits.report.saliency import UNITS, first_layer, saliency

INKED = np.ones((28, 28), bool)
layers = keras.layers


@pytest.fixture(scope="module")
def dense():
    return build_network(Recipe(hidden=(100,)))


def test_the_strongest_units_of_a_dense_layer(dense):
    kernel = dense.get_weights()[0]
    layer = first_layer(dense, INKED)
    assert (layer.n, layer.weights.shape, layer.is_dense) == (100, (UNITS, 28, 28), True)
    strength = np.linalg.norm(kernel, axis=0)
    np.testing.assert_array_equal(layer.weights[0].ravel(), kernel[:, strength.argmax()])
    shown = np.linalg.norm(layer.weights.reshape(UNITS, -1), axis=1)
    assert (np.diff(shown) <= 1e-6).all()
    assert shown[-1] == pytest.approx(np.sort(strength)[-UNITS])


def test_where_there_is_no_ink_nothing_is_shown(dense):
    inked = INKED.copy()
    inked[:4] = False
    assert (first_layer(dense, inked).weights[:, :4] == 0).all()
    assert (first_layer(dense, inked).weights[:, 4:] != 0).all()


def test_all_units_keep_their_order():
    model = build_network(Recipe(hidden=()))
    layer = first_layer(model, INKED)
    np.testing.assert_array_equal(layer.weights.reshape(10, 784), model.get_weights()[0].T)


def test_kernels_of_a_convolution():
    model = keras.Sequential(
        [keras.Input((784,)), layers.Reshape((28, 28, 1)), layers.Conv2D(5, (3, 4)), layers.Flatten(),
         layers.Dense(10, "softmax")]
    )  # fmt: skip
    layer = first_layer(model, INKED)
    assert (layer.n, layer.weights.shape, layer.is_dense) == (5, (5, 3, 4), False)
    np.testing.assert_array_equal(layer.weights[2], model.get_weights()[0][:, :, 0, 2])


def test_a_layer_within_a_model_is_found(dense):
    outer = keras.Sequential([keras.Input((784,)), layers.Rescaling(2.0), dense])
    assert first_layer(outer, INKED).n == 100


def test_weights_that_are_no_picture():
    pooled = keras.Sequential([keras.Input((784,)), layers.Reshape((196, 4)), layers.Conv1D(3, 2)])
    assert first_layer(pooled, INKED) is None
    assert first_layer(keras.Sequential([keras.Input((784,)), layers.ReLU()]), INKED) is None


def test_saliency_is_the_slope_of_the_probability(dense, digits):
    x, answers = to_input(digits.x_test[:3]), np.array([3, 1, 4])
    maps = saliency(dense, x, answers)
    assert (maps.shape, maps.dtype) == ((3, 28, 28), np.float32)
    rng = np.random.default_rng(0)
    for i, answer in enumerate(answers):
        direction = rng.normal(size=784).astype(np.float32)
        step = 1e-2 * direction / np.linalg.norm(direction)
        ends = np.asarray(dense(np.stack([x[i] - step, x[i] + step])))[:, answer]
        assert maps[i].ravel() @ (2 * step) == pytest.approx(ends[1] - ends[0], rel=0.02, abs=1e-5)


def test_saliency_is_there_where_the_network_is_sure(digits):
    model = build_network(Recipe(hidden=()))
    model.set_weights([50 * weights for weights in model.get_weights()])
    x = to_input(digits.x_test[:20])
    shares = np.asarray(model(x)).astype(float)
    sure = shares.max(axis=1) > 0.9999999
    assert sure.any()
    # Of a linear classifier in closed form: p_c (w_c - sum_j p_j w_j), here with the differences taken first.
    w, c = model.get_weights()[0].T.astype(float), shares.argmax(axis=1)
    expected = np.einsum("ij,ijk->ik", shares, w[c][:, None] - w[None]) * shares.max(axis=1)[:, None]
    maps = saliency(model, x, c).reshape(20, 784)
    for mine, right in zip(maps[sure], expected[sure], strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-3, atol=1e-3 * np.abs(right).max())
