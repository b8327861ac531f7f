"""Products of bfloat16 against NumPy's in float64, values and gradients."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from tendigits.engine.matmul import fast_products, matmul

rng = np.random.default_rng(0)


def numbers(*shape):
    """Random numbers that bfloat16 has, so that only the result is rounded."""
    return jnp.asarray(rng.standard_normal(shape), jnp.bfloat16)


@pytest.mark.parametrize("shape", [(6, 20), (2, 3, 20), (20,)], ids=["matrix", "stack", "vector"])
def test_products_and_gradients_are_numpys(shape):
    a, b = numbers(*shape), numbers(20, 8)
    g = numbers(*shape[:-1], 8)
    value = jax.jit(matmul)(a, b)
    da, db = jax.jit(lambda a, b, g: jax.vjp(matmul, a, b)[1](g))(a, b, g)
    exact_a, exact_b, exact_g = (np.asarray(array, np.float64) for array in (a, b, g))
    rows, seen = exact_a.reshape(-1, 20), exact_g.reshape(-1, 8)
    for found, expected in ((value, exact_a @ exact_b), (da, exact_g @ exact_b.T), (db, rows.T @ seen)):
        assert found.dtype == jnp.bfloat16
        np.testing.assert_allclose(np.asarray(found, np.float64), expected, rtol=2**-8, atol=1e-2)


def test_every_product_of_a_training_step_is_summed_in_float32():
    """Where a product's result is bfloat16, XLA's library does not take it."""
    layers = [keras.layers.Dense(units, "relu", dtype="mixed_bfloat16") for units in (8, 8)]
    model = keras.Sequential([keras.Input((20,)), *layers, keras.layers.Dense(3, "softmax", dtype="float32")])

    def loss(weights, x):
        return model.stateless_call(weights, [], x)[0].sum()

    with fast_products():
        step = str(jax.make_jaxpr(jax.grad(loss))([v.value for v in model.trainable_variables], jnp.ones((4, 20))))
    products = [line for line in step.splitlines() if "= dot_general[" in line]
    assert len(products) >= 8
    assert not [line for line in products if ":bf16" in line]


def test_other_products_are_left_alone():
    a, b = jnp.ones((2, 3)), jnp.ones((3, 4))
    assert matmul(a, b).dtype == jnp.float32
    assert matmul(a.astype(jnp.bfloat16), b).dtype == jnp.float32
    assert matmul(numbers(2, 3, 4), numbers(2, 4, 5)).shape == (2, 3, 5)
    assert matmul(numbers(2, 3), numbers(3, 4), preferred_element_type=jnp.float32).dtype == jnp.float32


def test_only_within_on_a_cpu_and_put_back_after_an_error(monkeypatch):
    before = jnp.matmul

    def use():
        with fast_products(), fast_products():
            assert jnp.matmul is matmul
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()
    assert jnp.matmul is before
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    with fast_products():
        assert jnp.matmul is before
