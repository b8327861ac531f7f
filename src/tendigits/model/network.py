"""The network of a recipe, as a plain Keras model: Sequential, or functional if it has skip connections.

model = compile_network(build_network(Recipe()), Recipe())
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Any

import keras
import numpy as np

from tendigits.model.recipe import ADAMS, Recipe

IMAGE_SIZE = 28  # width and height of a digit, in pixels
PIXELS = IMAGE_SIZE * IMAGE_SIZE
CLASSES = 10
MOMENTUM = 0.97  # of batch normalization's moving averages: in few epochs Keras' 0.99 lags behind the weights
WARM_UP_FRACTION = 0.25  # fraction of the steps in which a one-cycle's learning rate rises
MIN_RATE_FRACTION = 0.01  # a one-cycle's first and last learning rate, as a fraction of its peak


def build_network(recipe: Recipe) -> keras.Model:
    """Convolutions, then Dense and Dropout for each hidden layer, then Dense 10 softmax.

    float32 (n, 784) -> (n, 10), rows sum to 1. Every layer that draws random numbers has its own seed, so a recipe
    always gives the same weights.
    """
    n_layers = len(recipe.hidden) + len(recipe.convolutions)
    seeds = map(int, np.random.SeedSequence(recipe.seed).generate_state(3 * n_layers + 2))
    name = re.sub(r"[.-]", "_", recipe.name)
    image = keras.Input((PIXELS,))
    convolutions, hidden = [*_convolutions(recipe, seeds)], [*_hidden(recipe, seeds)]
    output = keras.layers.Dense(CLASSES, activation="softmax", kernel_initializer=_glorot(seeds))
    if recipe.residual:
        return keras.Model(image, output(_residual(_apply(convolutions, image), hidden, seeds)), name=name)
    return keras.Sequential([image, *convolutions, *chain.from_iterable(hidden), output], name=name)


def compile_network(model: keras.Model, recipe: Recipe, steps: int = 1) -> keras.Model:
    """Compile `model` in place with the recipe's optimizer, loss and metrics, and return it.

    Args:
        steps: in the whole training, for a learning rate schedule.
    """
    settings: dict[str, Any] = {"learning_rate": rate(recipe, steps)}
    if recipe.optimizer in ADAMS:
        settings |= {"beta_1": recipe.beta_1, "beta_2": recipe.beta_2}
    if recipe.weight_decay:
        settings["weight_decay"] = recipe.weight_decay
    if recipe.ema_momentum:
        settings |= {"use_ema": True, "ema_momentum": recipe.ema_momentum}
    optimizer = keras.optimizers.get({"class_name": recipe.optimizer, "config": settings})
    loss: Any = recipe.loss
    if recipe.label_smoothing:
        class_name = recipe.loss.title().replace("_", "")
        loss = keras.losses.get({"class_name": class_name, "config": {"label_smoothing": recipe.label_smoothing}})
    model.compile(optimizer=optimizer, loss=loss, metrics=list(recipe.metrics))
    return model


def rate(recipe: Recipe, steps: int) -> Any:
    """The learning rate, or its schedule over `steps`."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    warm_up = max(1, round(WARM_UP_FRACTION * steps))
    return keras.optimizers.schedules.CosineDecay(
        MIN_RATE_FRACTION * recipe.learning_rate,
        decay_steps=max(1, steps - warm_up),
        alpha=MIN_RATE_FRACTION,
        warmup_target=recipe.learning_rate,
        warmup_steps=warm_up,
    )


