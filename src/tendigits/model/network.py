"""The network of a recipe, as a plain compiled `keras.Sequential`.

model = compile_network(build_network(Recipe()), Recipe())
"""

import re
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from tendigits.model.recipe import Convolution, Recipe

PIXELS = 784
SIDE = 28
CLASSES = 10

MOMENTUM = 0.97
"""Of batch normalisation's mean and variance: with few epochs Keras' 0.99 lags behind the weights."""

WARM_UP = 0.25
"""Share of a one-cycle's steps in which the learning rate rises."""

LOWEST = 0.01
"""A one-cycle's first and last learning rate, of its highest."""


def build_network(recipe: Recipe) -> keras.Sequential:
    """Convolutions, then Dense and Dropout for each hidden layer, then Dense 10 softmax.

    float32 (n, 784) -> (n, 10), rows sum to 1. Every layer that draws random numbers has a seed of its own, so the
    same recipe gives the same weights whatever else the program has drawn.
    """
    n_layers = len(recipe.hidden) + len(recipe.convolutions)
    seeds = map(int, np.random.SeedSequence(recipe.seed).generate_state(2 * n_layers + 2))
    layers: list[keras.Layer] = [keras.Input((PIXELS,))]
    if recipe.convolutions:
        layers.append(keras.layers.Reshape((SIDE, SIDE, 1)))
        for convolution in recipe.convolution_layers:
            layers += _convolution(convolution, recipe, next(seeds))
        layers += [keras.layers.Flatten(), keras.layers.Dropout(recipe.dropout, seed=next(seeds))]
    for units in recipe.hidden:
        layers += _hidden(units, recipe, next(seeds))
        layers.append(keras.layers.Dropout(recipe.dropout, seed=next(seeds)))
    initializer = keras.initializers.GlorotUniform(seed=next(seeds))
    layers.append(keras.layers.Dense(CLASSES, activation="softmax", kernel_initializer=initializer))
    return keras.Sequential(layers, name=re.sub(r"[.-]", "_", recipe.name))


def compile_network(model: keras.Model, recipe: Recipe, steps: int = 1) -> keras.Model:
    """Compile `model` in place with the recipe's optimizer, loss and metrics, and return it.

    Args:
        steps: of the whole training, over which a schedule goes.
    """
    model.compile(optimizer=optimizer_of(recipe, steps), loss=_loss(recipe), metrics=list(recipe.metrics))
    return model


def optimizer_of(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """The recipe's optimizer, with its schedule over so many steps."""
    settings: dict[str, Any] = {"learning_rate": rate(recipe, steps)}
    if recipe.weight_decay:
        settings["weight_decay"] = recipe.weight_decay
    if recipe.ema_momentum:
        settings |= {"use_ema": True, "ema_momentum": recipe.ema_momentum}
    return keras.optimizers.get({"class_name": recipe.optimizer, "config": settings})


def rate(recipe: Recipe, steps: int) -> Any:
    """The learning rate, or its schedule over so many steps."""
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
    """How many weights and biases the recipe's network has, all members together, without building it.

    669,706 for classic. Of a batch normalisation also the mean and variance that it remembers,
    as Keras counts.
    """
    total, channels, side = 0, 1, SIDE
    for convolution in recipe.convolution_layers:
        total += convolution.kernel**2 * channels * convolution.filters + 4 * convolution.filters
        channels, side = convolution.filters, -(-side // convolution.stride)
    width = side * side * channels
    for units in recipe.hidden:
        total += (width + 1) * units + (4 * units if recipe.batch_norm else 0)
        width = units
    return recipe.ensemble_size * (total + (width + 1) * CLASSES)


def predict(model: keras.Model, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The network's answer: float32 (n, 784) in [0, 1] -> float32 (n, 10), rows sum to 1."""
    answers: np.ndarray[Any, Any] = np.asarray(model.predict(x, batch_size=1000, verbose=0))
    return answers


def summary(model: keras.Model) -> str:
    """Keras' table of layers, shapes and parameters, as text of at most 79 columns."""
    lines: list[str] = []
    model.summary(line_length=79, print_fn=lambda line, **_: lines.append(line))
    return "\n".join(lines).rstrip()


def _convolution(convolution: Convolution, recipe: Recipe, seed: int) -> Iterator[keras.Layer]:
    # Strides in place of pooling: less to compute. The bias would be undone by the normalisation.
    yield keras.layers.Conv2D(
        convolution.filters, convolution.kernel, convolution.stride, "same", use_bias=False,
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
    )  # fmt: skip
    yield keras.layers.BatchNormalization(momentum=MOMENTUM)
    yield keras.layers.Activation(recipe.activation)


def _hidden(units: int, recipe: Recipe, seed: int) -> Iterator[keras.Layer]:
    initializer = keras.initializers.GlorotUniform(seed=seed)
    if not recipe.batch_norm:
        yield keras.layers.Dense(units, activation=recipe.activation, kernel_initializer=initializer)
        return
    yield keras.layers.Dense(units, kernel_initializer=initializer)
    yield keras.layers.BatchNormalization(momentum=MOMENTUM)
    yield keras.layers.Activation(recipe.activation)


def _loss(recipe: Recipe) -> Any:
    if not recipe.label_smoothing:
        return recipe.loss
    known = {
        "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
        "categorical_focal_crossentropy": keras.losses.CategoricalFocalCrossentropy,
    }
    return known[recipe.loss](label_smoothing=recipe.label_smoothing)
