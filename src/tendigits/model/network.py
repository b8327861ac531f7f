"""The network of a recipe, as a plain Keras model: Sequential, or functional where it has skip connections.

model = compile_network(build_network(Recipe()), Recipe())
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Any

import keras
import numpy as np

from tendigits.model.recipe import Recipe

PIXELS = 784
SIDE = 28
CLASSES = 10

MOMENTUM = 0.97
"""Momentum of batch normalization's moving mean and variance: in few epochs Keras' 0.99 lags behind the weights."""

WARM_UP = 0.25
"""Fraction of the steps in which a one-cycle's learning rate rises."""

LOWEST = 0.01
"""A one-cycle's first and last learning rate, as a fraction of its peak."""


def build_network(recipe: Recipe) -> keras.Model:
    """Convolutions, then Dense and Dropout for each hidden layer, then Dense 10 softmax.

    float32 (n, 784) -> (n, 10), rows sum to 1. Every layer that draws random numbers has its own seed, so the same
    recipe gives the same weights whatever else the program has drawn.
    """
    n_layers = len(recipe.hidden) + len(recipe.convolutions)
    seeds = map(int, np.random.SeedSequence(recipe.seed).generate_state(3 * n_layers + 2))
    name = re.sub(r"[.-]", "_", recipe.name)
    image = keras.Input((PIXELS,))
    convolutions = [*_convolutions(recipe, seeds)]
    hidden = [*_hidden(recipe, seeds)]
    initializer = keras.initializers.GlorotUniform(seed=next(seeds))
    output = keras.layers.Dense(CLASSES, activation="softmax", kernel_initializer=initializer)
    if recipe.residual:
        return keras.Model(image, output(_residual(_apply(convolutions, image), hidden, seeds)), name=name)
    return keras.Sequential([image, *convolutions, *chain.from_iterable(hidden), output], name=name)


def compile_network(model: keras.Model, recipe: Recipe, steps: int = 1) -> keras.Model:
    """Compile `model` in place with the recipe's optimizer, loss and metrics, and return it.

    Args:
        steps: in the whole training, for a learning rate schedule.
    """
    settings: dict[str, Any] = {"learning_rate": rate(recipe, steps)}
    if recipe.weight_decay:
        settings["weight_decay"] = recipe.weight_decay
    if recipe.ema_momentum:
        settings |= {"use_ema": True, "ema_momentum": recipe.ema_momentum}
    optimizer = keras.optimizers.get({"class_name": recipe.optimizer, "config": settings})
    model.compile(optimizer=optimizer, loss=_loss(recipe), metrics=list(recipe.metrics))
    return model


def rate(recipe: Recipe, steps: int) -> Any:
    """The learning rate, or its schedule over `steps`."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    warm_up = max(1, round(WARM_UP * steps))
    return keras.optimizers.schedules.CosineDecay(
        LOWEST * recipe.learning_rate,
        decay_steps=max(1, steps - warm_up),
        alpha=LOWEST,
        warmup_target=recipe.learning_rate,
        warmup_steps=warm_up,
    )


def count_parameters(recipe: Recipe) -> int:
    """Number of weights and biases of the recipe's network or whole ensemble, without building it.

    669,706 for classic. As in Keras' count, the moving mean and variance of batch normalization are included.
    """
    total, channels, side = 0, 1, SIDE
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
    """Make a model that was trained with mixed precision compute in float32, and return it.

    It must not have predicted yet. With the same weights, its predictions then match those of its exports.
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
    """Strides in place of pooling, which cost less. No bias: batch normalization would undo it."""
    if not recipe.convolutions:
        return
    yield keras.layers.Reshape((SIDE, SIDE, 1))
    for layer in recipe.convolution_layers:
        yield keras.layers.Conv2D(
            layer.filters, layer.kernel, layer.stride, "same", use_bias=False,
            kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
        )  # fmt: skip
        yield keras.layers.BatchNormalization(momentum=MOMENTUM)
        yield keras.layers.Activation(recipe.activation)
    yield keras.layers.Flatten()
    yield keras.layers.Dropout(recipe.dropout, seed=next(seeds))


def _hidden(recipe: Recipe, seeds: Iterator[int]) -> Iterator[list[keras.Layer]]:
    """For each hidden layer: Dense, batch normalization, activation, dropout."""
    for number, units in enumerate(recipe.hidden):
        initializer = keras.initializers.GlorotUniform(seed=next(seeds))
        if recipe.residual and number:  # scaled, so that the sum over all blocks does not grow with their number
            scale = 1 / (len(recipe.hidden) - 1)
            initializer = keras.initializers.VarianceScaling(scale, "fan_avg", "uniform", seed=initializer.seed)
        is_apart = recipe.batch_norm or recipe.residual
        activation = None if is_apart else recipe.activation
        layers = [keras.layers.Dense(units, activation=activation, kernel_initializer=initializer)]
        if recipe.batch_norm:
            layers.append(keras.layers.BatchNormalization(momentum=MOMENTUM))
        if is_apart:
            layers.append(keras.layers.Activation(recipe.activation))
        yield [*layers, keras.layers.Dropout(recipe.dropout, seed=next(seeds))]


def _residual(x: Any, hidden: Sequence[Sequence[keras.Layer]], seeds: Iterator[int]) -> Any:
    """Connect the hidden layers as pre-activation residual blocks: Dense(dropout(activation(norm(sum)))) joins the sum.

    Where the widths differ the sum is projected. He, Zhang, Ren, Sun, "Identity mappings in deep residual networks",
    ECCV 2016, https://arxiv.org/abs/1603.05027
    """
    (dense, *activation), *blocks = hidden
    total = dense(x)
    for dense, *next_activation in blocks:
        branch = dense(_apply(activation, total))
        if total.shape[-1] != dense.units:
            initializer = keras.initializers.GlorotUniform(seed=next(seeds))
            project = keras.layers.Dense(dense.units, use_bias=False, kernel_initializer=initializer)
            total = project(total)
        total = keras.layers.Add()([total, branch])
        activation = next_activation
    return _apply(activation, total)


def _apply(layers: Sequence[keras.Layer], x: Any) -> Any:
    for layer in layers:
        x = layer(x)
    return x


def _loss(recipe: Recipe) -> Any:
    if not recipe.label_smoothing:
        return recipe.loss
    known = {
        "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
        "categorical_focal_crossentropy": keras.losses.CategoricalFocalCrossentropy,
    }
    return known[recipe.loss](label_smoothing=recipe.label_smoothing)
