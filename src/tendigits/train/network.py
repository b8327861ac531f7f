"""The network of a recipe, as a plain compiled `keras.Sequential`.

model = compile_network(build_network(Recipe()), Recipe())
"""

from itertools import pairwise

import keras
import numpy as np

from tendigits.train.recipe import Recipe

PIXELS = 784
CLASSES = 10


def build_network(recipe: Recipe) -> keras.Sequential:
    """Dense and Dropout for each hidden layer, then Dense 10 softmax: float32 (n, 784) -> (n, 10), rows sum to 1.

    Every layer that draws random numbers has a seed of its own, so the same recipe gives the same weights
    whatever else the program has drawn.
    """
    layers: list[keras.Layer] = [keras.Input((PIXELS,))]
    seeds = map(int, np.random.SeedSequence(recipe.seed).generate_state(2 * len(recipe.hidden) + 1))
    for units in recipe.hidden:
        initializer = keras.initializers.GlorotUniform(seed=next(seeds))
        layers.append(keras.layers.Dense(units, activation=recipe.activation, kernel_initializer=initializer))
        layers.append(keras.layers.Dropout(recipe.dropout, seed=next(seeds)))
    initializer = keras.initializers.GlorotUniform(seed=next(seeds))
    layers.append(keras.layers.Dense(CLASSES, activation="softmax", kernel_initializer=initializer))
    return keras.Sequential(layers, name=recipe.name.replace(".", "_").replace("-", "_"))


def compile_network(model: keras.Model, recipe: Recipe) -> keras.Model:
    """Compile `model` in place with the recipe's optimizer, loss and metrics, and return it."""
    optimizer = keras.optimizers.get(
        {"class_name": recipe.optimizer, "config": {"learning_rate": recipe.learning_rate}}
    )
    model.compile(optimizer=optimizer, loss=recipe.loss, metrics=list(recipe.metrics))
    return model


def count_parameters(recipe: Recipe) -> int:
    """How many weights and biases the recipe's network has, without building it; 669,706 for classic."""
    widths = (PIXELS, *recipe.hidden, CLASSES)
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(widths))


def summary(model: keras.Model) -> str:
    """Keras' table of layers, shapes and parameters, as text of at most 79 columns."""
    lines: list[str] = []
    model.summary(line_length=79, print_fn=lambda line, **_: lines.append(line))
    return "\n".join(lines).rstrip()
