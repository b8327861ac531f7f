"""The arrays that a network is trained and tested on: digits as floats, one-hot labels, a validation split.

dataset, inputs = load_inputs(recipe)
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tendigits.data import preprocess
from tendigits.data.dataset import Dataset, stratified_split
from tendigits.data.load import load
from tendigits.errors import DataError
from tendigits.model.recipe import Recipe

OWN_PART = 0.25  # a person's own digits are repeated until there is one for each four others, as in the playground
VALIDATION_SEED = 0  # for every recipe: runs with different seeds hold out the same digits and can be compared


@dataclass(frozen=True)
class Inputs:
    """Network inputs, float32 (n, 784) in [0, 1], and one-hot labels, float32 (n, 10)."""

    x: np.ndarray
    y: np.ndarray
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    own_copies: int = 0  # how often each of a person's own digits occurs in x


def load_inputs(
    recipe: Recipe, path: str | Path | None = None, also: str | Path | None = None
) -> tuple[Dataset, Inputs]:
    """Load digits, and own ones to learn with them, and prepare them. Raises DataError."""
    dataset = load(path, also)
    return dataset, prepare_inputs(dataset, recipe)


def prepare_inputs(dataset: Dataset, recipe: Recipe) -> Inputs:
    """Convert pixels to network inputs, hold out the recipe's validation split, and add own digits.

    Raises DataError if there is nothing to tell apart, or too little to hold out.
    """

    def convert(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return preprocess.to_input(x), preprocess.one_hot(y)

    x, y = dataset.x_train, dataset.y_train
    if len(classes := np.unique(y)) < 2:
        raise DataError(f"expected at least 2 different digits to train on, received {classes.tolist()}; add another")
    test = validation = convert(dataset.x_test, dataset.y_test)
    if recipe.validation_split:
        x, y, *held_out = stratified_split(x, y, recipe.validation_split, VALIDATION_SEED)
        validation = convert(*held_out)
    if (own := dataset.own_digits) is None:
        return Inputs(*convert(x, y), validation, test)
    copies = max(1, round(OWN_PART * len(y) / len(own.y_train)))
    x, y = np.concatenate([x, *[own.x_train] * copies]), np.concatenate([y, *[own.y_train] * copies])
    return Inputs(*convert(x, y), validation, test, copies)
