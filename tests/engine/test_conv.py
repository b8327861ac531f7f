"""Against XLA's own convolution and pooling, values and gradients."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from jax import lax
from keras import layers

from tendigits.engine.conv import convolve, fast_convolutions, is_slow_in_a_loop, reduce_window

rng = np.random.default_rng(0)


def numbers(*shape):
    return jnp.asarray(rng.standard_normal(shape), "float32")


CASES = {
    "2d": ((2, 9, 8, 3), (3, 3, 3, 5), (1, 1), "VALID", {}),
    "same": ((2, 9, 8, 3), (3, 2, 3, 5), (1, 1), "SAME", {}),
    "stride": ((2, 9, 8, 3), (3, 3, 3, 5), (2, 3), "SAME", {}),
    "dilated": ((2, 9, 8, 3), (3, 2, 3, 5), (1, 1), "VALID", {"rhs_dilation": (2, 3)}),
    "padded by numbers": ((2, 9, 8, 3), (3, 3, 3, 5), (1, 2), ((1, 2), (0, 3)), {}),
    "1d": ((2, 9, 3), (3, 3, 5), (1,), "SAME", {}),
    "3d": ((2, 5, 6, 4, 3), (2, 3, 2, 3, 5), (1, 1, 1), "VALID", {}),
    "grouped": ((2, 9, 8, 4), (3, 3, 2, 6), (1, 1), "VALID", {"feature_group_count": 2}),
    "transposed": ((2, 9, 8, 3), (3, 3, 3, 5), (1, 1), ((1, 1), (1, 1)), {"lhs_dilation": (2, 2)}),
    "a large kernel": ((2, 20, 20, 1), (9, 9, 1, 2), (1, 1), "VALID", {}),
}


@pytest.mark.parametrize("name", CASES)
def test_as_xla_convolves(name):
    x_shape, w_shape, strides, padding, others = CASES[name]
    x, w = numbers(*x_shape), numbers(*w_shape)
    space = "HWD"[: len(strides)]
    layout = {"dimension_numbers": (f"N{space}C", f"{space}IO", f"N{space}C")} | others

    def loss(function, x, w):
        return jnp.sin(function(x, w, strides, padding, **layout)).sum()

    expected, mine = (f(x, w, strides, padding, **layout) for f in (lax.conv_general_dilated, convolve))
    np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-4)
    for argument in (1, 2):
        gradients = [jax.grad(loss, argument)(f, x, w) for f in (lax.conv_general_dilated, convolve)]
        np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-3, atol=1e-3)


def test_channels_first():
    x, w, layout = numbers(2, 3, 9, 8), numbers(5, 3, 3, 3), ("NCHW", "OIHW", "NCHW")
    expected = lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=layout)
    np.testing.assert_allclose(convolve(x, w, (1, 1), "SAME", dimension_numbers=layout), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("window", "strides", "padding"),
    [((2, 2), (2, 2), "VALID"), ((3, 3), (2, 2), "SAME"), ((2, 3), (1, 2), ((0, 1), (1, 1))), ((5, 5), (5, 5), "SAME")],
)
def test_as_xla_pools_also_where_values_are_equal(window, strides, padding):
    x = jnp.asarray(rng.integers(0, 3, (2, 9, 8, 3)), "float32")
    pads = padding if isinstance(padding, str) else ((0, 0), *padding, (0, 0))
    arguments = (-jnp.inf, lax.max, (1, *window, 1), (1, *strides, 1), pads)
    weights = numbers(*lax.reduce_window(x, *arguments).shape)
    np.testing.assert_array_equal(reduce_window(x, *arguments), lax.reduce_window(x, *arguments))
    gradients = [
        jax.grad(lambda x, f=f: (f(x, *arguments) * weights).sum())(x) for f in (lax.reduce_window, reduce_window)
    ]
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-5, atol=1e-6)


def test_other_windows_are_xlas_own():
    x = numbers(2, 8, 8, 3)
    arguments = (0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    np.testing.assert_array_equal(reduce_window(x, *arguments), lax.reduce_window(x, *arguments))


def test_only_within_and_put_back_after_an_error():
    before = lax.conv_general_dilated, lax.reduce_window

    def use():
        with fast_convolutions(), fast_convolutions():
            assert (lax.conv_general_dilated, lax.reduce_window) == (convolve, reduce_window)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()
    assert (lax.conv_general_dilated, lax.reduce_window) == before


def test_elsewhere_than_on_a_cpu_nothing_changes(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    before = lax.conv_general_dilated
    with fast_convolutions():
        assert lax.conv_general_dilated is before


@pytest.mark.parametrize(
    ("layer", "slow"),
    [
        (layers.Conv2D(2, 3), False),
        (layers.Conv2D(2, 8), False),
        (layers.Conv2D(2, 9), True),
        (layers.Conv2D(4, 9, groups=2), False),  # XLA's own, in a loop or not
        (layers.Conv2DTranspose(2, 3), True),
        (layers.Dense(2), False),
        (keras.Sequential([layers.Conv2D(2, 9)]), True),
        (layers.TimeDistributed(layers.Conv1D(2, 65)), True),
    ],
)
def test_which_are_slow_in_a_loop(layer, slow):
    assert is_slow_in_a_loop(keras.Sequential([layer])) == slow
