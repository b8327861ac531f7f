"""Against XLA's own convolution and pooling, values and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tendigits.engine.conv import convolve, fast_convolutions, reduce_window

rng = np.random.default_rng(0)


def numbers(*shape):
    return jnp.asarray(rng.standard_normal(shape), "float32")


IMAGE = ("NHWC", "HWIO", "NHWC")


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "strides", "padding", "layout", "others"),
    [
        ((2, 9, 8, 3), (3, 3, 3, 5), (2, 3), "SAME", IMAGE, {}),
        ((2, 9, 8, 3), (3, 2, 3, 5), (1, 2), ((1, 2), (0, 3)), IMAGE, {"rhs_dilation": (2, 3)}),
        ((2, 9, 3), (3, 3, 5), (1,), "SAME", ("NHC", "HIO", "NHC"), {}),
        ((2, 5, 6, 4, 3), (2, 3, 2, 3, 5), (1, 1, 1), "VALID", ("NHWDC", "HWDIO", "NHWDC"), {}),
        ((2, 3, 9, 8), (5, 3, 3, 3), (1, 1), "SAME", ("NCHW", "OIHW", "NCHW"), {}),
        ((2, 9, 8, 4), (3, 3, 2, 6), (1, 1), "VALID", IMAGE, {"feature_group_count": 2}),
        ((2, 9, 8, 3), (3, 3, 3, 5), (1, 1), ((1, 1), (1, 1)), IMAGE, {"lhs_dilation": (2, 2)}),
        ((2, 20, 20, 1), (9, 9, 1, 2), (1, 1), "VALID", IMAGE, {}),
    ],
    ids=["strides", "padding and dilation", "1d", "3d", "channels first", "groups", "transposed", "large kernel"],
)
def test_convolution_equals_xlas(x_shape, w_shape, strides, padding, layout, others):
    x, w = numbers(*x_shape), numbers(*w_shape)

    def values_and_gradients(function):
        @jax.jit  # compiles once, not each of the operations
        def both(x, w):
            y, gradient = jax.vjp(
                lambda x, w: function(x, w, strides, padding, dimension_numbers=layout, **others), x, w
            )
            return y, *gradient(jnp.cos(jnp.arange(y.size, dtype="float32")).reshape(y.shape))

        return both(x, w)

    for expected, found in zip(*map(values_and_gradients, (lax.conv_general_dilated, convolve)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("window", "strides", "padding"),
    [((2, 2), (2, 2), "VALID"), ((3, 3), (2, 2), "SAME"), ((2, 3), (1, 2), ((0, 0), (0, 1), (1, 1), (0, 0)))],
)
def test_pooling_equals_xlas_also_for_equal_values(window, strides, padding):
    x = jnp.asarray(rng.integers(0, 3, (2, 9, 8, 3)), "float32")
    arguments = (-jnp.inf, lax.max, (1, *window, 1), (1, *strides, 1), padding)
    expected, expected_gradient = jax.vjp(lambda x: lax.reduce_window(x, *arguments), x)
    found, gradient = jax.vjp(lambda x: reduce_window(x, *arguments), x)
    np.testing.assert_array_equal(found, expected)
    cotangent = numbers(*expected.shape)
    np.testing.assert_allclose(gradient(cotangent)[0], expected_gradient(cotangent)[0], rtol=1e-5, atol=1e-6)


def test_lax_is_restored_after_an_error():
    before = lax.conv_general_dilated, lax.reduce_window

    def use():
        with fast_convolutions(), fast_convolutions():
            assert (lax.conv_general_dilated, lax.reduce_window) == (convolve, reduce_window)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()
    assert (lax.conv_general_dilated, lax.reduce_window) == before


def test_on_a_gpu_lax_is_not_replaced(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    before = lax.conv_general_dilated
    with fast_convolutions():
        assert lax.conv_general_dilated is before
