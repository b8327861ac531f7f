"""JAX gives the same numbers as NumPy: three steps of the classic network, and a reduction with a known bug."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tendigits.data.preprocess import one_hot, to_input
from tendigits.engine.fit import fit
from tendigits.model.network import build_network, compile_network
from tendigits.model.recipe import Recipe

pytestmark = pytest.mark.slow  # `make test` disables XLA's optimisations; the slow tests compile as users do

BATCH, STEPS = 32, 3


def backpropagate(weights, x, y):
    """Mean cross entropy of relu layers with a softmax at the end, and its gradients: Rumelhart and others, 1986."""
    kernels, biases = weights[::2], weights[1::2]
    activations = [x]
    for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
        activations.append(np.maximum(activations[-1] @ kernel + bias, 0))
    logits = activations[-1] @ kernels[-1] + biases[-1]
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    loss = -(y * np.log(probabilities)).sum(axis=1).mean()
    delta, gradients = (probabilities - y) / len(x), []
    for kernel, activation in zip(kernels[::-1], activations[::-1], strict=True):
        gradients = [activation.T @ delta, delta.sum(axis=0), *gradients]
        delta = (delta @ kernel.T) * (activation > 0)
    return loss, gradients


def adam(weights, gradients, moments, step, rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """One step of Adam (Kingma and Ba, 2015) as in Keras: epsilon is not bias-corrected."""
    rate *= np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    for weight, gradient, (first, second) in zip(weights, gradients, moments, strict=True):
        first += (gradient - first) * (1 - beta_1)
        second += (gradient**2 - second) * (1 - beta_2)
        weight -= rate * first / (np.sqrt(second) + epsilon)


def test_three_steps_of_the_classic_network_equal_numpys(digits):
    recipe = Recipe(dropout=0.0)
    model = compile_network(build_network(recipe), recipe)
    x, y = to_input(digits.x_train[: STEPS * BATCH]), one_hot(digits.y_train[: STEPS * BATCH])
    weights = [weight.astype(np.float64) for weight in model.get_weights()]
    before = [weight.copy() for weight in weights]
    moments = [(np.zeros_like(weight), np.zeros_like(weight)) for weight in weights]
    losses = []
    for step in range(STEPS):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        loss, gradients = backpropagate(weights, x[rows].astype(np.float64), y[rows].astype(np.float64))
        adam(weights, gradients, moments, step + 1)
        losses.append(loss)

    history = fit(model, x, y, batch_size=BATCH, shuffle=False, verbose=0)

    np.testing.assert_allclose(history.history["loss"], [np.mean(losses)], rtol=1e-6)
    for found, expected, start in zip(model.get_weights(), weights, before, strict=True):
        moved = np.abs(expected - start)
        assert moved.max() > 1e-3
        assert np.abs(found - expected).max() < 2e-5  # a hundredth of a step, where a gradient is near zero
        assert np.abs(found - expected).mean() < 1e-3 * moved.mean()


def test_a_reduction_after_a_product():
    """jax 0.10.2 got it wrong on the CPU from 32,769 rows on (jax-ml/jax#39103), so it is excluded."""
    n = 32_769
    rows = np.zeros((n, 3), np.float32)
    rows[:, 0] = np.arange(n)
    squares = jax.jit(jax.vmap(lambda row: jnp.sum((jnp.eye(3) @ row) ** 2)))(rows)
    np.testing.assert_allclose(squares, rows[:, 0] ** 2, rtol=1e-6)
