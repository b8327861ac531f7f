"""The recipe written by hand in JAX: an epoch is one compiled `lax.scan`, with its own Adam and dropout, no Keras.

It shows what a general `fit` for any Keras model costs compared with code for this one network.
"""

from functools import partial

import common
import jax
import jax.numpy as jnp

given = common.arguments()
(x, y), (x_test, y_test) = common.digits(given)
x, y = jnp.asarray(x), jnp.asarray(y)
n, batch = len(x), given.batch
whole = n // batch * batch
RATE, BETA_1, BETA_2, EPSILON, DROPOUT = 1e-3, 0.9, 0.999, 1e-7, 0.2


def start(key):
    """Glorot's uniform weights, and biases of zero."""
    sizes, glorot = [(784, 512), (512, 512), (512, 10)], jax.nn.initializers.glorot_uniform()
    keys = jax.random.split(key, len(sizes))
    return [(glorot(key, size), jnp.zeros(size[1])) for key, size in zip(keys, sizes, strict=True)]


def forward(weights, images, key=None):
    """Logits; with dropout where there is a key."""
    for w, b in weights[:-1]:
        images = jax.nn.relu(images @ w + b)
        if key is not None:
            key, own = jax.random.split(key)
            images = jnp.where(jax.random.bernoulli(own, 1 - DROPOUT, images.shape), images / (1 - DROPOUT), 0.0)
    w, b = weights[-1]
    return images @ w + b


def loss_of(weights, images, labels, key):
    """Mean cross entropy of a batch."""
    logs = jax.nn.log_softmax(forward(weights, images, key))
    return -jnp.take_along_axis(logs, labels[:, None], axis=1).mean()


def step(carried, rows):
    """Gradients of a batch, and Adam."""
    weights, means, squares, count, key, total = carried
    key, own = jax.random.split(key)
    loss, gradients = jax.value_and_grad(loss_of)(weights, x[rows], y[rows], own)
    count += 1
    rate = RATE * jnp.sqrt(1 - BETA_2**count) / (1 - BETA_1**count)
    means = jax.tree.map(lambda m, g: m + (g - m) * (1 - BETA_1), means, gradients)
    squares = jax.tree.map(lambda v, g: v + (g * g - v) * (1 - BETA_2), squares, gradients)
    weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + EPSILON), weights, means, squares)
    return (weights, means, squares, count, key, total + loss * len(rows)), None


@partial(jax.jit, donate_argnums=0)
def run_epoch(carried):
    """One pass over the shuffled digits; the last batch may be smaller."""
    *state, key, _ = carried
    key, own = jax.random.split(key)
    order = jax.random.permutation(own, n)
    carried, _ = jax.lax.scan(step, (*state, key, jnp.zeros(())), order[:whole].reshape(-1, batch))
    return step(carried, order[whole:])[0] if whole < n else carried


key = jax.random.key(0)
weights = start(key)
zeros = jax.tree.map(jnp.zeros_like, weights)
carried = (weights, zeros, jax.tree.map(jnp.zeros_like, weights), jnp.zeros((), "float32"), key, jnp.zeros(()))


def epoch() -> float:
    """One pass; the mean loss, for which it waits."""
    global carried
    carried = jax.block_until_ready(run_epoch(carried))
    return float(carried[-1]) / n


seconds, loss = common.time_epochs(given.epochs, epoch)
peak = common.peak_mb()
accuracy = float((forward(carried[0], jnp.asarray(x_test)).argmax(1) == jnp.asarray(y_test)).mean())
common.say("jax_scan", seconds, loss, peak, accuracy, "jax", "numpy")