def count_parameters(recipe: Recipe) -> int:
    """Number of weights and biases of the recipe's network or whole ensemble, without building it.

    669,706 for classic. The moving mean and variance of batch normalization are included, as in Keras.
    """
    total, channels, side = 0, 1, IMAGE_SIZE
    for convolution in recipe.convolution_layers:
        total += convolution.kernel**2 * channels * convolution.filters + 4 * convolution.filters
        channels, side = convolution.filters, -(-side // convolution.stride)
    width = side * side * channels
    for units in recipe.hidden:
        total += (width + 1) * units + (4 * units if recipe.batch_norm else 0)
        width = units
    if recipe.residual:
        total += sum(before * units for before, units in pairwise(recipe.hidden) if before != units)
    return recipe.ensemble_size * (total + (width + 1) * CLASSES)


def predict(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Class probabilities: float32 (n, 784) in [0, 1] -> float32 (n, 10), rows sum to 1."""
    return np.asarray(model.predict(x, batch_size=1000, verbose=0), np.float32)


def in_float32(model: keras.Model) -> keras.Model:
    """Let `model`, which has not predicted yet, compute in float32 from now on, and return it.

    Mixed precision is for training. With the same weights in float32 a network answers alike on every processor, and as
    its exports do.
    """
    for layer in model._flatten_layers():
        if layer.dtype_policy.name.startswith("mixed_"):
            layer.dtype_policy = layer.variable_dtype
    return model


def summary(model: keras.Model) -> str:
    """Keras' table of layers, shapes and parameters, as text of at most 79 columns."""
    lines: list[str] = []
    model.summary(line_length=79, print_fn=lambda line, **_: lines.append(line))
    return "\n".join(lines).rstrip()


def _convolutions(recipe: Recipe, seeds: Iterator[int]) -> Iterator[keras.Layer]:
    """Convolution, batch normalization, activation: with strides, which cost less than pooling, and without bias."""
    if not recipe.convolutions:
        return
    yield keras.layers.Reshape((IMAGE_SIZE, IMAGE_SIZE, 1))
    for layer in recipe.convolution_layers:
        yield keras.layers.Conv2D(
            layer.filters, layer.kernel, layer.stride, "same", use_bias=False, kernel_initializer=_glorot(seeds)
        )
        yield keras.layers.BatchNormalization(momentum=MOMENTUM)
        yield keras.layers.Activation(recipe.activation)
    yield keras.layers.Flatten()
    yield keras.layers.Dropout(recipe.dropout, seed=next(seeds))


def _hidden(recipe: Recipe, seeds: Iterator[int]) -> Iterator[list[keras.Layer]]:
    """For each hidden layer: Dense, batch normalization, activation, dropout."""
    for number, units in enumerate(recipe.hidden):
        initializer = _glorot(seeds)
        if recipe.residual and number:  # scaled down, so that the sum of all blocks does not grow with their number
            scale = 1 / (len(recipe.hidden) - 1)
            initializer = keras.initializers.VarianceScaling(scale, "fan_avg", "uniform", seed=initializer.seed)
        separate = recipe.batch_norm or recipe.residual
        activation = None if separate else recipe.activation
        yield [
            keras.layers.Dense(units, activation=activation, kernel_initializer=initializer),
            *([keras.layers.BatchNormalization(momentum=MOMENTUM)] if recipe.batch_norm else []),
            *([keras.layers.Activation(recipe.activation)] if separate else []),
            keras.layers.Dropout(recipe.dropout, seed=next(seeds)),
        ]


def _residual(x: Any, hidden: Sequence[Sequence[keras.Layer]], seeds: Iterator[int]) -> Any:
    """Connect the hidden layers as pre-activation residual blocks: sum += Dense(dropout(activation(norm(sum)))).

    If the widths differ, the sum is projected. He, Zhang, Ren, Sun, "Identity mappings in deep residual networks",
    ECCV 2016, https://arxiv.org/abs/1603.05027
    """
    (dense, *activation), *blocks = hidden
    policy = dense.dtype_policy
    total = dense(x)
    for dense, *next_activation in blocks:
        branch = dense(_apply(activation, total))
        if total.shape[-1] != dense.units:
            weights = _glorot(seeds)
            total = keras.layers.Dense(dense.units, use_bias=False, kernel_initializer=weights, dtype=policy)(total)
        total = keras.layers.Add(dtype=policy)([total, branch])
        activation = next_activation
    return _apply(activation, total)


def _glorot(seeds: Iterator[int]) -> keras.Initializer:
    return keras.initializers.GlorotUniform(seed=next(seeds))


def _apply(layers: Sequence[keras.Layer], x: Any) -> Any:
    for layer in layers:
        x = layer(x)
    return x
